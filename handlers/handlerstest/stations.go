package handlerstest

import (
	"fmt"
	"net/http"
	"testing"

	"lineboard/internal/testkit/site"
)

const (
	APIN       = "271828"
	AnotherPIN = "314159265"
	ABadge     = "04-A2-9F-11-5C-80"
)

// SignInByPIN signs somebody in at the tablet.
func SignInByPIN(s *site.Site, tablet *site.Browser, username, pin string) site.Answer {
	return tablet.Post("/station/sign-in", "person", fmt.Sprint(s.Person(username).ID), "secret", pin)
}

// AtTablet is a tablet at Blister line 1 where supervisor1 has signed in by PIN.
func AtTablet(t *testing.T, s *site.Site) *site.Browser {
	t.Helper()
	s.SetPIN("supervisor1", APIN)
	tablet := s.Tablet("Tablet 1", "L1")
	if a := SignInByPIN(s, tablet, "supervisor1", APIN); a.Status != http.StatusSeeOther {
		t.Fatalf("sign-in by PIN: %d %s", a.Status, a.Text("main"))
	}
	return tablet
}

// ConfirmBadge confirms the badge that somebody else set for a person, as their page shows it.
func ConfirmBadge(b *site.Browser) site.Answer {
	return b.Post("/account/badge", "confirm", "yes", "shown", b.Get("/account/pin").Attr("input[name=shown]", "value"),
		"password", site.Password)
}
