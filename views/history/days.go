package history

import (
	"context"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// entryDay is entries of one day of the site, as long as its clock has one offset.
type entryDay struct {
	name, offset string
	entries      []packaging.Entry
}

// entriesByDay groups entries that follow each other by their day and the offset of the clock.
func entriesByDay(ctx context.Context, entries []packaging.Entry) (days []entryDay) {
	for _, e := range entries {
		moment := text.Moment(ctx, e.At)
		name, offset := text.Day(ctx, e.At), moment[strings.LastIndexByte(moment, ' ')+1:]
		if n := len(days); n == 0 || days[n-1].name != name || days[n-1].offset != offset {
			days = append(days, entryDay{name: name, offset: offset})
		}
		last := &days[len(days)-1]
		last.entries = append(last.entries, e)
	}
	return days
}
