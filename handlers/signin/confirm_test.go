package signin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

const theirs, mine = "what the administrator set", "what nobody else knows"

// reset has an administrator set somebody's password, who signs in with it. It gives the browser of who does so,
// whoever it is.
func reset(t *testing.T, s *site.Site, username string) *site.Browser {
	t.Helper()
	admin := s.SignIn("administrator1")
	p := s.Person(username)
	if a := admin.Post(
		fmt.Sprintf("/admin/people/%d/password", p.ID), "password", theirs, "again", theirs,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("set: %d %s", a.Status, a.Text("main"))
	}
	b := s.Browser()
	if a := b.Post("/login", "username", username, "password", theirs); a.Status != http.StatusSeeOther {
		t.Fatalf("in: %d", a.Status)
	}
	return b
}

func change(b *site.Browser, old, to string) site.Answer {
	return b.Post("/account/password", "old", old, "new", to, "again", to)
}

func TestNobodyReleasesOrSignsByAPasswordThatTheySetForAnother(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	b := reset(t, s, "supervisor1")
	refused := func(when string) {
		t.Helper()
		for _, path := range []string{
			handlerstest.OrderPath(o, "/release"), handlerstest.OrderPath(o, "/line"), "/lines/L1/queue",
		} {
			if a := b.Post(path, "revision", fmt.Sprint(o.Revision)); a.Status != http.StatusForbidden {
				t.Errorf("%s: %s: %d", when, path, a.Status)
			}
		}
		if s.Order("Order143").Release != nil {
			t.Fatal(when + ": it is released")
		}
		if a := b.Get("/lines/L1"); a.Status != http.StatusOK ||
			!strings.Contains(a.Text("main"), "Person administrator1 set your password.") {
			t.Errorf("%s: they are not told, %d", when, a.Status)
		}
	}
	refused("set by another")
	if a := b.Post(
		"/account/pin", "pin", handlerstest.APIN, "again", handlerstest.APIN, "password", theirs,
	); a.Status != http.StatusForbidden {
		t.Errorf("a PIN by it: %d", a.Status)
	}
	if a := b.Post("/account/confirm", "older", site.Password); a.Status == http.StatusSeeOther {
		t.Error("confirmed before it was changed")
	}
	change(b, theirs, mine)
	refused("changed, by whoever")
	if a := b.Post("/account/confirm", "older", theirs); a.Status != http.StatusUnauthorized {
		t.Errorf("by a password that is not theirs: %d", a.Status)
	}
	refused("with a wrong older password")
	if a := s.SignIn("administrator1").Post(
		fmt.Sprintf("/account/confirm/%d", s.Person("supervisor1").ID),
	); a.Status != http.StatusNotFound {
		t.Errorf("by who set it: %d", a.Status)
	}
	refused("confirmed by who set it")
	if a := b.Post("/account/confirm", "older", site.Password); a.Status != http.StatusSeeOther {
		t.Fatalf("by the password before: %d %s", a.Status, a.Text("main"))
	}
	if e := handlerstest.LastEntry(s, packaging.PasswordConfirmed); e.By.Username != "supervisor1" ||
		e.Object != "user supervisor1" {
		t.Errorf("history: %+v", e)
	}
	b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
	if s.Order("Order143").Release == nil {
		t.Error("who confirmed it does not release")
	}
}

func TestASecondManagerConfirmsThatAPersonHasTheirOwnPassword(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := reset(t, s, "supervisor1")
	manager := s.SignIn("manager1")
	path := fmt.Sprintf("/account/confirm/%d", s.Person("supervisor1").ID)
	if a := manager.Post(path); a.Status != http.StatusNotFound {
		t.Errorf("before it was changed: %d", a.Status)
	}
	change(b, theirs, mine)
	if a := b.Post(path); a.Status != http.StatusForbidden {
		t.Errorf("by themselves: %d", a.Status)
	}
	if page := manager.Get("/account").Text("main"); !strings.Contains(
		page, "Set by Person administrator1, then changed.",
	) {
		t.Errorf("the manager sees %q", page)
	}
	if a := manager.Post(path); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	if e := handlerstest.LastEntry(s, packaging.PasswordConfirmed); e.By.Username != "manager1" ||
		e.Object != "user supervisor1" {
		t.Errorf("history: %+v", e)
	}
	if a := b.Get(
		handlerstest.OrderPath(s.Order("Order143"), "?arm=1"),
	); strings.Contains(a.Text("main"), "set your password") || a.Text(".release-execute") == "" {
		t.Error("they still can't release")
	}
}

// An administrator who makes another one does not become the second person by it.
func TestWhoIsNotConfirmedConfirmsNobodyAndSetsNothing(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	admin := s.SignIn("administrator1")
	for _, name := range []string{"second", "third"} {
		if a := admin.Post(
			"/admin/people", "username", name, "full_name", name, "role", "administrator", "password", theirs, "again",
			theirs,
		); a.Status != http.StatusSeeOther {
			t.Fatalf("add: %d %s", a.Status, a.Text("main"))
		}
	}
	second, third := s.Browser(), s.Browser()
	second.Post("/login", "username", "second", "password", theirs)
	third.Post("/login", "username", "third", "password", theirs)
	change(third, theirs, mine)
	change(second, theirs, mine)
	for path, form := range map[string][]string{
		fmt.Sprintf("/account/confirm/%d", s.Person("third").ID):       nil,
		fmt.Sprintf("/admin/people/%d/password", s.Person("third").ID): {"password", theirs, "again", theirs},
		"/admin/people": {
			"username", "fourth", "full_name", "x", "role", "manager", "password", theirs, "again", theirs,
		},
	} {
		if a := second.Post(path, form...); a.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	if a := second.Post("/account/waive", "waive", "yes"); a.Status != http.StatusConflict {
		t.Errorf("waived where there are others: %d", a.Status)
	}
}

func TestASiteWithOneAdministratorWaivesTheSecondPersonOnRecord(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	admin := s.SignIn("administrator1")
	if a := admin.Post("/account/waive", "waive", "yes"); a.Status != http.StatusConflict {
		t.Errorf("with a manager: %d", a.Status)
	}
	admin.Post(fmt.Sprintf("/admin/people/%d/active", s.Person("manager1").ID), "active", "")
	if a := admin.Post("/account/waive", "waive", "yes"); a.Status != http.StatusSeeOther {
		t.Fatalf("alone: %d %s", a.Status, a.Text("main"))
	}
	if e := handlerstest.LastEntry(s, packaging.RulesSet); e.Object != "confirmation of passwords" ||
		!strings.HasPrefix(e.New, "waived") {
		t.Errorf("history: %+v", e)
	}
	b := reset(t, s, "supervisor1")
	change(b, theirs, mine)
	if e := handlerstest.LastEntry(s, packaging.PasswordConfirmed); e.Object != "user supervisor1" ||
		!strings.HasPrefix(e.New, "waived") {
		t.Errorf("history: %+v", e)
	}
	if a := b.Get(handlerstest.OrderPath(s.Order("Order143"), "?arm=1")); a.Text(".release-execute") == "" {
		t.Error("they can't release")
	}
}

func TestABadgeThatSomebodyElseSetDoesNothingUntilItsOwnerConfirmedIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet := s.Tablet("Tablet 1", "L1")
	admin := s.SignIn("administrator1")
	set := func() {
		t.Helper()
		if a := admin.Post(
			"/admin/stations/badge", "person", fmt.Sprint(s.Person("supervisor1").ID), "badge", handlerstest.ABadge,
		); a.Status != http.StatusSeeOther {
			t.Fatalf("set: %d", a.Status)
		}
	}
	set()
	in := func() int { return tablet.Post("/station/sign-in", "secret", handlerstest.ABadge).Status }
	if status := in(); status == http.StatusSeeOther {
		t.Error("an administrator signs in with a badge that they set for another")
	}
	b := s.SignIn("supervisor1")
	if page := b.Get("/lines/L1").Text("main"); !strings.Contains(page, "Person administrator1 set a badge for you.") {
		t.Errorf("its owner is not told: %q", page)
	}
	if a := b.Post("/account/badge", "confirm", "yes", "password", "wrong"); a.Status != http.StatusUnauthorized {
		t.Errorf("without their password: %d", a.Status)
	}
	if a := b.Post("/account/badge", "confirm", "yes", "password", site.Password); a.Status != http.StatusSeeOther {
		t.Fatalf("confirmed: %d %s", a.Status, a.Text("main"))
	}
	if e := handlerstest.LastEntry(s, packaging.BadgeConfirmed); e.By.Username != "supervisor1" {
		t.Errorf("history: %+v", e)
	}
	if status := in(); status != http.StatusSeeOther {
		t.Errorf("its owner: %d", status)
	}
	set()
	if status := in(); status == http.StatusSeeOther {
		t.Error("one that was set again")
	}
}
