package web_test

import (
	"net/http"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestTheColoursOfADeviceAreChosenThere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("operator1")
	const sheet = "link[href*=dark]"
	for _, test := range []struct{ theme, media, scheme string }{
		{"", "screen and (prefers-color-scheme: dark)", "light dark"},
		{"dark", "screen", "dark"},
		{"light", "", "light"},
		{"system", "screen and (prefers-color-scheme: dark)", "light dark"},
	} {
		if test.theme != "" {
			a := b.Post("/theme", "theme", test.theme, "next", "/lines/L1")
			if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/lines/L1" {
				t.Fatalf("%s: %d to %q", test.theme, a.Status, a.Header.Get("Location"))
			}
		}
		for _, path := range []string{"/lines/L1", "/account", "/offline"} {
			page := b.Get(path)
			if media := page.Attr(sheet, "media"); media != test.media {
				t.Errorf("%q, %s: the dark is for %q, want %q", test.theme, path, media, test.media)
			}
			if scheme := page.Attr("meta[name=color-scheme]", "content"); scheme != test.scheme {
				t.Errorf("%q, %s: the scheme is %q", test.theme, path, scheme)
			}
		}
	}
	if a := b.Post("/theme", "theme", "pink"); a.Status != http.StatusBadRequest {
		t.Errorf("a theme that there is not: %d", a.Status)
	}
	if media := s.SignIn("operator1").Get("/lines/L1").Attr(
		sheet, "media",
	); media != "screen and (prefers-color-scheme: dark)" {
		t.Errorf("another device has %q", media)
	}
}
