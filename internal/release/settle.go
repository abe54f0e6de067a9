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
	// Unsettled gives the orders of all tenants whose latest release has an unknown outcome.
	Unsettled(ctx context.Context) ([]packaging.Order, error)
	// Order gives one order of a scope.
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
	// NoteAsked keeps that the API was asked about an order's release without settling it.
	NoteAsked(ctx context.Context, o packaging.Order, says string) error
	// SettleByStatus settles an order's release by what its status proves.
	SettleByStatus(ctx context.Context, o packaging.Order, s packaging.Settlement) error
	// Record adds an entry to the history.
	Record(ctx context.Context, e packaging.Entry) error
}

// StatusAPI tells where an order stands. Its errors are *packaging.CallError.
type StatusAPI interface {
	Details(ctx context.Context, orderKey string) (packaging.Facts, error)
	Open(ctx context.Context) (orders []packaging.Facts, nameless int, err error)
}

// Pace is when the API is asked about an unknown release.
type Pace struct {
	// After are the times to each question since the release was first seen to be unknown; the last gap repeats, with jitter.
	After []time.Duration
	// Doubt is how long after the end of a call the other side may still be carrying it out: until then, "Pending release"
	// does not prove that it was not.
	Doubt time.Duration
}

// DefaultPace asks soon, then every few minutes.
var DefaultPace = Pace{
	After: []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 4 * time.Minute},
	Doubt: 15 * time.Second,
}

const (
	lookGap   = 500 * time.Millisecond // between two looks at what is unsettled
	askAtOnce = 4                      // questions at once
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

// plan is when a release is asked about next. Its moments are those of this process alone: with time.Now they are measured
// by a clock that nobody can set, unlike the times that are stored.
type plan struct {
	tenant packaging.TenantID
	seen   time.Time // when it was first seen to be unknown, which is not before its call had ended
	asked  int       // how often it was
	next   time.Time
}

// NewSettler makes a Settler. Its plans begin anew with the program: when the call of a release that it finds had ended,
// nothing tells for sure.
func NewSettler(store UnsettledStore, api func(context.Context, packaging.TenantID) (StatusAPI, error), pace Pace, now func() time.Time, log *slog.Logger) *Settler {
	return &Settler{store: store, api: api, pace: pace, now: now, log: log, plans: map[packaging.ReleaseID]*plan{}}
}

// Run asks about each unknown release when it is due, until ctx ends.
func (s *Settler) Run(ctx context.Context) error {
	for {
		if err := s.AskDue(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("unknown releases not asked about", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookGap):
		}
	}
}

// AskDue asks about every unknown release that is due now.
func (s *Settler) AskDue(ctx context.Context) error {
	unsettled, err := s.store.Unsettled(ctx)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(askAtOnce)
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

// due plans what is new, forgets what is settled, and gives what is due, each with its next time already set.
func (s *Settler) due(unsettled []packaging.Order) (due []packaging.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, still := s.now(), make(map[packaging.ReleaseID]*plan, len(unsettled))
	for _, o := range unsettled {
		p := s.plan(o, now)
		still[o.Release.ID] = p
		if !now.Before(p.next) {
			due = append(due, o)
			p.asked++
			p.next = now.Add(s.gap(p.asked))
		}
	}
	s.plans = still
	return due
}

// plan gives the plan of an order's release, a new one where it has none. s.mu is held.
func (s *Settler) plan(o packaging.Order, now time.Time) *plan {
	p := s.plans[o.Release.ID]
	if p == nil {
		p = &plan{tenant: o.TenantID, seen: now, next: now.Add(s.pace.After[0])}
		s.plans[o.Release.ID] = p
	}
	return p
}

// beyondDoubt says whether the other side can't be carrying an order's release out any more.
func (s *Settler) beyondDoubt(o packaging.Order) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	return now.Sub(s.plan(o, now).seen) >= s.pace.Doubt
}

// gap is the time to the next question after so many.
func (s *Settler) gap(asked int) time.Duration {
	if n := len(s.pace.After); asked < n {
		return s.pace.After[asked] - s.pace.After[asked-1]
	}
	last := s.pace.After[len(s.pace.After)-1]
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

// Ask asks about an order's unknown release now, as a person wants it, and records that they did. What came of it stands
// in the order. A release that is settled meanwhile is no error.
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
	// Who asked may go away; what is found out must be kept.
	if err := s.ask(context.WithoutCancel(ctx), o); err != nil && !errors.As(err, &failure) && packaging.CodeOf(err) != packaging.Conflict {
		return err
	}
	return nil
}

// ask asks where the order stands and keeps what that proves. That there is no answer is kept too.
func (s *Settler) ask(ctx context.Context, o packaging.Order) error {
	late := s.beyondDoubt(o) // as of the question: its answer may be as old as that
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
	s.log.Info("release settled by its order's status", "order", o.ID, "release", o.Release.ID, "outcome", settlement.Outcome, "status", facts.Status)
	return nil
}

// nameless is an answer that does not say which order it is of: it may be another's, and proves nothing.
var nameless = &packaging.CallError{Reason: packaging.Unreadable, Message: "the answer does not say which order it is of"}

// status asks details, and the list of open orders where details can't tell.
func (s *Settler) status(ctx context.Context, o packaging.Order) (packaging.Facts, error) {
	api, err := s.api(ctx, o.TenantID)
	if err != nil {
		return packaging.Facts{}, err
	}
	facts, err := api.Details(ctx, o.Key)
	if err == nil && facts.Key != o.Key {
		facts, err = packaging.Facts{}, nameless
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

// verdict is what the order's status, seen late enough or not, proves about its release, if anything.
func verdict(f packaging.Facts, late bool) (packaging.Settlement, bool) {
	switch f.Status {
	case packaging.InProgress, packaging.Suspended, packaging.Done:
		// ASSUMED of Suspended: an order gets there only after In progress. The documentation says how it is left, and not
		// from where it is reached.
		return packaging.Settlement{Outcome: packaging.Released, Status: f.Status, Serials: f.Serials}, true
	case packaging.PendingRelease, packaging.Open:
		// Whatever ended the call here, the other side may still have been at it.
		return packaging.Settlement{Outcome: packaging.Refused, Reason: packaging.NotCarriedOut, Status: f.Status}, late
	}
	return packaging.Settlement{}, false
}
