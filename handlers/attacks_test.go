package handlers_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/secret/cheaphash"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// thief is a browser with somebody else's cookie.
func thief(s *site.Site, cookie string) *site.Browser {
	b := s.Browser()
	b.Header.Set("Cookie", cookie)
	return b
}

// counting counts how often a password is about to be looked at.
type counting struct {
	*db.DB
	looks *atomic.Int64
}

func (c counting) Credential(ctx context.Context, username string) (packaging.UserID, string, error) {
	c.looks.Add(1)
	return c.DB.Credential(ctx, username)
}

func TestTenThousandWrongPasswordsAreNotLookedAtNorDoTheyFillTheHistory(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s := site.New(t, site.Options{})
	var looks atomic.Int64
	h := handlers.New(handlers.Config{
		Store: counting{s.Store, &looks}, Guard: s.Guard, Log: slog.New(slog.DiscardHandler), Now: s.Clock.Now,
		Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Idle: time.Hour, Limit: time.Hour,
		Releaser: s.Releaser, Settler: s.Settler, Clients: manufacturer.NewClients(nil),
	})
	signIn := func(username, password, from string) *httptest.ResponseRecorder {
		form := url.Values{"username": {username}, "password": {password}}
		r := httptest.NewRequest("POST", "/login", strings.NewReader(form.Encode())) // comes from 192.0.2.1
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", from)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := signIn("supervisor1", site.Password, "10.0.0.7"); w.Code != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", w.Code)
	}
	before := len(s.History())
	looks.Store(0)
	refused := 0
	for i := range 10_000 {
		if signIn("supervisor1", fmt.Sprint("wrong ", i), "198.51.100.9").Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if n := looks.Load(); n > 20 || refused+int(n) != 10_000 {
		t.Errorf("%d of 10,000 passwords were looked at, %d refused", n, refused)
	}
	w := signIn("supervisor1", site.Password, "198.51.100.9")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" ||
		!strings.Contains(w.Body.String(), "Too many wrong passwords. Wait ") {
		t.Errorf("the right password from there: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	for name, try := range map[string]*httptest.ResponseRecorder{
		"at their own address": signIn("supervisor1", site.Password, "10.0.0.7"),
		"at a new address":     signIn("supervisor1", site.Password, "10.0.0.8"),
		"somebody else":        signIn("manager1", site.Password, "198.51.100.9"),
	} {
		if try.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", name, try.Code)
		}
	}
	s.Clock.Move(time.Hour)
	if err := s.Guard.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	deeds := map[packaging.Deed]int{}
	all := s.History()
	for _, e := range all[:len(all)-before] {
		deeds[e.Deed]++
		if e.Deed == packaging.ThrottlingEnded && e.New < "9900" {
			t.Errorf("%s tries", e.New)
		}
	}
	if deeds[packaging.SignInDeclined] != 5 || deeds[packaging.ThrottlingBegan] != 1 ||
		deeds[packaging.ThrottlingEnded] != 1 {
		t.Errorf("history %v", deeds)
	}
}

func TestAThrottledAnswerDoesNotTellWhoExists(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.Browser()
	answers := map[string]string{}
	for _, username := range []string{"supervisor1", "nobody1"} {
		for range 7 {
			a := b.Post("/login", "username", username, "password", "not the password")
			answers[username] += fmt.Sprint(a.Status, " ", strings.ReplaceAll(a.Text("main"), username, "NAME"), "\n")
		}
	}
	if answers["supervisor1"] != answers["nobody1"] || !strings.Contains(answers["nobody1"], "429") {
		t.Errorf("%s\nand for nobody\n%s", answers["supervisor1"], answers["nobody1"])
	}
}

// An answer takes as many hashes whoever exists, and each takes as long. It runs by itself: what runs beside it would
// count.
func TestAnAnswerTakesAsLongWhoeverExists(t *testing.T) {
	s := handlerstest.SigningSite(t, true)
	s.AddTenant("basel", "Plant Basel", "supervisor-9")
	s.SetPIN("manager1", handlerstest.AnotherPIN)
	if err := s.Store.SetPersonActive(
		t.Context(), s.Person("administrator1"), s.Person("auditor1").ID, false,
	); err != nil {
		t.Fatal(err)
	}
	signer, tablet, o := s.SignIn("supervisor1"), s.Tablet("Tablet 2", "L1"), s.Order("Order143")
	atStation := handlerstest.AtTablet(t, s)
	for what, try := range map[string]func(username, typed string){
		"a sign-in": func(username, typed string) {
			s.Browser().Post("/login", "username", username, "password", typed)
		},
		"a second signature": func(username, typed string) {
			handlerstest.Sign(signer, o, "username", username, "meaning2", "verified", "secret2", typed)
		},
		"a second signature at a station": func(username, typed string) {
			handlerstest.Sign(
				atStation, o, "secret", handlerstest.APIN, "username", username, "meaning2", "verified", "secret2", typed,
			)
		},
		"a sign-in at a station": func(username, typed string) {
			tablet.Post("/station/sign-in", "username", username, "secret", typed)
		},
	} {
		for _, typed := range []string{"not the password", "not the passwo\u0308rd", "258036"} {
			hashes := map[string]uint64{}
			for _, username := range []string{"manager1", "operator1", "auditor1", "supervisor-9", "nobody"} {
				before := cheaphash.Spent()
				try(username, typed)
				hashes[username] = cheaphash.Spent() - before
			}
			for username, n := range hashes {
				if n != hashes["manager1"] {
					t.Errorf("%s of %s with %+q takes %d hashes, of manager1 %d", what, username, typed, n, hashes["manager1"])
				}
			}
		}
	}
}

func TestForwardedAddressesAreBelievedOfTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies []netip.Prefix
		header  []string
		want    string
	}{
		"no proxy": {nil, []string{"10.0.0.7"}, "127.0.0.1"},
		"another proxy": {
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{"10.0.0.7"}, "127.0.0.1",
		},
		"our proxy": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"10.0.0.7"}, "10.0.0.7",
		},
		"an invented beginning": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"1.2.3.4, 10.0.0.7"}, "10.0.0.7",
		},
		"an invented header": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"1.2.3.4", "10.0.0.7"}, "10.0.0.7",
		},
		"two proxies of ours": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"1.2.3.4, 10.0.0.7, 127.0.0.2"}, "10.0.0.7",
		},
		"rubbish": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"<script>"}, "127.0.0.1",
		},
		"rubbish behind a proxy": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"<script>, 10.0.0.7"}, "10.0.0.7",
		},
		"a port": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"10.1.1.5:50123"}, "10.1.1.5",
		},
		"IPv6 with a port": {
			[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"[2001:db8::7]:443"}, "2001:db8::7",
		},
		"IPv6": {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{"[2001:db8::7]"}, "2001:db8::7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{Proxies: c.proxies})
			b := s.Browser()
			b.Header["X-Forwarded-For"] = c.header
			for _, other := range []string{"X-Real-Ip", "Forwarded", "True-Client-Ip", "X-Client-Ip"} {
				b.Header.Set(other, "203.0.113.1")
			}
			b.Post("/login", "username", "administrator1", "password", site.Password)
			if got := b.Get("/account").All(".sessions .code"); !slices.Equal(got, []string{c.want}) {
				t.Errorf("address %q, want %q", got, c.want)
			}
			if got := s.History()[0].New; got != c.want {
				t.Errorf("history has %q", got)
			}
		})
	}
}

// RFC 7239: what some proxies send instead of the X-Forwarded headers.
func TestForwardedAloneIsReadOfTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	ours := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		proxies []netip.Prefix
		header  []string
		want    string
	}{
		"no proxy":               {nil, []string{"for=10.0.0.7"}, "127.0.0.1"},
		"our proxy":              {ours, []string{"For=10.0.0.7;proto=http;by=203.0.113.43"}, "10.0.0.7"},
		"an invented beginning":  {ours, []string{"for=1.2.3.4, for=10.0.0.7"}, "10.0.0.7"},
		"an invented header":     {ours, []string{"for=1.2.3.4", "for=10.0.0.7"}, "10.0.0.7"},
		"two proxies of ours":    {ours, []string{"for=10.0.0.7, for=127.0.0.2"}, "10.0.0.7"},
		"a port":                 {ours, []string{`for="10.0.0.7:4711"`}, "10.0.0.7"},
		"IPv6 with a port":       {ours, []string{`for="[2001:db8::7]:4711"`}, "2001:db8::7"},
		"a mark within quotes":   {ours, []string{`for=1.2.3.4;host="a,for=9.9.9.9", for=10.0.0.7`}, "10.0.0.7"},
		"a name instead":         {ours, []string{"for=_hidden"}, "127.0.0.1"},
		"no address":             {ours, []string{"proto=https"}, "127.0.0.1"},
		"quotes that do not end": {ours, []string{`for="10.0.0.7, for=1.2.3.4`}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{Proxies: c.proxies})
			b := s.Browser()
			b.Header["Forwarded"] = c.header
			b.Post("/login", "username", "administrator1", "password", site.Password)
			if got := s.History()[0].New; got != c.want {
				t.Errorf("history has %q, want %q", got, c.want)
			}
			b.Header["X-Forwarded-For"] = []string{"10.0.0.9"}
			b.Post("/login", "username", "administrator1", "password", site.Password)
			if got := s.History()[0].New; c.proxies != nil && got != "10.0.0.9" {
				t.Errorf("beside X-Forwarded-For history has %q", got)
			}
		})
	}
}

func TestASpoofedAddressDoesNotGetAroundTheWait(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	last := 0
	for i := range 7 {
		b := s.Browser()
		b.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.0.%d", i))
		last = b.Post("/login", "username", "supervisor1", "password", "not the password").Status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the seventh wrong password: %d", last)
	}
}

func TestAChainThatCanNotBeReadIsToldOnceInTheLogAndInTheSetup(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	b := s.Browser()
	b.Header.Set("X-Forwarded-For", "10.1.1.5")
	b.Post("/login", "username", "administrator1", "password", site.Password)
	if a := b.Get("/admin"); a.Status != http.StatusOK || a.Text("#proxy") != "" {
		t.Errorf("%d; where all is well it says %q", a.Status, a.Text("#proxy"))
	}
	b.Header.Set("X-Forwarded-For", "10.1.1.5, unknown")
	for range 3 {
		b.Get("/admin")
	}
	if n := strings.Count(s.Log.String(), "sends X-Forwarded-For or Forwarded that can't be read"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	if said := b.Get("/admin").Text("#proxy"); !strings.Contains(said, `" unknown"`) {
		t.Errorf("the setup says %q", said)
	}
}

func TestSecurityEventsAreInTheLogWithoutWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	operator, stranger := s.SignIn("operator1"), s.Browser()
	operator.Get("/history")
	stranger.Post("/login", "username", "canary of a password", "password", "not the password")
	stranger.Header.Set("Authorization", "Bearer lineboard_canary")
	stranger.Send(http.MethodPut, "/api/v1/orders", "text/csv", strings.NewReader(""))
	stranger.Header = http.Header{}
	stranger.Post("/station", "code", "canary-code")
	stranger.Header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	stranger.Post("/login", "username", "operator1", "password", site.Password)
	for _, event := range []string{
		"forbidden", "unknown_username", "wrong_api_token", "wrong_station_code", "cross_site_refused",
	} {
		want := `level=WARN msg="security event" event=` + event + " address=127.0.0.1 count=1\n"
		if n := strings.Count(s.Log.String(), want); n != 1 {
			t.Errorf("%s is logged %d times", event, n)
		}
	}
	if strings.Contains(s.Log.String(), "canary") {
		t.Error("the log has what was typed")
	}
}

// Names are given elsewhere than at the sign-in too.
func TestANameThatNobodyHasIsASecurityEventWhereverItIsGiven(t *testing.T) {
	t.Parallel()
	for where, give := range map[string]func(s *site.Site){
		"the second signer": func(s *site.Site) {
			handlerstest.Sign(
				s.SignIn("supervisor1"), s.Order("Order143"), "username", "canary", "meaning2", "verified", "secret2", "x",
			)
		},
		"at a station": func(s *site.Site) {
			s.Tablet("Tablet", "L1").Post("/station/sign-in", "username", "canary", "secret", handlerstest.APIN)
		},
	} {
		s := handlerstest.SigningSite(t, true)
		give(s)
		if log := s.Log.String(); strings.Count(log, "event=unknown_username") != 1 || strings.Contains(log, "canary") {
			t.Errorf("%s: the log has %s", where, log)
		}
	}
}

func TestAWrongSetupKeyIsASecurityEvent(t *testing.T) {
	t.Parallel()
	setup, _ := handlers.NewSetup(time.Now(), true)
	s := site.New(t, site.Options{Empty: true, Setup: setup})
	s.Browser().Get("/setup?key=canary")
	if log := s.Log.String(); !strings.Contains(log, "event=wrong_setup_key") || strings.Contains(log, "canary") {
		t.Errorf("the log has %s", log)
	}
}

func TestWhoIsSignedInAsksWhateverStrangersAtTheirAddressAsk(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{PerSecond: 1})
	supervisor, stranger := s.SignIn("supervisor1"), s.Browser()
	for stranger.Get("/login").Status != http.StatusTooManyRequests {
	}
	if a := supervisor.Get("/orders"); a.Status != http.StatusOK {
		t.Errorf("who is signed in: %d", a.Status)
	}
	turned := false
	for range 20 {
		turned = turned || supervisor.Get("/orders").Status == http.StatusTooManyRequests
	}
	if !turned {
		t.Error("who is signed in may ask without end")
	}
}

func TestPeopleSignInWhereTheyDidWhateverStrangersAtTheirAddressAsk(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{PerSecond: 2})
	own, tablet := s.SignIn("supervisor1"), handlerstest.AtTablet(t, s)
	own.Post("/logout")
	tablet.Post("/station/lock")
	ctx, stop := context.WithCancel(t.Context())
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for stranger := s.Browser(); ctx.Err() == nil; {
			stranger.Get("/login")
		}
	}()
	turnedAway := func(b *site.Browser) bool {
		for range 50 {
			if b.Get("/login").Status == http.StatusTooManyRequests {
				return true
			}
		}
		return false
	}
	for name, cookie := range map[string]string{
		"no cookie": "", "a forged one": s.CookieName("device") + "=" + strings.Repeat("A", 86),
	} {
		if !turnedAway(thief(s, cookie)) {
			t.Errorf("with %s strangers may ask without end", name)
		}
	}
	if a := own.Post("/login", "username", "supervisor1", "password", site.Password); a.Status != http.StatusSeeOther {
		t.Errorf("where supervisor1 has signed in before: %d", a.Status)
	}
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusSeeOther {
		t.Errorf("at a station: %d", a.Status)
	}
	if own.Post("/logout"); !turnedAway(own) {
		t.Error("where somebody signed in, anybody may ask without end")
	}
	stop()
	<-flooded
}

func TestACookieThatSomebodyElseMadeOrStoleSignsNobodyIn(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	name := s.CookieName("") + "="
	planted := name + strings.Repeat("A", 43)
	victim := thief(s, planted)
	a := victim.Post("/login", "username", "supervisor1", "password", site.Password)
	if a.Status != http.StatusSeeOther || strings.HasPrefix(a.Header.Get("Set-Cookie"), planted) {
		t.Fatalf("sign-in: %d with %q", a.Status, a.Header.Get("Set-Cookie"))
	}
	if !handlerstest.SentToSignIn(thief(s, planted).Get("/")) {
		t.Error("a planted cookie signs in after its victim did")
	}
	b := s.SignIn("supervisor1")
	stolen := handlerstest.CookieOf(t, s, b)
	if thief(s, stolen).Get("/").Status != http.StatusOK {
		t.Fatal("the cookie does not sign in at all")
	}
	b.Post("/logout")
	for _, where := range []string{"/", "/account", "/history.csv"} {
		if !handlerstest.SentToSignIn(thief(s, stolen).Get(where)) {
			t.Errorf("a stolen cookie shows %s after its person signed out", where)
		}
	}
	for _, broken := range []string{
		name, name + "x", name + strings.Repeat("A", 5000), stolen + "x", stolen + "; " + stolen,
	} {
		if !handlerstest.SentToSignIn(thief(s, broken).Get("/")) {
			t.Errorf("%.60q signs in", broken)
		}
	}
}

// posts are the routes that change something.
func posts() (routes []string) {
	for name := range expected {
		if strings.HasPrefix(name, "POST ") {
			routes = append(routes, name)
		}
	}
	slices.Sort(routes)
	return routes
}

// gets are the addresses of all pages and files.
func gets(at place) (all []string) {
	for name, row := range expected {
		if strings.HasPrefix(name, "GET ") {
			all = append(all, row.at(at))
		}
	}
	slices.Sort(all)
	return all
}

func TestNoRouteTakesWhatAnotherSiteSends(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, at := s.SignIn("manager1"), place{line: "L1", order: s.Order("Order143")}
	for _, header := range []http.Header{
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {s.Web.URL + ".evil.example"}},
		{"Origin": {"http://127.0.0.1:1"}},
	} {
		b.Header = header
		for _, route := range posts() {
			if a := ask(b, route, at); a.Status != http.StatusForbidden ||
				!strings.Contains(a.Text("main"), "another site") {
				t.Errorf("%s with %v: %d", route, header, a.Status)
			}
		}
	}
	b.Header = http.Header{}
	if a := b.Get("/"); a.Status != http.StatusOK || len(s.Box.Released()) != 0 {
		t.Errorf("afterwards: %d, %d releases", a.Status, len(s.Box.Released()))
	}
}

func TestWhatAFormDoesNotHaveCanNotBeSet(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	more := []string{
		"role", "administrator", "Role", "administrator", "id", "1", "ID", "1", "user_id", "1", "tenant_id", "2",
		"lines", "", "active", "1", "password_hash", "x", "full_name", "Mallory",
	}
	b := s.Browser()
	b.Post("/login", append([]string{"username", "operator1", "password", site.Password}, more...)...)
	b.Post(
		"/account/password?username=supervisor1",
		append(
			[]string{
				"username", "supervisor1", "old", site.Password, "new", "another password of mine", "again",
				"another password of mine",
			},
			more...,
		)...,
	)
	p := s.Person("operator1")
	if p.Role != packaging.Operator || p.FullName != "Person operator1" {
		t.Errorf("became %+v", p)
	}
	if a := b.Get("/admin"); a.Status != http.StatusForbidden {
		t.Errorf("setup: %d", a.Status)
	}
	s.SignIn("supervisor1") // whose password is as before
	eachSource(t, func(file, source string) {
		if strings.Contains(source, ".Bind(") || strings.Contains(source, "DefaultBinder") {
			t.Errorf("%s binds a form to a record: take each field by its name", file)
		}
	})
}

func TestNoTrickWithPathsOrHeadersLeadsPastTheTable(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	b := s.SignIn("operator1")
	for _, where := range []string{
		"/admin/", "/admin.", "/admin/.", "/admin/./", "//admin", "///admin", "/./admin", "/orders/../admin",
		"/admin%2f", "/%61dmin", "/admin%00", "/admin;", "/admin/sessions/",
		"/ADMIN", "/admin%20", "/admin?", "/admin/sessions.", "//admin//sessions", "/admin%2Fsessions",
		"/static/../admin", "/static/%2e%2e/admin", "/login/../admin", "/healthz/../admin",
	} {
		a := b.Get(where)
		for range 3 {
			if to := a.Header.Get("Location"); a.Status/100 == 3 && strings.HasPrefix(to, "/") {
				a = b.Get(to)
			}
		}
		if a.Status == http.StatusOK || strings.Contains(a.Text("main"), "Connection to Movilitas.Cloud") {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
	b = s.SignIn("supervisor1")
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		b.Header = http.Header{name: {"POST"}}
		b.Get(handlerstest.OrderPath(o, "/release?_method=POST"))
		b.Get(handlerstest.OrderPath(o, "/release"))
	}
	b.Header = http.Header{"X-Original-Url": {"/admin"}, "X-Rewrite-Url": {"/admin"}, "X-Forwarded-Prefix": {"/admin"}}
	if a := b.Get("/"); strings.Contains(a.Text("h1"), "Setup") {
		t.Error("a header leads to another page")
	}
	b.Header = http.Header{}
	for _, where := range []string{
		handlerstest.OrderPath(o, "%2Frelease"), "/" + handlerstest.OrderPath(o, "/release"),
		handlerstest.OrderPath(o, "/release/"), handlerstest.OrderPath(o, "//release"),
		handlerstest.OrderPath(o, "/release."), handlerstest.OrderPath(o, "/x/../release"),
	} {
		if a := b.Post(where); a.Status == http.StatusSeeOther {
			t.Errorf("POST %s: %d to %q", where, a.Status, a.Header.Get("Location"))
		}
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases carried out", n)
	}
}

func TestAForgedHostStandsNowhere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	at := place{line: "L1", order: s.Order("Order143")}
	for _, username := range []string{"supervisor1", "manager1", "administrator1"} {
		cookie := handlerstest.CookieOf(t, s, s.SignIn(username))
		seen := 0
		for _, where := range append(gets(at), "/nowhere") {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, where, nil)
			r.Host = "evil.example"
			r.Header.Set("X-Forwarded-Host", "evil.example")
			r.Header.Set("Forwarded", "host=evil.example")
			r.Header.Set("Cookie", cookie)
			w := httptest.NewRecorder()
			s.Web.Config.Handler.ServeHTTP(w, r)
			if strings.Contains(w.Body.String(), "evil") || strings.Contains(fmt.Sprint(w.Header()), "evil") {
				t.Errorf("%s, as %s, says the host that it was asked under", where, username)
			}
			if w.Code == http.StatusOK {
				seen++
			}
		}
		if seen < 20 {
			t.Errorf("%s saw %d pages", username, seen)
		}
	}
}

func TestEachRouteBoundsWhatItTakes(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, at := s.SignIn("manager1"), place{line: "L1", order: s.Order("Order143")}
	b2 := s.SignIn("administrator1")
	for _, route := range posts() {
		long := 70 << 10
		if route == "POST /orders/:id/list" || route == "POST /imports" {
			long = 34 << 20
		}
		who := b
		if expected[route].needs == packaging.Administer {
			who = b2
		}
		a := who.Send(
			"POST", expected[route].at(at), "application/x-www-form-urlencoded",
			strings.NewReader("x="+strings.Repeat("y", long)),
		)
		if a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with %d KiB: %d", route, long>>10, a.Status)
		}
	}
}

// Browsers and programs send all of a request before they read the answer.
func TestWhoSendsALargeFileReadsWhyItIsRefused(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	person := s.SignIn("supervisor1")
	list := expected["POST /orders/:id/list"].at(place{order: s.Order("Order143")})
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		method, path, kind, begin string
		mib, want                 int
	}{
		{"POST", "/imports", form, "orders=[1,", 30, http.StatusUnprocessableEntity},
		{"POST", "/imports", form, "orders=", 40, http.StatusRequestEntityTooLarge},
		{"POST", list, form, "list=", 40, http.StatusRequestEntityTooLarge},
		{"PUT", "/api/v1/orders", "text/csv", "without a token", 8, http.StatusUnauthorized},
	} {
		r, err := http.NewRequestWithContext(
			t.Context(), c.method, s.Web.URL+c.path, strings.NewReader(c.begin+strings.Repeat("y", c.mib<<20)),
		)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Origin", s.Web.URL)
		for _, cookie := range person.Client.Jar.Cookies(r.URL) {
			r.AddCookie(cookie)
		}
		if status, err := sentFirst(r); status != c.want {
			t.Errorf("%s %s, %d MiB: %d, %v", c.method, c.path, c.mib, status, err)
		}
	}
}

// Who asks whether they may send a file learns at once that it is refused.
func TestWhoAsksBeforeTheySendALargeFileIsNotToldToSendItInVain(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.Web.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /api/v1/orders HTTP/1.1\r\nHost: %s\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n"+
		"Expect: 100-continue\r\n\r\n", conn.RemoteAddr(), 30<<20)
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(status, "HTTP/1.1 401 ") {
		t.Errorf("it reads %q: %v", status, err)
	}
}

// sentFirst sends all of a request, and then reads the status of its answer.
func sentFirst(r *http.Request) (status int, err error) {
	conn, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", r.URL.Host)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := r.Write(conn); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func TestAnAddressThatAsksTooMuchIsTurnedAwayForAWhile(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{PerSecond: 1})
	b := s.Browser()
	turned := 0
	for range 20 {
		if a := b.Get("/login"); a.Status == http.StatusTooManyRequests {
			turned++
			if a.Header.Get("Retry-After") == "" || !strings.Contains(a.Text("main"), "too many requests") {
				t.Errorf("says %q", a.Text("main"))
			}
		}
	}
	if turned < 10 || turned > 15 {
		t.Errorf("%d of 20 turned away", turned)
	}
	style := b.Get("/login").Attr("link[rel=stylesheet]", "href")
	for _, path := range []string{"/healthz", "/readyz", style} {
		for range 10 {
			if a := b.Get(path); a.Status != http.StatusOK || path == "" {
				t.Errorf("%q: %d", path, a.Status)
			}
		}
	}
}

func TestBehindAProxyPeopleAreLedToHTTPS(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Secure: true, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	b := s.Browser()
	b.Header.Set("X-Forwarded-Proto", "http")
	if a := b.Get("/orders?q=a"); a.Status != http.StatusPermanentRedirect ||
		a.Header.Get("Location") != "https://"+strings.TrimPrefix(s.Web.URL, "http://")+"/orders?q=a" {
		t.Errorf("GET: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if a := b.Post("/login", "username", "supervisor1", "password", site.Password); a.Status != http.StatusForbidden ||
		a.Header.Get("Set-Cookie") != "" {
		t.Errorf("POST: %d", a.Status)
	}
	b.Header.Set("X-Forwarded-Proto", "https")
	if a := b.Post("/login", "username", "supervisor1", "password", site.Password); a.Status != http.StatusSeeOther ||
		!strings.Contains(a.Header.Get("Set-Cookie"), "Secure") {
		t.Errorf("by HTTPS: %d", a.Status)
	}
	for said, redirected := range map[string]bool{
		"for=10.0.0.7;proto=http":                           true,
		"for=10.0.0.7;proto=https":                          false,
		"for=10.0.0.7;proto=https, for=10.0.0.8;proto=http": false, // HTTPS ends at the first of two proxies
		"for=10.0.0.7":                                      false,
	} {
		b := s.Browser()
		b.Header.Set("Forwarded", said)
		if a := b.Get("/login"); (a.Status == http.StatusPermanentRedirect) != redirected {
			t.Errorf("%s: %d", said, a.Status)
		}
	}
}
