package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func connectionForm(s *site.Site, change ...string) []string {
	form := []string{
		"base_url", s.Remote.URL, "token_kind", "dynamic", "token_header", "x-access-token",
		"api_key", "", "api_secret", "", "channel_key", "", "static_token", "",
	}
	return append(form, change...)
}

func TestSetupTellsOfLooseFilesAndOfASchemaThatWasChanged(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Loose: func() []string { return []string{"lineboard.key (0644)"} }})
	b := s.SignIn("administrator1")
	if a := b.Get("/admin"); a.Text("#schema") != "" ||
		!strings.Contains(a.Text("#loose-files"), "lineboard.key (0644)") {
		t.Errorf("%d: schema %q, loose files %q", a.Status, a.Text("#schema"), a.Text("#loose-files"))
	}
	s.Tamper("DROP TRIGGER history_is_never_deleted")
	if a := b.Get("/admin"); !strings.Contains(a.Text("#schema"), "trigger history_is_never_deleted is missing") {
		t.Errorf("%d: %q", a.Status, a.Text("#schema"))
	}
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
	if a.Status != http.StatusOK || !slices.Equal(
		a.All("#report h2"), []string{"The connection works", "One order, as it is understood"},
	) {
		t.Fatalf("%d %s", a.Status, a.Text("#report"))
	}
	for _, says := range []string{
		"List of open orders Works", "took ", "Found as token", "extra_percentage", "Nothing was released",
	} {
		if !strings.Contains(a.Text("#report"), says) {
			t.Errorf("the report does not say %q: %s", says, a.Text("#report"))
		}
	}
	if !strings.Contains(a.Text("#report pre"), `"order_id"`) {
		t.Errorf("the order as it came: %s", a.Text("#report pre"))
	}
	if e := s.History()[0]; e.Deed != packaging.ConnectionTested || e.New != "works" ||
		e.By.Username != "administrator1" || !strings.HasSuffix(e.Object, "stored credentials") {
		t.Errorf("history %+v", e)
	}
	a = b.Post("/admin/connection/test", connectionForm(s, "api_secret", canarySecret)...)
	if !strings.Contains(a.Text("#report"), "Sign-in Does not work") ||
		!strings.Contains(a.Text("#report"), "Type key and secret again.") ||
		!strings.Contains(a.Text("#report"), "List of open orders Not tried") {
		t.Errorf("with a wrong secret: %s", a.Text("#report"))
	}
	if e := s.History()[0]; e.New != "does not work: sign_in" || e.Reason != "sign_in_rejected" ||
		!strings.HasSuffix(e.Object, "just typed") {
		t.Errorf("history %+v", e)
	}
	if !strings.Contains(b.Get("/history").Text("tbody tr.day:first-child + tr"), "Tested the connection") {
		t.Errorf("the history page: %s", b.Get("/history").Text("tbody tr.day:first-child + tr"))
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
	if !strings.Contains(state, "Set on 2026-11-23") || !strings.Contains(state, "by Person administrator1") ||
		!strings.Contains(state, "The last call did not work") {
		t.Errorf("the overview says %s", state)
	}
	a = b.Post(
		"/admin/connection",
		connectionForm(
			s, "token_kind", "static", "static_token", sandbox.StaticToken, "channel_key", sandbox.ChannelKey,
		)...,
	)
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
	if len(changed) < 4 || !strings.Contains(changed[2], "dynamic token in x-access-token → ") ||
		changed[0] != "static_token" || changed[1] != "channel_key" {
		t.Errorf("history %q", changed)
	}
}

func TestTheOverviewTellsHowTheConnectionFares(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("auditor1")
	page := b.Get("/admin")
	for _, says := range []string{
		"Works", "Dynamic", "Token valid until2026-11-24 07:00", "Last good call07:00:00", "Last error–",
		"Orders fetched",
	} {
		if !strings.Contains(page.Text("main"), says) {
			t.Errorf("it does not say %q: %s", says, page.Text("main"))
		}
	}
	s.Box.Inject(sandbox.Fault{Call: sandbox.ListOpen, Kind: sandbox.HTML, Times: 1})
	if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
		t.Fatal("no fault")
	}
	if page := b.Get("/admin").Text("main"); !strings.Contains(page, "The last call did not work") ||
		!strings.Contains(page, "The answer was not what Movilitas.Cloud documents.") {
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
		for _, change := range [][]string{
			{"base_url", spy.URL},
			{"base_url", spy.URL, "api_key", canaryKey, "anyway", "yes"},
			{"base_url", s.Remote.URL + "/other"},
		} {
			a := b.Post(where, connectionForm(s, change...)...)
			if a.Status != http.StatusBadRequest || !strings.Contains(a.Text("#report"), "Type all credentials again") {
				t.Errorf("%s %v: %d %s", where, change, a.Status, a.Text("#report"))
			}
		}
		for _, address := range []string{
			"http://10.0.0.1", "http://api.movilitas.cloud", "https://a:b@host", "ftp://host", "", "https://host/?a=b",
		} {
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
	all := connectionForm(
		s, "base_url", spy.URL, "api_key", canaryKey, "api_secret", canarySecret, "channel_key", canaryChannel,
		"anyway", "yes",
	)
	if a := b.Post("/admin/connection", all...); a.Status != http.StatusSeeOther {
		t.Fatalf("with all typed: %d", a.Status)
	}
	if c, err := s.Store.Credentials(t.Context(), s.Tenant("ghent").ID); err != nil || c.APIKey.Reveal() != canaryKey ||
		!c.StaticToken.Empty() {
		t.Errorf("stored: %v", err)
	}
}

func TestNoCredentialComesOutAnywhere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	typed := []string{
		"api_key", canaryKey, "api_secret", canarySecret, "channel_key", canaryChannel, "static_token", canaryStatic,
	}
	var said strings.Builder
	for _, path := range []string{"/admin/connection/test", "/admin/connection"} {
		said.WriteString(b.Post(path, connectionForm(s, typed...)...).Body)
		said.WriteString(b.Post(path, connectionForm(s, append(typed, "token_kind", "static")...)...).Body)
	}
	said.WriteString(b.Post("/admin/connection", connectionForm(s, append(typed, "anyway", "yes")...)...).Body)
	handlerstest.PostSeveral(
		b, "/admin/people", "username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role",
		"supervisor",
	)
	// refused
	handlerstest.PostSeveral(
		b, "/admin/people", "username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role",
		"supervisor",
	)
	b.Post(personPath(s.Person("marta"))+"/password", "password", canaryWords)
	if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
		t.Fatal("the canaries open the sandbox")
	}
	manager := s.SignIn("manager1")
	for _, page := range []string{
		"/", "/orders", "/history", "/history.csv", "/admin", "/admin/connection", "/admin/site", "/admin/lines",
		"/admin/people",
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

func TestASavedConnectionBringsTheOrdersAtOnce(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	late := sandbox.Order143(s.Clock.Now())
	late.ID = "Late1"
	s.Box.Put(late)
	if a := s.SignIn("administrator1").Post(
		"/admin/connection", connectionForm(s)...,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("save: %d %s", a.Status, a.Text("main"))
	}
	if board := s.SignIn("operator1").Get("/orders?q=Late1"); board.Text("tbody .key") != "Late1" {
		t.Errorf("after the connection was saved the orders are %q", board.Text("main"))
	}
}
