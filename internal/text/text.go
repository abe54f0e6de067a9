// Package text holds the words of the product: one catalogue a language, and how numbers and times are written.
package text

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed en.json
var catalogues embed.FS

// Locale is how a person reads: their language and the zone of their site.
type Locale struct {
	words *words
	zone  *time.Location
}

type words struct {
	localizer *i18n.Localizer
	plain     map[string]string // what has no gaps and no plural, ready to say
	numbers   *message.Printer
}

var english = load("en.json", language.English)

func load(file string, tag language.Tag) *words {
	raw, err := catalogues.ReadFile(file)
	if err != nil {
		panic(err) // embedded: can't be missing
	}
	bundle := i18n.NewBundle(tag)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	parsed, err := bundle.ParseMessageFileBytes(raw, file)
	if err != nil {
		panic(fmt.Sprintf("catalogue %s: %v", file, err))
	}
	w := &words{i18n.NewLocalizer(bundle, tag.String()), map[string]string{}, message.NewPrinter(tag)}
	for _, m := range parsed.Messages {
		if m.One == "" && !strings.Contains(m.Other, "{{") {
			w.plain[m.ID] = m.Other
		}
	}
	return w
}

// In is the locale of a person at a site in the zone.
func In(zone *time.Location) Locale { return Locale{english, zone} }

type key struct{}

// With gives a context whose texts are said in the locale.
func With(ctx context.Context, l Locale) context.Context { return context.WithValue(ctx, key{}, l) }

func from(ctx context.Context) Locale {
	if l, ok := ctx.Value(key{}).(Locale); ok {
		return l
	}
	return In(time.UTC)
}

// Say gives the sentence of a key with its gaps filled: args are pairs of a gap's name and its value. A gap "Count" that
// is an int picks the plural, and is written as a number. A key that the catalogue lacks shows as ⟦key⟧.
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
	if err != nil {
		return "⟦" + key + "⟧"
	}
	return said
}

// Has says whether the catalogue has a sentence for the key.
func Has(ctx context.Context, key string) bool {
	w := from(ctx).words
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

// Clock writes a time of day of the site, to the second.
func Clock(ctx context.Context, t time.Time) string { return t.In(from(ctx).zone).Format("15:04:05") }

// Day writes a date of the site.
func Day(ctx context.Context, t time.Time) string { return t.In(from(ctx).zone).Format(time.DateOnly) }

// Moment writes a date and time of the site with its offset, to the second.
func Moment(ctx context.Context, t time.Time) string {
	return t.In(from(ctx).zone).Format("2006-01-02 15:04:05 -07:00")
}

// Exactly writes a date and time of the site with its offset, to the millisecond.
func Exactly(ctx context.Context, t time.Time) string {
	return t.In(from(ctx).zone).Format("2006-01-02 15:04:05.000 -07:00")
}

// Lasting writes how long something took or has lasted, in its two greatest units at most.
func Lasting(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}
