package shell

import (
	"context"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

func TestAHandoverOfTheHistoryIsNamedInTheLanguageOfThePage(t *testing.T) {
	ctx := text.With(context.Background(), text.In("de", time.UTC))
	for _, c := range []struct {
		deed packaging.Deed
		new  string
		want string
	}{
		{packaging.ShiftHandedOver, "14 items", "14 Punkte"},
		{packaging.ShiftHandedOver, "1 items", "1 Punkt"},
		{packaging.ShiftTakenOver, "3 of 4 items acknowledged", "3 von 4 Punkten quittiert"},
		{packaging.ItemsAcknowledged, "note · 3 items", "note · 3 items"},
	} {
		got := DeedText(ctx, packaging.Entry{Deed: c.deed, Object: "shift 2026-11-29 Late", New: c.new})
		if !strings.Contains(got, "Late, 29.11.2026") || !strings.HasSuffix(got, c.want) {
			t.Errorf("%s of %q reads %q", c.deed, c.new, got)
		}
	}
}
