package manufacturer

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// record is how the last calls ended.
type record struct {
	mu        sync.Mutex
	good, bad time.Time // by Config.Now
	problem   *packaging.CallError
	dated     bool          // an answer said what time it is
	clockOff  time.Duration // the API's clock less ours
}

// keepDate records what time an answer says it is.
func (r *record) keepDate(h http.Header, now time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dated, r.clockOff = true, date.Sub(now)
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
	h.Dated, h.ClockOff = c.record.dated, c.record.clockOff
	return h
}

// Reach asks whether anything answers at the address of an API, without credentials. It returns what time the answer
// says it is, zero if it does not say.
func Reach(ctx context.Context, baseURL string, limit time.Duration) (date time.Time, err error) {
	base, err := packaging.ParseBaseURL(baseURL)
	if err != nil {
		return date, err
	}
	reads, _ := httpClients(nil, base)
	defer reads.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, base, nil)
	if err != nil {
		return date, err
	}
	answer, err := reads.Do(request)
	if err != nil {
		return date, errors.New(transportText(err))
	}
	defer answer.Body.Close()
	date, _ = http.ParseTime(answer.Header.Get("Date"))
	return date, nil
}
