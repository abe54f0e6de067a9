package manufacturer

import (
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// record is how the last calls ended.
type record struct {
	mu        sync.Mutex
	good, bad time.Time // by Config.Now
	problem   *packaging.CallError
}

// keep records how a try ended. An error about a single order counts as good: the connection works.
func (r *record) keep(p *problem, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p == nil || aboutTheOrder(p.Reason) {
		r.good = now
		return
	}
	said := p.CallError
	r.bad, r.problem = now, &said
}

func aboutTheOrder(r packaging.Reason) bool {
	switch r {
	case packaging.NotValid, packaging.OrderNotFound, packaging.WrongStatus:
		return true
	}
	return false
}

// Health returns how the latest calls ended, and when the token expires.
func (c *Client) Health() packaging.ConnectionHealth {
	h := packaging.ConnectionHealth{Echoed: c.scrub.lastEcho()}
	h.DownSince, _ = c.Down()
	c.tokens.mu.Lock()
	if !c.tokens.current.Empty() {
		h.ValidUntil = c.tokens.until
	}
	c.tokens.mu.Unlock()
	c.record.mu.Lock()
	defer c.record.mu.Unlock()
	h.LastGood, h.LastBad, h.Problem = c.record.good, c.record.bad, c.record.problem
	return h
}
