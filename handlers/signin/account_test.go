package signin_test

import (
	"net/http"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestAPersonChangesTheirPasswordAndIsSignedOutEverywhereElse(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	here, elsewhere := s.SignIn("supervisor1"), s.SignIn("supervisor1")
	const fresh = "four words and a horse"
	for says, form := range map[string][3]string{
		"The password you have now is not right.": {"not the password", fresh, fresh},
		"The two new passwords differ.":           {site.Password, fresh, fresh + "s"},
		"The new password is the old one.":        {site.Password, site.Password, site.Password},
		"A password has at least 12 characters.":  {site.Password, "short", "short"},
		"A password has at most 128 characters.": {
			site.Password, strings.Repeat("longer ", 20), strings.Repeat("longer ", 20),
		},
		"everybody tries first": {site.Password, "password1234", "password1234"},
	} {
		a := here.Post("/account/password", "old", form[0], "new", form[1], "again", form[2])
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Text(".problem"), says) {
			t.Errorf("%d %q, want %q", a.Status, a.Text(".problem"), says)
		}
	}
	if elsewhere.Get("/").Status != http.StatusOK {
		t.Fatal("a password that was not changed signed people out")
	}
	a := here.Post("/account/password", "old", site.Password, "new", fresh, "again", fresh)
	if a.Status != http.StatusSeeOther ||
		!strings.Contains(here.Get(a.Header.Get("Location")).Text(".notice"), "Your password is changed.") {
		t.Fatalf("%d to %q", a.Status, a.Header.Get("Location"))
	}
	if !handlerstest.SentToSignIn(elsewhere.Get("/")) {
		t.Error("the other session goes on")
	}
	if a := s.Browser().Post(
		"/login", "username", "supervisor1", "password", site.Password,
	); a.Status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", a.Status)
	}
	if a := s.Browser().Post("/login", "username", "supervisor1", "password", fresh); a.Status != http.StatusSeeOther {
		t.Errorf("the new password: %d", a.Status)
	}
	want := map[packaging.Deed]string{
		packaging.PasswordSet: "user supervisor1", packaging.SessionEnded: "session of supervisor1",
	}
	for _, e := range s.History() {
		if object, ok := want[e.Deed]; ok && e.Object == object && e.By.Username == "supervisor1" {
			delete(want, e.Deed)
		}
	}
	if len(want) > 0 {
		t.Errorf("the history lacks %v", want)
	}
}

func TestAStolenSessionCanNotGuessThePasswordEither(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, last := s.SignIn("supervisor1"), 0
	for range 7 {
		last = b.Post(
			"/account/password", "old", "not the password", "new", "four words and a horse", "again",
			"four words and a horse",
		).Status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the seventh try: %d", last)
	}
}

func TestPeopleSeeTheirSessionsAndEndThem(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet := s.Browser()
	tablet.Header.Set(
		"User-Agent",
		"Mozilla/5.0 (Linux; Android 14; SM-T545) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	)
	tablet.Post("/login", "username", "supervisor1", "password", site.Password)
	here := s.SignIn("supervisor1")
	s.SignIn("operator1")
	page := here.Get("/account")
	if rows := page.All(".sessions tbody tr"); len(rows) != 2 {
		t.Fatalf("%d sessions", len(rows))
	}
	if text := page.Text(".sessions tbody"); !strings.Contains(text, "Chrome on Android") ||
		!strings.Contains(text, "You, here") || !strings.Contains(text, "127.0.0.1") {
		t.Errorf("says %q", text)
	}
	end := page.Attr(".sessions form", "action")
	if a := s.SignIn("operator1").Post(end); a.Status != http.StatusNotFound {
		t.Errorf("somebody else ends it: %d", a.Status)
	}
	if a := here.Post(end); a.Status != http.StatusSeeOther {
		t.Errorf("ending it: %d", a.Status)
	}
	if !handlerstest.SentToSignIn(tablet.Get("/")) || here.Get("/").Status != http.StatusOK {
		t.Error("the wrong session ended")
	}
	if e := s.History()[0]; e.Deed != packaging.SessionEnded || !strings.Contains(e.Old, "Android") {
		t.Errorf("history %+v", e)
	}
	if a := here.Post(end); a.Status != http.StatusNotFound {
		t.Errorf("ending it again: %d", a.Status)
	}
}

// Devices write an accented letter as one character or as two. Either is the password, at the first try.
func TestAPasswordSignsInHoweverTheDeviceWritesItsAccents(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	const composed, decomposed = "sch\u00f6n und gr\u00fcn", "scho\u0308n und gru\u0308n"
	if a := s.SignIn("supervisor1").Post(
		"/account/password", "old", site.Password, "new", composed, "again", composed,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("setting it: %d %s", a.Status, a.Text(".problem"))
	}
	for range 10 { // more than are free
		if a := s.Browser().Post(
			"/login", "username", "supervisor1", "password", decomposed,
		); a.Status != http.StatusSeeOther {
			t.Fatalf("signing in: %d", a.Status)
		}
	}
	for _, e := range s.History() {
		if e.Deed == packaging.SignInDeclined {
			t.Errorf("the history has a declined sign-in: %+v", e)
		}
	}
}
