package packaging_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lineboard/internal/packaging"
)

// typed are names that people could give, some of which read like words of the program.
var typed = []string{
	"Otto", "A · B", "retired", "X · retired", "X · supervisor", "not active", `"`, `"A"`, `"A" · "B"`, ` · `, `A" · B`,
	"lets through duplicates", "no role here", "folder", "X · folder", "csv", "own · csv", "late after 1m0s", "lines L1",
}

// What somebody typed is read as it was, and no word of the program is taken for it.
func TestWhatTheHistoryHasOfTheSetupIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	check := func(deed packaging.Deed, object, written string, want ...packaging.Part) {
		t.Helper()
		got, _ := packaging.Entry{Deed: deed, Object: object}.Details(written)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(packaging.Part{})); diff != "" {
			t.Errorf("%s: %s", written, diff)
		}
	}
	text := func(words string) packaging.Part { return packaging.Part{Gaps: []string{words}} }
	word := func(kind packaging.WordKind, word string) packaging.Part {
		return packaging.Part{Word: kind, Gaps: []string{word}}
	}
	said := func(s packaging.Saying, gaps ...string) packaging.Part { return packaging.Part{Saying: s, Gaps: gaps} }
	for i, name := range typed {
		other := typed[(i+3)%len(typed)]
		check(packaging.LineSet, "line L1", packaging.Line{Name: name}.Details(), text(name))
		check(
			packaging.LineSet, "line L1", packaging.Line{Name: name, Retired: true}.Details(), text(name),
			said(packaging.SaysRetired),
		)
		check(
			packaging.PersonSet, "user otto", packaging.PersonDetails(name, "", "L1, L2", "eva", false), text(name),
			said(packaging.SaysNoRole), said(packaging.SaysLines, "L1, L2"), said(packaging.SaysSameHuman, "eva"),
			said(packaging.SaysInactive),
		)
		check(
			packaging.PersonSet, "user otto", packaging.PersonDetails(name, packaging.Supervisor, "", "", true), text(name),
			word(packaging.RoleWord, "supervisor"),
		)
		check(
			packaging.TenantSet, "tenant ghent",
			packaging.Tenant{Name: name, TimeZone: "Europe/Brussels", BaseURL: "https://a.example"}.Details("static", "X"),
			text(name), text("Europe/Brussels"), text("https://a.example"), said(packaging.SaysToken, "static", "X"),
		)
		for _, format := range []packaging.ListFormat{packaging.TextFormat, packaging.OwnFormat} {
			to := packaging.Destination{
				Name: name, Kind: packaging.SFTPDestination, Address: other, Username: name, Format: format,
				Lets: []packaging.HeldKind{packaging.LaterList}, LateAfter: time.Minute, GiveUp: time.Hour,
			}
			want := []packaging.Part{
				text(name), word(packaging.KindWord, "sftp"), text(other), text(name),
				word(packaging.FormatWord, string(format)),
			}
			if format == packaging.OwnFormat {
				to.Template = other
				want = append(want, text(other))
			}
			check(packaging.DestinationSet, name, to.Details(), append(
				want, said(packaging.SaysLets, "later"), said(packaging.SaysLate, "1m0s"), said(packaging.SaysGivesUp, "1h0m0s"),
			)...)
		}
	}
}

func TestAPlanOfTheHistoryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	want := packaging.Plan{From: "2026-11-29", Shifts: []packaging.Shift{
		{Name: "mon 06:00–14:00 tue", Start: 6 * 60, End: 14 * 60, Days: packaging.EveryDay},
		{Name: "Late", Start: 14 * 60, End: 0, Days: packaging.On(time.Sunday, time.Monday)},
	}}
	got, ok := packaging.ReadPlan(want.String())
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Error(ok, diff)
	}
	for _, other := range []string{"", "from ", "from 2026-11-29: ", "from then: Late 14:00–22:00 sun", "anybody who may review"} {
		if got, ok := packaging.ReadPlan(other); ok {
			t.Errorf("%q is read as %v", other, got)
		}
	}
}

func TestASayingIsReadAsItWasFilled(t *testing.T) {
	t.Parallel()
	for saying, gaps := range map[packaging.Saying][]any{
		packaging.SaysEntries: {3, 90, 88, "0a1b"}, packaging.SaysShifts: nil, packaging.SaysTold: {30},
		packaging.SaysShift: {"2026-11-29", "Late and more"}, packaging.SaysStored: {"https://a.example, b"},
	} {
		got, ok := saying.Read(saying.Of(gaps...))
		if !ok || fmt.Sprint(got) != fmt.Sprint(gaps) {
			t.Errorf("%q is read as %q, %v", saying.Of(gaps...), got, ok)
		}
		if _, ok := saying.Read("x" + saying.Of(gaps...) + "x"); ok && saying != packaging.SaysStored {
			t.Errorf("%q is read from other words", saying)
		}
	}
}
