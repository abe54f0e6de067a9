package web

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestASecurityEventIsLoggedOnceAndThenCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		l := &securityLog{
			log: slog.New(slog.NewTextHandler(&log, nil)), window: eventWindow, further: map[eventKey]int{},
		}
		for range 500 {
			l.add(ForbiddenEvent, "10.0.0.7")
		}
		l.add(ForbiddenEvent, "10.0.0.8")
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines at once, want one of each address", n)
		}
		time.Sleep(eventWindow)
		synctest.Wait()
		for _, want := range []string{
			"event=forbidden address=10.0.0.7 count=1\n", "event=forbidden address=10.0.0.7 count=499\n",
			"event=forbidden address=10.0.0.8 count=1\n",
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no %q in\n%s", want, log.String())
			}
		}
		if n := strings.Count(log.String(), "\n"); n != 3 || len(l.further) > 0 {
			t.Errorf("%d lines, and %v is still counted", n, l.further)
		}
	})
}
