package packaging

import "time"

// Outcome is where one try to release an order stands.
type Outcome string

// A release starts as Sending and ends as one of the others. Unknown is a state of its own: the order may or may not be
// out at the line, so it is never shown as failed and never tried again blindly.
const (
	Sending  Outcome = "sending"
	Released Outcome = "released"
	Refused  Outcome = "refused" // proven not to be carried out, or by a sign: see Says
	Unknown  Outcome = "unknown"
)

// What pages, files and the history say instead of an outcome that nothing proves.
const (
	// SaidPending: the API said Pending release twice, a sign that the release was not carried out.
	SaidPending Outcome = "said_pending"
	// SaidReleased, SaidNotReleased and NotKnowable are the words of the person who settled it.
	SaidReleased    Outcome = "said_released"
	SaidNotReleased Outcome = "said_not_released"
	NotKnowable     Outcome = "not_knowable"
)

// Says returns what may be said of the outcome.
func (r Release) Says() Outcome {
	switch {
	case r.Outcome == Refused && (r.Reason == StillPending || r.Reason == NotCarriedOut ||
		r.Reason == RecordLost && r.Proof == ByStatus):
		return SaidPending
	case r.Outcome == Refused && (r.Reason == ByWord || r.Reason == RecordLost && r.Proof == ByPerson):
		return SaidNotReleased
	case r.Outcome == Released && r.Proof == ByPerson && r.SettledBy != "":
		return SaidReleased
	case r.IsClosed():
		return NotKnowable
	}
	return r.Outcome
}

// ContradictedBy reports whether a change of the order's status contradicts what the release was settled as, by a sign
// or by a person. What is proven can't be contradicted: the order has only moved on since.
func (r Release) ContradictedBy(old, now Status) bool {
	switch {
	case r.Outcome == Refused && r.assumed():
		return now.Left() && (now != Suspended || !old.Left())
	case r.Outcome == Released && r.Proof == ByPerson && r.ListMissing():
		return now == PendingRelease || now == Open
	case r.IsClosed():
		return now == InProgress || now == Done
	}
	return false
}

// assumed reports whether a refusal rests on a sign, on a person's word, or on words that an earlier Lineboard took for
// a proof.
func (r Release) assumed() bool {
	return r.Proof != ByAnswer || r.Reason == OtherRefusal || r.Reason == Throttled && r.HTTPStatus != 0
}

// Proven returns what proves that the release ended as it did, and none for one that did not, or by a sign or a word.
func (r Release) Proven() Proof {
	switch {
	case r.Outcome == Released && r.Proof != ByPerson, r.Outcome == Refused && !r.assumed():
		return r.Proof
	}
	return NoProof
}

// IsClosed reports whether a person said that its unknown outcome can't be known. It is asked about no more.
func (r Release) IsClosed() bool { return !r.Closed.IsZero() }

// InDoubt says whether the release was refused because the order stands otherwise, there, than it did here.
func (r Release) InDoubt() bool {
	return r.Outcome == Refused && (r.Reason == WrongStatus || r.Reason == OrderNotFound)
}

// Outcomes are all of them, as filters list them.
var Outcomes = []Outcome{
	Sending, Released, Refused, SaidPending, SaidReleased, SaidNotReleased, NotKnowable, Unknown,
}

// Release is one try to release an order to its line.
type Release struct {
	ID            ReleaseID
	OrderID       OrderID
	By            Author
	Line          Line    // as of the release
	Queue         QueueID // that it is of, 0 for one of its own
	Round         int     // how many releases of the order had reached the line before: 0 for a first one
	AgainWhy      string  // with Round > 0: why the order is released once more
	Repeated      bool    // the order was released once more after it; known of earlier releases alone
	Requested     time.Time
	Answered      time.Time // zero while Sending
	Outcome       Outcome
	Reason        Reason
	Status        Status // with WrongStatus
	Message       string
	Code          string
	HTTPStatus    int
	Serials       int64 // how many serial numbers came
	Expected      int64 // how many should have come; meaningful where ExpectedKnown
	ExpectedKnown bool
	Oddities      []Oddity

	Proof     Proof     // of what it is settled by, none while Sending or Unknown
	Settled   time.Time // when an Unknown one was settled, zero where its answer did
	Asked     time.Time // while Unknown or without its list: when the API was last asked about it, zero for never
	AskedSays string    // what that came to: a status, or the reason why there was none

	FirstPending  time.Time // when the API first said Pending release after the last failed question, zero for never
	SecondPending time.Time // when it said so again, and the release was settled by that
	Contradicted  time.Time // when a status last contradicted what it was settled as, zero for never

	SettledBy  string    // full name of the person who settled an unknown outcome, empty if nobody did
	SettledWhy string    // their reason
	Closed     time.Time // when they said that the outcome can't be known, zero if nobody did

	List   ListSource // where its serial numbers came from, NoList while they are missing
	ListBy string     // with ListByPerson: who added it
	ListAt time.Time  // when the list came, where it did not come with the answer

	Flagged time.Time // when serials of the list were last found in another one since it came, zero if they never were

	// Lost says that this release stands for one or more whose record is lost. Its order is not released again before a
	// person has looked at the result.
	Lost bool

	// NotYetCopied says that the copy of the database may lack this release. The process knows that, no table does.
	NotYetCopied bool

	Seen Acknowledgement // of the result as it is here
}

// Acknowledgement is that a person has looked at the result of a release.
type Acknowledgement struct {
	By      string // full name
	At      time.Time
	Comment string // what was found, where the result is odd
}

// ResultSeen names the result of a release that a person has looked at.
type ResultSeen struct {
	Order   OrderID
	Release ReleaseID
}

// Given says whether anybody has.
func (a Acknowledgement) Given() bool { return !a.At.IsZero() }

// Proof is what shows that a release was carried out, or that it was not.
type Proof string

// The proofs. A status proves where the order stands, not who brought it there.
const (
	NoProof  Proof = ""
	ByAnswer Proof = "answer" // the call's own answer
	ByStatus Proof = "status" // the order's status, asked for afterwards
	ByPerson Proof = "person" // a person who knew it, or who added the list of an order that was released elsewhere
)

// ListSource is where the serial numbers of a release came from.
type ListSource string

// The sources.
const (
	NoList        ListSource = ""
	ListInAnswer  ListSource = "answer"
	ListInDetails ListSource = "details" // of the order, asked for afterwards
	ListByPerson  ListSource = "person"
)

// ListMissing says that the order is out but its serial numbers are not here.
func (r Release) ListMissing() bool { return r.Outcome == Released && r.List == NoList }

// Number counts the releases of an order that were to reach the line, from 1.
func (r Release) Number() int { return r.Round + 1 }

// HasResult says that the release is settled.
func (r Release) HasResult() bool { return r.Outcome == Released || r.Outcome == Refused }

// Ended is when its outcome became known, zero while it is not.
func (r Release) Ended() time.Time {
	switch {
	case !r.HasResult():
		return time.Time{}
	case r.Settled.IsZero():
		return r.Answered
	}
	return r.Settled
}

// Odd says that a person should look at the release: its list is missing, something is odd about it, or its record was
// lost.
func (r Release) Odd() bool { return r.ListMissing() || len(r.Oddities) > 0 || r.Lost }

// Took is how long the call took, zero while it is under way. Where its end was not seen, it is zero too: what a start
// finds, or a status or a person says, tells of no call.
func (r Release) Took() time.Duration {
	unseen := r.Lost || r.Reason == Interrupted || r.Reason == RecordLost || r.Proof == ByStatus || r.Proof == ByPerson
	if r.Answered.IsZero() || unseen {
		return 0
	}
	return r.Answered.Sub(r.Requested)
}
