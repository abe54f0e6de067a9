// Package release is the workflow of a release to line: claim, call, settle. The claim is durable before the call leaves,
// the call is made once and outside any transaction, and what came of it is stored before anyone is told.
package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lineboard/internal/packaging"
)

// Store keeps releases.
type Store interface {
	// Claim stores a release of the order as sending, or says as a Conflict what stands in its way.
	Claim(ctx context.Context, by packaging.Person, press packaging.Press) (packaging.Order, error)
	// Settle stores the answer to the order's claimed release.
	Settle(ctx context.Context, o packaging.Order, answer packaging.Answer) (packaging.Release, error)
	// Record adds an entry to the history.
	Record(ctx context.Context, e packaging.Entry) error
}

// API is the remote call. It ends by its own time limit, and every way it can end is an answer.
type API interface {
	ReleaseToLine(ctx context.Context, orderKey string) packaging.Answer
}

// Releaser releases orders to their lines.
type Releaser struct {
	store    Store
	api      func(context.Context, packaging.TenantID) (API, error)
	log      *slog.Logger
	running  sync.WaitGroup
	held     atomic.Int64 // answers that could not be stored yet
	stopping atomic.Bool  // no queue goes on
	stop     chan struct{}
}

// New makes a Releaser. api gives the remote API as a tenant reaches it, or why it can't be reached at all.
func New(store Store, api func(context.Context, packaging.TenantID) (API, error), log *slog.Logger) *Releaser {
	return &Releaser{store: store, api: api, log: log, stop: make(chan struct{})}
}

// Release releases an order as the person asks.
//
// It comes back once the claim is durable; from then on the release goes its way whatever happens to ctx, and settled is
// closed when its outcome is stored. Where nothing was claimed, the error says why and nothing is sent.
func (r *Releaser) Release(ctx context.Context, by packaging.Person, press packaging.Press) (settled <-chan struct{}, err error) {
	if !by.May(packaging.ReleaseOrders) {
		return nil, packaging.Fail(packaging.Forbidden, "error.may_not_release")
	}
	r.running.Add(1) // before the claim: a stop must wait for a claim under way
	order, err := r.store.Claim(ctx, by, press)
	if err != nil {
		r.running.Done()
		return nil, errors.Join(err, r.recordDeclined(ctx, by, order, err))
	}
	done := make(chan struct{})
	go func() {
		defer r.running.Done()
		defer close(done)
		// The person's going away must not cut a call that the remote side carries out all the same.
		ctx := context.WithoutCancel(ctx)
		r.settle(ctx, order, r.call(ctx, order))
	}()
	return done, nil
}

// recordDeclined keeps in the history that a release was pressed that could not be sent. Of a queue that was stopped nobody
// pressed one: its end stands there already.
func (r *Releaser) recordDeclined(ctx context.Context, by packaging.Person, o packaging.Order, why error) error {
	var conflict *packaging.Error
	if !errors.As(why, &conflict) || conflict.Code != packaging.Conflict || errors.Is(why, packaging.NotItsTurn) {
		return nil
	}
	return r.store.Record(ctx, packaging.Entry{
		TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.ReleaseDeclined,
		OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
		Reason: strings.TrimPrefix(conflict.Key, "obstacle."),
	})
}

// call makes the one call. Should the program be at fault in it, the outcome is not known.
func (r *Releaser) call(ctx context.Context, o packaging.Order) (answer packaging.Answer) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("release call failed inside", "order", o.ID, "panic", fmt.Sprint(p))
			answer = packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Interrupted}
		}
	}()
	api, err := r.api(ctx, o.TenantID)
	if err != nil {
		return packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotConfigured, Message: err.Error()}
	}
	return api.ReleaseToLine(ctx, o.Key)
}

// The answer is tried again to be stored after storeFirst, then twice as late each time, up to storeMost.
const (
	storeFirst = 50 * time.Millisecond
	storeMost  = 5 * time.Second
)

// settle stores the answer. A database that can't take it now (its disk is full) may take it later, and the answer exists
// nowhere else: it is held and tried again until it is stored or the program must stop.
func (r *Releaser) settle(ctx context.Context, o packaging.Order, answer packaging.Answer) {
	for wait, first := storeFirst, true; ; wait, first = min(2*wait, storeMost), false {
		_, err := r.store.Settle(ctx, o, answer)
		if err == nil {
			if !first {
				r.held.Add(-1)
				r.log.Info("answer to a release is stored at last", "order", o.ID, "release", o.Release.ID)
			}
			return
		}
		if first {
			r.held.Add(1)
		}
		r.log.Error("answer to a release can't be stored, will be tried again", "order", o.ID, "release", o.Release.ID,
			"answer", answer.String(), "err", err)
		select {
		case <-time.After(wait):
		case <-r.stop:
			r.log.Error("answer to a release is lost: stopped before it could be stored", "order", o.ID,
				"release", o.Release.ID, "answer", answer.String())
			return
		}
	}
}

// Held says how many answers wait to be stored because the database can't take them.
func (r *Releaser) Held() int { return int(r.held.Load()) }

// Stop waits for the releases under way. When ctx ends, it gives up those whose answer can't be stored.
func (r *Releaser) Stop(ctx context.Context) {
	r.stopping.Store(true)
	all := make(chan struct{})
	go func() { r.running.Wait(); close(all) }()
	select {
	case <-all:
	case <-ctx.Done():
		close(r.stop)
		<-all
	}
}
