// Package throttle slows down whoever tries passwords, and whoever asks more than people do. It keeps its counts in memory,
// so many of them at most; a restart forgets them.
package throttle

import (
	"context"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lineboard/internal/packaging"
)

// Recorder keeps in the history when passwords begin to be slowed down, and when that is over.
type Recorder interface {
	ThrottlingBegan(ctx context.Context, t packaging.Throttling) error
	ThrottlingEnded(ctx context.Context, t packaging.Throttling) error
}

// rule is how wrong passwords add up: so many are free, one is forgiven each time so long passes, and each that is more
// than free doubles the wait, from a second up to the most.
type rule struct {
	free    int
	forgive time.Duration
	most    time.Duration
}

// The rules. The first stops who guesses a password; the others stop who guesses from many addresses, or many names. They
// do not hold for a person at an address where they have signed in: nobody else can lock them out there.
var (
	personAtAddress = rule{free: 5, forgive: 10 * time.Minute, most: 15 * time.Minute}
	person          = rule{free: 20, forgive: 3 * time.Minute, most: time.Minute}
	address         = rule{free: 50, forgive: 30 * time.Second, most: 5 * time.Minute}
)

const (
	kept  = 10_000           // counts of each kind; the longest untouched is forgotten first
	quiet = 10 * time.Minute // without a try until throttling counts as over
	sweep = time.Minute      // between two looks at what is over
	// longestName is more than any username has. Longer ones are nobody's, and count as one.
	longestName = 100
)

// count is what is known of one key.
type count struct {
	packaging.Throttling
	rule  rule
	level float64   // wrong passwords that are not forgiven yet
	at    time.Time // as of when
	until time.Time // no password is looked at before
	on    bool      // throttling has begun and is not over
}

// over is by how many wrong passwords a count is beyond the free ones, below zero where it is not.
func (c *count) over() int { return int(math.Round(c.level)) - c.rule.free }

// Guard slows down who tries passwords.
type Guard struct {
	store Recorder
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	counts [3]*simplelru.LRU[string, *count] // by person and address, by person, by address
	known  *simplelru.LRU[string, struct{}]  // where a person has signed in
	over   []packaging.Throttling            // to be recorded
}

// New makes a Guard.
func New(store Recorder, now func() time.Time, log *slog.Logger) *Guard {
	g := &Guard{store: store, now: now, log: log}
	for i := range g.counts {
		g.counts[i], _ = simplelru.NewLRU(kept, func(_ string, c *count) { g.end(c) }) // fails for a size below 1 alone
	}
	g.known, _ = simplelru.NewLRU[string, struct{}](kept, nil)
	return g
}

// Try asks whether a password may be looked at, given for a username at an address: it may where wait is 0. It then counts
// as wrong at once, so that many tries at the same time gain nothing; [Guard.Right] takes that back.
func (g *Guard) Try(username, from string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	counts := g.of(username, from, now)
	for _, c := range counts {
		wait = max(wait, c.until.Sub(now))
	}
	for _, c := range counts {
		switch {
		case wait <= 0:
			c.level++
			if over := c.over(); over >= 0 {
				c.until = now.Add(min(time.Second<<min(over, 20), c.rule.most))
			}
		case c.until.After(now):
			c.Tries++
		}
	}
	return wait
}

// Wrong says that the password of a try was wrong. Where it is a part of a throttling that stands in the history already,
// quiet holds: it needs no entry of its own.
func (g *Guard) Wrong(ctx context.Context, username, from string) (quiet bool, err error) {
	quiet, began := g.wrong(username, from)
	for _, t := range began {
		// Without the name: people type passwords where it belongs. The history names whom there is.
		g.log.Warn("passwords are slowed down", "address", t.Address)
		if err := g.store.ThrottlingBegan(ctx, t); err != nil {
			return quiet, err
		}
	}
	return quiet, g.recordOver(ctx)
}

func (g *Guard) wrong(username, from string) (quiet bool, began []packaging.Throttling) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.of(username, from, g.now()) {
		switch {
		case c.on:
			quiet = true
			c.Tries++
		case c.over() >= 0:
			c.on = true
			began = append(began, c.Throttling)
		}
	}
	return quiet, began
}

// of gives the counts that hold for a try, forgiven as far as time has passed.
func (g *Guard) of(username, from string, now time.Time) []*count {
	name, at := nameOf(username), addressOf(from)
	counts := []*count{g.count(0, name+"\x00"+at, personAtAddress, packaging.Throttling{Username: name, Address: from}, now)}
	if !g.known.Contains(name + "\x00" + at) {
		counts = append(counts,
			g.count(1, name, person, packaging.Throttling{Username: name}, now),
			g.count(2, at, address, packaging.Throttling{Address: from}, now))
	}
	return counts
}

func (g *Guard) count(kind int, key string, r rule, what packaging.Throttling, now time.Time) *count {
	c, ok := g.counts[kind].Get(key)
	if !ok {
		c = &count{Throttling: what, rule: r, at: now}
		g.counts[kind].Add(key, c)
	}
	c.notAhead(now)
	c.level = max(0, c.level-float64(now.Sub(c.at))/float64(r.forgive))
	c.at = now
	return c
}

// notAhead brings moments that are ahead of the clock, which was set back then, to the latest that they can be.
func (c *count) notAhead(now time.Time) {
	if c.at.After(now) {
		c.at = now
	}
	if latest := now.Add(c.rule.most); c.until.After(latest) {
		c.until = latest
	}
}

// Right takes back the try of a password that was right. From then on, nobody elsewhere can lock the person out at this
// address.
func (g *Guard) Right(ctx context.Context, username, from string) error {
	g.mu.Lock()
	for _, c := range g.of(username, from, g.now()) {
		c.level = max(0, c.level-1)
		c.until = time.Time{}
	}
	key := nameOf(username) + "\x00" + addressOf(from)
	g.known.Add(key, struct{}{})
	g.counts[0].Remove(key)
	g.mu.Unlock()
	return g.recordOver(ctx)
}

// end notes that a throttling, if it is one, is over.
func (g *Guard) end(c *count) {
	if c.on {
		c.on = false
		g.over = append(g.over, c.Throttling)
		c.Tries = 0
	}
}

// recordOver keeps in the history what throttling is over.
func (g *Guard) recordOver(ctx context.Context) error {
	g.mu.Lock()
	over := g.over
	g.over = nil
	g.mu.Unlock()
	for i, t := range over {
		if err := g.store.ThrottlingEnded(ctx, t); err != nil {
			g.mu.Lock()
			g.over = append(g.over, over[i:]...)
			g.mu.Unlock()
			return err
		}
	}
	return nil
}

// Sweep records the throttling that is over because nobody tries any more.
func (g *Guard) Sweep(ctx context.Context) error {
	g.endAll(func(c *count, now time.Time) bool { return now.Sub(c.at) > quiet && now.After(c.until) })
	return g.recordOver(ctx)
}

func (g *Guard) endAll(which func(*count, time.Time) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for _, counts := range g.counts {
		for _, c := range counts.Values() {
			c.notAhead(now)
			if which(c, now) {
				g.end(c)
			}
		}
	}
}

// Run sweeps now and then until ctx ends, and then records what a restart would forget.
func (g *Guard) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			g.endAll(func(*count, time.Time) bool { return true })
			return g.recordOver(context.WithoutCancel(ctx))
		case <-time.After(sweep):
		}
		if err := g.Sweep(ctx); err != nil && ctx.Err() == nil {
			g.log.Error("end of throttling not recorded", "err", err)
		}
	}
}

// nameOf is a username as counts know it: whether anybody has it makes no difference.
func nameOf(username string) string {
	if len(username) > longestName {
		return ""
	}
	return strings.ToLower(username)
}

// addressOf is what an address counts as: one of IPv6 by its network of 64 bits, which a single household has to itself.
func addressOf(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil {
		return from
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			return network.String()
		}
	}
	return a.String()
}
