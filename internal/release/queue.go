package release

import (
	"context"
	"log/slog"

	"lineboard/internal/packaging"
)

// QueueStore keeps queues.
type QueueStore interface {
	// StartQueue stores a queue, or says as a Conflict what stands in its way.
	StartQueue(ctx context.Context, by packaging.Person, line packaging.LineID, picks []packaging.QueuePick, signed ...packaging.Signature) (packaging.Queue, error)
	// StopQueue has a person end the running queue of a line.
	StopQueue(ctx context.Context, by packaging.Person, line packaging.LineID) error
	// AdvanceQueue notes that the order whose turn it was is released, and says whether the queue still runs.
	AdvanceQueue(ctx context.Context, q packaging.Queue) (running bool, err error)
	// EndQueue ends a queue that still runs.
	EndQueue(ctx context.Context, q packaging.Queue, by packaging.Author, why packaging.QueueStop) error
	// Order gives one order of a scope.
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
}

// Queuer releases several orders of a line one at a time.
type Queuer struct {
	store    QueueStore
	releaser *Releaser
	log      *slog.Logger
}

// NewQueuer makes a Queuer that releases through releaser. When that stops, no queue goes on.
func NewQueuer(store QueueStore, releaser *Releaser, log *slog.Logger) *Queuer {
	return &Queuer{store, releaser, log}
}

// Start begins a queue of a line's orders, with the signatures that were given under it, and comes back once it is stored. From then on it goes its way whatever happens
// to ctx, and ends at the first order whose outcome is not released.
func (q *Queuer) Start(ctx context.Context, by packaging.Person, line packaging.LineID, picks []packaging.QueuePick, signed ...packaging.Signature) error {
	if !by.May(packaging.ReleaseOrders) {
		return packaging.Fail(packaging.Forbidden, "error.may_not_release")
	}
	if len(picks) == 0 || len(picks) > packaging.MaxQueue {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	queue, err := q.store.StartQueue(ctx, by, line, picks, signed...)
	if err != nil {
		return err
	}
	q.releaser.running.Add(1)
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

// program is who ends a queue that ends by itself.
var program = packaging.Author{Username: "lineboard", FullName: "Lineboard"}

// run releases the orders of a queue in turn, and says why it ended.
func (q *Queuer) run(ctx context.Context, by packaging.Person, queue packaging.Queue) packaging.QueueStop {
	for _, o := range queue.Orders {
		if q.releaser.stopping.Load() {
			return packaging.StopByRestart
		}
		// As the person saw it when they started the queue: one that has changed since, its line perhaps, is not what they decided on.
		settled, err := q.releaser.Release(ctx, by, packaging.Press{Order: o.ID, Revision: o.Revision, Queue: queue.ID})
		switch packaging.CodeOf(err) {
		case packaging.Conflict, packaging.Forbidden, packaging.NotFound: // also where the person lost the right to it
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
