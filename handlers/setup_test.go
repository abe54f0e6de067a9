package handlers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/handlers"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
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
		"key": key, "username": "anna", "full_name": "Anna Kovács", "password": "first words of anna", "again": "first words of anna",
		"site": "Plant Ghent", "slug": "ghent", "zone": "Europe/Brussels",
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
	if a := b.Get("/setup"); a.Status != http.StatusOK || !strings.Contains(a.Text("main"), "Look at the console") || len(a.All("input[name=username]")) != 0 {
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
	for _, again := range []site.Answer{s.Browser().Get(path), s.Browser().Post("/setup", filledIn(path, "username", "mallory")...)} {
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
			answers[i] = b.Post("/setup", filledIn(path, "username", fmt.Sprint("anna", i), "slug", fmt.Sprint("plant-", i))...).Status
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
	if a := b.Get("/admin/people"); a.Text(".tenant") != "Plant Ghent" || !strings.Contains(a.Text("main"), "supervisor1") {
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

func connectionForm(s *site.Site, change ...string) []string {
	form := []string{
		"base_url", s.Remote.URL, "token_kind", "dynamic", "token_header", "x-access-token",
		"api_key", "", "api_secret", "", "channel_key", "", "static_token", "",
	}
	return append(form, change...)
}

func TestAnAdministratorTestsTheConnectionWithWhatIsStoredAndWithWhatIsTyped(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	patches := 0
	s := site.New(t, site.Options{Handler: func(box *sandbox.Sandbox) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch {
				mu.Lock()
				patches++
				mu.Unlock()
			}
			box.ServeHTTP(w, r)
		})
	}})
	b := s.SignIn("administrator1")
	a := b.Post("/admin/connection/test", connectionForm(s)...)
	if a.Status != http.StatusOK || !slices.Equal(a.All("#report h2"), []string{"The connection works", "One order, as it is understood"}) {
		t.Fatalf("%d %s", a.Status, a.Text("#report"))
	}
	for _, says := range []string{"List of open orders Works", "took ", "Found as token", "extra_percentage", "Nothing was released"} {
		if !strings.Contains(a.Text("#report"), says) {
			t.Errorf("the report does not say %q: %s", says, a.Text("#report"))
		}
	}
	if !strings.Contains(a.Text("#report pre"), `"order_id"`) {
		t.Errorf("the order as it came: %s", a.Text("#report pre"))
	}
	if e := s.History()[0]; e.Deed != packaging.ConnectionTested || e.New != "works" || e.By.Username != "administrator1" || !strings.HasSuffix(e.Object, "stored credentials") {
		t.Errorf("history %+v", e)
	}
	a = b.Post("/admin/connection/test", connectionForm(s, "api_secret", canarySecret)...)
	if !strings.Contains(a.Text("#report"), "Sign-in Does not work") || !strings.Contains(a.Text("#report"), "Type key and secret again.") ||
		!strings.Contains(a.Text("#report"), "List of open orders Not tried") {
		t.Errorf("with a wrong secret: %s", a.Text("#report"))
	}
	if e := s.History()[0]; e.New != "does not work: sign_in" || e.Reason != "sign_in_rejected" || !strings.HasSuffix(e.Object, "just typed") {
		t.Errorf("history %+v", e)
	}
	if !strings.Contains(b.Get("/history").Text("tbody tr:first-child"), "Tested the connection") {
		t.Errorf("the history page: %s", b.Get("/history").Text("tbody tr:first-child"))
	}
	mu.Lock()
	defer mu.Unlock()
	if patches != 0 || len(s.Box.Released()) != 0 {
		t.Errorf("%d calls of PATCH", patches)
	}
}

func TestAConnectionIsSavedWhenItsTestWorksAndCallsGoOnWithIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	a := b.Post("/admin/connection", connectionForm(s, "channel_key", canaryChannel)...)
	if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Text("#report"), "Nothing was saved") {
		t.Fatalf("%d %s", a.Status, a.Text("#report"))
	}
	s.Refresh() // with what was there before
	a = b.Post("/admin/connection", connectionForm(s, "channel_key", canaryChannel, "anyway", "yes")...)
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/admin/connection?saved=untested" {
		t.Fatalf("all the same: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
		t.Error("calls go on with the old channel key")
	}
	state := b.Get("/admin").Text("main")
	if !strings.Contains(state, "Set on 2026-11-23") || !strings.Contains(state, "by Person administrator1") || !strings.Contains(state, "The last call did not work") {
		t.Errorf("the overview says %s", state)
	}
	a = b.Post("/admin/connection", connectionForm(s, "token_kind", "static", "static_token", sandbox.StaticToken, "channel_key", sandbox.ChannelKey)...)
	if a.Header.Get("Location") != "/admin/connection?saved=works" {
		t.Fatalf("a static token: %d %s", a.Status, a.Text("#report"))
	}
	s.Refresh()
	if state := b.Get("/admin").Text(".health"); !strings.Contains(state, "no end") {
		t.Errorf("the overview says %s", state)
	}
	var changed []string
	for _, e := range s.History() {
		switch e.Deed {
		case packaging.CredentialSet:
			changed = append(changed, e.Object+e.Old+e.New)
		case packaging.TenantSet:
			changed = append(changed, e.Old+" → "+e.New)
		}
	}
	if len(changed) < 4 || !strings.Contains(changed[2], "dynamic token in x-access-token → ") || changed[0] != "static_token" || changed[1] != "channel_key" {
		t.Errorf("history %q", changed)
	}
}

func TestTheOverviewTellsHowTheConnectionFares(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("auditor1")
	page := b.Get("/admin")
	for _, says := range []string{"Works", "Dynamic", "Token valid until2026-11-24 07:00", "Last good call07:00:00", "Last error–", "Orders fetched"} {
		if !strings.Contains(page.Text("main"), says) {
			t.Errorf("it does not say %q: %s", says, page.Text("main"))
		}
	}
	s.Box.Inject(sandbox.Fault{Call: sandbox.ListOpen, Kind: sandbox.HTML, Times: 1})
	if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
		t.Fatal("no fault")
	}
	if page := b.Get("/admin").Text("main"); !strings.Contains(page, "The last call did not work") || !strings.Contains(page, "The answer was not what Movilitas.Cloud documents.") {
		t.Errorf("after a page instead of an answer: %s", page)
	}
}

func TestStoredCredentialsGoToNoOtherAddress(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	heard := make(chan string, 10)
	spy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { heard <- r.URL.Path }))
	t.Cleanup(spy.Close)
	b := s.SignIn("administrator1")
	for _, where := range []string{"/admin/connection", "/admin/connection/test"} {
		for _, change := range [][]string{{"base_url", spy.URL}, {"base_url", spy.URL, "api_key", canaryKey, "anyway", "yes"}, {"base_url", s.Remote.URL + "/other"}} {
			a := b.Post(where, connectionForm(s, change...)...)
			if a.Status != http.StatusBadRequest || !strings.Contains(a.Text("#report"), "Type all credentials again") {
				t.Errorf("%s %v: %d %s", where, change, a.Status, a.Text("#report"))
			}
		}
		for _, address := range []string{"http://10.0.0.1", "http://api.movilitas.cloud", "https://a:b@host", "ftp://host", "", "https://host/?a=b"} {
			if a := b.Post(where, connectionForm(s, "base_url", address)...); a.Status != http.StatusBadRequest {
				t.Errorf("%s %s: %d", where, address, a.Status)
			}
		}
	}
	select {
	case path := <-heard:
		t.Errorf("the other address was asked for %s", path)
	default:
	}
	if s.Tenant("ghent").BaseURL != s.Remote.URL {
		t.Error("the address was saved")
	}
	all := connectionForm(s, "base_url", spy.URL, "api_key", canaryKey, "api_secret", canarySecret, "channel_key", canaryChannel, "anyway", "yes")
	if a := b.Post("/admin/connection", all...); a.Status != http.StatusSeeOther {
		t.Fatalf("with all typed: %d", a.Status)
	}
	if c, err := s.Store.Credentials(t.Context(), s.Tenant("ghent").ID); err != nil || c.APIKey.Reveal() != canaryKey || !c.StaticToken.Empty() {
		t.Errorf("stored: %v", err)
	}
}

func TestLinesAreAddedRenamedAndHiddenButNeverLost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	for change, want := range map[[2]string]int{
		{"l1", "Again"}: http.StatusConflict, {"L 9/", "Bad code"}: http.StatusBadRequest, {"L9", " "}: http.StatusBadRequest, {"L9", strings.Repeat("x", 101)}: http.StatusBadRequest,
	} {
		if a := b.Post("/admin/lines", "code", change[0], "name", change[1]); a.Status != want || a.Text("[role=alert]") == "" {
			t.Errorf("%q: %d, want %d", change, a.Status, want)
		}
	}
	if a := b.Post("/admin/lines", "code", "L 9.b", "name", "Old tray line"); a.Status != http.StatusSeeOther {
		t.Fatalf("add: %d", a.Status)
	}
	if a := b.Post("/admin/lines/L%209.b", "name", "Tray line 9"); a.Status != http.StatusSeeOther {
		t.Fatalf("rename: %d", a.Status)
	}
	if lanes := b.Get("/").Text(".lanes"); !strings.Contains(lanes, "Tray line 9") {
		t.Errorf("lanes %s", lanes)
	}
	b.Post("/admin/lines/L%209.b", "do", "retire")
	b.Post("/admin/lines/L1", "do", "retire")
	if lanes := b.Get("/").Text(".lanes"); strings.Contains(lanes, "Tray line 9") || !strings.Contains(lanes, "Blister line 1") {
		t.Errorf("a hidden line shows while orders are open there, and not without: %s", lanes)
	}
	if page := b.Get("/admin/lines").Text("main"); !strings.Contains(page, "L 9.bHidden") {
		t.Errorf("lines %s", page)
	}
	b.Post("/admin/lines/L%209.b", "do", "take_back")
	if lanes := b.Get("/").Text(".lanes"); !strings.Contains(lanes, "Tray line 9") {
		t.Errorf("lanes %s", lanes)
	}
	var said []string
	for _, e := range s.History()[:5] {
		said = append(said, e.Object+": "+e.Old+" → "+e.New)
	}
	want := []string{
		"line L 9.b: Tray line 9 · retired → Tray line 9", "line L1: Blister line 1 → Blister line 1 · retired",
		"line L 9.b: Tray line 9 → Tray line 9 · retired", "line L 9.b: Old tray line → Tray line 9", "line L 9.b:  → Old tray line",
	}
	if !slices.Equal(said, want) {
		t.Errorf("history %q", said)
	}
}

// personPath is that of a person's page.
func personPath(p packaging.Person) string { return fmt.Sprintf("/admin/people/%d", p.ID) }

// several sends a form whose names may come several times.
func several(b *site.Browser, path string, pairs ...string) site.Answer {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.Send(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func TestNoNamePassesForAnother(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	person := func(username, name string) []string {
		return []string{"username", username, "full_name", name, "password", canaryWords, "role", "supervisor"}
	}
	before := len(s.History())
	for name, test := range map[string]struct {
		path  string
		pairs []string
		want  int
	}{
		"the program's username":           {"/admin/people", person("Lineboard", "Mallory"), http.StatusConflict},
		"the provisioning file's":          {"/admin/people", person("provisioning", "Mallory"), http.StatusConflict},
		"single sign-on's":                 {"/admin/people", person("single sign-on", "Mallory"), http.StatusBadRequest},
		"a username with a filler":         {"/admin/people", person("supervisor1\u3164", "Mallory"), http.StatusBadRequest},
		"a name that turns its direction":  {"/admin/people", person("mallory", "Person\u202e"), http.StatusBadRequest},
		"a line with a space of no width":  {"/admin/lines", []string{"code", "L9", "name", "Blister line 1\u200b"}, http.StatusBadRequest},
		"a site with a mark of direction":  {"/admin/site", []string{"site", "Plant\u200f Ghent", "zone", "Europe/Brussels"}, http.StatusBadRequest},
		"a station with a joiner":          {"/admin/stations", []string{"name", "Tablet\u200d 1", "line", "L1"}, http.StatusBadRequest},
		"a token with a mark of direction": {"/admin/tokens", []string{"name", "ERP\u2066"}, http.StatusUnprocessableEntity},
	} {
		if a := b.Post(test.path, test.pairs...); a.Status != test.want {
			t.Errorf("%s: %d %s, want %d", name, a.Status, a.Text("[role=alert]"), test.want)
		}
	}
	if n := len(s.History()); n != before {
		t.Errorf("%d entries came into the history", n-before)
	}
}

func TestAPersonIsAddedChangedAndDeactivatedAndItCountsAtOnce(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	for problem, form := range map[string][]string{
		"has no role":         {"username", "marta", "full_name", "Marta Nowak", "password", canaryWords},
		"no such line":        {"username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role", "manager", "line", "L9"},
		"has no role.":        {"username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role", "boss"},
		"at least 12":         {"username", "marta", "full_name", "Marta Nowak", "password", "short", "role", "manager"},
		"has this username":   {"username", "Operator1", "full_name", "Marta Nowak", "password", canaryWords, "role", "manager"},
		"can't be a username": {"username", "", "full_name", "Marta Nowak", "password", canaryWords, "role", "manager"},
	} {
		if a := several(b, "/admin/people", form...); a.Status/100 != 4 || !strings.Contains(a.Text("[role=alert]"), problem) || strings.Contains(a.Body, canaryWords) {
			t.Errorf("%s: %d %q", problem, a.Status, a.Text("[role=alert]"))
		}
	}
	a := several(b, "/admin/people", "username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role", "operator", "role", "auditor", "line", "L2")
	if a.Status != http.StatusSeeOther {
		t.Fatalf("add: %d %s", a.Status, a.Text("[role=alert]"))
	}
	marta := s.Browser()
	if a := marta.Post("/login", "username", "marta", "password", canaryWords); a.Status != http.StatusSeeOther {
		t.Fatalf("she can't sign in: %d", a.Status)
	}
	person := s.Person("marta")
	if person.Role != "auditor+operator" || len(person.Lines) != 1 {
		t.Errorf("person %+v", person)
	}
	if a := marta.Get("/admin"); a.Status != http.StatusOK {
		t.Errorf("an auditor at /admin: %d", a.Status)
	}
	several(b, personPath(person), "full_name", "Marta N.", "role", "operator")
	if a := marta.Get("/admin"); a.Status != http.StatusForbidden {
		t.Errorf("after the role was taken away: %d", a.Status)
	}
	b.Post(personPath(person)+"/password", "password", canaryWords+" again")
	if a := marta.Get("/"); a.Status != http.StatusSeeOther {
		t.Errorf("a new password leaves her signed in: %d", a.Status)
	}
	if a := b.Get(personPath(person) + "?saved=password"); !strings.Contains(a.Text("[role=status]"), "Hand it over to Marta N. now.") {
		t.Errorf("it says %q", a.Text("[role=status]"))
	}
	marta.Post("/login", "username", "marta", "password", canaryWords+" again")
	if a := marta.Get("/"); a.Status != http.StatusOK {
		t.Fatalf("the new password: %d", a.Status)
	}
	b.Post(personPath(person)+"/active", "active", "no")
	if a := marta.Get("/"); a.Status != http.StatusSeeOther {
		t.Errorf("a deactivated person is signed in: %d", a.Status)
	}
	if a := marta.Post("/login", "username", "marta", "password", canaryWords+" again"); a.Status != http.StatusUnauthorized {
		t.Errorf("a deactivated person signs in: %d", a.Status)
	}
	if page := b.Get("/admin/people").Text("main"); !strings.Contains(page, "Marta N. marta Operator All lines Not active") {
		t.Errorf("people %s", page)
	}
	b.Post(personPath(person)+"/active", "active", "yes")
	if a := marta.Post("/login", "username", "marta", "password", canaryWords+" again"); a.Status != http.StatusSeeOther {
		t.Errorf("taken back: %d", a.Status)
	}
	var said []string
	for _, e := range s.History() {
		if e.Object == "user marta" && e.By.Username == "administrator1" {
			said = append(said, string(e.Deed)+" "+e.Old+" → "+e.New)
		}
	}
	want := []string{
		"person_set Marta N. · operator · not active → Marta N. · operator", "person_set Marta N. · operator → Marta N. · operator · not active",
		"password_set  → ", "person_set Marta N. · auditor+operator · lines L2 → Marta N. · operator",
		"person_set Marta Nowak · auditor+operator · lines L2 → Marta N. · auditor+operator · lines L2",
		"person_set  → Marta Nowak · auditor+operator · lines L2",
	}
	if !slices.Equal(said, want) {
		t.Errorf("history %q", said)
	}
}

func TestATenantKeepsItsLastAdministrator(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, me := s.SignIn("administrator1"), s.Person("administrator1")
	last := func() {
		t.Helper()
		for _, a := range []site.Answer{
			several(b, personPath(me), "full_name", me.FullName, "role", "manager"),
			b.Post(personPath(me)+"/active", "active", "no"),
		} {
			if a.Status != http.StatusConflict || !strings.Contains(a.Text("[role=alert]"), "last administrator") {
				t.Errorf("%d %s", a.Status, a.Text("[role=alert]"))
			}
		}
	}
	last()
	several(b, "/admin/people", "username", "administrator2", "full_name", "Second", "password", canaryWords, "role", "administrator")
	second := s.Person("administrator2")
	b.Post(personPath(second)+"/active", "active", "no")
	last() // one who is not active is none
	b.Post(personPath(second)+"/active", "active", "yes")
	if a := several(b, personPath(me), "full_name", me.FullName, "role", "manager"); a.Status != http.StatusSeeOther {
		t.Errorf("with a second one: %d", a.Status)
	}
	if a := b.Get("/admin"); a.Status != http.StatusForbidden {
		t.Errorf("still administrator: %d", a.Status)
	}
}

func TestAnAdministratorOfOneTenantReachesNothingOfAnother(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "administrator2", "supervisor2", "supervisor1") // supervisor1 is at both
	s.Refresh()
	var theirs packaging.Person
	people, err := s.Store.People(t.Context(), s.Tenant("basel").ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if p.Username == "supervisor2" {
			theirs = p
		}
	}
	before, err := s.Store.History(t.Context(), packaging.Everything(s.Tenant("basel").ID), packaging.HistoryFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := s.SignIn("administrator1")
	if page := b.Get("/admin/people").Text("main"); strings.Contains(page, "supervisor2") || strings.Contains(page, "administrator2") {
		t.Errorf("people of another tenant show: %s", page)
	}
	if page := b.Get("/admin/people/new"); strings.Contains(page.Body, "supervisor2") {
		t.Error("people of another tenant can be taken in")
	}
	for path, form := range map[string][]string{
		personPath(theirs):               {"full_name", "Mine", "role", "operator"},
		personPath(theirs) + "/password": {"password", canaryWords},
		personPath(theirs) + "/active":   {"active", "no"},
		personPath(theirs) + "/remove":   {},
		"/admin/people/join":             {"person", fmt.Sprint(theirs.ID), "role", "operator"},
	} {
		if a := several(b, path, form...); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	if a := b.Get(personPath(theirs)); a.Status != http.StatusNotFound {
		t.Errorf("their page: %d", a.Status)
	}
	if a := b.Post("/tenant", "tenant", "basel"); a.Status != http.StatusNotFound {
		t.Errorf("switching: %d", a.Status)
	}
	if a := b.Post("/admin/sites", "site", "Mine", "slug", "basel", "zone", "UTC"); a.Status != http.StatusConflict {
		t.Errorf("their slug: %d", a.Status)
	}

	// Who is at both is theirs too: what they are here is all that can be changed from here.
	shared := s.Person("supervisor1")
	for path, form := range map[string][]string{
		personPath(shared) + "/password": {"password", canaryWords}, personPath(shared) + "/active": {"active", "no"},
	} {
		if a := several(b, path, form...); a.Status != http.StatusForbidden {
			t.Errorf("%s of a shared person: %d", path, a.Status)
		}
	}
	if a := several(b, personPath(shared), "full_name", "Another name", "role", "operator"); a.Status != http.StatusSeeOther {
		t.Errorf("a shared person's role: %d", a.Status)
	}
	if got := s.Person("supervisor1"); got.FullName != "Person supervisor1" || got.Role != packaging.Operator {
		t.Errorf("a shared person became %+v", got)
	}
	if a := b.Post(personPath(shared) + "/remove"); a.Status != http.StatusSeeOther {
		t.Errorf("taking a shared person out: %d", a.Status)
	}
	if a := s.SignIn("supervisor1").Get("/"); a.Text(".tenant") != "Plant Basel" {
		t.Errorf("a shared person is at %q", a.Text(".tenant"))
	}
	if a := b.Post(personPath(s.Person("operator1")) + "/remove"); a.Status != http.StatusConflict {
		t.Errorf("taking out who is at one tenant alone: %d", a.Status)
	}
	after, err := s.Store.History(t.Context(), packaging.Everything(s.Tenant("basel").ID), packaging.HistoryFilter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range after.Entries {
		if e.Seq > before.Entries[0].Seq && e.Deed != packaging.SignedIn {
			t.Errorf("something happened at the other tenant: %+v", e)
		}
	}
}

func TestWhoAddsASiteIsItsAdministratorAndMayTakeTheirPeopleAlong(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	if a := b.Post("/admin/sites", "site", "Plant Łódź 2", "zone", "Europe/Warsaw"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/admin/connection" {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if page := b.Get("/admin/people"); page.Text("select[name=tenant] option[selected]") != "Plant Łódź 2" || strings.Contains(page.Text("main"), "supervisor1") {
		t.Errorf("people: %s", page.Text("main"))
	}
	person := fmt.Sprint(s.Person("supervisor1").ID)
	if !slices.Contains(b.Get("/admin/people/new").All("#person option"), "Person supervisor1 (supervisor1)") {
		t.Errorf("they can take along %q", b.Get("/admin/people/new").All("#person option"))
	}
	if a := several(b, "/admin/people/join", "person", person, "role", "supervisor"); a.Status != http.StatusSeeOther {
		t.Fatalf("join: %d", a.Status)
	}
	if page := b.Get("/admin/people"); !strings.Contains(page.Text("main"), "supervisor1") {
		t.Errorf("people: %s", page.Text("main"))
	}
	if a := b.Post("/admin/site", "site", "Plant Lodz", "zone", "UTC"); a.Status != http.StatusSeeOther {
		t.Fatalf("rename: %d", a.Status)
	}
	got := s.Tenant("plant-d-2")
	if got.Name != "Plant Lodz" || got.TimeZone != "UTC" {
		t.Errorf("site %+v", got)
	}
	if s.Tenant("ghent").Name != "Plant Ghent" {
		t.Error("the other site was renamed")
	}
	// Who administers all sites of a person administers the person.
	if a := b.Post(personPath(s.Person("supervisor1"))+"/password", "password", site.Password); a.Status != http.StatusSeeOther {
		t.Errorf("a new password: %d", a.Status)
	}
	if e := s.History()[0]; e.Deed != packaging.PasswordSet {
		t.Errorf("the other site's history: %+v", e)
	}
	supervisor := s.SignIn("supervisor1")
	if a := b.Post(personPath(s.Person("supervisor1"))+"/active", "active", "no"); a.Status != http.StatusSeeOther {
		t.Errorf("deactivating: %d", a.Status)
	}
	if a := supervisor.Get("/"); a.Status != http.StatusSeeOther {
		t.Errorf("the person goes on at the other site: %d", a.Status)
	}
	if e := s.History()[0]; e.Deed != packaging.PersonSet || !strings.HasSuffix(e.New, "not active") {
		t.Errorf("the other site's history: %+v", e)
	}
}

func TestWhoMayLookAtTheSetupMayNotChangeIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	auditor, supervisor := s.SignIn("auditor1"), s.SignIn("supervisor1")
	person := personPath(s.Person("operator1"))
	for _, page := range []string{"/admin", "/admin/connection", "/admin/site", "/admin/lines", "/admin/people", person} {
		if a := auditor.Get(page); a.Status != http.StatusOK || len(a.All("main form button:not(fieldset[disabled] button, .hint button)")) != 0 {
			t.Errorf("%s: %d, offers %q", page, a.Status, a.All("main form button:not(fieldset[disabled] button, .hint button)"))
		}
		if a := supervisor.Get(page); a.Status != http.StatusForbidden {
			t.Errorf("a supervisor at %s: %d", page, a.Status)
		}
	}
	for _, path := range []string{
		"/admin/connection", "/admin/connection/test", "/admin/site", "/admin/sites", "/admin/lines", "/admin/lines/L1", "/admin/people", "/admin/people/join",
		person, person + "/password", person + "/active", person + "/remove",
	} {
		for _, b := range []*site.Browser{auditor, supervisor} {
			if a := b.Post(path); a.Status != http.StatusForbidden {
				t.Errorf("%s: %d", path, a.Status)
			}
		}
	}
}

func TestNoCredentialComesOutAnywhere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	typed := []string{"api_key", canaryKey, "api_secret", canarySecret, "channel_key", canaryChannel, "static_token", canaryStatic}
	var said strings.Builder
	for _, path := range []string{"/admin/connection/test", "/admin/connection"} {
		said.WriteString(b.Post(path, connectionForm(s, typed...)...).Body)
		said.WriteString(b.Post(path, connectionForm(s, append(typed, "token_kind", "static")...)...).Body)
	}
	said.WriteString(b.Post("/admin/connection", connectionForm(s, append(typed, "anyway", "yes")...)...).Body)
	several(b, "/admin/people", "username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role", "supervisor")
	several(b, "/admin/people", "username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role", "supervisor") // refused
	b.Post(personPath(s.Person("marta"))+"/password", "password", canaryWords)
	if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
		t.Fatal("the canaries open the sandbox")
	}
	manager := s.SignIn("manager1")
	for _, page := range []string{
		"/", "/orders", "/history", "/history.csv", "/admin", "/admin/connection", "/admin/site", "/admin/lines", "/admin/people",
		"/admin/people/new", personPath(s.Person("marta")),
	} {
		said.WriteString(b.Get(page).Body)
		said.WriteString(manager.Get(page).Body)
	}
	said.WriteString(s.Log.String())
	for _, e := range s.History() {
		fmt.Fprintf(&said, "%+v", e)
	}
	for _, file := range []string{s.Path, s.Path + "-wal"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		said.Write(content)
	}
	for _, canary := range []string{canaryKey, canarySecret, canaryChannel, canaryStatic, canaryWords} {
		if strings.Contains(said.String(), canary) {
			t.Errorf("%s comes out", canary)
		}
	}
}
