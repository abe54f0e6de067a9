package signin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

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
	if a := b.Post("/account/badge", "badge", handlerstest.ABadge, "password", theirs); a.Status != http.StatusForbidden {
		t.Errorf("a badge by it: %d", a.Status)
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

// Who connected an account of their own to that of another would come in as them for good.
func TestNobodyConnectsTheirProviderByAPasswordThatTheySetForAnother(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	b := reset(t, c.Site, "supervisor1")
	a := b.Post("/account/sso", "password", theirs)
	if to := a.Attr(".leave a", "href"); to != "" {
		a = b.Get(c.PathOf(c.Provider.Through(t, b.Client, to, "ines")))
	}
	if a.Status != http.StatusForbidden {
		t.Errorf("connect: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if e := handlerstest.LastEntry(c.Site, packaging.IdentityConnected); e.Seq != 0 {
		t.Errorf("history: %+v", e)
	}
}

// aShown is where a page says which password or badge it shows.
const aShown = "input[name=shown]"

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
	if a := s.SignIn("administrator1").Post(path); a.Status != http.StatusNotFound {
		t.Errorf("by who set it: %d", a.Status)
	}
	if page := manager.Get("/account").Text("main"); !strings.Contains(
		page, "Set by Person administrator1, then changed.",
	) {
		t.Errorf("the manager sees %q", page)
	}
	shown := func() string { return manager.Get("/account").Attr(aShown, "value") }
	opened := shown() // and left open while the administrator sets another one, and changes it as if they were the person
	change(reset(t, s, "supervisor1"), theirs, "the administrator's own 1")
	if a := manager.Post(path, "shown", opened); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("main"), "This has changed since the page was opened.") {
		t.Errorf("one that was set since: %d %s", a.Status, a.Text("main"))
	}
	b = reset(t, s, "supervisor1")
	change(b, theirs, mine)
	if a := manager.Post(path); a.Status != http.StatusConflict {
		t.Errorf("without saying which: %d", a.Status)
	}
	if a := manager.Post(path, "shown", shown()); a.Status != http.StatusSeeOther {
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
	a := admin.Post("/account/waive", "waive", "yes")
	if a.Status != http.StatusConflict || !strings.Contains(a.Text("main"), "or acted as administrator or manager") {
		t.Errorf("with a manager: %d %s", a.Status, a.Text("main"))
	}
	admin.Post(fmt.Sprintf("/admin/people/%d/active", s.Person("manager1").ID), "active", "")
	if said := admin.Get("/account").Text("main"); !strings.Contains(said, "nobody else acted as administrator or manager") {
		t.Errorf("alone, the page says %q", said)
	}
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
	shown := func() string { return b.Get("/account/pin").Attr(aShown, "value") }
	confirm := func(shown, password string) site.Answer {
		return b.Post("/account/badge", "confirm", "yes", "shown", shown, "password", password)
	}
	if page := b.Get("/lines/L1").Text("main"); !strings.Contains(page, "Person administrator1 set a badge for you.") {
		t.Errorf("its owner is not told: %q", page)
	}
	if a := confirm(shown(), "wrong"); a.Status != http.StatusUnauthorized {
		t.Errorf("without their password: %d", a.Status)
	}
	opened := shown()
	if a := admin.Post("/admin/stations/badge", "person", fmt.Sprint(s.Person("supervisor1").ID),
		"badge", "04-A2-9F-99"); a.Status != http.StatusSeeOther {
		t.Fatalf("set: %d", a.Status)
	}
	if a := confirm(opened, site.Password); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("main"), "This has changed since the page was opened.") {
		t.Errorf("another than was shown: %d %s", a.Status, a.Text("main"))
	}
	set()
	if a := confirm(shown(), site.Password); a.Status != http.StatusSeeOther {
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
	b = reset(t, s, "supervisor1")
	change(b, theirs, mine)
	set()
	if a := confirm(shown(), mine); a.Status != http.StatusForbidden ||
		in() == http.StatusSeeOther {
		t.Errorf("by somebody whose password is not confirmed: %d", a.Status)
	}
}

// However often somebody sets a password for another, none of those confirms the one after it.
func TestThePasswordThatAPersonLastSetThemselvesConfirms(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	reset(t, s, "supervisor1")
	b := reset(t, s, "supervisor1")
	change(b, theirs, mine)
	if a := b.Post("/account/confirm", "older", theirs); a.Status == http.StatusSeeOther {
		t.Error("by a password that somebody else set")
	}
	if a := b.Post("/account/confirm", "older", site.Password); a.Status != http.StatusSeeOther {
		t.Errorf("by their own: %d %s", a.Status, a.Text("[role=alert]"))
	}
}

// Who gets a second person out of the way does not become the only one by that, and acts for nobody.
func TestNobodyBecomesTheOnlyAdministratorByLeavingOthersOut(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]func(s *site.Site, admin *site.Browser, manager string) site.Answer{
		"a new password": func(_ *site.Site, admin *site.Browser, manager string) site.Answer {
			return admin.Post(manager+"/password", "password", theirs, "again", theirs)
		},
		"deactivated": func(_ *site.Site, admin *site.Browser, manager string) site.Answer {
			return admin.Post(manager+"/active", "active", "")
		},
		"another role": func(_ *site.Site, admin *site.Browser, manager string) site.Answer {
			return admin.Post(manager, "full_name", "Person manager1", "role", "auditor")
		},
		"said to be the same human": func(s *site.Site, admin *site.Browser, manager string) site.Answer {
			return admin.Post(manager+"/human", "as", fmt.Sprint(s.Person("administrator1").ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{})
			s.SignIn("manager1")
			admin, manager := s.SignIn("administrator1"), fmt.Sprintf("/admin/people/%d", s.Person("manager1").ID)
			if a := out(s, admin, manager); a.Status != http.StatusSeeOther {
				t.Fatalf("%d %s", a.Status, a.Text("main"))
			}
			if page := admin.Get("/account").Text("main"); strings.Contains(page, "Waive it") {
				t.Error("it is offered")
			}
			if a := admin.Post("/account/waive", "waive", "yes"); a.Status != http.StatusConflict {
				t.Errorf("waived: %d", a.Status)
			}
			s.Clock.Move(31 * 24 * time.Hour)
			if a := s.SignIn("administrator1").Post("/account/waive", "waive", "yes"); a.Status != http.StatusSeeOther {
				t.Errorf("a month later: %d %s", a.Status, a.Text("main"))
			}
		})
	}
}

// A site that waived it, and has had a second person since, does not go without one because that person is left out.
func TestWhatWasWaivedDoesNotCountOnceAnotherHasActed(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	admin, manager := s.SignIn("administrator1"), fmt.Sprintf("/admin/people/%d/active", s.Person("manager1").ID)
	admin.Post(manager, "active", "")
	if a := admin.Post("/account/waive", "waive", "yes"); a.Status != http.StatusSeeOther {
		t.Fatalf("alone: %d %s", a.Status, a.Text("main"))
	}
	admin.Post(manager, "active", "yes")
	s.SignIn("manager1")
	admin.Post(manager, "active", "")
	change(reset(t, s, "supervisor1"), theirs, mine)
	if p := s.Person("supervisor1"); p.May(packaging.ReleaseOrders) {
		t.Error("who set a password acts by it")
	}
	if e := handlerstest.LastEntry(s, packaging.PasswordConfirmed); e.Seq != 0 {
		t.Errorf("history: %+v", e)
	}
}

// A site where an administrator is alone confirms nobody for another site, by way of whom it takes in and gives back.
func TestASiteThatWaivesConfirmsNobodyForAnother(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "administrator1", "supervisor1")
	s.SignIn("manager1")
	admin := s.SignIn("administrator1")
	person, o := s.Person("supervisor1"), s.Order("Order143")
	post := func(path string, form ...string) {
		t.Helper()
		if a := admin.Post(path, form...); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", path, a.Status, a.Text("main"))
		}
	}
	post("/tenant", "tenant", "ghent")
	post(fmt.Sprintf("/admin/people/%d/remove", person.ID))
	post("/tenant", "tenant", "basel")
	post("/account/waive", "waive", "yes")
	post(fmt.Sprintf("/admin/people/%d/password", person.ID), "password", theirs, "again", theirs)
	b := s.Browser()
	b.Post("/login", "username", "supervisor1", "password", theirs)
	change(b, theirs, mine)
	post("/tenant", "tenant", "ghent")
	post("/admin/people/join", "person", fmt.Sprint(person.ID), "role", "supervisor")
	b = s.Browser()
	b.Post("/login", "username", "supervisor1", "password", mine)
	b.Post("/tenant", "tenant", "ghent")
	if a := b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision),
	); a.Status != http.StatusForbidden || s.Order("Order143").Release != nil {
		t.Errorf("an administrator alone releases as another: %d", a.Status)
	}
	manager := s.SignIn("manager1")
	if a := manager.Post(
		fmt.Sprintf("/account/confirm/%d", person.ID), "shown", manager.Get("/account").Attr(aShown, "value"),
	); a.Status != http.StatusSeeOther {
		t.Errorf("by the manager of that site: %d %s", a.Status, a.Text("main"))
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision),
	); a.Status != http.StatusSeeOther {
		t.Errorf("once confirmed there: %d %s", a.Status, a.Text("main"))
	}
}
