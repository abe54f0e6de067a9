package handlers_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestEachRoleMayDoWhatItsRowSaysAndNoMore(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	s.SignIn("supervisor1").Post(handlerstest.OrderPath(o, "/release")) // an order without its list exports none
	pages := []string{"/", "/lines/L1", "/orders", handlerstest.OrderPath(o, ""), handlerstest.OrderPath(o, "/serials")}
	exports := []string{
		handlerstest.OrderPath(o, "/serials.csv"), handlerstest.OrderPath(o, "/serials.json"), "/history.csv",
	}
	all := slices.Concat(pages, exports, []string{"/history"})
	for username, may := range map[string][]string{
		"operator1":      pages,
		"supervisor1":    all,
		"manager1":       all,
		"auditor1":       all,
		"administrator1": append([]string{"/history"}, pages...),
	} {
		b := s.SignIn(username)
		for _, where := range all {
			a, want := b.Get(where), http.StatusForbidden
			if slices.Contains(may, where) {
				want = http.StatusOK
			}
			if a.Status != want {
				t.Errorf("%s %s: %d, want %d", username, where, a.Status, want)
			}
			if want == http.StatusForbidden &&
				!strings.Contains(a.Text("main"), "You are not allowed to see or do this.") {
				t.Errorf("%s %s says %q", username, where, a.Text("main"))
			}
		}
	}
}

func TestWhoMayNotReleaseIsNotOfferedItAndIsRefused(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	for _, username := range []string{"operator1", "auditor1", "administrator1"} {
		b := s.SignIn(username)
		for _, where := range []string{
			"/lines/L1", handlerstest.OrderPath(o, ""), handlerstest.OrderPath(o, "?arm=1"),
		} {
			if buttons := b.Get(where).All(".release-panel .release, .hero .release"); len(buttons) > 0 {
				t.Errorf("%s is offered %q at %s", username, buttons, where)
			}
		}
		if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusForbidden ||
			!strings.Contains(a.Text("main"), "You are not allowed to release orders.") {
			t.Errorf("%s: %d", username, a.Status)
		}
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases carried out", n)
	}
}

func TestWithoutASignInThereIsNothing(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	b := s.Browser()
	for _, where := range []string{
		"/", "/lines/L1", "/orders", handlerstest.OrderPath(o, ""), handlerstest.OrderPath(o, "/serials"),
		handlerstest.OrderPath(o, "/serials.csv"), handlerstest.OrderPath(o, "/serials.json"), "/history",
		"/history.csv",
	} {
		if a := b.Get(where); a.Status != http.StatusSeeOther ||
			!strings.HasPrefix(a.Header.Get("Location"), "/login") {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
	if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusSeeOther ||
		len(s.Box.Released()) != 0 {
		t.Errorf("release: %d", a.Status)
	}
	b.Header.Set("HX-Request", "true")
	if a := b.Get(handlerstest.OrderPath(o, "")); a.Status != http.StatusUnauthorized ||
		a.Header.Get("HX-Redirect") == "" || a.Body != "" {
		t.Errorf("htmx: %d, redirect %q", a.Status, a.Header.Get("HX-Redirect"))
	}
}

func TestAnotherTenantsOrdersAreNotFound(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "supervisor-2")
	s.Refresh()
	ours, theirs := s.SignIn("supervisor1"), s.OrderOf("basel", "Order143")
	for _, rest := range []string{"", "?arm=1", "/serials", "/serials.csv", "/serials.json"} {
		if a := ours.Get(handlerstest.OrderPath(theirs, rest)); a.Status != http.StatusNotFound ||
			strings.Contains(a.Body, "Order143") {
			t.Errorf("%s: %d", rest, a.Status)
		}
	}
	if a := ours.Post(handlerstest.OrderPath(theirs, "/release")); a.Status != http.StatusNotFound ||
		len(s.Box.Released()) != 0 {
		t.Errorf("release: %d", a.Status)
	}
	own := s.Order("Order143")
	ours.Post(handlerstest.OrderPath(own, "/release"))
	their := s.SignIn("supervisor-2")
	if a := their.Get("/history"); strings.Contains(a.Body, "supervisor1") {
		t.Error("another tenant's history shows")
	}
	if a := their.Get(handlerstest.OrderPath(own, "/serials.csv")); a.Status != http.StatusNotFound ||
		strings.Contains(a.Body, "4YSr5oYFKHwP") {
		t.Errorf("serials: %d", a.Status)
	}
	if n := len(their.Get("/orders?q=Order143").All("tbody tr")); n != 1 {
		t.Errorf("search finds %d orders", n)
	}
}

func TestWhatAnotherSiteSendsIsRefused(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		b.Header = http.Header{name: {value}}
		if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusForbidden ||
			!strings.Contains(a.Text("main"), "another site") {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases carried out", n)
	}
}

func TestAProxyThatDoesNotPassHostOnIsTold(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.Browser()
	b.Header = http.Header{"Origin": {"http://lineboard.plant"}} // as a browser sends it over plain HTTP
	a := b.Post("/login", "username", "supervisor1", "password", site.Password)
	if a.Status != http.StatusForbidden || !strings.Contains(a.Text("main"), "must pass the header Host on") {
		t.Errorf("%d %q", a.Status, a.Text("main"))
	}
	if log := s.Log.String(); !strings.Contains(log, "its proxy must pass Host on") ||
		!strings.Contains(log, "origin=lineboard.plant") {
		t.Errorf("the log says %s", log)
	}
	for range 29 {
		b.Post("/login", "username", "supervisor1", "password", site.Password)
	}
	if told := strings.Count(s.Log.String(), "its proxy must pass Host on"); told != 20 {
		t.Errorf("the log says it of %d in 30, so that somebody can fill it", told)
	}
}

func TestPagesKeepToThemselves(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Secure: true})
	a := s.Browser().Post("/login", "username", "supervisor1", "password", site.Password)
	if cookie := a.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-"+s.CookieName("")+"=") ||
		!strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "Path=/;") ||
		!strings.Contains(cookie, "; HttpOnly") || !strings.Contains(cookie, "; SameSite=Lax") {
		t.Errorf("cookie %q", cookie)
	}
	page := s.Browser().Get("/login")
	for name, want := range map[string]string{
		"Content-Security-Policy":   "default-src 'none'",
		"X-Content-Type-Options":    "nosniff",
		"Strict-Transport-Security": "max-age=31536000",
		"Cache-Control":             "no-store",
		"Referrer-Policy":           "same-origin",
	} {
		if !strings.Contains(page.Header.Get(name), want) {
			t.Errorf("%s: %q", name, page.Header.Get(name))
		}
	}
	var others []string
	for directive := range strings.SplitSeq(page.Header.Get("Content-Security-Policy"), "; ") {
		if name, from, _ := strings.Cut(directive, " "); from != "'self'" {
			others = append(others, name+" "+from)
		}
	}
	if want := []string{
		"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
	}; !slices.Equal(others, want) {
		t.Errorf("beside this server, the policy names %q, want %q", others, want)
	}
}

// A tablet that many use keeps nothing in its caches.
func TestNoAnswerStaysInACache(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, parts := s.SignIn("supervisor1"), s.SignIn("supervisor1")
	parts.Header.Set("HX-Request", "true")
	uncached := func(a site.Answer, where string, status int) {
		t.Helper()
		if got := a.Header.Get("Cache-Control"); a.Status != status || got != "no-store" {
			t.Errorf("%s: %d, %q", where, a.Status, got)
		}
	}
	board := parts.Get("/lines/L1")
	uncached(board, "a part of a board", http.StatusOK)
	parts.Header.Set("If-None-Match", board.Header.Get("ETag"))
	uncached(parts.Get("/lines/L1"), "a part that has not changed", http.StatusNotModified)
	for _, where := range []string{
		"/", "/lines/L1", "/orders", handlerstest.OrderPath(s.Order("Order143"), ""), "/history", "/history.csv",
		"/imports/orders.csv", "/account", "/fresh",
	} {
		uncached(b.Get(where), where, http.StatusOK)
	}
	uncached(s.Browser().Get("/api/v1/orders"), "a program without a token", http.StatusUnauthorized)
}

func TestWhatDoesNotExistIsNotFoundOnAPageWithAWayHome(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for _, where := range []string{
		"/orders/999999", "/orders/0", "/orders/-1", "/orders/abc", "/orders/99999999999999999999", "/lines/L9",
		"/lines/%2e%2e", "/lines/%00", "/nowhere", "/orders?line=L9",
	} {
		a := b.Get(where)
		if a.Status != http.StatusNotFound || a.Attr("main a.button", "href") != "/" {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
	for where, want := range map[string]int{
		"/orders?before=x": 400, "/orders/1/serials?after=-1": 400, "/history?from=yesterday": 400,
		"/history.csv?to=x": 400,
		"/orders?q=%ff%fe":  200, "/orders/1/serials?after=9223372036854775807": 200,
	} {
		if a := b.Get(where); a.Status != want {
			t.Errorf("%s: %d, want %d", where, a.Status, want)
		}
	}
	if a := b.Post("/"); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %d", a.Status)
	}
	if a := b.Post("/login", "username", strings.Repeat("x", 100_000)); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 100 kB: %d", a.Status)
	}
	if a := b.Post("/orders/1/release", "revision", "x"); a.Status != http.StatusBadRequest {
		t.Errorf("a revision that is no number: %d", a.Status)
	}
}

func TestARequestThatWasBegunBeforeSomebodyWasDeactivatedDoesNothing(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddPerson("administrator2")
	by, b := s.Person("administrator1"), s.SignIn("administrator1")
	s.Clock.Move(5 * time.Minute)
	other, began := s.SignIn("administrator2"), s.Clock.Now()
	h := handlerstest.Hold(t, b, http.MethodPost, "/admin/tokens", "application/x-www-form-urlencoded", func() bool {
		all, err := s.Store.OwnSessions(t.Context(), by.ID, time.Time{}, time.Time{})
		return err == nil && len(all) == 1 && all[0].Seen.After(began)
	})
	if a := other.Post(fmt.Sprintf("/admin/people/%d/active", by.ID), "active", "no"); a.Status != http.StatusSeeOther {
		t.Fatalf("deactivated: %d", a.Status)
	}
	if a := h.End(t, "name=backdoor&scope=send_orders"); a.Status != http.StatusForbidden ||
		strings.Contains(a.Body, "lbt_") {
		t.Errorf("the rest of the request: %d %s", a.Status, a.Text("main"))
	}
	if handlerstest.LastEntry(s, packaging.TokenCreated).Seq != 0 {
		t.Error("the history has a token")
	}
}
