package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/handlers"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

// siteStart is when the clock of a site begins.
var siteStart = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

// firstStart is a Lineboard without anybody in it, and the path of the link to begin with.
func firstStart(t *testing.T) (*site.Site, string) {
	t.Helper()
	setup, path := handlers.NewSetup(siteStart, true)
	return site.New(t, site.Options{Empty: true, Setup: setup}), path
}

// filledIn is the form of the first start, with one thing replaced.
func filledIn(path string, change ...string) []string {
	_, key, _ := strings.Cut(path, "key=")
	form := map[string]string{
		"key": key, "username": "anna", "full_name": "Anna Kovács", "password": "first words of anna",
		"again": "first words of anna",
		"site":  "Plant Ghent", "slug": "ghent", "zone": "Europe/Brussels",
	}
	for i := 0; i+1 < len(change); i += 2 {
		form[change[i]] = change[i+1]
	}
	var pairs []string
	for name, value := range form {
		pairs = append(pairs, name, value)
	}
	return pairs
}

func TestBeforeTheFirstAdministratorEveryPageLeadsToTheConsole(t *testing.T) {
	t.Parallel()
	s, path := firstStart(t)
	b := s.Browser()
	for _, where := range []string{"/", "/login", "/orders", "/history", "/admin", "/nothing"} {
		if a := b.Get(where); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/setup" {
			t.Errorf("%s: %d to %q", where, a.Status, a.Header.Get("Location"))
		}
	}
	if a := b.Get("/setup"); a.Status != http.StatusOK || !strings.Contains(a.Text("main"), "Look at the console") ||
		len(a.All("input[name=username]")) != 0 {
		t.Errorf("the note: %d %s", a.Status, a.Text("main"))
	}
	if a := b.Get("/readyz"); a.Status != http.StatusOK {
		t.Errorf("readyz: %d", a.Status)
	}
	for _, wrong := range []string{"/setup?key=wrong", path[:len(path)-1]} {
		if a := b.Get(wrong); a.Status != http.StatusForbidden || len(a.All("input[name=username]")) != 0 {
			t.Errorf("%s: %d", wrong, a.Status)
		}
	}
	if a := b.Post("/setup", filledIn(path, "key", "wrong")...); a.Status != http.StatusForbidden {
		t.Errorf("a form with a wrong key: %d", a.Status)
	}
	if key := strings.TrimPrefix(path, "/setup?key="); len(key) < 26 { // of 32 characters each: 128 bits and more
		t.Errorf("the key has %d characters", len(key))
	}
}

func TestTheLinkMakesTheFirstAdministratorOnce(t *testing.T) {
	t.Parallel()
	s, path := firstStart(t)
	b := s.Browser()
	if a := b.Get(path); a.Status != http.StatusOK || len(a.All("input[name=site]")) != 1 {
		t.Fatalf("the form: %d", a.Status)
	}
	for problem, change := range map[string][]string{
		"not the same":         {"again", "another one"},
		"at least 12":          {"password", "short", "again", "short"},
		"everybody tries":      {"password", "Password1234", "again", "Password1234"},
		"can't be a username":  {"username", "two words"},
		"The name is missing":  {"full_name", " "},
		"no known time zone":   {"zone", "Europe/Gent"},
		"can't be a short nam": {"slug", "Plant Ghent"},
	} {
		a := b.Post("/setup", filledIn(path, change...)...)
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Text("[role=alert]"), problem) {
			t.Errorf("%v: %d %q", change, a.Status, a.Text("[role=alert]"))
		}
		if strings.Contains(a.Body, "first words of anna") {
			t.Error("the password comes back")
		}
	}
	a := b.Post("/setup", filledIn(path)...)
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/admin/connection" {
		t.Fatalf("set-up: %d %s", a.Status, a.Text("[role=alert]"))
	}
	page := b.Get("/admin/connection")
	if page.Status != http.StatusOK || page.Text(".tenant") != "Plant Ghent" || len(page.All(".first-steps li")) != 3 {
		t.Errorf("then: %d %s", page.Status, page.Text("main"))
	}
	for _, again := range []site.Answer{
		s.Browser().Get(path), s.Browser().Post("/setup", filledIn(path, "username", "mallory")...),
	} {
		if again.Status != http.StatusGone || !strings.Contains(again.Text("main"), "This link was used") {
			t.Errorf("again: %d %s", again.Status, again.Text("main"))
		}
	}
	if a := s.Browser().Get("/"); a.Header.Get("Location") != "/login" {
		t.Errorf("then pages lead to %q", a.Header.Get("Location"))
	}
	if got := s.Tenant("ghent"); got.TimeZone != "Europe/Brussels" {
		t.Errorf("tenant %+v", got)
	}
	if e := s.History()[0]; e.Deed != packaging.SignedIn || e.By.Username != "anna" {
		t.Errorf("history %+v", e)
	}
}

func TestOfManyWhoUseTheLinkAtOnceOneBecomesAdministrator(t *testing.T) {
	t.Parallel()
	s, path := firstStart(t)
	var all sync.WaitGroup
	answers := make([]int, 6)
	for i := range answers {
		b := s.Browser()
		all.Go(func() {
			answers[i] = b.Post(
				"/setup", filledIn(path, "username", fmt.Sprint("anna", i), "slug", fmt.Sprint("plant-", i))...,
			).Status
		})
	}
	all.Wait()
	made := 0
	for _, status := range answers {
		switch status {
		case http.StatusSeeOther:
			made++
		case http.StatusGone, http.StatusConflict:
		default:
			t.Errorf("status %d", status)
		}
	}
	if tenants, err := s.Store.Tenants(t.Context()); made != 1 || err != nil || len(tenants) != 1 {
		t.Errorf("%d administrators and %d tenants, %v", made, len(tenants), err)
	}
}

func TestTheLinkWorksForAnHour(t *testing.T) {
	t.Parallel()
	s, path := firstStart(t)
	s.Clock.Move(59 * time.Minute)
	if a := s.Browser().Get(path); a.Status != http.StatusOK {
		t.Errorf("after 59 minutes: %d", a.Status)
	}
	s.Clock.Move(2 * time.Minute)
	for _, a := range []site.Answer{s.Browser().Get(path), s.Browser().Post("/setup", filledIn(path)...)} {
		if a.Status != http.StatusGone || !strings.Contains(a.Text("main"), "Start Lineboard again") {
			t.Errorf("after 61 minutes: %d %s", a.Status, a.Text("main"))
		}
	}
}

func TestWhereThereArePeopleButNoAdministratorTheyGoOnAndTheLinkMakesOneOfTheirSites(t *testing.T) {
	t.Parallel()
	setup, path := handlers.NewSetup(siteStart, false)
	s := site.New(t, site.Options{Empty: true, Setup: setup})
	s.AddTenant("ghent", "Plant Ghent", "supervisor1")
	s.Refresh()
	if a := s.SignIn("supervisor1").Get("/"); a.Status != http.StatusOK {
		t.Errorf("a supervisor: %d", a.Status)
	}
	b := s.Browser()
	if a := b.Get(path); len(a.All("input[name=site]")) != 0 || !strings.Contains(a.Text("form"), "Plant Ghent") {
		t.Errorf("the form: %s", a.Text("form"))
	}
	if a := b.Post("/setup", filledIn(path, "username", "SUPERVISOR1")...); a.Status != http.StatusConflict {
		t.Errorf("a username that is taken: %d", a.Status)
	}
	if a := b.Post("/setup", filledIn(path)...); a.Status != http.StatusSeeOther {
		t.Fatalf("set-up: %d", a.Status)
	}
	if a := b.Get("/admin/people"); a.Text(".tenant") != "Plant Ghent" ||
		!strings.Contains(a.Text("main"), "supervisor1") {
		t.Errorf("the people: %s", a.Text("main"))
	}
}

// Credentials that are typed in tests of this file. None of them may come out anywhere.
const (
	canaryKey     = "canary-key-6f1d"
	canarySecret  = "canary-secret-8a2e"
	canaryChannel = "canary-channel-41bc"
	canaryStatic  = "canary-static-77e0"
	canaryWords   = "canary words for marta"
)

func TestAFormOfThreeShiftsSetsNothingBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	admin := s.SignIn("administrator1")
	page := admin.Get("/admin/shifts?template=three")
	if names := strings.Join(page.Values("input[name=name]"), " "); !strings.HasPrefix(names, "Early Late Night") {
		t.Errorf("the form has the shifts %q", names)
	}
	if from := page.Values("input[name=from]"); len(from) != 1 || from[0] == "" {
		t.Errorf("they are valid from %q", from)
	}
	roster, err := s.Store.Roster(t.Context(), packaging.Everything(s.Tenant("ghent").ID))
	if err != nil || len(roster) != 0 {
		t.Errorf("%d plans are set, %v", len(roster), err)
	}
}
