package shell

import (
	"context"
	"slices"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// DayText writes a day as the language does.
func DayText(ctx context.Context, d packaging.Day) string {
	date, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return text.Date(ctx, date)
}

// WeekdayText names the day of the week.
func WeekdayText(ctx context.Context, d time.Weekday) string {
	return text.Say(ctx, "weekday."+packaging.DayNames[slices.Index(packaging.Week, d)])
}

// ClockText writes a time of day of the site, to the minute, and the day where it is another one.
func ClockText(ctx context.Context, at time.Time, day packaging.Day) string {
	clock := text.Clock(ctx, at)[:len("15:04")]
	if written := text.Day(ctx, at); written != DayText(ctx, day) {
		return written + " " + clock
	}
	return clock
}

// ShiftHours writes from when until when a shift is, by the clock.
func ShiftHours(ctx context.Context, o packaging.Occurrence) string {
	return text.Clock(ctx, o.Begin)[:len("15:04")] + "–" + text.Clock(ctx, o.Until)[:len("15:04")]
}

// ShiftTitle names a shift with its day.
func ShiftTitle(ctx context.Context, o packaging.Occurrence) string {
	return o.Name + " · " + WeekdayText(ctx, o.Day.Weekday()) + " " + DayText(ctx, o.Day)
}
