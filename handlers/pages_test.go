package handlers_test

import (
	"slices"
	"testing"

	"lineboard/handlers"
	"lineboard/internal/testkit/site"
)

// noPages are the GET routes that no person looks at: files, parts of pages, what machines ask, and ways back to a
// page.
var noPages = []string{
	"/healthz", "/readyz", "/events", "/fresh", "/sw.js", "/manifest.webmanifest", "/station/idle",
	"/orders/:id/serials.csv", "/orders/:id/serials.xlsx", "/orders/:id/serials.json", "/imports/template.csv",
	"/imports/template.xlsx",
	"/imports/orders.csv", "/imports/orders.xlsx", "/history.csv", "/history.xlsx",
	"/shifts/:date/:shift/report.csv", "/shifts/:date/:shift/report.xlsx",
	"/refresh", "/orders/:id/release", "/orders/:id/line", "/orders/:id/settle",
	"/orders/:id/serials/show", "/orders/:id/withdraw", "/orders/:id/give-back", "/history/new", "/sso/:tenant",
	"/sso/:tenant/callback",
}

func TestEveryPageIsLookedAtInTheBrowser(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range handlers.Routes() {
		if r.Method == "GET" {
			got = append(got, r.Path)
		}
	}
	for _, path := range got {
		if slices.Contains(site.Pages, path) == slices.Contains(noPages, path) {
			t.Errorf("%s must be one of site.Pages, which the browser tests look at, or else no page", path)
		}
	}
	for _, path := range slices.Concat(site.Pages, noPages) {
		if !slices.Contains(got, path) {
			t.Errorf("%s is no route", path)
		}
	}
}
