// Package replica keeps Lineboard alive after the loss of a machine. It waits until Litestream has copied the database,
// and knows which Lineboard may release when a standby can take over.
package replica

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// Options are what a Copy needs.
type Options struct {
	Sync  func(context.Context) error // returns once all that was committed before is in the copy
	Limit time.Duration               // of one wait, beside what is allowed for long writing
	Guard *Guard                      // knows whether a standby took over; nil without a standby
	// Written returns how often the database was committed to since its start, and how long writing took, with what is
	// being written now.
	Written func() (commits int64, took time.Duration)
	// GoesOn reports whether a tenant's releases go on without the copy.
	GoesOn func(context.Context, packaging.TenantID) (bool, error)
	// WentOn records that a release went on without the copy.
	WentOn func(context.Context, packaging.Order) error
	// Refuses reports whether those of any tenant do not.
	Refuses func(context.Context) (bool, error)
	// Marked is called with orders whose mark came or went: what NotYet says of them has changed.
	Marked func([]packaging.Order)
	// Began is called once the first copy is confirmed: until then NotYet may have been true of all orders.
	Began func()
	Now   func() time.Time
	Log   *slog.Logger
}

// Copy is the copy of the database that releases wait for.
type Copy struct {
	options Options

	mu        sync.Mutex
	running   *flight // that asks now
	next      *flight // for those who came after it began
	confirmed time.Time
	behind    time.Time
	problem   error
	seen      int64                                    // commits that are in the copy
	copied    time.Duration                            // that writing them took
	waiting   map[packaging.ReleaseID]*packaging.Order // those that are marked, each mark by its own address
}

// flight is one request that many wait for.
type flight struct {
	done chan struct{}
	err  error
}

// New returns a Copy. Nothing of the database counts as copied before its first wait.
func New(o Options) *Copy {
	return &Copy{options: o, seen: -1, waiting: map[packaging.ReleaseID]*packaging.Order{}}
}

// Wait returns once everything that was committed before is in the copy. It fails when the limit or ctx ends first.
// Those who wait together share one request that began after all of them came.
func (c *Copy) Wait(ctx context.Context) error {
	ctx, cancel := c.limited(ctx)
	defer cancel()
	f := c.join()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// limited returns a context that ends when a wait that begins now has taken too long. How long it may take is asked
// anew at each end: Litestream waits too while something long is being written.
func (c *Copy) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	began := time.Now()
	var late func()
	late = func() {
		if ctx.Err() != nil {
			return
		}
		if left := c.limit() - time.Since(began); left > 0 {
			time.AfterFunc(left, late)
			return
		}
		end(errLate)
	}
	timer := time.AfterFunc(c.limit(), late)
	return ctx, func() { timer.Stop(); end(nil) }
}

// After long writing, a wait may take longer: so many times as long as the writing took, and so much at most.
const (
	allowedTimes = 3
	maxAllowed   = 30 * time.Second
)

// limit returns how long a wait may take now. What takes long to write, such as an import, takes long to copy too.
func (c *Copy) limit() time.Duration {
	_, took := c.options.Written()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.options.Limit + min(allowedTimes*(took-c.copied), maxAllowed)
}

// errLate is why a wait that took too long failed.
var errLate = &packaging.NotSent{Reason: packaging.NotCopied, Why: "the copy was not confirmed in time"}

// join returns the flight that begins now, or the one after that which is under way.
func (c *Copy) join() *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = &flight{done: make(chan struct{})}
		go c.fly(c.running)
		return c.running
	}
	if c.next == nil {
		c.next = &flight{done: make(chan struct{})}
	}
	return c.next
}

// fly asks on behalf of a flight, and starts the next one.
func (c *Copy) fly(f *flight) {
	began, waiting := c.options.Now(), c.marked()
	commits, took := c.options.Written()
	ctx, cancel := c.limited(context.Background())
	defer cancel()
	f.err = c.options.Sync(ctx)
	if f.err != nil && ctx.Err() != nil {
		f.err = context.Cause(ctx)
	}
	first := c.note(f.err, began, commits, took)
	close(f.done)
	if first {
		c.options.Began()
	}
	if f.err == nil {
		c.unmark(waiting)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running, c.next = c.next, nil
	if c.running != nil {
		go c.fly(c.running)
	}
}

// note notes what a request that began then came to. It reports whether that is the first copy.
func (c *Copy) note(err error, began time.Time, commits int64, took time.Duration) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.problem
	c.problem = err
	switch {
	case err == nil:
		first = c.confirmed.IsZero()
		c.confirmed, c.seen, c.copied, c.behind = began, commits, took, time.Time{}
		if was != nil {
			c.options.Log.Info("the copy is confirmed again")
		}
		return first
	case was == nil:
		c.options.Log.Error("the copy is not confirmed", "err", err)
	}
	if c.behind.IsZero() {
		c.behind = began
	}
	return false
}

// marked returns the marks that there are.
func (c *Copy) marked() []*packaging.Order {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.waiting))
}

// mark marks the release of an order as one that may be missing from the copy.
func (c *Copy) mark(o packaging.Order) {
	c.mu.Lock()
	c.waiting[o.Release.ID] = &o
	c.mu.Unlock()
	c.options.Marked([]packaging.Order{o})
}

// unmark takes the marks away that there were when a request began that copied all. A release that was marked again
// since keeps its mark: its outcome may be missing.
func (c *Copy) unmark(marks []*packaging.Order) {
	var orders []packaging.Order
	c.mu.Lock()
	for _, o := range marks {
		if c.waiting[o.Release.ID] == o {
			delete(c.waiting, o.Release.ID)
			orders = append(orders, *o)
		}
	}
	c.mu.Unlock()
	if len(orders) > 0 {
		c.options.Marked(orders)
	}
}

// Ready returns why no release is claimed any more, nil if one may be. It asks nobody.
func (c *Copy) Ready() error {
	if c.options.Guard != nil {
		return c.options.Guard.Ready()
	}
	return nil
}

// Confirmed returns why releases are refused at a tenant at least, as far as is known, or nil.
func (c *Copy) Confirmed(ctx context.Context) error {
	s := c.State()
	if s.Problem == "" {
		return nil
	}
	if c.options.Guard == nil {
		if refuses, err := c.options.Refuses(ctx); err != nil || !refuses {
			return err
		}
	}
	return packaging.Fail(packaging.Unavailable, "error.not_copied").Because(errors.New(s.Problem))
}

// Claimed returns once the claim of an order is in the copy. Its error says why the release must not be sent.
func (c *Copy) Claimed(ctx context.Context, o packaging.Order) error {
	err := c.Wait(ctx)
	if err == nil {
		return nil
	}
	if c.options.Guard == nil {
		switch goes, failed := c.options.GoesOn(ctx, o.TenantID); {
		case failed != nil:
			return packaging.NotSentOf(failed)
		case goes:
			if err := c.options.WentOn(ctx, o); err != nil {
				return packaging.NotSentOf(err)
			}
			c.mark(o)
			c.options.Log.Warn("a release goes on without the copy", "order", o.ID, "release", o.Release.ID, "err", err)
			return nil
		}
	}
	return packaging.NotSentOf(err)
}

// Depart returns why a call must not leave right now: another Lineboard took over, or that can't be known.
func (c *Copy) Depart(ctx context.Context) error {
	if c.options.Guard == nil {
		return nil
	}
	return c.options.Guard.Depart(ctx)
}

// Settled returns once the outcome of an order is in the copy. Where that takes too long, the order is marked until it
// is. Nobody waits for a copy that is known not to be there.
func (c *Copy) Settled(ctx context.Context, o packaging.Order) {
	err := c.known()
	if err == nil {
		err = c.Wait(ctx)
	}
	if err != nil {
		c.options.Log.Warn("an outcome is not yet in the copy", "order", o.ID, "release", o.Release.ID, "err", err)
		c.mark(o)
	}
}

// known returns why the last request failed, nil if it did not.
func (c *Copy) known() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

// NotYet reports whether a release may be missing from the copy. If the copy was not there since the start, that holds
// for all.
func (c *Copy) NotYet(id packaging.ReleaseID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, waits := c.waiting[id]
	return waits || c.problem != nil && c.confirmed.IsZero()
}

// State returns how the copy is.
func (c *Copy) State() packaging.CopyState {
	s := packaging.CopyState{On: true}
	if c.options.Guard != nil {
		s.Standby, s.TakenOver = c.options.Guard.Own(), c.options.Guard.TakenOver()
		if err := c.options.Guard.Problem(); err != nil {
			s.Problem = err.Error()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Confirmed, s.Behind = c.confirmed, c.behind
	if c.problem != nil {
		s.Problem = c.problem.Error()
	}
	return s
}

// pollGap is the time between two looks for what is not in the copy yet.
const pollGap = time.Second

// Run has what nobody waits for copied too, until ctx ends.
func (c *Copy) Run(ctx context.Context) error {
	for {
		if c.lags() {
			_ = c.Wait(ctx) // State says it
		}
		if c.options.Guard != nil {
			c.options.Guard.Look(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollGap):
		}
	}
}

// lags reports whether something was committed that is not known to be in the copy.
func (c *Copy) lags() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	commits, _ := c.options.Written()
	lags := commits != c.seen
	if lags && c.behind.IsZero() {
		c.behind = c.options.Now()
	}
	return lags || c.problem != nil
}
