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

// UnsettledStore keeps releases whose outcome is unknown, or whose list is missing.
type UnsettledStore interface {
	// Unsettled returns the orders of all tenants whose latest release has an unknown outcome.
	Unsettled(ctx context.Context) ([]packaging.Order, error)
	// WithoutList returns the orders of all tenants whose latest release is out while its list is missing.
	WithoutList(ctx context.Context) ([]packaging.Order, error)
	// Order returns one order of a scope.
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
	// NoteAsked records that the API was asked about an order's release, and that its answer did not settle it or did
	// not have the list. pendingSince is when the API first said Pending release, zero if it does not say so.
	NoteAsked(ctx context.Context, o packaging.Order, says string, pendingSince time.Time) error
	// SeenRunning reports whether the API said In progress of an order after its release was requested.
	SeenRunning(ctx context.Context, o packaging.Order) (bool, error)
	// SettleByStatus settles an order's release by what its status proves. It returns a Conflict if it is settled
	// already.
	SettleByStatus(ctx context.Context, o packaging.Order, s packaging.Settlement) error
	// FillList adds the missing list of an order's release.
	FillList(ctx context.Context, o packaging.Order, details packaging.Facts) error
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
	// Doubt is how long the API must say "Pending release" before that counts as a sign that the release was not
	// carried out. It counts from its first answer after the last question that failed: until that answer, the remote
	// side may have stood still, with the release still to come.
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
	maxListGap    = 24 * time.Hour         // between two questions for a missing list
)

// Settler settles unknown releases by asking for the status of their orders. It asks for missing lists too.
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
	asked  int // how often
	next   time.Time

	pending packaging.Status // what every answer said since the last failed question; empty unless it may be a sign
	since   time.Time        // when the first of them came
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
	withoutList, err := s.store.WithoutList(ctx)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(maxConcurrent)
	for _, o := range s.due(append(unsettled, withoutList...)) {
		group.Go(func() error {
			if err := errors.Join(s.ask(ctx, o)); err != nil && ctx.Err() == nil {
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
			p.next = now.Add(s.gap(o, p.asked))
		}
	}
	s.plans = plans
	return due
}

// plan returns the plan of an order's release, a new one if it has none. The caller holds s.mu.
func (s *Settler) plan(o packaging.Order, now time.Time) *plan {
	p := s.plans[o.Release.ID]
	if p == nil {
		p = &plan{tenant: o.TenantID, next: now.Add(s.pace.After[0])}
		if r := o.Release; r.ListMissing() && !r.Asked.IsZero() {
			p.asked = len(s.pace.After)
			p.next = later(p.next, r.Asked.Add(s.gap(o, p.asked)))
		}
		s.plans[o.Release.ID] = p
	}
	return p
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// answered notes what a question that was asked then came to. If it may be a sign that the release was not carried out,
// it returns since when every answer has been that status, and whether that is long enough. A question that failed came
// to no status.
func (s *Settler) answered(o packaging.Order, status packaging.Status, asked time.Time) (since time.Time, sign bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	p := s.plan(o, now)
	if status != packaging.PendingRelease && status != packaging.Open {
		p.pending = ""
		return time.Time{}, false
	}
	if status != p.pending {
		p.pending, p.since = status, now
	}
	enough := p.since.Add(s.pace.Doubt)
	if p.next.After(enough) && now.Before(enough) {
		p.next = enough
	}
	return p.since, !asked.Before(enough) // the answer may be as old as its question
}

// gap returns the time from one question to the next, after so many questions. The longer a list is missing, the rarer
// it is asked for.
func (s *Settler) gap(o packaging.Order, asked int) time.Duration {
	n := len(s.pace.After)
	if asked < n {
		return s.pace.After[asked] - s.pace.After[asked-1]
	}
	last := s.pace.After[n-1] - s.pace.After[n-2]
	if r := o.Release; r.ListMissing() {
		last = min(max(last, s.now().Sub(r.Ended())/8), maxListGap)
	}
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

// Ask asks about an order's unknown release or its missing list now, on behalf of a person, and records that they
// asked. The result is in the order. It is no error if the API does not answer, or if the release is settled meanwhile.
func (s *Settler) Ask(ctx context.Context, by packaging.Person, id packaging.OrderID) error {
	if !by.May(packaging.SettleOrders) {
		return packaging.Fail(packaging.Forbidden, "error.forbidden")
	}
	o, err := s.store.Order(ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	if o.Release == nil || o.Release.Outcome != packaging.Unknown && !o.Release.ListMissing() {
		return nil
	}
	if err := s.store.Record(ctx, packaging.Entry{
		TenantID: o.TenantID, By: by.Author, Deed: packaging.ReleaseAsked, ReleaseID: o.Release.ID,
		OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	}); err != nil {
		return err
	}
	// The result must be stored even if the browser is gone.
	_, err = s.ask(context.WithoutCancel(ctx), o)
	if packaging.CodeOf(err) == packaging.Conflict {
		return nil
	}
	return err
}

// ask asks for the order's status, or for its missing list, and stores what came of it: also that there was no answer,
// and the failure that explains it. err says that what came of it could not be stored.
func (s *Settler) ask(ctx context.Context, o packaging.Order) (failure, err error) {
	asked := s.now()
	facts, failure := s.status(ctx, o)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if failure != nil {
		says := string(packaging.NotConfigured)
		var call *packaging.CallError
		if errors.As(failure, &call) {
			says = string(call.Reason)
		}
		s.answered(o, "", asked)
		return failure, s.store.NoteAsked(ctx, o, says, time.Time{})
	}
	if o.Release.ListMissing() {
		return nil, s.fillList(ctx, o, facts)
	}
	return nil, s.settle(ctx, o, facts, asked)
}

// fillList stores the missing list of a release, if the details of its order have it.
func (s *Settler) fillList(ctx context.Context, o packaging.Order, facts packaging.Facts) error {
	if len(facts.Serials) == 0 {
		return s.store.NoteAsked(ctx, o, string(facts.Status), time.Time{})
	}
	if err := s.store.FillList(ctx, o, facts); err != nil {
		return err
	}
	s.log.Info("missing list came with the order's details", "order", o.ID, "release", o.Release.ID)
	return nil
}

// settle settles a release by its order's status, or notes that the status settles nothing.
func (s *Settler) settle(ctx context.Context, o packaging.Order, facts packaging.Facts, asked time.Time) error {
	since, sign := s.answered(o, facts.Status, asked)
	running, err := s.store.SeenRunning(ctx, o)
	if err != nil {
		return err
	}
	settlement, settles := verdict(facts, running)
	if settlement.Outcome == packaging.Refused {
		settlement.Since, settles = since, sign && o.Release.Contradicted.IsZero() && !o.Release.IsClosed()
	}
	if !settles {
		return s.store.NoteAsked(ctx, o, string(facts.Status), since)
	}
	if err := s.store.SettleByStatus(ctx, o, settlement); err != nil {
		return err
	}
	s.log.Info("release settled by its order's status", "order", o.ID, "release", o.Release.ID,
		"outcome", settlement.Outcome, "status", settlement.Proof)
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
			f = f.FilledFrom(facts)
			f.Serials, f.Leaks = facts.Serials, facts.Leaks
			return f, nil
		}
	}
	return facts, errors.Join(err, listErr)
}

// verdict returns what an order's status says about its release, and whether that proves it. running means that the
// order was seen In progress since the release was requested: it was out then, whatever its status is now.
//
// ASSUMED: an order is Done only after it was In progress. Suspended proves nothing by itself, since a line may refuse
// an order that the cloud pushed. Pending release and Open prove nothing either: they are a sign, if they last.
func verdict(f packaging.Facts, running bool) (s packaging.Settlement, proven bool) {
	switch {
	case f.Status == packaging.InProgress, f.Status == packaging.Done:
		return packaging.Settlement{
			Outcome: packaging.Released, Proof: f.Status, Status: f.Status, Serials: f.Serials, Leaks: f.Leaks,
		}, true
	case running:
		return packaging.Settlement{
			Outcome: packaging.Released, Proof: packaging.InProgress, Status: f.Status, Serials: f.Serials,
			Leaks: f.Leaks,
		}, true
	case f.Status == packaging.PendingRelease, f.Status == packaging.Open:
		return packaging.Settlement{
			Outcome: packaging.Refused, Reason: packaging.StillPending, Proof: f.Status, Status: f.Status,
		}, false
	}
	return packaging.Settlement{}, false
}
