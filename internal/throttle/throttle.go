// Package throttle slows down people who guess passwords, and programs that ask more often than people do. It keeps a
// bounded number of counts in memory; a restart forgets them.
package throttle

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lineboard/internal/packaging"
)

// Recorder adds entries to the history about passwords that are slowed down.
type Recorder interface {
	ThrottlingBegan(ctx context.Context, t packaging.Throttling) error
	ThrottlingEnded(ctx context.Context, t packaging.Throttling) error
}

const (
	maxCounts = 10_000           // of each kind; the one that was unused for longest is dropped first
	quietTime = 10 * time.Minute // without a try until throttling counts as ended
	sweepTime = time.Minute      // between two sweeps
	// maxName is longer than any username. All longer names count as one, since nobody has them.
	maxName = 100
)

// count is what the Guard knows of one key.
type count struct {
	packaging.Throttling
	throttle packaging.Throttle
	wrong    float64   // tries that are not forgiven yet
	at       time.Time // as of when
	until    time.Time // no password is checked before
	on       bool      // throttling has begun and has not ended
}

// Client is where a password comes from.
type Client struct {
	Address string
	// Device names the browser if it is known: the person signed in there before, or it is a station's. It is empty for
	// a stranger's.
	Device string
	// Shared says that the device is one for many people. Their wrong passwords then count together as well.
	Shared bool
}

// Known reports whether the person signed in before by this device, or it is a station's.
func (c Client) Known() bool { return c.Device != "" }

// The kinds of counts.
const (
	personAtAddress = iota
	personAnywhere
	address
	personOnDevice
	sharedDevice
	kinds
)

// Guard slows down people who guess passwords.
type Guard struct {
	store    Recorder
	networks Networks
	now      func() time.Time
	log      *slog.Logger

	mu     sync.Mutex
	counts [kinds]*simplelru.LRU[string, *count]
	known  *simplelru.LRU[string, struct{}] // persons and addresses at which they have signed in
	ended  []packaging.Throttling           // to be recorded
}

// New returns a Guard of a site with these local networks.
func New(store Recorder, networks Networks, now func() time.Time, log *slog.Logger) *Guard {
	g := &Guard{store: store, networks: networks, now: now, log: log}
	for i := range g.counts {
		// It fails only for sizes below 1.
		g.counts[i], _ = simplelru.NewLRU(maxCounts, func(_ string, c *count) { g.end(c) })
	}
	g.known, _ = simplelru.NewLRU[string, struct{}](maxCounts, nil)
	return g
}

// Try returns how long to wait before a password may be checked, for a username from a client; 0 means now. The try
// then counts as wrong at once, so that many tries at the same time gain nothing. [Guard.Right] takes that back.
func (g *Guard) Try(username string, from Client) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	counts := g.countsOf(username, from, now)
	for _, c := range counts {
		wait = max(wait, c.until.Sub(now))
	}
	for _, c := range counts {
		switch {
		case wait <= 0:
			c.wrong++
			c.until = now.Add(c.throttle.WaitAfter(c.wrong))
		case c.until.After(now):
			c.Tries++
		}
	}
	return wait
}

// Wrong records that the password of a try was wrong. quiet is true if the history has an entry about this throttling
// already: the try needs no entry of its own.
func (g *Guard) Wrong(ctx context.Context, username string, from Client) (quiet bool, err error) {
	quiet, began := g.countWrong(username, from)
	for _, t := range began {
		// Without the username: people type passwords there. The history has it if it exists.
		g.log.Warn("passwords are slowed down", "address", t.Address)
		if err := g.store.ThrottlingBegan(ctx, t); err != nil {
			return quiet, err
		}
	}
	return quiet, g.recordEnded(ctx)
}

func (g *Guard) countWrong(username string, from Client) (quiet bool, began []packaging.Throttling) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.countsOf(username, from, g.now()) {
		switch {
		case c.on:
			quiet = true
			c.Tries++
		case c.throttle.WaitAfter(c.wrong) > 0:
			c.on = true
			began = append(began, c.Throttling)
		}
	}
	return quiet, began
}

// countsOf returns the counts that apply to a try now. A known device has counts that no other one touches. At an
// address where the person has signed in before, only their own count applies, with short waits: others at that address
// may be strangers.
func (g *Guard) countsOf(username string, from Client, now time.Time) []*count {
	name, at := nameOf(username), g.networks.Of(from.Address)
	anywhere, all := packaging.Throttling{Username: name}, packaging.Throttling{Address: from.Address}
	both := packaging.Throttling{Username: name, Address: from.Address}
	switch {
	case from.Known():
		own := g.count(personOnDevice, name+"\x00"+from.Device, packaging.ThrottlePersonOnDevice, both, now)
		if !from.Shared {
			return []*count{own}
		}
		return []*count{own, g.count(sharedDevice, from.Device, packaging.ThrottleAddress, all, now)}
	case g.known.Contains(name + "\x00" + at):
		return []*count{g.count(personAtAddress, name+"\x00"+at, packaging.ThrottlePersonAtKnownAddress, both, now)}
	}
	return []*count{
		g.count(personAtAddress, name+"\x00"+at, packaging.ThrottlePersonAtAddress, both, now),
		g.count(personAnywhere, name, packaging.ThrottlePerson, anywhere, now),
		g.count(address, at, packaging.ThrottleAddress, all, now),
	}
}

func (g *Guard) count(kind int, key string, t packaging.Throttle, what packaging.Throttling, now time.Time) *count {
	c, ok := g.counts[kind].Get(key)
	if !ok {
		c = &count{Throttling: what, at: now}
		g.counts[kind].Add(key, c)
	}
	c.throttle = t
	c.limitTo(now)
	c.wrong, c.at = t.Left(c.wrong, now.Sub(c.at)), now
	return c
}

// limitTo corrects times that lie ahead because the clock was set back.
func (c *count) limitTo(now time.Time) {
	if c.at.After(now) {
		c.at = now
	}
	if latest := now.Add(c.throttle.MaxWait); c.until.After(latest) {
		c.until = latest
	}
}

// Right takes back the try of a password that was right, and ends the person's own throttling there. From then on,
// nobody elsewhere can lock the person out at this address.
func (g *Guard) Right(ctx context.Context, username string, from Client) error {
	g.mu.Lock()
	for _, c := range g.countsOf(username, from, g.now()) {
		c.wrong = max(0, c.wrong-1)
		c.until = time.Time{}
	}
	name := nameOf(username)
	if at := name + "\x00" + g.networks.Of(from.Address); !from.Known() {
		g.known.Add(at, struct{}{})
		g.counts[personAtAddress].Remove(at)
	} else {
		g.counts[personOnDevice].Remove(name + "\x00" + from.Device)
	}
	g.mu.Unlock()
	return g.recordEnded(ctx)
}

// end marks a throttling as ended. It does nothing if none has begun.
func (g *Guard) end(c *count) {
	if c.on {
		c.on = false
		g.ended = append(g.ended, c.Throttling)
		c.Tries = 0
	}
}

// recordEnded records the throttlings that have ended. Those that can't be recorded now are kept.
func (g *Guard) recordEnded(ctx context.Context) error {
	g.mu.Lock()
	ended := g.ended
	g.ended = nil
	g.mu.Unlock()
	for i, t := range ended {
		if err := g.store.ThrottlingEnded(ctx, t); err != nil {
			g.mu.Lock()
			g.ended = append(g.ended, ended[i:]...)
			g.mu.Unlock()
			return err
		}
	}
	return nil
}

// Sweep records the throttlings that have ended because nobody tries any more.
func (g *Guard) Sweep(ctx context.Context) error {
	g.endAll(func(c *count, now time.Time) bool { return now.Sub(c.at) > quietTime && now.After(c.until) })
	return g.recordEnded(ctx)
}

func (g *Guard) endAll(which func(*count, time.Time) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for _, counts := range g.counts {
		for _, c := range counts.Values() {
			c.limitTo(now)
			if which(c, now) {
				g.end(c)
			}
		}
	}
}

// Run sweeps every minute until ctx ends. It then records what a restart would forget.
func (g *Guard) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			g.endAll(func(*count, time.Time) bool { return true })
			return g.recordEnded(context.WithoutCancel(ctx))
		case <-time.After(sweepTime):
		}
		if err := g.Sweep(ctx); err != nil && ctx.Err() == nil {
			g.log.Error("end of throttling not recorded", "err", err)
		}
	}
}

// nameOf returns a username as counts know it. Whether somebody has it makes no difference.
func nameOf(username string) string {
	if len(username) > maxName {
		return ""
	}
	return strings.ToLower(username)
}
