package signin_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestSigningInGivesACookieThatSignsInAndSigningOutEndsItOnTheServer(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.Browser()
	if a := b.Get("/orders?q=a"); a.Status != http.StatusSeeOther ||
		a.Header.Get("Location") != "/login?next=%2Forders%3Fq%3Da" {
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
	if !strings.HasPrefix(cookie, s.CookieName("")+"=") || !strings.Contains(cookie, "HttpOnly") ||
		!strings.Contains(cookie, "SameSite=Lax") {
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
	_, token, _ := strings.Cut(strings.Split(cookie, ";")[0], "=")
	random, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(random) != 32 {
		t.Fatalf("the cookie carries %d bytes, %v", len(random), err)
	}
	hash := sha256.Sum256(random)
	if bytes.Contains(file, []byte(token)) || bytes.Contains(file, random) || !bytes.Contains(file, hash[:]) {
		t.Errorf("the cookie's token %q stands in the database, or its hash does not", token)
	}
}

func TestSigningInAndOutStandsInTheHistory(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SetPIN("supervisor1", handlerstest.APIN)
	tablet := s.Tablet("Tablet 1", "L1")
	for where, signIn := range map[string]func() (*site.Browser, site.Answer){
		"": func() (*site.Browser, site.Answer) {
			b := s.Browser()
			return b, b.Post("/login", "username", "supervisor1", "password", site.Password)
		},
		"Tablet 1": func() (*site.Browser, site.Answer) {
			return tablet, handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN)
		},
	} {
		b, a := signIn()
		if a.Status != http.StatusSeeOther {
			t.Fatalf("at %q: %d", where, a.Status)
		}
		stands := func(deed packaging.Deed) {
			t.Helper()
			e := s.History()[0]
			if e.Deed != deed || e.By.Username != "supervisor1" || e.By.Station != where ||
				s.Clock.Now().Sub(e.At) > time.Second {
				t.Errorf("at %q the history's last entry is %s by %+v at %s, want %s", where, e.Deed, e.By, e.At, deed)
			}
		}
		stands(packaging.SignedIn)
		s.Clock.Move(time.Minute)
		b.Post("/logout")
		stands(packaging.SignedOut)
		entries := len(s.History())
		b.Post("/logout") // who is signed out signs nobody out
		if got := len(s.History()); got != entries {
			t.Errorf("at %q a second sign-out adds %d entries", where, got-entries)
		}
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
	old.Header.Set("Cookie", s.CookieName("")+"="+before)
	if old.Get("/").Status != http.StatusSeeOther {
		t.Error("the token from before still signs in")
	}
}

func TestASessionThatIsNotUsedEndsAfterTwoHours(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	s.Clock.Move(2*time.Hour - time.Minute)
	if a := b.Get("/orders"); a.Status != http.StatusOK {
		t.Errorf("not used for a minute less: %d", a.Status)
	}
	s.Clock.Move(2*time.Hour + time.Minute)
	if a := b.Get("/orders"); !handlerstest.SentToSignIn(a) {
		t.Errorf("not used for a minute more: %d", a.Status)
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
		if a := b.Post("/tenant", "tenant", slug); a.Status != http.StatusSeeOther || handlerstest.SentToSignIn(a) {
			t.Fatalf("on to %s in hour %d: %d to %s", slug, hour, a.Status, a.Header.Get("Location"))
		}
		name := fmt.Sprint("Site ", hour)
		if a := admin.Post("/admin/sites", "site", name, "zone", "Europe/Paris"); a.Status != http.StatusSeeOther ||
			handlerstest.SentToSignIn(a) {
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
		"removed from one of several sites": {func(
			_ *testing.T, s *site.Site, admin *site.Browser, person string,
		) site.Answer {
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
			tablet, admin := handlerstest.AtTablet(t, s), s.SignIn("administrator1")
			person := fmt.Sprint("/admin/people/", s.Person("supervisor1").ID)
			if a := test.end(t, s, admin, person); a.Status != http.StatusSeeOther {
				t.Fatalf("%d %s", a.Status, a.Text("main"))
			}
			if a := tablet.Get("/orders"); !handlerstest.SentToSignIn(a) {
				t.Errorf("the session goes on: %d", a.Status)
			}
			if e := handlerstest.LastEntry(s, packaging.SessionEnded); e.Object != "session of supervisor1" ||
				e.By.Username != test.by || !strings.HasPrefix(e.Old, "127.0.0.1") {
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
	if strings.ReplaceAll(wrong.Text("body"), "supervisor1", "") != strings.ReplaceAll(
		nobody.Text("body"), "supervisor9", "",
	) {
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
	for _, next := range []string{
		"//evil.example", "https://evil.example", `/\evil.example`, "evil", "/\t/evil.example", "",
	} {
		a := s.Browser().Post("/login", "username", "supervisor1", "password", site.Password, "next", next)
		if a.Header.Get("Location") != "/" {
			t.Errorf("%q leads to %q", next, a.Header.Get("Location"))
		}
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
