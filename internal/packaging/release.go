package packaging

import (
	"fmt"
	"time"
)

// Outcome is where one try to release an order stands.
type Outcome string

// A release starts as Sending and ends as one of the others. Unknown is a state of its own: the order may or may not be
// out at the line, so it is never shown as failed and never tried again blindly.
const (
	Sending  Outcome = "sending"
	Released Outcome = "released"
	Refused  Outcome = "refused" // proven not to be carried out
	Unknown  Outcome = "unknown"
)

// InDoubt says whether the release was refused because the order stands otherwise, there, than it did here.
func (r Release) InDoubt() bool {
	return r.Outcome == Refused && (r.Reason == WrongStatus || r.Reason == OrderNotFound)
}

// Outcomes are all of them, as filters list them.
var Outcomes = []Outcome{Sending, Released, Refused, Unknown}

// Reason tells apart why a release was refused, or why its outcome is unknown. It picks the sentence that a person
// reads; the API's own text stands beside it in [Release.Message].
type Reason string

// Reasons of the API's documented error table, each proof that nothing was released.
const (
	NoReason       Reason = ""
	NoToken        Reason = "no_token"        // ERR0001
	TokenRejected  Reason = "token_rejected"  // ERR0000, again after a renewal or with a static token
	ChannelKey     Reason = "channel_key"     // channel key missing or wrong
	BodyNotParsed  Reason = "body_not_parsed" // the API could not read our request
	NotValid       Reason = "not_valid"       // "Validation error"
	OrderNotFound  Reason = "order_not_found"
	WrongStatus    Reason = "wrong_status"     // the order is not in Pending release; Answer.Status names its status
	OtherRefusal   Reason = "other_refusal"    // a definite "no" with a text that is not documented
	SignInRejected Reason = "sign_in_rejected" // API key or secret not accepted, nothing was sent
	SignInFailed   Reason = "sign_in_failed"   // no answer that can be read from sign-in, nothing was sent
	NotConfigured  Reason = "not_configured"   // the tenant's credentials are missing or can't be opened, nothing was sent
	NotConnected   Reason = "not_connected"    // no connection was made (name, network, TLS), nothing was sent
	Throttled      Reason = "throttled"        // 429
	CloudDown      Reason = "cloud_down"       // the last calls got no answer, so this one was not sent
	NotCarriedOut  Reason = "not_carried_out"  // settled later: the order was still in Pending release when asked
)

// Reasons of an unknown outcome. Calls that only read fail with them too.
const (
	TimedOut    Reason = "timed_out"
	Cut         Reason = "cut"          // the connection broke after the request was sent
	ServerError Reason = "server_error" // 5xx without a documented message
	Unreadable  Reason = "unreadable"   // not the documented answer: HTML, cut-off JSON, empty, wrong types, too large
	Interrupted Reason = "interrupted"  // Lineboard stopped while the call was under way
	NotStored   Reason = "not_stored"   // an answer came, and the database refuses it
)

// Press is the release of an order as a person asks for it.
type Press struct {
	Order    OrderID
	Revision int64       // that the person decided on, 0 where it is not known
	Queue    QueueID     // whose turn it is in, 0 for a release of its own
	Signed   []Signature // under the order as it was shown; those of a queue stand under the queue
}

// Answer is what a call of release to line came to.
type Answer struct {
	Outcome    Outcome // Released, Refused or Unknown
	Reason     Reason
	Status     Status   // with WrongStatus: the order's status as the API names it
	Serials    []string // with Released: as received, in the order received
	Message    string   // the API's own words, or the transport's error, without credentials
	Code       string   // the API's error code, for example "ERR0000"
	HTTPStatus int      // 0 where there was no answer
	Body       []byte   // with Unknown: all that was received, so that nothing is lost
}

// Settlement is what asking about an Unknown release came to.
type Settlement struct {
	Outcome Outcome  // Released or Refused
	Reason  Reason   // with Refused
	Status  Status   // of the order when it was asked for
	Serials []string // with Released, where the details had them
}

// CallError is a call of the remote API, other than a release, that did not work.
type CallError struct {
	Reason     Reason
	Message    string // the API's own words, or the transport's error, without credentials
	Code       string
	HTTPStatus int // 0 where there was no answer
}

func (e *CallError) Error() string {
	return fmt.Sprintf("%s (HTTP %d %s): %s", e.Reason, e.HTTPStatus, e.Code, e.Message)
}

// Release is one try to release an order to its line.
type Release struct {
	ID            ReleaseID
	OrderID       OrderID
	By            Author
	Line          Line    // as of the release
	Queue         QueueID // that it is of, 0 for one of its own
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
	Asked     time.Time // while Unknown: when the API was last asked about it, zero for never
	AskedSays string    // what that came to: a status, or the reason why there was none

	List   ListSource // where its serial numbers came from, NoList while they are missing
	ListBy string     // with ListByPerson: who added it
	ListAt time.Time  // when the list came, where it did not come with the answer

	Flagged time.Time // when serials of the list were last seen again, zero if they never were

	Seen Acknowledgement // of the result as it is here
}

// Acknowledgement is that a person has looked at the result of a release.
type Acknowledgement struct {
	By      string // full name
	At      time.Time
	Comment string // what was found, where the result is odd
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
	ByPerson Proof = "person" // a person who added the list of an order that was released elsewhere
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

// Odd says that a person should look at the release: its list is missing, or something is odd about it.
func (r Release) Odd() bool { return r.ListMissing() || len(r.Oddities) > 0 }

// Took is how long the call took, zero while it is under way.
func (r Release) Took() time.Duration {
	if r.Answered.IsZero() {
		return 0
	}
	return r.Answered.Sub(r.Requested)
}

// Author is a person as of an action: later changes of name or role do not change what was recorded.
type Author struct {
	ID       UserID
	Username string
	FullName string
	Role     Role
	Station  string // name of the station that they were at, empty elsewhere
}

// String says an outcome and its reason, for logs.
func (a Answer) String() string {
	return fmt.Sprintf("%s %s (HTTP %d, %d serials)", a.Outcome, a.Reason, a.HTTPStatus, len(a.Serials))
}
