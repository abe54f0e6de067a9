// Package text holds the words of the product: one catalogue a language, and how numbers and times are written.
package text

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed *.json
var catalogues embed.FS

// Language is one that the product speaks, by its BCP 47 tag.
type Language string

// English is spoken where nothing else is wanted, and wherever another catalogue should lack a sentence.
const English Language = "en"

// Languages are all of them, by their own names' alphabet.
var Languages = []Language{"de", English, "es", "fr", "hu"}

// manners are how a language calls itself and writes what is no sentence.
type manners struct {
	name string
	date string // as [time.Time.Format] takes it
	day  string // unit of days; those of hours and less are the same everywhere
}

var mannersOf = map[Language]manners{
	"de":    {"Deutsch", "02.01.2006", "T"},
	English: {"English", "2006-01-02", "d"},
	"es":    {"Español", "02/01/2006", "d"},
	"fr":    {"Français", "02/01/2006", "j"},
	"hu":    {"Magyar", "2006. 01. 02.", "nap"},
}

// Known says whether the product speaks the language.
func (l Language) Known() bool { return mannersOf[l].name != "" }

// Name is the language's name in itself.
func (l Language) Name() string { return mannersOf[l].name }

// Locale is how a person reads: their language and the zone of their site.
type Locale struct {
	words *words
	zone  *time.Location
}

type words struct {
	manners
	language  Language
	localizer *i18n.Localizer
	plain     map[string]string // what has no gaps and no plural, ready to say
	numbers   *message.Printer
	point     string // between a number's whole part and the rest
}

var (
	spoken  = map[Language]*words{}
	matcher language.Matcher
)

func init() {
	tags := []language.Tag{language.English} // the first is for those whom none fits
	for _, l := range Languages {
		spoken[l] = load(l)
		if l != English {
			tags = append(tags, language.Make(string(l)))
		}
	}
	matcher = language.NewMatcher(tags)
}

func load(l Language) *words {
	tag := language.Make(string(l))
	bundle := i18n.NewBundle(tag)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	w := &words{
		manners: mannersOf[l], language: l, localizer: i18n.NewLocalizer(bundle, tag.String()),
		plain: map[string]string{}, numbers: message.NewPrinter(tag),
	}
	w.point = strings.Trim(w.numbers.Sprintf("%.1f", 0.5), "05")
	file := string(l) + ".json"
	raw, err := catalogues.ReadFile(file)
	if err != nil {
		panic(err) // embedded: can't be missing
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

// Preferred is the language of ours that suits what a browser asks for (RFC 9110, Accept-Language) best.
func Preferred(acceptLanguage string) Language {
	tag, _ := language.MatchStrings(matcher, acceptLanguage)
	base, _ := tag.Base()
	return Language(base.String())
}

// In is the locale of a person who reads a language, at a site in the zone. A language that the product does not speak
// counts as English.
func In(l Language, zone *time.Location) Locale {
	w := spoken[l]
	if w == nil {
		w = spoken[English]
	}
	return Locale{w, zone}
}

type key struct{}

// With gives a context whose texts are said in the locale.
func With(ctx context.Context, l Locale) context.Context { return context.WithValue(ctx, key{}, l) }

func from(ctx context.Context) Locale {
	if l, ok := ctx.Value(key{}).(Locale); ok {
		return l
	}
	return In(English, time.UTC)
}

// Of is the language that the context's texts are said in.
func Of(ctx context.Context) Language { return from(ctx).words.language }

// Say gives the sentence of a key with its gaps filled: args are pairs of a gap's name and its value. A gap "Count" that
// is an int picks the plural, and is written as a number. A key that the catalogue lacks is said in English; one that
// English lacks too shows as ⟦key⟧.
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
	if err == nil {
		return said
	}
	if english := spoken[English]; w != english {
		return Say(With(ctx, Locale{english, from(ctx).zone}), key, args...)
	}
	return "⟦" + key + "⟧"
}

// Has says whether there is a sentence for the key.
func Has(ctx context.Context, key string) bool {
	w := spoken[English]
	if _, ok := w.plain[key]; ok {
		return true
	}
	_, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: 2})
	return err == nil
}

// Number writes a whole number as the language does.
func Number[N ~int | ~int64](ctx context.Context, n N) string {
	return from(ctx).words.numbers.Sprintf("%d", int64(n))
}

// Decimal writes a plain decimal number ("12500", "2.5") as the language does, and anything else as it is.
func Decimal(ctx context.Context, s string) string {
	whole, rest, parted := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || len(whole) > 12 || parted && (rest == "" || strings.Trim(rest, "0123456789") != "") {
		return s
	}
	written := Number(ctx, n)
	if parted {
		written += from(ctx).words.point + rest
	}
	return written
}

// Clock writes a time of day of the site, to the second.
func Clock(ctx context.Context, t time.Time) string { return t.In(from(ctx).zone).Format("15:04:05") }

// Day writes a date of the site.
func Day(ctx context.Context, t time.Time) string { return write(ctx, t, "") }

// Moment writes a date and time of the site with its offset, to the second.
func Moment(ctx context.Context, t time.Time) string { return write(ctx, t, " 15:04:05 -07:00") }

// Exactly writes a date and time of the site with its offset, to the millisecond.
func Exactly(ctx context.Context, t time.Time) string { return write(ctx, t, " 15:04:05.000 -07:00") }

func write(ctx context.Context, t time.Time, clock string) string {
	l := from(ctx)
	return t.In(l.zone).Format(l.words.date + clock)
}

// Date writes a date that is no moment of a site, such as an expiry.
func Date(ctx context.Context, t time.Time) string { return t.Format(from(ctx).words.date) }

// Lasting writes how long something took or has lasted, in its two greatest units at most.
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

// DayUnit is the unit in which [Lasting] writes days.
func DayUnit(ctx context.Context) string { return from(ctx).words.day }
