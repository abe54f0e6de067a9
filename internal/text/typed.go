package text

import (
	"context"
	"strings"
	"time"
)

// typedDates are the layouts of dates as people type them: those of all languages, none of which two languages read
// differently.
var typedDates = []string{time.DateOnly, "2.1.2006", "2/1/2006", "2006.1.2"}

// PlainDate returns a date, typed as any of the languages writes it, as in "2006-01-02". It returns any other text
// unchanged.
func PlainDate(typed string) string {
	if date, ok := parseDate(typed); ok {
		return date.Format(time.DateOnly)
	}
	return typed
}

func parseDate(typed string) (time.Time, bool) {
	typed = strings.TrimSuffix(strings.ReplaceAll(typed, " ", ""), ".")
	for _, layout := range typedDates {
		if date, err := time.Parse(layout, typed); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}

// PlainMoment returns a date and a time of day as in "2006-01-02T15:04", and a date alone as [PlainDate] does. It
// returns any other text unchanged.
func PlainMoment(typed string) string {
	if at := strings.LastIndexAny(typed, " T"); at > 0 && strings.Contains(typed[at:], ":") {
		if date, ok := parseDate(typed[:at]); ok {
			return date.Format(time.DateOnly) + "T" + PlainClock(typed[at+1:])
		}
	}
	return PlainDate(typed)
}

// PlainClock returns a time of day with two digits for the hour.
func PlainClock(typed string) string {
	typed = strings.TrimSpace(typed)
	if hour, _, found := strings.Cut(typed, ":"); found && len(hour) == 1 {
		return "0" + typed
	}
	return typed
}

// Typed returns a date, or a date and a time of day, as the language writes it, from the form of [PlainMoment]. It
// returns any other text unchanged.
func Typed(ctx context.Context, plain string) string {
	day, clock, _ := strings.Cut(plain, "T")
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return plain
	}
	return strings.TrimSpace(Date(ctx, date) + " " + clock)
}

// DayAndMonth returns day and month of a date in the order and with the marks of the language, as in "3." and "11.",
// from the form of [PlainDate].
func DayAndMonth(ctx context.Context, plain string) (parts [2]string) {
	date, err := time.Parse(time.DateOnly, plain)
	if err != nil {
		return parts
	}
	layout := strings.NewReplacer("2006", "", "01", "1", "02", "2").Replace(from(ctx).words.date)
	layout = strings.NewReplacer("-", " ", "/", " ", ".", ". ").Replace(layout)
	for i, part := range strings.Fields(strings.TrimLeft(layout, ". ")) {
		parts[i] = date.Format(part)
	}
	return parts
}

// DateForm returns how the language writes a date, as in "DD.MM.YYYY".
func DateForm(ctx context.Context) string {
	return strings.NewReplacer("2006", "YYYY", "01", "MM", "02", "DD").Replace(from(ctx).words.date)
}
