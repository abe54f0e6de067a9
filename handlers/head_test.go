package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestHEADIsAnsweredWhereverGETIsAndWritesNoHistory(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	entries := len(s.History())
	for _, address := range []string{
		"/healthz", "/", "/orders", "/history", "/history.csv", "/imports/orders.csv", "/events", "/login",
	} {
		if a := b.Send(http.MethodHead, address, "", strings.NewReader("")); a.Status != http.StatusOK &&
			a.Status != http.StatusSeeOther || a.Body != "" {
			t.Errorf("HEAD %s: %d %q", address, a.Status, a.Body)
		}
	}
	if a := s.Browser().Send(http.MethodHead, "/history.csv", "", strings.NewReader("")); a.Status == http.StatusOK {
		t.Error("a stranger may ask whether an export is there")
	}
	if got := len(s.History()); got != entries {
		t.Errorf("%d entries were written", got-entries)
	}
}

func TestATrailingSlashLeadsToThePage(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for address, want := range map[string]string{"/orders/": "/orders", "/history/?line=L1": "/history?line=L1"} {
		if a := b.Get(address); a.Status != http.StatusPermanentRedirect || a.Header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", address, a.Status, a.Header.Get("Location"), want)
		}
	}
}
