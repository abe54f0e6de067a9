package shell

import (
	"context"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// A check that found something says what, and never that the history is intact where it is not or was not looked at.
func TestARecordedCheckSaysNoMoreThanWasFound(t *testing.T) {
	ctx := text.With(context.Background(), text.In("en", time.UTC))
	records := []packaging.RecordFault{{Kind: packaging.FaultChanged, Record: "serials", Key: "[7]"}}
	broken := packaging.Verdict{
		Records: records,
		Schema:  []packaging.SchemaFault{{Kind: packaging.FaultMissing, Name: "trigger notes_never_change"}},
	}
	broken.Break.Kind, broken.Break.Seq, broken.Break.Until = packaging.ContentChanged, 3, 3
	for name, recorded := range map[string]string{
		"broken": broken.String(), "lists": packaging.ListCheck{Done: 2, Lists: 2, Faults: records}.String(),
	} {
		said := detailText(ctx, packaging.Entry{Deed: packaging.HistoryVerified}, recorded)
		if strings.Contains(said, "intact") || !strings.Contains(said, "serials [7]") ||
			name == "broken" && !strings.Contains(said, "trigger notes_never_change") {
			t.Errorf("%s: %q is said as %q", name, recorded, said)
		}
	}
}
