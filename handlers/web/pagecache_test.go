package web_test

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/site"
)

// readsCounted counts how often a line's orders, and sessions, are read.
type readsCounted struct {
	*db.DB
	boards, sessions atomic.Int64
}

func (c *readsCounted) LineOrders(
	ctx context.Context, in packaging.Scope, line packaging.LineID, limit int,
) ([]packaging.Order, error) {
	c.boards.Add(1)
	return c.DB.LineOrders(ctx, in, line, limit)
}

func (c *readsCounted) Session(
	ctx context.Context, token [32]byte, started, seen time.Time,
) (packaging.Person, time.Time, error) {
	c.sessions.Add(1)
	return c.DB.Session(ctx, token, started, seen)
}

// countingReads is the site behind handlers of its own, whose reads are counted.
func countingReads(t *testing.T, s *site.Site) *readsCounted {
	t.Helper()
	c := &readsCounted{DB: s.Store}
	s.Web = httptest.NewServer(handlers.New(handlers.Config{
		Store: c, Hub: s.Hub, Releaser: s.Releaser, Settler: s.Settler, Guard: s.Guard,
		Log: slog.New(slog.NewTextHandler(s.Log, nil)), Now: s.Clock.Now,
		Clients: manufacturer.NewClients(nil), Interval: 30 * time.Second, Patience: time.Minute, Idle: 2 * time.Hour,
		Limit: 12 * time.Hour,
	}))
	t.Cleanup(s.Web.Close)
	return c
}

func TestABoardIsRenderedOnceHoweverManyTabletsAskForIt(t *testing.T) {
	t.Parallel()
	const tablets = 200
	s := site.New(t, site.Options{})
	c := countingReads(t, s)
	var browsers []*site.Browser
	for range 4 { // sessions; each is on many tablets, which ask side by side
		browsers = append(browsers, s.SignIn("operator1"))
		browsers[len(browsers)-1].Header.Set("HX-Request", "true")
	}
	ask := func() {
		t.Helper()
		var all sync.WaitGroup
		for i := range tablets {
			all.Go(func() {
				if a := browsers[i%len(browsers)].Get("/lines/L1"); a.Status != http.StatusOK ||
					!strings.Contains(a.Body, "Order143") {
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		all.Wait()
	}
	ask()
	if n := c.boards.Load(); n != 1 {
		t.Errorf("%d tablets cost %d renderings", tablets, n)
	}
	s.Refresh() // finds nothing new
	before := c.sessions.Load()
	ask()
	if n := c.boards.Load(); n != 1 {
		t.Errorf("without a change there were %d renderings", n)
	}
	if n := c.sessions.Load() - before; n != 0 {
		t.Errorf("without a change sessions were read %d times", n)
	}
	s.SignIn("manager1").Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	ask()
	if n := c.boards.Load(); n < 2 || n > 4 {
		t.Errorf("after a change there were %d renderings", n)
	}
}

func TestAPageAsksForAPartAgainOnlyWhenItHasChanged(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	order := handlerstest.OrderPath(s.Order("Order143"), "")
	b.Header.Set("HX-Request", "true")
	tags := map[string]string{}
	pages := []string{"/", "/lines/L1", "/lines/L1/queue", order}
	for _, page := range pages {
		a := b.Get(page)
		tags[page] = a.Header.Get("ETag")
		if a.Status != http.StatusOK || tags[page] == "" || strings.Contains(a.Body, "<html") ||
			a.Header.Get("Cache-Control") != "no-store" ||
			a.Header.Get("Vary") == "" || a.Attr(".live", "data-version") == "" {
			t.Errorf("%s: %d %v\n%s", page, a.Status, a.Header, a.Body)
		}
	}
	with := func(page string) site.Answer {
		t.Helper()
		b.Header.Set("If-None-Match", tags[page])
		return b.Get(page)
	}
	for _, page := range pages {
		if a := with(page); a.Status != http.StatusNotModified || a.Body != "" {
			t.Errorf("%s has not changed: %d", page, a.Status)
		}
	}
	// As somebody with other rights reads it, it is another page.
	other := s.SignIn("operator1")
	other.Header = b.Header.Clone()
	if a := other.Get(order); a.Status != http.StatusOK {
		t.Errorf("a page of other rights counts as the same: %d", a.Status)
	}
	s.SignIn("manager1").Post(order + "/release")
	for _, page := range pages {
		if a := with(page); a.Status != http.StatusOK || a.Header.Get("ETag") == tags[page] {
			t.Errorf("%s has changed: %d", page, a.Status)
		}
	}
	b.Header.Del("HX-Request")
	if a := b.Get("/lines/L1"); a.Status != http.StatusOK || a.Header.Get("ETag") != "" ||
		!strings.Contains(a.Body, "<html") {
		t.Errorf("a whole page: %d %v", a.Status, a.Header)
	}
}

// The same request within a second gets the same answer, and later none of its session's.
func TestAPageIsNotGivenAgainOnceItsSessionIsOver(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{SessionIdle: time.Hour})
	b := s.SignIn("supervisor1")
	for range 2 { // made, and kept
		if a := b.Get("/lines/L1"); a.Status != http.StatusOK || !strings.Contains(a.Body, "Order143") {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	s.Clock.Move(2 * time.Hour)
	if a := b.Get("/lines/L1"); a.Status == http.StatusOK || strings.Contains(a.Body, "Order143") {
		t.Errorf("after the session: %d %s", a.Status, a.Body)
	}
}

var moment = regexp.MustCompile(`datetime="[^"]*" data-zone="[^"]*" data-moment="[^"]*">[0-9:]+`)

func TestNothingOfAPersonStandsInAnothersPage(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("ghent", "Plant Ghent", "supervisor2")
	s.AddTenant("basel", "Plant Basel", "supervisor-b", "supervisor2")
	order := handlerstest.OrderPath(s.Order("Order143"), "")
	pages := []string{"/", "/lines/L1", "/lines/L1/queue", order}
	first := map[string]string{}
	one, two := s.SignIn("supervisor1"), s.SignIn("supervisor2")
	two.Post("/tenant", "tenant", "ghent")
	for _, page := range pages {
		for range 2 { // made, and kept
			first[page] = one.Get(page).Body
		}
		second := two.Get(page)
		if second.Status != http.StatusOK || !strings.Contains(second.Body, "Person supervisor2") ||
			strings.Contains(second.Body, "Person supervisor1") {
			t.Errorf("%s: the second person's page (%d) is not theirs", page, second.Status)
		}
		if !strings.Contains(second.Body, "Plant Basel") || strings.Contains(first[page], "Plant Basel") {
			t.Errorf("%s: the sites to choose from are not the person's", page)
		}
		two.Header.Set("HX-Request", "true")
		part := two.Get(page).Body
		two.Header.Del("HX-Request")
		if strings.Contains(part, "Person supervisor") || !strings.Contains(first[page], part) ||
			!strings.Contains(second.Body, part) {
			t.Errorf("%s: the part that is shared is not in both pages as it is, or names a person", page)
		}
	}
	// Another tenant's page of the same address is another.
	if got := s.SignIn("supervisor-b").Get("/lines/L1"); strings.Contains(got.Body, order) ||
		!strings.Contains(got.Body, "Plant Basel") {
		t.Error("a tenant sees the orders of another")
	}
	// The clock is that of each request.
	clock := func() string { return one.Get("/").Attr("[data-clock]", "datetime") }
	was := clock()
	s.Clock.Move(time.Second)
	if now := clock(); now <= was {
		t.Errorf("the page's clock shows %s after %s", now, was)
	}
}

func TestACompressedPageIsTheSamePage(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for _, page := range []string{"/", "/lines/L1", handlerstest.OrderPath(s.Order("Order143"), "")} {
		plain := b.Send(http.MethodGet, page, "", nil)
		b.Header.Set("Accept-Encoding", "gzip")
		packed := b.Get(page)
		b.Header.Del("Accept-Encoding")
		reader, err := gzip.NewReader(strings.NewReader(packed.Body))
		if err != nil || packed.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %v %v", page, err, packed.Header)
		}
		unpacked, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		now := func(s string) string { return moment.ReplaceAllString(s, "") }
		if diff := cmp.Diff(now(plain.Body), now(string(unpacked))); diff != "" {
			t.Errorf("%s (-plain +compressed):\n%s", page, diff)
		}
		if len(packed.Body) > len(plain.Body)/2 {
			t.Errorf("%s: %d bytes of %d", page, len(packed.Body), len(plain.Body))
		}
	}
}

// What is kept in memory of a session must not outlive it, not for a moment.
func TestWhatEndsASessionOrChangesItsRightsHoldsAtOnce(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	order := handlerstest.OrderPath(s.Order("Order143"), "")
	provision := func(role packaging.Role) {
		t.Helper()
		if err := s.Store.Provision(
			t.Context(),
			db.Site{
				s.Setup(
					"ghent",
					db.PersonSetup{
						Username: "supervisor1", FullName: "Person supervisor1", Role: role,
						Password: secret.New(site.Password),
					},
				),
			},
		); err != nil {
			t.Fatal(err)
		}
	}
	b := s.SignIn("supervisor1")
	for range 5 {
		provision(packaging.Operator)
		if a := b.Get(order); a.Status != http.StatusOK ||
			strings.Contains(a.Text("#release"), "Release to line Release to line") ||
			!strings.Contains(a.Body, "You are not allowed to release orders") {
			t.Fatalf("an operator is offered a release: %s", a.Text("#release"))
		}
		if a := b.Post(order + "/release"); a.Status != http.StatusForbidden {
			t.Fatalf("an operator releases: %d", a.Status)
		}
		provision(packaging.Supervisor)
		if a := b.Get(order); a.Attr("form.arm button", "class") == "" {
			t.Fatalf("a supervisor is not offered a release: %s", a.Text("#release"))
		}
	}
	for range 5 {
		b := s.SignIn("supervisor1")
		same := s.Browser() // with the same cookie
		same.Client.Jar = b.Client.Jar
		copied := &http.Client{Jar: s.Browser().Client.Jar, CheckRedirect: b.Client.CheckRedirect}
		at := must(http.NewRequest(http.MethodGet, s.Web.URL, nil)).URL
		copied.Jar.SetCookies(at, b.Client.Jar.Cookies(at))
		same.Client = copied
		if a := same.Get("/"); a.Status != http.StatusOK {
			t.Fatalf("with the cookie: %d", a.Status)
		}
		b.Post("/logout")
		if a := same.Get("/"); a.Status != http.StatusSeeOther {
			t.Fatalf("with the cookie after the sign-out: %d", a.Status)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
