package handlers_test

import (
	"net/http"
	"testing"

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
	if a := tablet.Post("/language", "language", "fr", "next", "/login?next=%2Forders"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/login?next=%2Forders" {
		t.Errorf("choosing: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if got := read(tablet, "/login"); got != "fr" {
		t.Errorf("as chosen on the device: %s", got)
	}
	tablet.Post("/login", "username", "supervisor1", "password", site.Password)
	if got := read(tablet, "/orders?q=a"); got != "fr" {
		t.Errorf("signed in on that device: %s", got)
	}
	if a := tablet.Get("/orders?q=a"); a.Attr(".languages input[name=next]", "value") != "/orders?q=a" || a.Text(".languages [aria-current]") != "Français" {
		t.Errorf("the choice leads to %q and marks %q", a.Attr(".languages input[name=next]", "value"), a.Text(".languages [aria-current]"))
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
	b.Header.Set("Cookie", "lineboard-language=xx")
	if got := b.Get("/login").Attr("html", "lang"); got != "en" {
		t.Errorf("with a cookie of nonsense: %s", got)
	}
}
