package web_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"lineboard/internal/testkit/site"
)

func TestProbesAnswerWithoutASignIn(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, where := range []string{"/healthz", "/readyz"} {
		if a := s.Browser().Get(where); a.Status != http.StatusOK {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
}

// A page that slept asks for the server's time. The header Date is the proxy's where there is one.
func TestTheServerTellsItsTime(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.Clock.Move(3 * time.Hour)
	told, err := strconv.ParseInt(s.Browser().Get("/healthz").Header.Get("Lineboard-Time"), 10, 64)
	if off := s.Clock.Now().Sub(time.UnixMilli(told)); err != nil || off < 0 || off > time.Minute {
		t.Errorf("the server's time is told as %d, %v off: %v", told, off, err)
	}
}
