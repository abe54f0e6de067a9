package manufacturer

import (
	"context"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// kind is a kind of call. Each has its own turn to probe whether the cloud is back.
type kind int

const (
	ofOpen kind = iota
	ofDetails
	ofRelease
	kinds
)

// breaker ends calls at once while the cloud is down, so that nobody waits in vain. Its rules are in rules.go.
type breaker struct {
	mu    sync.Mutex
	signs int       // in a row, that the cloud is down
	first time.Time // of the first of them, by the clock of pauses
	since time.Time // the same moment by Config.Now, for people
	last  packaging.CallError
	down  bool
	turns [kinds]turn

	turned func() // called when the cloud goes down, and when it is back; nil for nobody
}

// tell says that the cloud went down or is back. The caller holds no lock.
func (b *breaker) tell() {
	if b.turned != nil {
		b.turned()
	}
}

// turn says when a kind of call may probe whether the cloud is back.
type turn struct {
	from  time.Time
	pause time.Duration
	taken bool
}

// next returns the turn after a pause.
func next(now time.Time, pause time.Duration) turn {
	return turn{from: now.Add(jitter(pause)), pause: pause}
}

// failed counts a sign that the cloud is down.
func (b *breaker) failed(sign packaging.CallError, now, forPeople time.Time) {
	if b.count(sign, now, forPeople) {
		b.tell()
	}
}

// count says whether the sign brings the cloud down.
func (b *breaker) count(sign packaging.CallError, now, forPeople time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.signs == 0 {
		b.first, b.since = now, forPeople
	}
	b.signs++
	b.last = sign
	if b.down || b.signs < downAfter || now.Sub(b.first) < downFor {
		return false
	}
	b.down = true
	for i := range b.turns {
		b.turns[i] = next(now, firstProbe)
	}
	return true
}

// answered clears all signs: the cloud answers.
func (b *breaker) answered() {
	b.mu.Lock()
	back := b.down
	b.signs, b.down = 0, false
	b.mu.Unlock()
	if back {
		b.tell()
	}
}

// enter decides whether a call may be made. If not, last is the latest sign that the cloud is down. If the call is a
// probe of a cloud that is down, the caller must call leave after it.
func (b *breaker) enter(k kind, now time.Time) (probe bool, last *packaging.CallError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &b.turns[k]
	switch {
	case !b.down:
		return false, nil
	case t.taken || now.Before(t.from):
		sign := b.last
		return false, &sign
	}
	t.taken = true
	return true, nil
}

// leave ends a probe. If the probe showed nothing because its caller gave up, the next call may probe.
func (b *breaker) leave(k kind, p *problem, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &b.turns[k]
	t.taken = false
	if b.down && p != nil && p.outage {
		*t = next(now, min(2*t.pause, maxProbe))
	}
}

// Down returns whether the cloud counts as down, and since when it has not answered.
func (c *Client) Down() (since time.Time, down bool) {
	c.breaker.mu.Lock()
	defer c.breaker.mu.Unlock()
	if !c.breaker.down {
		return time.Time{}, false
	}
	return c.breaker.since, true
}

// read makes a call that only reads.
func (c *Client) read(ctx context.Context, of kind, k call) (doc document, p *problem) {
	probe, last := c.breaker.enter(of, c.clock.now())
	if last != nil {
		why := "not sent, because the API does not answer. The last try: " + last.Message
		return document{}, c.problem(reply{}, last.Reason, why)
	}
	if probe {
		defer func() { c.breaker.leave(of, p, c.clock.now()) }()
	}
	return c.authorised(ctx, k)
}

// mayRelease returns nil if a release may be sent, and otherwise the problem that proves that it was not. It probes a
// cloud that was down with a read, whose answer may get lost without harm.
func (c *Client) mayRelease(ctx context.Context, key string) *problem {
	if _, down := c.Down(); !down {
		return nil
	}
	_, p := c.read(ctx, ofRelease, c.detailsCall(key))
	if _, down := c.Down(); down && p != nil {
		return c.problem(reply{}, packaging.CloudDown, p.Message)
	}
	return nil
}
