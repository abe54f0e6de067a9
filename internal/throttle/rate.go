package throttle

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// burst is how many seconds' worth of requests an address may make at once.
const burst = 5

// Rate limits how many requests an address may make in a second.
type Rate struct {
	perSecond float64
	mu        sync.Mutex
	addresses *simplelru.LRU[string, *rate.Limiter]
}

// NewRate returns a Rate. With 0 requests a second it limits nothing.
func NewRate(perSecond float64) *Rate {
	r := &Rate{perSecond: perSecond}
	r.addresses, _ = simplelru.NewLRU[string, *rate.Limiter](maxCounts, nil) // fails only for sizes below 1
	return r
}

// Allow reports whether an address may make a request now.
func (r *Rate) Allow(from string, now time.Time) bool {
	if r.perSecond <= 0 {
		return true
	}
	key := addressOf(from)
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.addresses.Get(key)
	if !ok {
		l = rate.NewLimiter(rate.Limit(r.perSecond), int(burst*r.perSecond))
		r.addresses.Add(key, l)
	}
	return l.AllowN(now, 1)
}
