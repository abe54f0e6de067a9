package packaging

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// QueueID is our key of a queue.
type QueueID int64

// Queue is several orders of a line that are released one at a time, in the order chosen. It goes on only while each is
// released: any other outcome stops it.
type Queue struct {
	ID        QueueID
	TenantID  TenantID
	Line      Line
	By        Author
	Started   time.Time
	Ended     time.Time // zero while it runs
	Stop      QueueStop
	Discarded bool    // a person decided that what it has left is not to be released in this sequence
	Orders    []Order // as they stand now
	At        int     // place of the order whose turn it is, from 0; all orders before it are released
}

// Running says whether the queue still goes on.
func (q Queue) Running() bool { return q.Ended.IsZero() }

// Unsent returns the orders that an ended queue did not send and that can still be released. A discarded one has none.
func (q Queue) Unsent() (rest []Order) {
	if q.Running() || q.Discarded {
		return nil
	}
	for _, o := range q.Orders[min(q.At, len(q.Orders)):] {
		if o.ReleaseObstacle() == NoObstacle && (o.Release == nil || o.Release.Requested.Before(q.Started)) {
			rest = append(rest, o)
		}
	}
	return rest
}

// QueueStop is why a queue ended.
type QueueStop string

// The reasons.
const (
	NoStop           QueueStop = ""           // it runs
	QueueDone        QueueStop = "done"       // all orders are released
	StopByOutcome    QueueStop = "outcome"    // a release ended otherwise than released
	StopByObstacle   QueueStop = "obstacle"   // an order could not be released any more
	StopByPerson     QueueStop = "person"     // a person stopped it
	StopByRestart    QueueStop = "restart"    // the program ended meanwhile
	StopByDifficulty QueueStop = "difficulty" // the server could not go on: its disk is full, for example
)

// QueueStops are all of them.
var QueueStops = []QueueStop{QueueDone, StopByOutcome, StopByObstacle, StopByPerson, StopByRestart, StopByDifficulty}

// NotItsTurn is why an order of a queue is not released: the queue runs no more, or it is another order's turn in it.
var NotItsTurn = Fail(Conflict, "obstacle.not_its_turn")

// QueuePick is an order picked for a queue, with the revision that the person decided on.
type QueuePick struct {
	Order    OrderID
	Revision int64
}

// QueueRecord is what is signed of a queue before it starts: its line, and the digest of what is signed of each release
// ([Order.ReleaseRecord]), in turn.
func QueueRecord(line Line, releases [][sha256.Size]byte) Record {
	r := Record{SignedQueue, []Value{{"line", line.Code}, {"line name", line.Name}}}
	for i, digest := range releases {
		r.Values = append(r.Values, Value{"release " + strconv.Itoa(i+1), hex.EncodeToString(digest[:])})
	}
	return r
}

// ReleaseDigests are those of what is signed of each order's release.
func ReleaseDigests(orders []Order) (all [][sha256.Size]byte) {
	for _, o := range orders {
		all = append(all, o.ReleaseRecord().Digest())
	}
	return all
}

// MaxQueue is how many orders a queue can have: more than a person can check at once.
const MaxQueue = 20
