package throttle

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// burst is for how many seconds' worth of requests an address may ask at once.
const burst = 5

// Rate bounds how many requests an address may make in a second.
type Rate struct {
	perSecond float64
	mu        sync.Mutex
	addresses *simplelru.LRU[string, *rate.Limiter]
}

// NewRate makes a Rate. With 0 requests a second it bounds nothing.
func NewRate(perSecond float64) *Rate {
	r := &Rate{perSecond: perSecond}
	r.addresses, _ = simplelru.NewLRU[string, *rate.Limiter](kept, nil) // fails for a size below 1 alone
	return r
}

// Allow says whether an address may make a request now.
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
