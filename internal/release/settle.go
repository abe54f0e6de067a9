package release

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/internal/packaging"
)

// UnsettledStore keeps releases whose outcome is unknown.
type UnsettledStore interface {
	// Unsettled returns the orders of all tenants whose latest release has an unknown outcome.
	Unsettled(ctx context.Context) ([]packaging.Order, error)
	// Order returns one order of a scope.
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
	// NoteAsked records that the API was asked about an order's release, and that its answer did not settle it.
	NoteAsked(ctx context.Context, o packaging.Order, says string) error
	// SettleByStatus settles an order's release by what its status proves. It returns a Conflict if it is settled
	// already.
	SettleByStatus(ctx context.Context, o packaging.Order, s packaging.Settlement) error
	// Record adds an entry to the history.
	Record(ctx context.Context, e packaging.Entry) error
}

// StatusAPI returns the status of orders. Its errors are *packaging.CallError.
type StatusAPI interface {
	Details(ctx context.Context, orderKey string) (packaging.Facts, error)
	Open(ctx context.Context) (orders []packaging.Facts, nameless int, err error)
}

// Pace is when the API is asked about an unknown release.
type Pace struct {
	// After are the times of the questions, at least two and growing, from when the release was first seen to be
	// unknown. The last gap repeats, with jitter.
	After []time.Duration
	// Doubt is how long the remote side may still carry a call out after the call has ended here. Until then, "Pending
	// release" does not prove that it was not carried out.
	Doubt time.Duration
}

// DefaultPace asks soon, then every few minutes.
var DefaultPace = Pace{
	After: []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 4 * time.Minute},
	Doubt: 15 * time.Second,
}

const (
	pollInterval  = 500 * time.Millisecond // between two reads of unsettled releases
	maxConcurrent = 4                      // questions at the same time
)

// Settler settles unknown releases by asking for the status of their orders.
type Settler struct {
	store UnsettledStore
	api   func(context.Context, packaging.TenantID) (StatusAPI, error)
	pace  Pace
	now   func() time.Time
	log   *slog.Logger

	mu    sync.Mutex
	plans map[packaging.ReleaseID]*plan
}

// plan says when the API is asked about a release next. Its times live only in this process, so they have the monotonic
// clock that stored times lack: setting the clock changes nothing.
type plan struct {
	tenant packaging.TenantID
	seen   time.Time // when it was first seen to be unknown; its call had ended by then
	asked  int       // how often
	next   time.Time
}

// NewSettler returns a Settler. Its plans start anew with each start of the program, since nothing tells for sure when
// the call of an older release ended.
func NewSettler(
	store UnsettledStore, api func(context.Context, packaging.TenantID) (StatusAPI, error), pace Pace,
	now func() time.Time, log *slog.Logger,
) *Settler {
	return &Settler{store: store, api: api, pace: pace, now: now, log: log, plans: map[packaging.ReleaseID]*plan{}}
}

// Run asks about each unknown release when it is due, until ctx ends. It returns nil.
func (s *Settler) Run(ctx context.Context) error {
	for {
		if err := s.AskDue(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("unknown releases not asked about", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollInterval):
		}
	}
}

// AskDue asks about every unknown release that is due now. It fails only if the releases can't be read.
func (s *Settler) AskDue(ctx context.Context) error {
	unsettled, err := s.store.Unsettled(ctx)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(maxConcurrent)
	for _, o := range s.due(unsettled) {
		group.Go(func() error {
			if err := s.ask(ctx, o); err != nil && ctx.Err() == nil {
				s.log.Warn("release still unsettled", "order", o.ID, "release", o.Release.ID, "err", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// due returns the orders to ask about now, and sets their next time. It plans new releases and drops settled ones.
func (s *Settler) due(unsettled []packaging.Order) (due []packaging.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, plans := s.now(), make(map[packaging.ReleaseID]*plan, len(unsettled))
	for _, o := range unsettled {
		p := s.plan(o, now)
		plans[o.Release.ID] = p
		if !now.Before(p.next) {
			due = append(due, o)
			p.asked++
			p.next = now.Add(s.gap(p.asked))
		}
	}
	s.plans = plans
	return due
}

// plan returns the plan of an order's release, a new one if it has none. The caller holds s.mu.
func (s *Settler) plan(o packaging.Order, now time.Time) *plan {
	p := s.plans[o.Release.ID]
	if p == nil {
		p = &plan{tenant: o.TenantID, seen: now, next: now.Add(s.pace.After[0])}
		s.plans[o.Release.ID] = p
	}
	return p
}

// beyondDoubt reports whether the remote side can no longer be carrying out an order's release.
func (s *Settler) beyondDoubt(o packaging.Order) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	return now.Sub(s.plan(o, now).seen) >= s.pace.Doubt
}

// gap returns the time from one question to the next, after so many questions.
func (s *Settler) gap(asked int) time.Duration {
	n := len(s.pace.After)
	if asked < n {
		return s.pace.After[asked] - s.pace.After[asked-1]
	}
	last := s.pace.After[n-1] - s.pace.After[n-2]
	return last - last/10 + time.Duration(rand.Int64N(int64(last/5)+1))
}

// Wake asks about a tenant's unknown releases at once: the API answers again.
func (s *Settler) Wake(tenant packaging.TenantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.plans {
		if p.tenant == tenant && p.asked >= len(s.pace.After)-1 {
			p.next = time.Time{}
		}
	}
}

// Ask asks about an order's unknown release now, on behalf of a person, and records that they asked. The result is in
// the order. It is no error if the API does not answer, or if the release is settled meanwhile.
func (s *Settler) Ask(ctx context.Context, by packaging.Person, id packaging.OrderID) error {
	if !by.May(packaging.SettleOrders) {
		return packaging.Fail(packaging.Forbidden, "error.forbidden")
	}
	o, err := s.store.Order(ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	if o.Release == nil || o.Release.Outcome != packaging.Unknown {
		return nil
	}
	if err := s.store.Record(ctx, packaging.Entry{
		TenantID: o.TenantID, By: by.Author, Deed: packaging.ReleaseAsked, ReleaseID: o.Release.ID,
		OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	}); err != nil {
		return err
	}
	var failure *packaging.CallError
	// The result must be stored even if the browser is gone.
	err = s.ask(context.WithoutCancel(ctx), o)
	if errors.As(err, &failure) || packaging.CodeOf(err) == packaging.Conflict {
		return nil
	}
	return err
}

// ask asks for the order's status and stores what that proves. It also stores that there was no answer.
func (s *Settler) ask(ctx context.Context, o packaging.Order) error {
	late := s.beyondDoubt(o) // as of the question: its answer may be that old
	facts, err := s.status(ctx, o)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		says := string(packaging.NotConfigured)
		var failure *packaging.CallError
		if errors.As(err, &failure) {
			says = string(failure.Reason)
		}
		return errors.Join(err, s.store.NoteAsked(ctx, o, says))
	}
	settlement, proven := verdict(facts, late)
	if !proven {
		return s.store.NoteAsked(ctx, o, string(facts.Status))
	}
	if err := s.store.SettleByStatus(ctx, o, settlement); err != nil {
		return err
	}
	s.log.Info("release settled by its order's status", "order", o.ID, "release", o.Release.ID,
		"outcome", settlement.Outcome, "status", facts.Status)
	return nil
}

// errNameless is the error of an answer that does not name its order: it may be about another one, and proves nothing.
var errNameless = &packaging.CallError{
	Reason: packaging.Unreadable, Message: "the answer does not say which order it is of",
}

// status returns what the order's details say or, if they have no status, what the list of open orders says.
func (s *Settler) status(ctx context.Context, o packaging.Order) (packaging.Facts, error) {
	api, err := s.api(ctx, o.TenantID)
	if err != nil {
		return packaging.Facts{}, err
	}
	facts, err := api.Details(ctx, o.Key)
	if err == nil && facts.Key != o.Key {
		facts, err = packaging.Facts{}, errNameless
	}
	if err == nil && facts.Status != "" {
		return facts, nil
	}
	listed, _, listErr := api.Open(ctx)
	for _, f := range listed {
		if f.Key == o.Key && f.Status != "" {
			return f.FilledFrom(facts), nil
		}
	}
	return facts, errors.Join(err, listErr)
}

// verdict returns what the order's status proves about its release, and whether it proves anything. late means that the
// remote side can no longer be carrying the release out.
func verdict(f packaging.Facts, late bool) (packaging.Settlement, bool) {
	switch f.Status {
	case packaging.InProgress, packaging.Suspended, packaging.Done:
		// ASSUMED of Suspended: an order gets there only after In progress. The documentation says how an order
		// leaves it, and not how it gets there.
		return packaging.Settlement{Outcome: packaging.Released, Status: f.Status, Serials: f.Serials}, true
	case packaging.PendingRelease, packaging.Open:
		// The remote side may have worked on after the call had ended here.
		return packaging.Settlement{Outcome: packaging.Refused, Reason: packaging.NotCarriedOut, Status: f.Status}, late
	}
	return packaging.Settlement{}, false
}
