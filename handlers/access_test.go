package handlers_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestSigningInGivesACookieThatSignsInAndSigningOutEndsItOnTheServer(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.Browser()
	if a := b.Get("/orders?q=a"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/login?next=%2Forders%3Fq%3Da" {
		t.Fatalf("signed out: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if next := b.Get("/login?next=%2Forders%3Fq%3Da").Attr("input[name=next]", "value"); next != "/orders?q=a" {
		t.Errorf("next %q", next)
	}
	a := b.Post("/login", "username", "SUPERVISOR1", "password", site.Password, "next", "/orders?q=a")
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/orders?q=a" {
		t.Fatalf("sign-in: %d to %q", a.Status, a.Header.Get("Location"))
	}
	cookie := a.Header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "lineboard=") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("cookie %q", cookie)
	}
	stolen := s.Browser()
	stolen.Header.Set("Cookie", strings.Split(cookie, ";")[0])
	if stolen.Get("/").Status != http.StatusOK {
		t.Fatal("the cookie does not sign in")
	}
	if a := b.Post("/logout"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/login" {
		t.Errorf("sign-out: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if stolen.Get("/").Status != http.StatusSeeOther {
		t.Error("the cookie still signs in after signing out")
	}
	file, err := os.ReadFile(s.Path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file, []byte(strings.TrimPrefix(strings.Split(cookie, ";")[0], "lineboard="))) {
		t.Error("the cookie's token stands in the database")
	}
}

func TestEachSignInHasANewToken(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	home, err := url.Parse(s.Web.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := b.Client.Jar.Cookies(home)[0].Value
	b.Post("/login", "username", "supervisor1", "password", site.Password)
	if b.Client.Jar.Cookies(home)[0].Value == before {
		t.Fatal("the token is the same")
	}
	old := s.Browser()
	old.Header.Set("Cookie", "lineboard="+before)
	if old.Get("/").Status != http.StatusSeeOther {
		t.Error("the token from before still signs in")
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	idle, busy := s.SignIn("supervisor1"), s.SignIn("manager1")
	for range 3 {
		s.Clock.Move(90 * time.Minute)
		if busy.Get("/").Status != http.StatusOK {
			t.Fatal("a session in use ended early")
		}
	}
	if idle.Get("/").Status != http.StatusSeeOther {
		t.Error("a session that was not used for 4.5 hours goes on")
	}
	for range 6 {
		s.Clock.Move(90 * time.Minute)
		busy.Get("/")
	}
	if busy.Get("/").Status != http.StatusSeeOther {
		t.Error("a session goes on for 13.5 hours")
	}
}

func TestGoingOnAtAnotherSiteDoesNotProlongASignIn(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "supervisor1")
	b, admin := s.SignIn("supervisor1"), s.SignIn("administrator1")
	for hour := range 12 {
		s.Clock.Move(59 * time.Minute)
		slug := []string{"basel", "ghent"}[hour%2]
		if a := b.Post("/tenant", "tenant", slug); a.Status != http.StatusSeeOther || sentToSignIn(a) {
			t.Fatalf("on to %s in hour %d: %d to %s", slug, hour, a.Status, a.Header.Get("Location"))
		}
		name := fmt.Sprint("Site ", hour)
		if a := admin.Post("/admin/sites", "site", name, "zone", "Europe/Paris"); a.Status != http.StatusSeeOther || sentToSignIn(a) {
			t.Fatalf("another site in hour %d: %d %s", hour, a.Status, a.Text("main .problem"))
		}
	}
	if b.Get("/orders").Status != http.StatusOK || admin.Get("/admin").Status != http.StatusOK {
		t.Error("signed out before the limit")
	}
	s.Clock.Move(13 * time.Minute)
	if b.Get("/orders").Status != http.StatusSeeOther || admin.Get("/admin").Status != http.StatusSeeOther {
		t.Error("still signed in more than 12 hours after the sign-in")
	}
	if again := s.SignIn("supervisor1"); again.Get("/orders").Status != http.StatusOK {
		t.Error("a new sign-in does not begin anew")
	}
}

func TestEachSessionThatSomebodyEndsStandsInTheHistory(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end func(t *testing.T, s *site.Site, admin *site.Browser, person string) site.Answer
		by  string // whom the history names; for a tablet that is bound anew it knows nobody
	}{
		"a new password": {func(_ *testing.T, _ *site.Site, admin *site.Browser, person string) site.Answer {
			return admin.Post(person+"/password", "password", "another long password 1")
		}, "administrator1"},
		"deactivated": {func(_ *testing.T, _ *site.Site, admin *site.Browser, person string) site.Answer {
			return admin.Post(person+"/active", "active", "no")
		}, "administrator1"},
		"removed from one of several sites": {func(_ *testing.T, s *site.Site, admin *site.Browser, person string) site.Answer {
			s.AddTenant("basel", "Plant Basel", "supervisor1")
			return admin.Post(person + "/remove")
		}, "administrator1"},
		"the station unbound": {func(_ *testing.T, _ *site.Site, admin *site.Browser, _ string) site.Answer {
			return admin.Post("/admin/stations/1/unbind")
		}, "administrator1"},
		"another tablet bound": {func(t *testing.T, s *site.Site, _ *site.Browser, _ string) site.Answer {
			_, code, err := s.Store.MakeCode(t.Context(), s.Person("administrator1"), 1)
			if err != nil {
				t.Fatal(err)
			}
			return s.Browser().Post("/station", "code", code)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{})
			tablet, admin := atTablet(t, s), s.SignIn("administrator1")
			person := fmt.Sprint("/admin/people/", s.Person("supervisor1").ID)
			if a := test.end(t, s, admin, person); a.Status != http.StatusSeeOther {
				t.Fatalf("%d %s", a.Status, a.Text("main"))
			}
			if a := tablet.Get("/orders"); !sentToSignIn(a) {
				t.Errorf("the session goes on: %d", a.Status)
			}
			if e := of(s, packaging.SessionEnded); e.Object != "session of supervisor1" || e.By.Username != test.by || !strings.HasPrefix(e.Old, "127.0.0.1") {
				t.Errorf("history %+v", e)
			}
		})
	}
}

func TestAWrongPasswordSaysTheSameAsNobody(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	wrong := s.Browser().Post("/login", "username", "supervisor1", "password", "not the password")
	nobody := s.Browser().Post("/login", "username", "supervisor9", "password", "not the password")
	if wrong.Status != http.StatusUnauthorized || nobody.Status != http.StatusUnauthorized {
		t.Errorf("%d and %d", wrong.Status, nobody.Status)
	}
	if strings.ReplaceAll(wrong.Text("body"), "supervisor1", "") != strings.ReplaceAll(nobody.Text("body"), "supervisor9", "") {
		t.Errorf("%q and %q", wrong.Text("body"), nobody.Text("body"))
	}
	if e := s.History()[0]; e.Deed != packaging.SignInDeclined || e.By.Username != "supervisor1" {
		t.Errorf("history %+v", e)
	}
	if empty := s.Browser().Post("/login"); empty.Status != http.StatusUnauthorized {
		t.Errorf("an empty form: %d", empty.Status)
	}
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, next := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "evil", "/\t/evil.example", ""} {
		a := s.Browser().Post("/login", "username", "supervisor1", "password", site.Password, "next", next)
		if a.Header.Get("Location") != "/" {
			t.Errorf("%q leads to %q", next, a.Header.Get("Location"))
		}
	}
}

func TestEachRoleMayDoWhatItsRowSaysAndNoMore(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	pages := []string{"/", "/lines/L1", "/orders", path(o, ""), path(o, "/serials")}
	exports := []string{path(o, "/serials.csv"), path(o, "/serials.json"), "/history.csv"}
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
			if want == http.StatusForbidden && !strings.Contains(a.Text("main"), "You may not see or do this.") {
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
		for _, where := range []string{"/lines/L1", path(o, ""), path(o, "?arm=1")} {
			if buttons := b.Get(where).All(".release-panel .release, .hero .release"); len(buttons) > 0 {
				t.Errorf("%s is offered %q at %s", username, buttons, where)
			}
		}
		if a := b.Post(path(o, "/release")); a.Status != http.StatusForbidden || !strings.Contains(a.Text("main"), "You can't release orders.") {
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
	for _, where := range []string{"/", "/lines/L1", "/orders", path(o, ""), path(o, "/serials"), path(o, "/serials.csv"), path(o, "/serials.json"), "/history", "/history.csv"} {
		if a := b.Get(where); a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/login") {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
	if a := b.Post(path(o, "/release")); a.Status != http.StatusSeeOther || len(s.Box.Released()) != 0 {
		t.Errorf("release: %d", a.Status)
	}
	b.Header.Set("HX-Request", "true")
	if a := b.Get(path(o, "")); a.Status != http.StatusUnauthorized || a.Header.Get("HX-Redirect") == "" || a.Body != "" {
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
		if a := ours.Get(path(theirs, rest)); a.Status != http.StatusNotFound || strings.Contains(a.Body, "Order143") {
			t.Errorf("%s: %d", rest, a.Status)
		}
	}
	if a := ours.Post(path(theirs, "/release")); a.Status != http.StatusNotFound || len(s.Box.Released()) != 0 {
		t.Errorf("release: %d", a.Status)
	}
	own := s.Order("Order143")
	ours.Post(path(own, "/release"))
	their := s.SignIn("supervisor-2")
	if a := their.Get("/history"); strings.Contains(a.Body, "supervisor1") {
		t.Error("another tenant's history shows")
	}
	if a := their.Get(path(own, "/serials.csv")); a.Status != http.StatusNotFound || strings.Contains(a.Body, "4YSr5oYFKHwP") {
		t.Errorf("serials: %d", a.Status)
	}
	if n := len(their.Get("/orders?q=Order143").All("tbody tr")); n != 1 {
		t.Errorf("search finds %d orders", n)
	}
}

func TestAPersonOfTwoTenantsSwitchesBetweenThem(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "supervisor1")
	s.Refresh()
	b := s.SignIn("supervisor1")
	if got := b.Get("/").Text("select[name=tenant] option[selected]"); got != "Plant Basel" {
		t.Errorf("signed in at %q", got)
	}
	if a := b.Post("/tenant", "tenant", "ghent"); a.Status != http.StatusSeeOther {
		t.Fatalf("switch: %d", a.Status)
	}
	if got := b.Get("/").Text("select[name=tenant] option[selected]"); got != "Plant Ghent" {
		t.Errorf("switched to %q", got)
	}
	if a := s.SignIn("manager1").Post("/tenant", "tenant", "basel"); a.Status != http.StatusNotFound {
		t.Errorf("switch to a tenant that is not theirs: %d", a.Status)
	}
}

func TestWhatAnotherSiteSendsIsRefused(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		b.Header = http.Header{name: {value}}
		if a := b.Post(path(o, "/release")); a.Status != http.StatusForbidden || !strings.Contains(a.Text("main"), "another site") {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases carried out", n)
	}
}

func TestPagesKeepToThemselves(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Secure: true})
	a := s.Browser().Post("/login", "username", "supervisor1", "password", site.Password)
	if cookie := a.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-lineboard=") || !strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "Path=/;") {
		t.Errorf("cookie %q", cookie)
	}
	page := s.Browser().Get("/login")
	for name, want := range map[string]string{
		"Content-Security-Policy":   "default-src 'none'",
		"X-Content-Type-Options":    "nosniff",
		"Strict-Transport-Security": "max-age",
		"Cache-Control":             "no-store",
		"Referrer-Policy":           "same-origin",
	} {
		if !strings.Contains(page.Header.Get(name), want) {
			t.Errorf("%s: %q", name, page.Header.Get(name))
		}
	}
	if strings.Contains(page.Header.Get("Content-Security-Policy"), "unsafe") {
		t.Error("the policy lets something unsafe through")
	}
}

func TestWhatDoesNotExistIsNotFoundOnAPageWithAWayHome(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for _, where := range []string{"/orders/999999", "/orders/0", "/orders/-1", "/orders/abc", "/orders/99999999999999999999", "/lines/L9", "/lines/%2e%2e", "/lines/%00", "/nowhere", "/orders?line=L9"} {
		a := b.Get(where)
		if a.Status != http.StatusNotFound || a.Attr("main a.button", "href") != "/" {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
	for where, want := range map[string]int{
		"/orders?before=x": 400, "/orders/1/serials?after=-1": 400, "/history?from=yesterday": 400, "/history.csv?to=x": 400,
		"/orders?q=%ff%fe": 200, "/orders/1/serials?after=9223372036854775807": 200,
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

// held is a request of which the server has read all but the end of the body.
type held struct {
	body   *io.PipeWriter
	answer chan site.Answer
}

// hold begins a request, and waits until arrived says that the server has seen who sends it.
func hold(t *testing.T, b *site.Browser, method, path, contentType string, arrived func() bool) held {
	t.Helper()
	r, w := io.Pipe()
	h := held{w, make(chan site.Answer, 1)}
	go func() { h.answer <- b.Send(method, path, contentType, r) }()
	for !arrived() {
		if t.Context().Err() != nil {
			t.Fatal("the request did not arrive")
		}
		time.Sleep(5 * time.Millisecond)
	}
	return h
}

// end sends the rest of the body, and gives the answer.
func (h held) end(t *testing.T, rest string) site.Answer {
	t.Helper()
	if _, err := io.WriteString(h.body, rest); err != nil {
		t.Fatal(err)
	}
	if err := h.body.Close(); err != nil {
		t.Fatal(err)
	}
	return <-h.answer
}

func TestARequestThatWasBegunBeforeSomebodyWasDeactivatedDoesNothing(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddPerson("ghent", "administrator2")
	by, b := s.Person("administrator1"), s.SignIn("administrator1")
	s.Clock.Move(5 * time.Minute)
	other, began := s.SignIn("administrator2"), s.Clock.Now()
	h := hold(t, b, http.MethodPost, "/admin/tokens", "application/x-www-form-urlencoded", func() bool {
		all, err := s.Store.OwnSessions(t.Context(), by.ID, time.Time{}, time.Time{})
		return err == nil && len(all) == 1 && all[0].Seen.After(began)
	})
	if a := other.Post(fmt.Sprintf("/admin/people/%d/active", by.ID), "active", "no"); a.Status != http.StatusSeeOther {
		t.Fatalf("deactivated: %d", a.Status)
	}
	if a := h.end(t, "name=backdoor"); a.Status != http.StatusForbidden || strings.Contains(a.Body, "lbt_") {
		t.Errorf("the rest of the request: %d %s", a.Status, a.Text("main"))
	}
	if of(s, packaging.TokenCreated).Seq != 0 {
		t.Error("the history has a token")
	}
}
