package web

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
)

// SecurityEvent is the stable name of an event in the log. Programs that watch the log may rely on it.
type SecurityEvent string

// The security events.
const (
	ForbiddenEvent   SecurityEvent = "forbidden"
	CrossSiteEvent   SecurityEvent = "cross_site_refused"
	WrongTokenEvent  SecurityEvent = "wrong_api_token"
	WrongSetupEvent  SecurityEvent = "wrong_setup_key"
	WrongCodeEvent   SecurityEvent = "wrong_station_code"
	UnknownNameEvent SecurityEvent = "unknown_username"
)

const (
	eventWindow = time.Minute
	maxEvents   = 1000 // kinds and addresses that are told apart in a window
)

// securityLog logs the first event of a kind from an address at once. Those that follow within a minute are counted,
// and logged as one line when it is over: nobody fills the log.
type securityLog struct {
	log    *slog.Logger
	window time.Duration

	mu      sync.Mutex
	further map[eventKey]int // events since the first
}

type eventKey struct {
	event   SecurityEvent
	address string
}

func (l *securityLog) add(event SecurityEvent, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := eventKey{event, address}
	if _, known := l.further[key]; !known && len(l.further) >= maxEvents {
		key.address = "others"
	}
	if n, known := l.further[key]; known {
		l.further[key] = n + 1
		return
	}
	l.further[key] = 0
	l.write(key, 1)
	time.AfterFunc(l.window, func() { l.end(key) })
}

// end logs how many events followed the first of a key.
func (l *securityLog) end(key eventKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.further[key]; n > 0 {
		l.write(key, n)
	}
	delete(l.further, key)
}

func (l *securityLog) write(key eventKey, count int) {
	l.log.Warn("security event", "event", key.event, "address", key.address, "count", count)
}

// SecurityEvent logs a security event of a client's address. What was tried is left out: people type passwords where
// names are asked for.
func (s *Kit) SecurityEvent(event SecurityEvent, address string) { s.security.add(event, address) }

// NoteWrongTokens logs a program that came with a token and is refused.
func (s *Kit) NoteWrongTokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		if seen.status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
			s.SecurityEvent(WrongTokenEvent, s.Address(r))
		}
	})
}

// NoteUnknownName logs that somebody gave a name that nobody has, if that is why an account was not found.
func (s *Kit) NoteUnknownName(c echo.Context, err error) {
	if packaging.CodeOf(err) == packaging.NotFound {
		s.SecurityEvent(UnknownNameEvent, c.RealIP())
	}
}
