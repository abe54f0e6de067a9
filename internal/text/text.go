// Package text holds the words of the product: a catalogue for each language, and the formats of numbers and times.
package text

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed *.json
var catalogues embed.FS

// Language is a language of the product, as its BCP 47 tag.
type Language string

// English is the default. It also stands in for sentences that another catalogue lacks.
const English Language = "en"

// Languages are all languages, sorted by their own names.
var Languages = []Language{"de", English, "es", "fr", "hu"}

// format holds a language's own name, and how it writes dates, days and places.
type format struct {
	name  string
	date  string           // layout for [time.Time.Format]
	day   string           // unit of days; units of hours and less are the same everywhere
	place func(int) string // what follows the number of a place, as in "2nd"
}

var formats = map[Language]format{
	"de":    {"Deutsch", "02.01.2006", "T", always(".")},
	English: {"English", "2006-01-02", "d", englishPlace},
	"es":    {"Español", "02/01/2006", "d", always(".ª")},
	"fr":    {"Français", "02/01/2006", "j", frenchPlace},
	"hu":    {"Magyar", "2006. 01. 02.", "nap", always(".")},
}

func always(suffix string) func(int) string { return func(int) string { return suffix } }

func englishPlace(n int) string {
	if teen := n % 100; teen >= 11 && teen <= 13 {
		return "th"
	}
	switch n % 10 {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	}
	return "th"
}

func frenchPlace(n int) string {
	if n == 1 {
		return "er"
	}
	return "e"
}

// Known reports whether the product has the language.
func (l Language) Known() bool { return formats[l].name != "" }

// Name returns the language's own name.
func (l Language) Name() string { return formats[l].name }

// Locale is a person's language, and the time zone of their site.
type Locale struct {
	words *words
	zone  *time.Location
}

type words struct {
	format
	language  Language
	localizer *i18n.Localizer
	plain     map[string]string // texts without gaps and plurals
	numbers   *message.Printer
	point     string // decimal separator
}

// The words of each language are loaded when they are first needed: to load all of them takes as long as all else that
// a command does before it begins.
var loaded, matcher = func() (map[Language]func() *words, language.Matcher) {
	loaded := map[Language]func() *words{}
	tags := []language.Tag{language.English} // the first is the default of the matcher
	for _, l := range Languages {
		loaded[l] = sync.OnceValue(func() *words { return load(l) })
		if l != English {
			tags = append(tags, language.Make(string(l)))
		}
	}
	return loaded, language.NewMatcher(tags)
}()

// load panics on a mistake in the catalogue itself, which is embedded: tests load all.
func load(l Language) *words {
	tag := language.Make(string(l))
	bundle := i18n.NewBundle(tag)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	w := &words{
		format: formats[l], language: l, localizer: i18n.NewLocalizer(bundle, tag.String()),
		plain: map[string]string{}, numbers: message.NewPrinter(tag),
	}
	w.point = strings.Trim(w.numbers.Sprintf("%.1f", 0.5), "05")
	file := string(l) + ".json"
	raw, err := catalogues.ReadFile(file)
	if err != nil {
		panic(err)
	}
	parsed, err := bundle.ParseMessageFileBytes(raw, file)
	if err != nil {
		panic(fmt.Sprintf("catalogue %s: %v", file, err))
	}
	for _, m := range parsed.Messages {
		if m.One == "" && !strings.Contains(m.Other, "{{") {
			w.plain[m.ID] = m.Other
		}
	}
	return w
}

// Preferred returns the language that best fits a browser's Accept-Language header (RFC 9110).
func Preferred(acceptLanguage string) Language {
	tag, _ := language.MatchStrings(matcher, acceptLanguage)
	base, _ := tag.Base()
	return Language(base.String())
}

// In returns the locale of a language and a time zone. An unknown language counts as English.
func In(l Language, zone *time.Location) Locale {
	if !l.Known() {
		l = English
	}
	return Locale{loaded[l](), zone}
}

type key struct{}

// With returns a context whose texts are in the locale.
func With(ctx context.Context, l Locale) context.Context { return context.WithValue(ctx, key{}, l) }

func from(ctx context.Context) Locale {
	if l, ok := ctx.Value(key{}).(Locale); ok {
		return l
	}
	return In(English, time.UTC)
}

// Of returns the language of the context's texts.
func Of(ctx context.Context) Language { return from(ctx).words.language }

// Say returns the text of a key with its gaps filled: args are pairs of a gap's name and its value. An int as "Count"
// picks the plural, and is formatted as a number. If the language lacks the key, Say returns the English text. If
// English lacks it too, it returns ⟦key⟧.
func Say(ctx context.Context, key string, args ...any) string {
	w := from(ctx).words
	if plain, ok := w.plain[key]; ok {
		return plain
	}
	gaps := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		gaps[args[i].(string)] = args[i+1]
	}
	config := i18n.LocalizeConfig{MessageID: key, TemplateData: gaps}
	if n, ok := gaps["Count"].(int); ok {
		config.PluralCount = n
		gaps["Count"] = w.numbers.Sprintf("%d", n)
	}
	said, err := w.localizer.Localize(&config)
	if err != nil && config.PluralCount != nil { // a text with a number in it and one form for all numbers
		config.PluralCount = nil
		said, err = w.localizer.Localize(&config)
	}
	if err == nil {
		return said
	}
	if english := loaded[English](); w != english {
		return Say(With(ctx, Locale{english, from(ctx).zone}), key, args...)
	}
	return "⟦" + key + "⟧"
}

// Has reports whether there is a text for the key.
func Has(ctx context.Context, key string) bool {
	w := loaded[English]()
	if _, ok := w.plain[key]; ok {
		return true
	}
	_, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: 2})
	return err == nil
}

// InOwnWords returns, in the language of ctx, what another language said with a key that begins with prefix. What no
// language says so, it returns unchanged.
func InOwnWords(ctx context.Context, prefix, said string) string {
	for _, w := range loaded {
		for key, words := range w().plain {
			if words == said && strings.HasPrefix(key, prefix) {
				return Say(ctx, key)
			}
		}
	}
	return said
}

// Number formats a whole number for the language.
func Number[N ~int | ~int64](ctx context.Context, n N) string {
	return from(ctx).words.numbers.Sprintf("%d", int64(n))
}

// Place returns the number of a place, from 1, as in "2nd".
func Place(ctx context.Context, n int) string { return strconv.Itoa(n) + from(ctx).words.place(n) }

// Separator returns what parts the cells of a CSV file in a spreadsheet of the language: where decimals have a comma,
// the cells have a semicolon.
func Separator(ctx context.Context) byte {
	if from(ctx).words.point == "," {
		return ';'
	}
	return ','
}

// Decimal formats a plain decimal number ("12500", "2.5") for the language. It returns any other text unchanged.
func Decimal(ctx context.Context, s string) string {
	whole, fraction, hasPoint := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || len(whole) > 12 ||
		hasPoint && (fraction == "" || strings.Trim(fraction, "0123456789") != "") {
		return s
	}
	written := Number(ctx, n)
	if hasPoint {
		written += from(ctx).words.point + fraction
	}
	return written
}

// Clock formats a time of day in the site's zone, to the second.
func Clock(ctx context.Context, t time.Time) string { return t.In(from(ctx).zone).Format("15:04:05") }

// ShortClock formats a time of day in the site's zone, to the minute.
func ShortClock(ctx context.Context, t time.Time) string { return t.In(from(ctx).zone).Format("15:04") }

// Day formats a date in the site's zone.
func Day(ctx context.Context, t time.Time) string { return write(ctx, t, "") }

// Moment formats a date and time in the site's zone with its offset, to the second.
func Moment(ctx context.Context, t time.Time) string { return write(ctx, t, " 15:04:05 -07:00") }

// Exactly formats a date and time in the site's zone with its offset, to the millisecond.
func Exactly(ctx context.Context, t time.Time) string { return write(ctx, t, " 15:04:05.000 -07:00") }

func write(ctx context.Context, t time.Time, clock string) string {
	l := from(ctx)
	return t.In(l.zone).Format(l.words.date + clock)
}

// Date formats a date that belongs to no time zone, such as an expiry.
func Date(ctx context.Context, t time.Time) string { return t.Format(from(ctx).words.date) }

// Lasting formats a duration with at most two units.
func Lasting(ctx context.Context, d time.Duration) string {
	w := from(ctx).words
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return w.numbers.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d %s %d h", int(d.Hours())/24, w.day, int(d.Hours())%24)
}

// DayUnit returns the unit that [Lasting] uses for days.
func DayUnit(ctx context.Context) string { return from(ctx).words.day }
