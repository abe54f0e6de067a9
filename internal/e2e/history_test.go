package e2e

import (
	"slices"
	"strings"
	"testing"
)

func TestNewEntriesOfTheHistoryAreOfferedAndNothingMoves(t *testing.T) {
	t.Parallel()
	h, s := newWorkplace(t)
	p := signedIn(t, s, "manager1")
	p.visit("/history?deed=note_written&shift=Early")
	p.told("stream")
	p.See("No entry that is kept here matches.")
	other := h.SignIn("operator1")
	note := func(words string) { other.Post("/lines/L1/notes", "words", words) }
	note("The first")
	p.Click("1 new entry")
	p.See("The first")
	before := p.rows()
	p.told("stream")
	note("The second")
	note("The third")
	other.Post("/lines/L1/notes", "words", "")
	p.See("2 new entries")
	if after := p.rows(); !slices.Equal(before, after) {
		t.Errorf("the list moved by itself: %q, it was %q", after, before)
	}
	p.accessible()
	p.Click("2 new entries")
	p.See("The third")
	if rows := p.rows(); len(rows) != 3 {
		t.Errorf("then it shows %q", rows)
	}
	p.clean()
}

// A shift manager at a tablet: finds what went wrong, keeps the view, looks at an entry, and has the history checked.
func TestTheHistoryIsSearchedAndCheckedOnATablet(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "manager1")
	p.Viewport(800, 1280)
	p.open("Order143")
	p.release("Order143")
	serial := squeeze(p.serials())[0]

	p.In("nav").Click("More")
	p.In("nav").Click("History")
	p.At("/history")
	p.See("More filters")
	p.Fill("Search", "requested")
	p.Choose("Line", "Blister line 1")
	p.Click("Search")
	p.See("Line: Blister line 1")
	if rows := p.rows(); len(rows) != 1 || !strings.Contains(rows[0], "Release requested") {
		t.Errorf("found %q", rows)
	}
	p.Click("Remove the filter Search: requested")
	p.See("11 serial numbers received")
	p.Click("Save this view")
	p.Fill("Name", "Blister")
	p.Click("Save")
	p.See("Blister Remove")

	p.Click("More filters")
	var isCut bool
	p.Eval(`[...document.querySelectorAll(".moment-field > input:not(.calendar)")].some(field => {
		field.value = field.placeholder; // the form of a time
		const isCut = field.scrollWidth > field.clientWidth;
		field.value = "";
		return isCut;
	})`, &isCut)
	if isCut {
		t.Error("a field for a time is too narrow for one")
	}
	p.Fill("Serial number", serial)
	p.Click("Search")
	p.See(serial + " belongs to")
	if rows := p.rows(); len(rows) < 2 {
		t.Errorf("the story of the serial's order is %q", rows)
	}
	p.leaveBy(func() { p.Eval(`document.querySelector(".entry").click()`, nil) })
	p.See("Its hash fits its content and the entry before it.")
	p.Click("Previous")
	p.See("Release requested")
	p.In("main").Click("History")
	p.At("/history")
	p.ready()
	p.Click("Check the history")
	p.See("The history is intact: entries 1 to ")
	if p.Overflow() {
		t.Errorf("wider than the tablet: %v", p.tooWide())
	}
	p.In("nav").Click("More")
	p.In("nav").Click("History")
	if rows := p.rows(); !slices.ContainsFunc(rows, func(row string) bool {
		return strings.Contains(row, "Checked the history: The history is intact: entries 1 to ")
	}) {
		t.Errorf("the check is not in the history: %q", rows)
	}
	p.clean()
}
