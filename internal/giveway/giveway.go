// Package giveway lets presses of release go first on the processor. A press is a handful of short steps. Beside an
// import, an export, a check and long lists at once, each of its steps would wait until these have had their turn on
// every core. So whatever takes long asks between its own steps whether a press is under way, and waits until its call
// has left.
//
// There is one road for the whole program, as there is one processor.
package giveway

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// maxWait is how long others wait for presses in a period. However many presses come, and however soon one follows
// another: they slow others to a quarter of their pace at most.
const (
	maxWait = 150 * time.Millisecond
	period  = 200 * time.Millisecond
)

// maxPress is how long a press counts at most. One that takes longer waits for the network or the disk.
const maxPress = time.Second

// road is what presses and others share.
type road struct {
	presses atomic.Int32 // whose call has not left
	waiting atomic.Int32 // others

	mu     sync.Mutex
	free   chan struct{} // closed when no press is under way
	began  time.Time     // the period
	since  time.Time     // in the period, since when presses are under way without a break
	before time.Duration // how long they were under way in the period before that
}

var way road

type pressKey struct{}

// Press says that a press is under way until its call has left: until [Left] is called with the context that it
// returns, or end. A press of which ctx knows already counts once.
func Press(ctx context.Context) (within context.Context, end func()) {
	if ctx.Value(pressKey{}) != nil {
		return ctx, func() {}
	}
	way.enter()
	leave := sync.OnceFunc(way.leave)
	late := time.AfterFunc(maxPress, leave)
	end = func() { late.Stop(); leave() }
	return context.WithValue(ctx, pressKey{}, end), end
}

// Left says that the call of the press that ctx knows of has left. It does nothing where ctx knows of none.
func Left(ctx context.Context) {
	if end, ok := ctx.Value(pressKey{}).(func()); ok {
		end()
	}
}

// Wait waits while presses are under way, for a short time. It must not be called in a write transaction: presses wait
// for the writer.
func Wait() {
	if way.presses.Load() > 0 {
		way.wait()
	}
}

// Step is Wait for whatever takes long, about every millisecond. It lets others run too: a press is not known as one
// before its request is read.
func Step() {
	runtime.Gosched()
	Wait()
}

// UnderWay is how many presses are under way.
func UnderWay() int { return int(way.presses.Load()) }

// Waiting is how many wait for presses.
func Waiting() int { return int(way.waiting.Load()) }

func (r *road) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.presses.Add(1) == 1 {
		r.free, r.since = make(chan struct{}), time.Now()
		r.endPeriod(r.since)
	}
}

func (r *road) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.presses.Add(-1) == 0 {
		r.before += time.Since(r.since)
		close(r.free)
	}
}

// endPeriod begins a new period once the present one is over.
func (r *road) endPeriod(now time.Time) {
	if now.Sub(r.began) > period {
		r.began, r.since, r.before = now, now, 0
	}
}

func (r *road) wait() {
	r.mu.Lock()
	now := time.Now()
	r.endPeriod(now)
	free, left := r.free, maxWait-r.before-now.Sub(r.since)
	r.mu.Unlock()
	if left <= 0 { // others have waited for long enough
		return
	}
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-free:
	case <-timer.C:
	}
}
