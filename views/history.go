package views

import (
	"context"
	"slices"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// chip is a filter that is active, and the form without it.
type chip struct {
	name, value string
	without     HistoryForm
}

// chips are what the form narrows the history by.
func (h HistoryPage) chips(ctx context.Context) (chips []chip) {
	f := h.Form
	f.Before, f.After = 0, 0
	add := func(name, value string, clear func(*HistoryForm)) {
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
		outcome = outcomeMark(ctx, packaging.Outcome(f.Outcome)).word
	}
	if f.Deed != "" {
		deed = deedName(ctx, packaging.Deed(f.Deed))
	}
	add(t(ctx, "history.text"), f.Text, func(f *HistoryForm) { f.Text = "" })
	add(t(ctx, "order.line"), line, func(f *HistoryForm) { f.Line = "" })
	add(t(ctx, "order.key"), f.Order, func(f *HistoryForm) { f.Order = "" })
	add(t(ctx, "history.serial"), f.Serial, func(f *HistoryForm) { f.Serial = "" })
	add(t(ctx, "history.person"), person, func(f *HistoryForm) { f.Person = "" })
	add(t(ctx, "history.deed"), deed, func(f *HistoryForm) { f.Deed = "" })
	add(t(ctx, "history.outcome"), outcome, func(f *HistoryForm) { f.Outcome = "" })
	shift, day := f.Shift, f.Day
	if h.Shift.Named() {
		shift, day = shiftTitle(ctx, h.Shift)+", "+hours(ctx, h.Shift), ""
	} else if _, ok := packaging.ParseDay(f.Day); ok {
		day = dayText(ctx, packaging.Day(f.Day))
	}
	add(t(ctx, "history.shift"), shift, func(f *HistoryForm) { f.Shift = "" })
	add(t(ctx, "history.day"), day, func(f *HistoryForm) { f.Day = "" })
	add(t(ctx, "history.from"), strings.Replace(f.From, "T", " ", 1), func(f *HistoryForm) { f.From = "" })
	add(t(ctx, "history.to"), strings.Replace(f.To, "T", " ", 1), func(f *HistoryForm) { f.To = "" })
	if f.Exceptions {
		add(t(ctx, "history.only"), t(ctx, "history.exceptions"), func(f *HistoryForm) { f.Exceptions = false })
	}
	return chips
}

// fixed is the form with the day of its shift: what is the latest one now is not tomorrow.
func (h HistoryPage) fixed() HistoryForm {
	f := h.Form
	if h.Shift.Named() {
		f.Day = string(h.Shift.Day)
	}
	return f
}

// newest is the form with the newest entry of the page, 0 where there is none.
func (h HistoryPage) newest() HistoryForm {
	if len(h.Page.Entries) == 0 {
		return h.Form
	}
	return h.Form.on(0, h.Page.Entries[0].Seq)
}

// kept says whether the person keeps what the form asks for as a view already.
func (h HistoryPage) kept() bool {
	return slices.ContainsFunc(h.Views, func(v packaging.HistoryView) bool { return v.Own && v.Query == h.Form.Query() })
}

// deedText says what an entry records.
func deedText(ctx context.Context, e packaging.Entry) string {
	switch e.Deed {
	case packaging.ReleaseEnded:
		return text.Say(ctx, "deed.release_ended."+string(e.Outcome), "Count", int(e.Serials))
	case packaging.ReleaseSettled:
		return text.Say(ctx, "deed.release_settled."+string(e.Outcome), "New", e.New)
	case packaging.QueueStarted:
		return text.Say(ctx, "deed.queue_started", "New", OrderID(e.New))
	case packaging.ListOdd, packaging.HistoryVerified:
		return text.Say(ctx, "deed."+string(e.Deed), "New", e.New)
	case packaging.QueueEnded:
		return text.Say(ctx, "deed.queue_ended."+e.Reason)
	case packaging.ListAdded:
		return text.Say(ctx, "deed.list_added", "Count", int(e.Serials))
	case packaging.ConnectionTested:
		return text.Say(ctx, "deed.connection_tested", "Object", e.Object, "New", e.New)
	case packaging.OrdersImported, packaging.TokenCreated:
		return text.Say(ctx, "deed."+string(e.Deed), "Object", e.Object, "New", e.New)
	case packaging.PINSet, packaging.BadgeSet:
		return text.Say(ctx, "deed."+string(e.Deed)+"."+e.New, "Object", e.Object)
	case packaging.Signed:
		return text.Say(ctx, "deed.signed", "New", e.New)
	case packaging.OrderLineSet, packaging.OrderLineBack:
		return text.Say(ctx, "deed."+string(e.Deed), "Old", lineWord(ctx, e.Old), "New", lineWord(ctx, e.New))
	case packaging.LineAdopted:
		return text.Say(ctx, "deed.line_adopted", "Object", e.Object, "New", e.New)
	case packaging.TenantSet, packaging.LineSet, packaging.PersonSet, packaging.StationSet, packaging.RulesSet, packaging.ShiftsSet:
		if e.Old == "" {
			return text.Say(ctx, "deed.added", "Object", e.Object, "New", e.New)
		}
		return text.Say(ctx, "deed.changed", "Object", e.Object, "Old", e.Old, "New", e.New)
	}
	return text.Say(ctx, "deed."+string(e.Deed), "Object", e.Object, "Old", e.Old, "New", e.New)
}

// entryReason is the reason of an entry in words, and as it is stored.
func entryReason(ctx context.Context, e packaging.Entry) string {
	words := historyReason(ctx, e)
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
