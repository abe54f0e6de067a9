package history

import (
	"context"
	"slices"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// chip is a filter that is active, and the form without it.
type chip struct {
	name, value string
	without     shell.HistoryForm
}

// chips are what the form narrows the history by.
func (h HistoryPage) chips(ctx context.Context) (chips []chip) {
	f := h.Form
	f.Before, f.After = 0, 0
	add := func(name, value string, clear func(*shell.HistoryForm)) {
		if value == "" {
			return
		}
		without := f
		clear(&without)
		chips = append(chips, chip{name, value, without})
	}
	line, person := f.Line, f.Person
	for _, l := range h.Lines {
		if l.Code == f.Line {
			line = l.Name
		}
	}
	for _, p := range h.People {
		if p.Username == f.Person {
			person = p.FullName
		}
	}
	outcome, deed := "", ""
	if f.Outcome != "" {
		outcome = shell.OutcomeMark(ctx, packaging.Outcome(f.Outcome)).Word
	}
	if f.Deed != "" {
		deed = deedName(ctx, packaging.Deed(f.Deed))
	}
	add(text.Say(ctx, "history.text"), f.Text, func(f *shell.HistoryForm) { f.Text = "" })
	add(text.Say(ctx, "order.line"), line, func(f *shell.HistoryForm) { f.Line = "" })
	add(text.Say(ctx, "order.key"), f.Order, func(f *shell.HistoryForm) { f.Order = "" })
	add(text.Say(ctx, "history.serial"), f.Serial, func(f *shell.HistoryForm) { f.Serial = "" })
	add(text.Say(ctx, "history.person"), person, func(f *shell.HistoryForm) { f.Person = "" })
	add(text.Say(ctx, "history.deed"), deed, func(f *shell.HistoryForm) { f.Deed = "" })
	add(text.Say(ctx, "history.outcome"), outcome, func(f *shell.HistoryForm) { f.Outcome = "" })
	shift, day := f.Shift, f.Day
	if h.Shift.Named() {
		shift, day = shell.ShiftTitle(ctx, h.Shift)+", "+shell.ShiftHours(ctx, h.Shift), ""
	} else if _, ok := packaging.ParseDay(f.Day); ok {
		day = shell.DayText(ctx, packaging.Day(f.Day))
	}
	add(text.Say(ctx, "history.shift"), shift, func(f *shell.HistoryForm) { f.Shift = "" })
	add(text.Say(ctx, "history.day"), day, func(f *shell.HistoryForm) { f.Day = "" })
	add(text.Say(ctx, "history.from"), strings.Replace(f.From, "T", " ", 1), func(f *shell.HistoryForm) { f.From = "" })
	add(text.Say(ctx, "history.to"), strings.Replace(f.To, "T", " ", 1), func(f *shell.HistoryForm) { f.To = "" })
	if f.Exceptions {
		add(text.Say(ctx, "history.only"), text.Say(ctx, "history.exceptions"), func(f *shell.HistoryForm) { f.Exceptions = false })
	}
	return chips
}

// fixed is the form with the day of its shift: what is the latest one now is not tomorrow.
func (h HistoryPage) fixed() shell.HistoryForm {
	f := h.Form
	if h.Shift.Named() {
		f.Day = string(h.Shift.Day)
	}
	return f
}

// newest is the form with the newest entry of the page, 0 where there is none.
func (h HistoryPage) newest() shell.HistoryForm {
	if len(h.Page.Entries) == 0 {
		return h.Form
	}
	return h.Form.OnPage(0, h.Page.Entries[0].Seq)
}

// kept says whether the person keeps what the form asks for as a view already.
func (h HistoryPage) kept() bool {
	return slices.ContainsFunc(h.Views, func(v packaging.HistoryView) bool { return v.Own && v.Query == h.Form.Query() })
}

// entryReason is the reason of an entry in words, and as it is stored.
func entryReason(ctx context.Context, e packaging.Entry) string {
	words := shell.HistoryReason(ctx, e)
	if words == "" {
		return e.Reason
	}
	return words + " (" + e.Reason + ")"
}

// deedName names a deed where no entry of it is at hand.
func deedName(ctx context.Context, d packaging.Deed) string {
	if !text.Has(ctx, "deed_name."+string(d)) {
		return string(d)
	}
	return text.Say(ctx, "deed_name."+string(d))
}

// VerdictText says what checking a history came to: the verdict in a sentence, and what stands beside it.
func VerdictText(ctx context.Context, v packaging.Verdict) (what string, notes []string) {
	switch {
	case v.Break.Kind != "":
		gaps := []any{"Seq", text.Number(ctx, v.Break.Seq), "Until", text.Number(ctx, v.Break.Until)}
		switch v.Break.Kind {
		case packaging.EntriesMissing, packaging.HistoryTruncated, packaging.HistoryRewritten: // may be several
			gaps = append(gaps, "Count", int(v.Break.Until-v.Break.Seq+1))
		}
		what = text.Say(ctx, "verify."+string(v.Break.Kind), gaps...)
	case v.Head.Seq == 0:
		what = text.Say(ctx, "verify.empty")
	default:
		what = text.Say(ctx, "verify.holds", "Last", text.Number(ctx, v.Head.Seq))
	}
	switch {
	case v.Anchors.Gone:
		notes = append(notes, text.Say(ctx, "verify.anchors_gone", "Count", int(v.Anchors.Lost)))
	case v.Anchors.Lost > 0:
		notes = append(notes, text.Say(ctx, "verify.anchors_lost", "Count", int(v.Anchors.Lost)))
	}
	notes = append(notes, text.Say(ctx, "verify.compared", "Count", int(v.Compared)))
	if v.Anchors.Unreadable > 0 {
		notes = append(notes, text.Say(ctx, "verify.anchors_unreadable", "Count", int(v.Anchors.Unreadable)))
	}
	if v.ClockBack > 0 {
		notes = append(notes, text.Say(ctx, "verify.clock_back", "Count", int(v.ClockBack), "First", text.Number(ctx, v.FirstClockBack)))
	}
	return what, notes
}
