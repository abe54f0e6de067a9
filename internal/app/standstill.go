package app

import (
	"fmt"
	"io"
	"runtime/pprof"
	"sync"
	"time"
)

// standstill notices that some work does not get on. A file system that hangs hears of no context.
type standstill struct {
	mu    sync.Mutex
	what  string // is being done
	since time.Time
}

// begin notes what is done next.
func (s *standstill) begin(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what, s.since = what, time.Now()
}

// getsOn notes that it gets on.
func (s *standstill) getsOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
}

// stood returns what has been done for how long.
func (s *standstill) stood() (what string, long time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.what, time.Since(s.since)
}

// watch does some work, and gives it up when it does not get on for so long: the process must end then. Where it hangs
// is written to told.
func (s *standstill) watch(limit time.Duration, told io.Writer, work func() error) error {
	s.begin("begin")
	done := make(chan error, 1)
	go func() { done <- work() }()
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(limit / 50):
		}
		if what, long := s.stood(); long > limit {
			_ = pprof.Lookup("goroutine").WriteTo(told, 1) // it is for whoever looks for the cause
			return fmt.Errorf("given up: to %s takes longer than %s, and nothing gets on", what, limit)
		}
	}
}
