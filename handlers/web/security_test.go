package web

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
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
	var log lockedBuffer
	l := &securityLog{
		log: slog.New(slog.NewTextHandler(&log, nil)), window: 100 * time.Millisecond, further: map[eventKey]int{},
	}
	for range 500 {
		l.add(ForbiddenEvent, "10.0.0.7")
	}
	l.add(ForbiddenEvent, "10.0.0.8")
	waitFor(t, "the count", func() bool { return strings.Count(log.String(), "\n") == 3 })
	for _, want := range []string{
		"event=forbidden address=10.0.0.7 count=1\n", "event=forbidden address=10.0.0.7 count=499\n",
		"event=forbidden address=10.0.0.8 count=1\n",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
	}
	waitFor(t, "the end of the window", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.further) == 0
	})
}
