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

// quietTime is that in which the API wants no calls.
type quietTime struct {
	mu    sync.Mutex
	until time.Time
}

// keep makes the time longer, never shorter: of two answers at once, the one that asks for more counts.
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

// mustBeQuiet is the problem of a call that comes earlier than the API wants one.
func (c *Client) mustBeQuiet() *problem {
	left := c.quiet.left(c.clock.now())
	if left <= 0 {
		return nil
	}
	return c.problem(reply{}, packaging.Throttled, fmt.Sprintf("not sent: the API wants no calls for another %s", max(left.Round(time.Second), time.Second)))
}

// retryAfter is how long an answer tells to wait: 0 where it does not tell, at most longestQuiet. A date is taken against
// the answer's own, because the clocks here and there may differ.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(longestQuiet/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longestQuiet)
}
