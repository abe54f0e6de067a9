package packaging

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of records of shifts that are signed.
const (
	SignedHandover = "handover"
	SignedTakeover = "takeover"
	SignedShift    = "shift"
)

// Meanings of signatures of shifts.
const (
	MeansHandedOver Meaning = "handed_over"
	MeansTakenOver  Meaning = "taken_over"
	MeansReviewed   Meaning = "reviewed"   // and found in order
	MeansDeviations Meaning = "deviations" // reviewed, and what the comment names is followed up
)

// ReviewMeanings are those that a reviewer chooses from.
var ReviewMeanings = []Meaning{MeansReviewed, MeansDeviations}

// Label names a shift in the history.
func (o Occurrence) Label() string { return SaysShift.Of(o.Day, o.Name) }

// Label names an item in the history.
func (i HandoverItem) Label() string {
	return strings.Join(
		slices.DeleteFunc([]string{string(i.Kind), i.Line.Code, i.OrderKey, i.Words}, func(s string) bool {
			return s == ""
		}),
		" · ",
	)
}

// exact is a moment as records have it: UTC, to the millisecond; empty for none.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func shiftValues(o Occurrence) []Value {
	return []Value{{"day", string(o.Day)}, {"shift", o.Name}, {"begin", exact(o.Begin)}, {"end", exact(o.Until)}}
}

// HandoverRecord is what a person signs who hands a shift over: each item, and their remarks.
func HandoverRecord(o Occurrence, items []HandoverItem, remarks string) Record {
	values := shiftValues(o)
	for _, i := range items {
		values = append(values, Value{fmt.Sprint("item ", i.Place), i.Label() + " · since " + exact(i.Since)})
	}
	return Record{SignedHandover, append(values, Value{"remarks", remarks})}
}

// TakeoverRecord is what a person signs who takes a shift over: what was handed over, by whom, which of the items that
// need somebody they acknowledge, and their own remarks.
func TakeoverRecord(h Handover, acknowledged []int, remarks string) Record {
	o := Occurrence{Shift: Shift{Name: h.Shift}, Day: h.Day, Begin: h.Begin, Until: h.Until}
	values := append(
		HandoverRecord(o, h.Items, h.Remarks).Values,
		Value{"handed over by", h.By.Username}, Value{"handed over at", exact(h.At)},
	)
	for _, i := range h.Items {
		if i.Kind.NeedsPerson() {
			values = append(values, Value{
				fmt.Sprint("acknowledged ", i.Place), strconv.FormatBool(slices.Contains(acknowledged, i.Place)),
			})
		}
	}
	return Record{SignedTakeover, append(values, Value{"remarks of who takes over", remarks})}
}

// Record returns what a reviewer signs of a report: the shift, its figures, each release and what became of it, each
// note, and the entries of the history. The hashes of these bind all else that happened. When the report was made is no
// part of it. [Record.Digest] says how the values are hashed. Times are UTC to the millisecond, lengths milliseconds.
func (r ShiftReport) Record() Record {
	values := shiftValues(r.Occurrence)
	for _, l := range r.Lines() {
		for _, v := range l.values() {
			values = append(values, Value{"line " + l.Line.Code + ", " + v.Name, v.Text})
		}
	}
	for _, one := range r.Releases {
		for _, v := range one.values() {
			values = append(values, Value{fmt.Sprintf("%s, release %d, %s", one.OrderKey, one.ID, v.Name), v.Text})
		}
	}
	for _, n := range r.Notes {
		words := n.By.FullName + ", " + exact(n.At) + ": " + n.Words
		if !n.Stands() {
			words += " · withdrawn " + exact(n.Withdrawn) + ": " + n.Why
		}
		values = append(values, Value{fmt.Sprintf("note %d", n.ID), words})
	}
	return Record{SignedShift, append(values, Value{"history", r.History.String()})}
}

// String writes a range as records and the history have it.
func (h HistoryRange) String() string {
	return SaysEntries.Of(h.First, h.Last, h.Entries, hex.EncodeToString(h.LastHash[:]))
}

// values are the figures of a line as records have them.
func (l LineFigures) values() []Value {
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	length := func(d time.Duration) string { return whole(d.Milliseconds()) }
	values := []Value{
		{"name", l.Line.Name},
		{"requested", whole(l.Requested)},
		{"released", whole(l.Released)},
		{"refused", whole(l.Refused)},
		{"unknown", whole(l.Unknown)},
		{"sending", whole(l.Sending)},
		{"unknown at first", whole(l.WasUnknown)},
		{"settled", whole(l.Settling.Count)},
		{"settled in, median (ms)", length(l.Settling.Median)},
		{"settled in, longest (ms)", length(l.Settling.Longest)},
		{"waits", whole(l.Waiting.Count)},
		{"waited, median (ms)", length(l.Waiting.Median)},
		{"waited, longest (ms)", length(l.Waiting.Longest)},
		{"serials", whole(l.Serials)},
		{"lists missing", whole(l.Missing)},
		{"lists odd", whole(l.Odd)},
		{"released elsewhere", whole(l.Elsewhere)},
		{"nothing sent", whole(l.Declined)},
	}
	if l.ByPerson > 0 { // records of before have no such figure
		values = append(values, Value{"settled by a person", whole(l.ByPerson)})
	}
	return values
}

// values are a release as records have it.
func (r ReportedRelease) values() []Value {
	var odd []string
	for _, o := range r.Oddities {
		odd = append(odd, fmt.Sprintf("%s %d", o.Kind, o.Count))
	}
	outcome := r.Outcome
	if r.Reason == StillPending || r.SettledBy != "" { // releases of before have the outcome that was signed
		outcome = r.Says()
	}
	values := []Value{
		{"line", r.Line.Code},
		{"by", r.By.Username},
		{"station", r.By.Station},
		{"requested", exact(r.Requested)},
		{"pending since", exact(r.PendingSince)},
		{"answered", exact(r.Answered)},
		{"outcome", string(outcome)},
		{"reason", string(r.Reason)},
		{"settled", exact(r.Settled)},
		{"proof", string(r.Proof)},
		{"serials", strconv.FormatInt(r.Serials, 10)},
		{"list", string(r.List)},
		{"list by", r.ListBy},
		{"list added", exact(r.ListAt)},
		{"oddities", strings.Join(odd, ", ")},
	}
	// Records of before have none of these, and stay as they were signed.
	for _, more := range []Value{
		{"settled by", r.SettledBy}, {"settled why", r.SettledWhy}, {"released again", r.AgainWhy},
	} {
		if more.Text != "" {
			values = append(values, more)
		}
	}
	return values
}

// Difference is a value of a record that is not as it was. Before is empty where it is new, Now where it is gone.
type Difference struct{ Name, Before, Now string }

// Since says how r differs from an earlier record: what has changed or is new, in the order of r, then what is gone.
func (r Record) Since(before Record) (all []Difference) {
	was := map[string]string{}
	for _, v := range before.Values {
		was[v.Name] = v.Text
	}
	is := map[string]bool{}
	for _, v := range r.Values {
		is[v.Name] = true
		if was[v.Name] != v.Text {
			all = append(all, Difference{v.Name, was[v.Name], v.Text})
		}
	}
	for _, v := range before.Values {
		if !is[v.Name] {
			all = append(all, Difference{v.Name, v.Text, ""})
		}
	}
	return all
}

// Review is a version of the review of a shift: its signature, and what was signed. When and by whom is the
// signature's.
type Review struct {
	ID      int64
	Day     Day
	Shift   string
	Version int
	Record  Record // as it was signed, with the comment
	Comment string
	Signature
}

// ReportedSignature is a signature in a shift, with what it is under beside its kind.
type ReportedSignature struct {
	Signature
	Version  int    // of a review
	OrderKey string // of a release, or of what a person said of one
	Words    string // that were signed: the comment of a review, remarks to a hand-over, a reason
}

// Signed is what a reviewer signs of a report: its record, and their comment.
func (r ShiftReport) Signed(comment string) Record {
	record := r.Record()
	record.Values = append(record.Values, Value{"comment", comment})
	return record
}

// ChangedSince says what of a report is not as it was when the review was signed.
func (r ShiftReport) ChangedSince(v Review) []Difference { return r.Signed(v.Comment).Since(v.Record) }

// WorkedBy says whether the person did something in the shift, by whichever account.
func (r ShiftReport) WorkedBy(p Person) bool {
	return r.Worked(p.Username) || slices.ContainsFunc(p.Accounts, r.Worked)
}

// Worked says whether the person released, settled, wrote or handed over in the shift: what a reviewer who must be
// somebody else did not do.
func (r ShiftReport) Worked(username string) bool {
	for _, p := range r.People {
		if p.Username != username {
			continue
		}
		for _, d := range Work {
			if p.Deeds[d] > 0 {
				return true
			}
		}
	}
	return false
}

// Work are the deeds that are work in a shift, as reports count them; looking and signing in are none. Of signatures
// those under releases and queues are: a hand-over is a deed of its own, and reviewing a shift is no work in it.
var Work = []Deed{
	ReleaseRequested, ReleaseDeclined, ReleaseAsked, Signed, ListAdded, ResultAcknowledged, OrderLineSet, OrderLineBack,
	LineAdopted, OrdersImported, OrderWithdrawn, ValueGivenBack, ImportGivenBack, SerialShown,
	QueueStarted, QueueEnded, QueueDiscarded, NoteWritten, NoteWithdrawn, ShiftHandedOver, ShiftTakenOver,
	ItemsAcknowledged,
}
