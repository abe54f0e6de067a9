package packaging

import (
	"strconv"
	"time"
)

// Ruling is what a person says of a release whose outcome no status settles.
type Ruling string

// The rulings. None of them invents a list of serial numbers.
const (
	WasReleased    Ruling = "was_released"
	WasNotReleased Ruling = "was_not_released"
	CannotBeKnown  Ruling = "cannot_be_known" // it is asked about no more, and the order can't be released
)

// Rulings are all of them.
var Rulings = []Ruling{WasReleased, WasNotReleased, CannotBeKnown}

// Word is what a person says of the latest release of an order, and why.
type Word struct {
	Order    OrderID
	Revision int64 // that the person decided on
	Ruling   Ruling
	Why      string
	Signed   []Signature // under [Order.WordRecord] without ruling and reason: what was shown
}

// SettleByWord settles the release as a person says at a time.
func (r *Release) SettleByWord(by Person, w Word, at time.Time) {
	r.SettledBy, r.SettledWhy = by.FullName, w.Why
	if w.Ruling == CannotBeKnown {
		r.Closed = at
		return
	}
	r.Proof, r.Settled, r.Closed = ByPerson, at, time.Time{}
	if r.Outcome, r.Reason = Released, NoReason; w.Ruling == WasNotReleased {
		r.Outcome, r.Reason = Refused, ByWord
	}
}

// MaxWhy is the longest reason, in characters.
const MaxWhy = 500

// SignedWord is the kind of the record that is signed with a person's word.
const SignedWord = "settlement"

// WordRecord is what is signed when a person says what became of the order's release. As long as nothing is said,
// ruling and reason are empty.
func (o Order) WordRecord(v Ruling, why string) Record {
	r := o.Release
	return Record{SignedWord, []Value{
		{"order", o.Key},
		{"line", o.Line.Code},
		{"line name", o.Line.Name},
		{"release", strconv.FormatInt(int64(r.ID), 10)},
		{"requested by", r.By.Username},
		{"requested at", strconv.FormatInt(r.Requested.UnixMilli(), 10)},
		{"status", string(o.Status)},
		{"revision", strconv.FormatInt(o.Revision, 10)},
		{"outcome", string(v)},
		{"reason", why},
	}}
}
