package manufacturer

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// quietTime is the time in which the API wants no calls.
type quietTime struct {
	mu    sync.Mutex
	until time.Time
}

// keep extends the time and never shortens it: of two answers, the longer time counts.
func (q *quietTime) keep(until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until.After(q.until) {
		q.until = until
	}
}

func (q *quietTime) left(now time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.until.Sub(now)
}

// mustBeQuiet returns a problem if the API wants no calls now, and nil otherwise.
func (c *Client) mustBeQuiet() *problem {
	left := c.quiet.left(c.clock.now())
	if left <= 0 {
		return nil
	}
	left = max(left.Round(time.Second), time.Second)
	return c.problem(reply{}, packaging.Throttled, fmt.Sprintf("not sent: the API wants no calls for another %s", left))
}

// retryAfter returns how long an answer asks to wait: 0 if it does not say, at most maxQuiet. A date is compared with
// the answer's own date, because the clocks may differ.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxQuiet/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxQuiet)
}
