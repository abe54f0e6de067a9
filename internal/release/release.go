// Package release is the workflow of a release to line: claim, call, settle. The claim is durable before the call
// leaves. The call is made once and outside any transaction. Its answer is stored before anyone sees it.
package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lineboard/internal/giveway"
	"lineboard/internal/packaging"
)

// Store keeps releases.
type Store interface {
	// Claim stores a release of the order as sending. It returns a Conflict if the order can't be released now, and
	// ErrNotAnchored with the order if the release is claimed and must not be sent.
	Claim(ctx context.Context, by packaging.Person, press packaging.Press) (packaging.Order, error)
	// Settle stores the answer to the order's claimed release.
	Settle(ctx context.Context, o packaging.Order, answer packaging.Answer) (packaging.Release, error)
	// Record adds an entry to the history.
	Record(ctx context.Context, e packaging.Entry) error
}

// API is the remote call. It ends by its own time limit, and every way it can end is an answer. When ctx ends, it
// begins nothing more; what has been sent goes on.
type API interface {
	ReleaseToLine(ctx context.Context, orderKey string) packaging.Answer
}

// Releaser releases orders to their lines.
type Releaser struct {
	store Store
	api   func(context.Context, packaging.TenantID) (API, error)
	log   *slog.Logger
	held  atomic.Int64 // answers that wait to be stored
	busy  atomic.Int64 // releases whose outcome somebody waits for

	reserve Reserve               // where answers are kept that the database can't take; nil for nowhere
	copied  Copy                  // that releases wait for; nil for none
	halted  atomic.Pointer[error] // why nothing is released

	mu        sync.Mutex      // orders begin against BeginStop
	stopping  context.Context // ends with BeginStop
	beginStop context.CancelFunc
	running   sync.WaitGroup // releases and queues
	calls     sync.WaitGroup // releases whose call has not ended
	giveUp    chan struct{}  // closed when waiting answers must be given up
	once      sync.Once      // closes giveUp
}

// New returns a Releaser. api returns a tenant's remote API, or the reason why it can't be called.
func New(store Store, api func(context.Context, packaging.TenantID) (API, error), log *slog.Logger) *Releaser {
	r := &Releaser{store: store, api: api, log: log, giveUp: make(chan struct{})}
	r.stopping, r.beginStop = context.WithCancel(context.Background())
	return r
}

// errStopping refuses work that would begin after Stop.
var errStopping = packaging.Fail(packaging.Unavailable, "error.stopping")

// begin registers something with the groups that a stop waits for. It fails once BeginStop was called.
func (r *Releaser) begin(groups ...*sync.WaitGroup) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping.Err() != nil {
		return errStopping
	}
	if why := r.halted.Load(); why != nil {
		return *why
	}
	if r.copied != nil {
		if err := r.copied.Ready(); err != nil {
			return err
		}
	}
	for _, g := range groups {
		g.Add(1)
	}
	return nil
}

// Ready returns why no release can begin, whatever its order is, or nil.
func (r *Releaser) Ready() error {
	if err := r.begin(); err != nil {
		return err
	}
	if r.copied != nil {
		if err := r.copied.Confirmed(context.Background()); err != nil {
			return err
		}
	}
	if r.reserve == nil {
		return nil
	}
	return r.reserve.Ready()
}

// Release releases an order on behalf of a person.
//
// It returns once the claim is stored. From then on the release continues even if ctx ends, and settled is closed when
// its outcome is stored. If Release fails, nothing was sent. It fails with Unavailable once BeginStop was called.
func (r *Releaser) Release(
	ctx context.Context, by packaging.Person, press packaging.Press,
) (settled <-chan struct{}, err error) {
	if !by.May(packaging.ReleaseOrders) {
		return nil, packaging.Fail(packaging.Forbidden, "error.may_not_release")
	}
	if err := r.begin(&r.running, &r.calls); err != nil { // before the claim: a stop must wait for a claim under way
		return nil, err
	}
	ctx, left := giveway.Press(ctx)
	r.busy.Add(1)
	called := sync.OnceFunc(r.calls.Done)
	done := make(chan struct{})
	end := func() { left(); called(); close(done); r.busy.Add(-1); r.running.Done() }
	room, err := r.takeRoom(by.Tenant)
	if err != nil {
		end()
		return nil, err
	}
	order, err := r.store.Claim(ctx, by, press)
	notAnchored := errors.Is(err, packaging.ErrNotAnchored)
	if err != nil && !notAnchored {
		room.Free()
		end()
		return nil, errors.Join(err, r.recordDeclined(ctx, by, order, err))
	}
	go func() {
		defer end()
		// The remote side carries the call out even if the browser is gone, so the browser must not cancel it.
		ctx := context.WithoutCancel(ctx)
		answer := packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotAnchored}
		if notAnchored {
			r.log.Error("release not sent: its claim is not anchored", "order", order.ID, "err", err)
		} else {
			answer = r.callOnceCopied(ctx, order)
		}
		called()
		r.settle(ctx, order, answer, room)
		if r.copied != nil {
			r.copied.Settled(ctx, order)
		}
	}()
	return done, nil
}

// Halt stops all releases from now on for the reason that it is given; nil lets them go on. Those under way end.
func (r *Releaser) Halt(why error) {
	if why == nil {
		r.halted.Store(nil)
		return
	}
	r.halted.Store(&why)
}

// recordDeclined records in the history that a person pressed a release that could not be sent. A stopped queue is no
// press: its end is in the history already.
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

// call makes the one call, and begins nothing of it once BeginStop was called. If the program itself fails in it, the
// outcome is unknown.
func (r *Releaser) call(ctx context.Context, o packaging.Order) (answer packaging.Answer) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("release call failed inside", "order", o.ID, "panic", fmt.Sprint(p))
			answer = packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Interrupted}
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.stopping, cancel)()
	api, err := r.api(ctx, o.TenantID)
	if err != nil {
		return packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotConfigured, Message: err.Error()}
	}
	return api.ReleaseToLine(ctx, o.Key)
}

// settle stores the answer, which exists nowhere else. If the database refuses it for good, the release becomes unknown
// and keeps the answer as its body: the Settler and people can still find the outcome. If even that is refused, the
// release stays under way until the next start makes it unknown.
func (r *Releaser) settle(ctx context.Context, o packaging.Order, answer packaging.Answer, room Room) {
	log := r.log.With("order", o.ID, "release", o.Release.ID, "answer", answer.String())
	err := r.storeAnswer(ctx, o, answer, room, log)
	if errors.Is(err, errGivenUp) {
		return // the room keeps the answer
	}
	if err != nil {
		log.Error("answer to a release is refused by the database, its outcome becomes unknown", "err", err)
		err = r.storeAnswer(ctx, o, NotStored(answer), room, log)
	}
	switch {
	case err == nil:
		room.Free()
	case !errors.Is(err, errGivenUp):
		log.Error("release stays under way until Lineboard starts again: its end can't be stored", "err", err)
	}
}

// NotStored returns the unknown answer that stands in for one that the database refuses.
func NotStored(answer packaging.Answer) packaging.Answer {
	body := answer.Body
	if answer.Outcome != packaging.Unknown {
		body, _ = json.Marshal(answer) // plain fields always have JSON
	}
	return packaging.Answer{
		Outcome: packaging.Unknown, Reason: packaging.NotStored, HTTPStatus: answer.HTTPStatus, Body: body,
	}
}

// The first wait before an answer is stored again; it doubles up to the second.
const (
	firstRetry = 50 * time.Millisecond
	maxRetry   = 5 * time.Second
)

// errGivenUp is the error of an answer that Stop gave up.
var errGivenUp = errors.New("stopped before the answer could be stored")

// storeAnswer stores an answer, and tries again while the database is unavailable, for example because its disk is
// full. Until it succeeds, the room keeps the answer too. Any other error would come again: it is returned.
func (r *Releaser) storeAnswer(
	ctx context.Context, o packaging.Order, answer packaging.Answer, room Room, log *slog.Logger,
) error {
	_, err := r.store.Settle(ctx, o, answer)
	if err == nil || packaging.CodeOf(err) != packaging.Unavailable {
		return err
	}
	r.held.Add(1)
	defer r.held.Add(-1)
	answer.Came = time.Now()
	kept := room.Keep(o, answer)
	if kept != nil {
		log.Error("answer to a release can't be kept in its reserved room", "err", kept)
	}
	var giveUp <-chan struct{} = r.giveUp
	if kept == nil {
		giveUp = r.stopping.Done() // the next start stores it: nobody need wait
	}
	for wait := firstRetry; packaging.CodeOf(err) == packaging.Unavailable; wait = min(2*wait, maxRetry) {
		log.Error("answer to a release can't be stored, will be tried again", "err", err)
		select {
		case <-time.After(wait):
		case <-giveUp:
			if kept == nil {
				log.Warn("answer to a release is in its reserved room: the next start stores it")
			} else {
				log.Error("answer to a release is lost: stopped before it could be stored")
			}
			return errGivenUp
		}
		if _, err = r.store.Settle(ctx, o, answer); err == nil {
			log.Info("answer to a release is stored at last")
			return nil
		}
	}
	return err
}

// Held returns how many answers wait to be stored because the database is unavailable.
func (r *Releaser) Held() int { return int(r.held.Load()) }

// Busy reports whether a release is under way.
func (r *Releaser) Busy() bool { return r.busy.Load() > 0 }

// BeginStop refuses new releases and queues. Of those under way it begins no other call: a release that has not been
// sent is refused, and one that has been sent keeps its own limit. A running queue ends after its current release.
func (r *Releaser) BeginStop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beginStop()
}

// AwaitCalls returns once no call is under way. It must come after BeginStop.
func (r *Releaser) AwaitCalls() { r.calls.Wait() }

// Stop begins a stop, and waits for what is under way. An answer in reserved room waits for the next start. When ctx
// ends, Stop gives up the answers that still wait to be stored; calls under way end by their own limits.
func (r *Releaser) Stop(ctx context.Context) {
	r.BeginStop()
	ended := make(chan struct{})
	go func() { r.running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
		r.once.Do(func() { close(r.giveUp) })
		<-ended
	}
}
