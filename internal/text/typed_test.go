package text_test

import (
	"context"
	"testing"
	"time"

	"lineboard/internal/text"
)

func TestADateIsReadAsAnyLanguageWritesIt(t *testing.T) {
	for _, l := range text.Languages {
		ctx := text.With(context.Background(), text.In(l, time.UTC))
		for _, plain := range []string{"2026-11-03", "2026-11-03T06:05"} {
			if got := text.PlainMoment(text.Typed(ctx, plain)); got != plain {
				t.Errorf("%s: %q is read as %q, want %q", l, text.Typed(ctx, plain), got, plain)
			}
		}
	}
	for l, want := range map[text.Language][2]string{
		"de": {"3.", "11."}, "en": {"11", "3"}, "fr": {"3", "11"}, "hu": {"11.", "3."},
	} {
		ctx := text.With(context.Background(), text.In(l, time.UTC))
		if got := text.DayAndMonth(ctx, "2026-11-03"); got != want {
			t.Errorf("%s: day and month are %q, want %q", l, got, want)
		}
	}
	for typed, want := range map[string]string{
		"3.11.2026": "2026-11-03", "3/11/2026 6:05": "2026-11-03T06:05", "2026.11.3": "2026-11-03",
		"2026. 11. 03.":       "2026-11-03",
		"2026-11-03T06:05:07": "2026-11-03T06:05:07", "": "", "soon": "soon", "31.02.2026": "31.02.2026",
		"11/23/2026": "11/23/2026",
	} {
		if got := text.PlainMoment(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}
