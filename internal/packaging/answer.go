package packaging

import (
	"fmt"
	"time"
)

// Press is the release of an order as a person asks for it.
type Press struct {
	Order    OrderID
	Revision int64       // that the person decided on, 0 where it is not known
	Queue    QueueID     // whose turn it is in, 0 for a release of its own
	Signed   []Signature // under the order as it was shown; those of a queue stand under the queue
	Again    string      // why an order that was released from here is released once more, empty for a first release
}

// ErrNotAnchored is why a release that was claimed must not be sent: its claim could not be kept outside the database.
var ErrNotAnchored = Fail(Unavailable, "error.not_anchored")

// Answer is what a call of release to line came to.
type Answer struct {
	Outcome    Outcome // Released, Refused or Unknown
	Reason     Reason
	Status     Status   // with WrongStatus: the order's status as the API names it
	Serials    []string // with Released: as received, in the order received
	Message    string   // the API's own words, or the transport's error, without credentials
	Code       string   // the API's error code, for example "ERR0000"
	HTTPStatus int      // 0 where there was no answer
	Leaks      int64    // how many of Serials hold a credential that the call was made with
	Body       []byte   // with Unknown: all that was received but for credentials

	Came time.Time // when it came, zero for now
}

// String says an outcome and its reason, for logs.
func (a Answer) String() string {
	return fmt.Sprintf("%s %s (HTTP %d, %d serials)", a.Outcome, a.Reason, a.HTTPStatus, len(a.Serials))
}

// Settlement is what asking about an Unknown release came to.
type Settlement struct {
	Outcome Outcome   // Released or Refused
	Reason  Reason    // with Refused
	Proof   Status    // the status that settles it
	Status  Status    // of the order when it was asked for
	Since   time.Time // with Refused: when the order was in that status already
	Serials []string  // with Released, where the details had them
	Leaks   int64     // how many of them hold a credential of the connection
}
