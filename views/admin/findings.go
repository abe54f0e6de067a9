package admin

import (
	"context"
	"maps"
	"slices"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// FindingText returns what a check found, and what to do about it; do is empty if there is nothing to do.
func FindingText(ctx context.Context, f packaging.Finding) (what, do string) {
	var gaps []any
	for _, name := range slices.Sorted(maps.Keys(f.Args)) {
		value := f.Args[name]
		switch v := value.(type) {
		case time.Time:
			value = text.Moment(ctx, v)
		case int64:
			value = text.Number(ctx, v)
		}
		gaps = append(gaps, name, value)
	}
	if what = text.Say(ctx, f.Key, gaps...); f.Grade != packaging.Good {
		do = text.Say(ctx, f.Key+".do")
	}
	return what, do
}
