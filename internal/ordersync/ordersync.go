// Package ordersync keeps the cache of packaging orders fresh: it asks the remote API for the open orders on an interval,
// and for the details of those that the list says too little about or does not hold any more.
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
	// CachedOrders gives the orders that are neither Done nor gone, with the time when their details were last asked for.
	CachedOrders(ctx context.Context, tenant packaging.TenantID) (map[string]time.Time, error)
	ApplyRefresh(ctx context.Context, tenant packaging.TenantID, r packaging.Refresh) (changed bool, err error)
	RefreshFailed(ctx context.Context, tenant packaging.TenantID, started time.Time, failure *packaging.CallError) error
}

// API is the remote side. Its errors are *packaging.CallError.
type API interface {
	Open(ctx context.Context) (orders []packaging.Facts, nameless int, err error)
	Details(ctx context.Context, orderKey string) (packaging.Facts, error)
}

const (
	// Details that the list lacks are asked for again after this time, since nothing tells that they changed.
	detailsAge = 5 * time.Minute
	// One refresh asks for no more details than this, the longest unasked first; the next one goes on.
	detailsMost = 50
	// So many details are asked for at once.
	detailsAtOnce = 4
)

// Syncer refreshes the cache of all tenants.
type Syncer struct {
	store    Store
	api      func(context.Context, packaging.TenantID) (API, error)
	interval time.Duration
	answered func(packaging.TenantID)
	now      func() time.Time
	log      *slog.Logger
}

// New makes a Syncer that refreshes each tenant's orders once an interval. After each refresh that worked it calls
// answered: the tenant's API can be reached.
func New(store Store, api func(context.Context, packaging.TenantID) (API, error), interval time.Duration, answered func(packaging.TenantID), now func() time.Time, log *slog.Logger) *Syncer {
	return &Syncer{store, api, interval, answered, now, log}
}

// Run refreshes at once and then on the interval, each tenant by itself, until ctx ends.
func (s *Syncer) Run(ctx context.Context) error {
	tenants, err := s.store.Tenants(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, t := range tenants {
		all.Go(func() { s.keepFresh(ctx, t) })
	}
	all.Wait()
	return nil
}

func (s *Syncer) keepFresh(ctx context.Context, t packaging.Tenant) {
	for {
		err := s.Refresh(ctx, t.ID)
		failed := err != nil && ctx.Err() == nil
		if failed {
			s.log.Warn("orders not refreshed", "tenant", t.Slug, "err", err)
		}
		wait := s.interval
		if failed {
			wait /= 6 // so that the end of a disturbance shows soon; the client does not strain an API that is down
		}
		// A tenth of jitter keeps tenants, and servers that started together, from asking all at once.
		wait += time.Duration(rand.Int64N(int64(wait/10)+1)) - wait/20
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Refresh brings one tenant's orders up to date. What went wrong is kept with the cache, so that pages can tell.
func (s *Syncer) Refresh(ctx context.Context, tenant packaging.TenantID) error {
	started := s.now()
	r, err := s.ask(ctx, tenant, started)
	if err == nil {
		s.answered(tenant)
		_, err = s.store.ApplyRefresh(ctx, tenant, r)
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err() // stopped, which says nothing about the API
	}
	var failure *packaging.CallError
	if !errors.As(err, &failure) {
		failure = &packaging.CallError{Reason: packaging.NotConfigured, Message: err.Error()}
	}
	return errors.Join(err, s.store.RefreshFailed(ctx, tenant, started, failure))
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

// question is an order whose details are wanted. at is its place in the list, -1 where it is not listed.
type question struct {
	key   string
	at    int
	since time.Time // when it was last asked, zero for never
}

// questions are the details to ask for: of listed orders that lack something, and of cached ones that are not listed any
// more, whose status only details can tell.
func questions(r packaging.Refresh, cached map[string]time.Time) []question {
	var qs []question
	listed := make(map[string]bool, len(r.Listed))
	for i, f := range r.Listed {
		listed[f.Key] = true
		asked := cached[f.Key]
		if f.Status == "" || !f.Complete() && r.Started.Sub(asked) > detailsAge {
			qs = append(qs, question{f.Key, i, asked})
		}
	}
	for key, asked := range cached {
		if !listed[key] {
			qs = append(qs, question{key, -1, asked})
		}
	}
	slices.SortFunc(qs, func(a, b question) int { return a.since.Compare(b.since) })
	return qs[:min(len(qs), detailsMost)]
}

// askDetails adds to the refresh what details tell. One that can't be had is left for the next refresh: the list alone is
// worth keeping.
func (s *Syncer) askDetails(ctx context.Context, api API, r *packaging.Refresh, cached map[string]time.Time) error {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(detailsAtOnce)
	for _, q := range questions(*r, cached) {
		group.Go(func() error {
			facts, err := api.Details(ctx, q.key)
			mu.Lock()
			defer mu.Unlock()
			r.Asked = append(r.Asked, q.key)
			var failure *packaging.CallError
			switch {
			case err == nil && q.at >= 0:
				r.Listed[q.at] = r.Listed[q.at].FilledFrom(facts)
			case err == nil:
				facts.Key = q.key
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
