package shell

import (
	"context"
	"slices"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// DayText returns a day as the language writes it.
func DayText(ctx context.Context, d packaging.Day) string {
	date, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return text.Date(ctx, date)
}

// WeekdayText returns the name of a weekday.
func WeekdayText(ctx context.Context, d time.Weekday) string {
	return text.Say(ctx, "weekday."+packaging.DayNames[slices.Index(packaging.Week, d)])
}

// ClockText returns a time of the site to the minute. It adds the date if that is not day.
func ClockText(ctx context.Context, at time.Time, day packaging.Day) string {
	clock := text.ShortClock(ctx, at)
	if written := text.Day(ctx, at); written != DayText(ctx, day) {
		return written + " " + clock
	}
	return clock
}

// ShiftHours returns when a shift begins and ends, as in "06:00–14:00".
func ShiftHours(ctx context.Context, o packaging.Occurrence) string {
	return text.ShortClock(ctx, o.Begin) + "–" + text.ShortClock(ctx, o.Until)
}

// ShiftTitle returns the name of a shift with its day.
func ShiftTitle(ctx context.Context, o packaging.Occurrence) string {
	return o.Name + " · " + WeekdayText(ctx, o.Day.Weekday()) + " " + DayText(ctx, o.Day)
}
