package release

import (
	"context"
	"errors"
	"log/slog"

	"lineboard/internal/packaging"
)

// QueueStore keeps queues.
type QueueStore interface {
	// StartQueue stores a queue. It returns a Conflict if the queue can't start.
	StartQueue(
		ctx context.Context, by packaging.Person, line packaging.LineID, picks []packaging.QueuePick,
		signed ...packaging.Signature,
	) (packaging.Queue, error)
	// StopQueue ends the running queue of a line on behalf of a person.
	StopQueue(ctx context.Context, by packaging.Person, line packaging.LineID) error
	// AdvanceQueue moves a queue on to its next order. It returns false if a person has stopped the queue.
	AdvanceQueue(ctx context.Context, q packaging.Queue) (running bool, err error)
	// EndQueue ends a queue that still runs.
	EndQueue(ctx context.Context, q packaging.Queue, by packaging.Author, why packaging.QueueStop) error
	// Order returns one order of a scope.
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
}

// Queuer releases several orders of a line one at a time.
type Queuer struct {
	store    QueueStore
	releaser *Releaser
	log      *slog.Logger
}

// NewQueuer returns a Queuer that releases through releaser. When the releaser stops, its queues end.
func NewQueuer(store QueueStore, releaser *Releaser, log *slog.Logger) *Queuer {
	return &Queuer{store, releaser, log}
}

// Start begins a queue of a line's orders under the given signatures, and returns once the queue is stored. From then
// on the queue continues even if ctx ends. It ends at the first order whose outcome is not released. Start fails with
// Unavailable once the releaser stops.
func (q *Queuer) Start(
	ctx context.Context, by packaging.Person, line packaging.LineID, picks []packaging.QueuePick,
	signed ...packaging.Signature,
) error {
	if !by.May(packaging.ReleaseOrders) {
		return packaging.Fail(packaging.Forbidden, "error.may_not_release")
	}
	if len(picks) == 0 || len(picks) > packaging.MaxQueue {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if err := q.releaser.begin(&q.releaser.running); err != nil { // before the queue is stored: nobody would end it
		return err
	}
	queue, err := q.store.StartQueue(ctx, by, line, picks, signed...)
	if err != nil {
		q.releaser.running.Done()
		return err
	}
	go func() {
		defer q.releaser.running.Done()
		ctx := context.WithoutCancel(ctx)
		why := q.run(ctx, by, queue)
		if err := q.store.EndQueue(ctx, queue, program, why); err != nil {
			q.log.Error("end of a queue not stored", "queue", queue.ID, "why", why, "err", err)
		}
	}()
	return nil
}

// program is the author of entries about queues that end by themselves.
var program = packaging.Author{Username: "lineboard", FullName: "Lineboard"}

// run releases the orders of a queue in turn, and returns why it ended.
func (q *Queuer) run(ctx context.Context, by packaging.Person, queue packaging.Queue) packaging.QueueStop {
	for _, o := range queue.Orders {
		// With the revision that the person saw: they did not decide on an order that has changed since.
		press := packaging.Press{Order: o.ID, Revision: o.Revision, Queue: queue.ID}
		settled, err := q.releaser.Release(ctx, by, press)
		if errors.Is(err, errStopping) {
			return packaging.StopByRestart
		}
		switch packaging.CodeOf(err) {
		case packaging.Conflict, packaging.Forbidden, packaging.NotFound: // also if the person has lost the right to it
			return packaging.StopByObstacle
		}
		if err != nil {
			q.log.Error("queue can't go on", "queue", queue.ID, "order", o.ID, "err", err)
			return packaging.StopByDifficulty
		}
		<-settled
		after, err := q.store.Order(ctx, packaging.Everything(o.TenantID), o.ID)
		if err != nil {
			return packaging.StopByDifficulty
		}
		if after.Release == nil || after.Release.Outcome != packaging.Released {
			return packaging.StopByOutcome
		}
		running, err := q.store.AdvanceQueue(ctx, queue)
		if err != nil {
			return packaging.StopByDifficulty
		}
		if !running {
			return packaging.StopByPerson
		}
	}
	return packaging.QueueDone
}

// Stop ends the line's running queue after the release that is under way.
func (q *Queuer) Stop(ctx context.Context, by packaging.Person, line packaging.LineID) error {
	return q.store.StopQueue(ctx, by, line)
}
