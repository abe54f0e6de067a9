package throttle

import "sync"

// Concurrency limits how much is under way at once, of each key.
type Concurrency struct {
	limit int
	mu    sync.Mutex
	open  map[string]int
}

// NewConcurrency returns a Concurrency. With the limit 0 it limits nothing.
func NewConcurrency(limit int) *Concurrency {
	return &Concurrency{limit: limit, open: map[string]int{}}
}

// Enter begins one for the key. It returns what ends it; ok is false if as many are under way as may be.
func (c *Concurrency) Enter(key string) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit > 0 && c.open[key] >= c.limit {
		return nil, false
	}
	c.open[key]++
	return sync.OnceFunc(func() { c.leave(key) }), true
}

func (c *Concurrency) leave(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[key]--; c.open[key] == 0 {
		delete(c.open, key)
	}
}
