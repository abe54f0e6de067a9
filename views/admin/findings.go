package admin

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
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
		case packaging.Day:
			value = text.Typed(ctx, string(v))
		case int64:
			value = text.Number(ctx, v)
		case error:
			value = failureText(ctx, v)
		}
		gaps = append(gaps, name, value)
	}
	if what = text.Say(ctx, f.Key, gaps...); f.Grade != packaging.Good {
		do = text.Say(ctx, f.Key+".do")
	}
	return what, do
}

// failureText says why a destination was not reached, in words where there are some.
func failureText(ctx context.Context, err error) string {
	var f *packaging.DeliveryFailure
	if !errors.As(err, &f) {
		return err.Error()
	}
	says := text.Say(ctx, "delivery.problem."+string(f.Problem))
	if f.Detail == "" {
		return says
	}
	return strings.TrimSuffix(says, ".") + ": " + f.Detail
}
