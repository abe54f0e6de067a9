// Package ordersync keeps the cache of packaging orders fresh. It asks the remote API for the list of open orders, on
// an interval and when a person asks for it. It asks for the details of orders that the list says too little about,
// that run, or that have left the list.
package ordersync

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/internal/packaging"
)

// Store is the cache.
type Store interface {
	Tenants(ctx context.Context) ([]packaging.Tenant, error)
	// CachedOrders returns the orders that are not Done, by their key.
	CachedOrders(ctx context.Context, tenant packaging.TenantID) (map[string]packaging.CachedOrder, error)
	ApplyRefresh(ctx context.Context, tenant packaging.TenantID, r packaging.Refresh) (changed bool, err error)
	RefreshFailed(ctx context.Context, tenant packaging.TenantID, started time.Time, failure *packaging.CallError) error
}

// API is the remote API. Its errors are *packaging.CallError.
type API interface {
	Open(ctx context.Context) (orders []packaging.Facts, nameless int, err error)
	Details(ctx context.Context, orderKey string) (packaging.Facts, error)
}

const (
	// Details that the list lacks are asked for again after this time, since the API does not tell when they change.
	detailsAge = 5 * time.Minute
	// A running order may be Done before the list says so.
	runningAge = time.Minute
	// An order that the API no longer knew may come back.
	goneAge = time.Hour
	// One refresh asks for at most so many details, the oldest first. The next refresh goes on.
	maxDetails = 50
	// So many details are asked for at the same time.
	maxConcurrent = 4
	// People can refresh a tenant's orders once in this time: the API has other work too.
	personGap = 10 * time.Second
)

// Syncer refreshes the cache of all tenants. A tenant has one refresh under way at a time. Callers that want another
// one meanwhile wait for it.
type Syncer struct {
	store    Store
	api      func(context.Context, packaging.TenantID) (API, error)
	interval time.Duration
	answered func(packaging.TenantID)
	now      func() time.Time
	log      *slog.Logger

	life context.Context // of all refreshes: others may wait for one whose caller has gone
	end  context.CancelFunc

	mu      sync.Mutex
	runs    map[packaging.TenantID]*run
	pressed map[packaging.TenantID]time.Time // when a person last started a refresh
}

// run is a refresh under way.
type run struct {
	started time.Time
	done    chan struct{} // closed at its end; err is set then
	err     error
}

// New returns a Syncer that refreshes each tenant's orders once an interval. After each successful call of the list it
// calls answered: the tenant's API can be reached.
func New(
	store Store, api func(context.Context, packaging.TenantID) (API, error), interval time.Duration,
	answered func(packaging.TenantID), now func() time.Time, log *slog.Logger,
) *Syncer {
	s := &Syncer{
		store: store, api: api, interval: interval, answered: answered, now: now, log: log,
		runs: map[packaging.TenantID]*run{}, pressed: map[packaging.TenantID]time.Time{},
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Run refreshes each tenant at once and then on the interval, until ctx ends; after that nothing is refreshed. It
// reads the tenants several times an interval, so that a new one is refreshed soon. Each refresh gets the tenant's
// client anew: changed settings apply from the next refresh on. Run fails only if the tenants can't be read at its
// start.
func (s *Syncer) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.end)()
	defer s.end()
	var all sync.WaitGroup
	defer all.Wait()
	refreshed := map[packaging.TenantID]bool{}
	for first := true; ; first = false {
		tenants, err := s.store.Tenants(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			s.log.Error("tenants not read", "err", err)
		}
		for _, t := range tenants {
			if !refreshed[t.ID] {
				refreshed[t.ID] = true
				all.Go(func() { s.keepFresh(ctx, t) })
			}
		}
		if !sleep(ctx, s.interval/6) {
			return nil
		}
	}
}

// keepFresh refreshes a tenant's orders until ctx ends.
func (s *Syncer) keepFresh(ctx context.Context, t packaging.Tenant) {
	for failures := 0; ; {
		err := s.Refresh(context.WithoutCancel(ctx), t.ID) // it ends with the Syncer
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures++
			s.log.Warn("orders not refreshed", "tenant", t.Slug, "failures", failures, "err", err)
		} else {
			failures = 0
		}
		if !sleep(ctx, jitter(pause(s.interval, failures))) {
			return
		}
	}
}

// pause returns how long to wait after so many failures in a row. It is a sixth of the interval at first, so that the
// end of a short failure shows soon. Then it doubles each time, up to the interval.
func pause(interval time.Duration, failures int) time.Duration {
	if failures == 0 {
		return interval
	}
	return min(interval, interval/6<<min(failures-1, 3))
}

// jitter changes d by at most a twentieth. This keeps tenants, and servers that started together, from asking all at
// once.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration(rand.Int64N(int64(d/10)+1)) - d/20
}

// sleep waits for d and returns true, or returns false as soon as ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Refresh updates one tenant's orders. It returns when that is done or ctx ends. An error of the API is also stored
// with the cache, so that pages can show it.
func (s *Syncer) Refresh(ctx context.Context, tenant packaging.TenantID) error {
	s.mu.Lock()
	r := s.join(tenant)
	s.mu.Unlock()
	return r.wait(ctx)
}

// RefreshNow is Refresh for a person. If a person refreshed the tenant's orders a moment ago, the API is not asked, and
// retryAfter is the time until they can be refreshed again. It always waits for a refresh that is under way. started
// identifies the refresh: [packaging.Freshness] has it as the time of the latest try.
func (s *Syncer) RefreshNow(
	ctx context.Context, tenant packaging.TenantID,
) (started time.Time, retryAfter time.Duration, err error) {
	s.mu.Lock()
	if s.runs[tenant] == nil {
		now := s.now()
		if s.pressed[tenant].After(now) { // the clock was set back meanwhile
			s.pressed[tenant] = now
		}
		if retryAfter = s.pressed[tenant].Add(personGap).Sub(now); retryAfter > 0 {
			s.mu.Unlock()
			return started, retryAfter, nil
		}
		s.pressed[tenant] = now
	}
	r := s.join(tenant)
	s.mu.Unlock()
	return r.started, 0, r.wait(ctx)
}

// join returns the refresh that is under way, or starts one. The caller holds s.mu.
func (s *Syncer) join(tenant packaging.TenantID) *run {
	if r := s.runs[tenant]; r != nil {
		return r
	}
	r := &run{started: s.now(), done: make(chan struct{})}
	s.runs[tenant] = r
	go func() {
		r.err = s.refresh(s.life, tenant, r.started)
		s.mu.Lock()
		delete(s.runs, tenant)
		s.mu.Unlock()
		close(r.done)
	}()
	return r
}

func (r *run) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Syncer) refresh(ctx context.Context, tenant packaging.TenantID, started time.Time) error {
	r, err := s.ask(ctx, tenant, started)
	if err == nil {
		s.answered(tenant)
		_, err = s.store.ApplyRefresh(ctx, tenant, r)
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err() // stopped: this says nothing about the API
	}
	var failure *packaging.CallError
	if !errors.As(err, &failure) {
		failure = &packaging.CallError{Reason: packaging.NotConfigured, Message: err.Error()}
	}
	return errors.Join(failure, s.store.RefreshFailed(ctx, tenant, started, failure))
}

func (s *Syncer) ask(ctx context.Context, tenant packaging.TenantID, started time.Time) (packaging.Refresh, error) {
	r := packaging.Refresh{Started: started}
	api, err := s.api(ctx, tenant)
	if err != nil {
		return r, err
	}
	if r.Listed, r.Nameless, err = api.Open(ctx); err != nil {
		return r, err
	}
	cached, err := s.store.CachedOrders(ctx, tenant)
	if err != nil {
		return r, err
	}
	return r, s.askDetails(ctx, api, &r, cached)
}

// question is an order whose details are wanted.
type question struct {
	key   string
	at    int       // index in the list, -1 if it is not listed
	since time.Time // when it was last asked, zero for never
}

// questions returns the details to ask for, the oldest first. These are listed orders that lack something or run, and
// cached ones that have left the list: only details have their status.
func questions(r packaging.Refresh, cached map[string]packaging.CachedOrder) []question {
	var qs []question
	old := func(asked time.Time, age time.Duration) bool { // also if the clock was set back since
		since := r.Started.Sub(asked)
		return since > age || since < 0
	}
	listed := make(map[string]bool, len(r.Listed))
	for i, f := range r.Listed {
		listed[f.Key] = true
		asked := cached[f.Key].Asked
		if f.Status == "" || !f.Complete() && old(asked, detailsAge) ||
			f.Status == packaging.InProgress && old(asked, runningAge) {
			qs = append(qs, question{f.Key, i, asked})
		}
	}
	for key, c := range cached {
		if !listed[key] && (!c.Gone || old(c.Asked, goneAge)) {
			qs = append(qs, question{key, -1, c.Asked})
		}
	}
	slices.SortFunc(qs, func(a, b question) int { return a.since.Compare(b.since) })
	return qs[:min(len(qs), maxDetails)]
}

// askDetails adds the details to the refresh. Details that fail are left for the next refresh: the list alone is worth
// storing. It returns an error only if ctx ends.
func (s *Syncer) askDetails(
	ctx context.Context, api API, r *packaging.Refresh, cached map[string]packaging.CachedOrder,
) error {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(maxConcurrent)
	for _, q := range questions(*r, cached) {
		group.Go(func() error {
			facts, err := api.Details(ctx, q.key)
			mu.Lock()
			defer mu.Unlock()
			r.Asked = append(r.Asked, q.key)
			if facts.Key != q.key {
				facts.Serials, facts.Leaks = nil, 0 // they may be another order's
			}
			var failure *packaging.CallError
			switch {
			case err == nil && q.at >= 0:
				r.Listed[q.at] = detailed(r.Listed[q.at], facts)
			case err == nil:
				facts.Key = q.key // assumed, if the answer names no order
				r.Unlisted = append(r.Unlisted, facts)
			case errors.As(err, &failure) && failure.Reason == packaging.OrderNotFound && q.at < 0:
				r.Gone = append(r.Gone, q.key)
			default:
				s.log.Warn("details of an order not had", "order", q.key, "err", err)
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// detailed returns an order of the list with what its details add. They were asked for later, so their status counts.
func detailed(listed, details packaging.Facts) packaging.Facts {
	f := listed.FilledFrom(details)
	if details.Status != "" {
		f.Status = details.Status
	}
	f.Serials, f.Leaks, f.Detailed = details.Serials, details.Leaks, true
	return f
}
