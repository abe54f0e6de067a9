package web_test

import (
	"net/http"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestAPersonReadsTheLanguageThatTheyChoseOnEveryDevice(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	read := func(b *site.Browser, page string) string { t.Helper(); return b.Get(page).Attr("html", "lang") }

	tablet := s.Browser()
	if got := read(tablet, "/login"); got != "en" {
		t.Errorf("without any choice: %s", got)
	}
	tablet.Header.Set("Accept-Language", "hu-HU,hu;q=0.9")
	if got := read(tablet, "/login"); got != "hu" {
		t.Errorf("as the browser asks: %s", got)
	}
	if a := tablet.Post(
		"/language", "language", "fr", "next", "/login?next=%2Forders",
	); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/login?next=%2Forders" {
		t.Errorf("choosing: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if got := read(tablet, "/login"); got != "fr" {
		t.Errorf("as chosen on the device: %s", got)
	}
	tablet.Post("/login", "username", "supervisor1", "password", site.Password)
	if got := read(tablet, "/orders?q=a"); got != "fr" {
		t.Errorf("signed in on that device: %s", got)
	}
	if a := tablet.Get("/orders?q=a"); a.Attr(".languages input[name=next]", "value") != "/orders?q=a" ||
		a.Text(".languages [aria-current]") != "Français" {
		t.Errorf(
			"the choice leads to %q and marks %q", a.Attr(".languages input[name=next]", "value"),
			a.Text(".languages [aria-current]"),
		)
	}
	tablet.Post("/language", "language", "de")
	elsewhere := s.SignIn("supervisor1")
	elsewhere.Header.Set("Accept-Language", "en")
	if got := read(elsewhere, "/"); got != "de" {
		t.Errorf("the same person elsewhere: %s", got)
	}
	if got := read(s.SignIn("operator1"), "/"); got != "en" {
		t.Errorf("another person: %s", got)
	}
	if a := elsewhere.Get("/orders/999999"); a.Attr("html", "lang") != "de" {
		t.Errorf("a problem is told in %s", a.Attr("html", "lang"))
	}
}

func TestAStationSpeaksItsLanguageToWhoeverChoseNone(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet, admin := handlerstest.AtTablet(t, s), s.SignIn("administrator1")
	tablet.Header.Set("Accept-Language", "en")
	station := admin.Get("/admin/stations").Attr(".stations form.one-line", "action")
	lang := func(path string) string { t.Helper(); return tablet.Get(path).Attr("html", "lang") }
	if a := admin.Post(station, "language", "hu"); a.Status != http.StatusSeeOther {
		t.Fatalf("setting: %d %s", a.Status, a.Text("main"))
	}
	if e := s.History()[0]; e.Deed != packaging.StationSet || e.Object != "language of station Tablet 1" ||
		e.Old != "" || e.New != "hu" || e.LineCode != "L1" {
		t.Errorf("history %+v", e)
	}
	before := len(s.History())
	admin.Post(station, "language", "hu")
	if after := len(s.History()); after != before {
		t.Errorf("what was not changed stands in the history %d times", after-before)
	}
	if got := lang("/orders"); got != "hu" {
		t.Errorf("to a person who chose none: %s", got)
	}

	// A person's own choice is theirs, and nobody else's at the tablet.
	tablet.Post("/language", "language", "fr")
	if got := lang("/orders"); got != "fr" {
		t.Errorf("to a person who chose French: %s", got)
	}
	tablet.Post("/station/lock")
	if a := tablet.Get("/orders"); a.Status != http.StatusLocked || a.Attr("html", "lang") != "hu" {
		t.Errorf("locked: %d in %s", a.Status, a.Attr("html", "lang"))
	}
	tablet.Post("/logout")
	if got := lang("/login"); got != "hu" {
		t.Errorf("where nobody is signed in: %s", got)
	}

	// Whoever stands before it can have another one, until somebody signs in.
	tablet.Post("/language", "language", "de")
	if got := lang("/login"); got != "de" {
		t.Errorf("as chosen for signing in: %s", got)
	}
	handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN)
	if got := lang("/orders"); got != "fr" {
		t.Errorf("signed in: %s", got)
	}
	tablet.Post("/logout")
	if got := lang("/login"); got != "hu" {
		t.Errorf("signed out again: %s", got)
	}
	if a := admin.Post(station, "language", "tlh"); a.Status != http.StatusBadRequest {
		t.Errorf("a language that we do not speak: %d", a.Status)
	}
	admin.Post(station, "language", "")
	if got := lang("/login"); got != "en" {
		t.Errorf("as the browser asks: %s", got)
	}
	admin.Post("/admin/stations", "name", "Tablet 2", "line", "L2", "language", "es")
	if got := admin.Get("/admin/stations").All(".stations option[selected]"); len(got) != 1 || got[0] != "Español" {
		t.Errorf("a new station speaks %q", got)
	}
}

func TestOnlyLanguagesOfOursCanBeChosenAndNoPageElsewhere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.Browser()
	if a := b.Post("/language", "language", "tlh"); a.Status != http.StatusBadRequest {
		t.Errorf("a language that we do not speak: %d", a.Status)
	}
	if a := b.Post("/language", "language", "de", "next", "//evil.example"); a.Header.Get("Location") != "/" {
		t.Errorf("leads to %q", a.Header.Get("Location"))
	}
	b.Header.Set("Cookie", s.CookieName("language")+"=xx")
	if got := b.Get("/login").Attr("html", "lang"); got != "en" {
		t.Errorf("with a cookie of nonsense: %s", got)
	}
}
