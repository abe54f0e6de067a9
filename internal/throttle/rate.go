package throttle

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// burst is how many seconds' worth of requests may come at once.
const burst = 5

// Rate limits how many requests may come in a second, of each address or session.
type Rate struct {
	perSecond float64
	mu        sync.Mutex
	limiters  *simplelru.LRU[string, *rate.Limiter]
}

// NewRate returns a Rate. With 0 requests a second it limits nothing.
func NewRate(perSecond float64) *Rate {
	r := &Rate{perSecond: perSecond}
	r.limiters, _ = simplelru.NewLRU[string, *rate.Limiter](maxCounts, nil) // fails only for sizes below 1
	return r
}

// Allow reports whether a request may come now. The key says whose it is: an address as [Networks.Of] returns it, or
// what names a session.
func (r *Rate) Allow(key string, now time.Time) bool {
	if r.perSecond <= 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.limiters.Get(key)
	if !ok {
		l = rate.NewLimiter(rate.Limit(r.perSecond), int(burst*r.perSecond))
		r.limiters.Add(key, l)
	}
	return l.AllowN(now, 1)
}
