package packaging

import (
	"fmt"
	"time"
	"unicode/utf8"
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
)

// Reasons of an unknown outcome. Calls that only read fail with them too.
const (
	TimedOut    Reason = "timed_out"
	Cut         Reason = "cut"          // the connection broke after the request was sent
	ServerError Reason = "server_error" // 5xx without a documented message
	Unreadable  Reason = "unreadable"   // not the documented answer: HTML, cut-off JSON, empty, wrong types, too large
	Interrupted Reason = "interrupted"  // Lineboard stopped while the call was under way
)

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
	Line          Line // as of the release
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
}

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
}

// Oddity is something about a list of serial numbers that a person should look at. The list itself is kept as it is.
type Oddity struct {
	Kind  OddityKind
	Count int64 // how many serials, or for WrongCount how many came
}

// OddityKind tells oddities apart.
type OddityKind string

// What can be odd about a list.
const (
	WrongCount     OddityKind = "wrong_count"
	Duplicates     OddityKind = "duplicates"      // the same serial more than once in the list
	SerialLength   OddityKind = "serial_length"   // not 1 to 20 characters (GS1 AI 21)
	SerialAlphabet OddityKind = "serial_alphabet" // characters outside GS1 CSET 82
)

// MaxSerials is the most that one order can have, by how they are stored.
const MaxSerials = 1<<24 - 1

// MaxSerial is the longest serial number that GS1 allows in AI (21), in characters.
const MaxSerial = 20

// CheckSerials names what is odd about a received list: its count against what was expected, duplicates, lengths and
// characters (GS1 General Specifications, AI 21: up to 20 characters of CSET 82).
func CheckSerials(serials []string, expected int64, expectedKnown bool) []Oddity {
	var odd []Oddity
	note := func(kind OddityKind, n int64) {
		if n > 0 {
			odd = append(odd, Oddity{kind, n})
		}
	}
	if expectedKnown && int64(len(serials)) != expected {
		odd = append(odd, Oddity{WrongCount, int64(len(serials))})
	}
	var duplicates, length, alphabet int64
	seen := make(map[string]struct{}, len(serials))
	for _, s := range serials {
		if _, again := seen[s]; again {
			duplicates++
		}
		seen[s] = struct{}{}
		if n := utf8.RuneCountInString(s); n < 1 || n > MaxSerial {
			length++
		}
		if !inCSET82(s) {
			alphabet++
		}
	}
	note(Duplicates, duplicates)
	note(SerialLength, length)
	note(SerialAlphabet, alphabet)
	return odd
}

// cset82 is GS1's character set for serial numbers and lots.
var cset82 = func() (set [256]bool) {
	for _, c := range []byte(`!"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz`) {
		set[c] = true
	}
	return set
}()

func inCSET82(s string) bool {
	for i := range len(s) {
		if !cset82[s[i]] {
			return false
		}
	}
	return true
}

// Serial is one serial number of an order. Seq counts from 1 in the order of the API's list.
type Serial struct {
	Seq   int64
	Value string
}

// SerialPage is a page of an order's serials. After and Next are positions: Next is 0 on the last page.
type SerialPage struct {
	Serials []Serial
	Total   int64
	Next    int64
}

// String says an outcome and its reason, for logs.
func (a Answer) String() string {
	return fmt.Sprintf("%s %s (HTTP %d, %d serials)", a.Outcome, a.Reason, a.HTTPStatus, len(a.Serials))
}
