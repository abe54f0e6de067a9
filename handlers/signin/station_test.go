package signin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestAnAdministratorMakesACodeThatBindsATabletOnce(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Secure: true})
	admin := s.Browser()
	admin.Header.Set(
		"Cookie",
		strings.Split(
			admin.Post("/login", "username", "administrator1", "password", site.Password).Header.Get("Set-Cookie"), ";",
		)[0],
	)
	page := admin.Post("/admin/stations", "name", "Tablet 1", "line", "L1")
	code := page.Text(".new-code .code")
	if page.Status != http.StatusOK || len(code) != 9 {
		t.Fatalf("%d, the code is %q", page.Status, code)
	}
	if again := admin.Get("/admin/stations"); strings.Contains(again.Body, code) ||
		!strings.Contains(again.Text(".stations li p"), "Its code can be typed until 07:15") {
		t.Errorf("the page says %q", again.Text("main"))
	}
	bound := s.Browser().Post("/station", "code", strings.ToLower(code)+" ")
	cookies := strings.Join(bound.Header.Values("Set-Cookie"), "\n")
	for _, want := range []string{
		"__Host-" + s.CookieName("station") + "=", "Path=/;", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=34560000",
	} {
		if !strings.Contains(cookies, want) {
			t.Errorf("no %s in %q", want, cookies)
		}
	}
	if bound.Status != http.StatusSeeOther || bound.Header.Get("Location") != "/login" {
		t.Errorf("bound: %d to %s", bound.Status, bound.Header.Get("Location"))
	}
	if again := s.Browser().Post("/station", "code", code); again.Status != http.StatusUnprocessableEntity {
		t.Errorf("the code a second time: %d", again.Status)
	}
	if !strings.Contains(admin.Get("/admin/stations").Text(".stations"), "Bound since 2026-11-23 07:0") {
		t.Errorf("the page says %q", admin.Get("/admin/stations").Text(".stations"))
	}
	if e := s.History()[0]; e.Deed != packaging.StationBound || e.Object != "station Tablet 1" || e.New != "127.0.0.1" {
		t.Errorf("history %+v", e)
	}
	if e := handlerstest.LastEntry(s, packaging.StationCoded); e.By.Username != "administrator1" ||
		e.Object != "station Tablet 1" {
		t.Errorf("the code is recorded as %+v", e)
	}
	late := s.StationCode("Tablet 2", "L1")
	s.Clock.Move(packaging.CodeLasts + time.Second)
	if a := s.Browser().Post("/station", "code", late); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a code that is too old: %d", a.Status)
	}
}

func TestAPINAndABadgeEndWithTheirPersonsPasswordOrActivity(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(admin *site.Browser, person string){
		"a new password": func(admin *site.Browser, person string) {
			admin.Post(person+"/password", "password", "another long password 1")
		},
		"deactivated and taken back": func(admin *site.Browser, person string) {
			admin.Post(person+"/active", "active", "no")
			admin.Post(person+"/active", "active", "yes")
		},
		"taken away": func(admin *site.Browser, person string) { admin.Post(person + "/factors") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{})
			s.SetPIN("supervisor1", handlerstest.APIN)
			tablet, admin, p := s.Tablet("Tablet 1", "L1"), s.SignIn("administrator1"), s.Person("supervisor1")
			if a := admin.Post(
				"/admin/stations/badge", "person", fmt.Sprint(p.ID), "badge", handlerstest.ABadge,
			); a.Status != http.StatusSeeOther {
				t.Fatalf("badge: %d", a.Status)
			}
			person := fmt.Sprint("/admin/people/", p.ID)
			if page := admin.Get(person).Text("main"); !strings.Contains(
				page, "Person supervisor1 has a PIN and a badge for the stations of this site.",
			) {
				t.Errorf("the person's page says %q", page)
			}
			test(admin, person)
			if a := handlerstest.SignInByPIN(
				s, tablet, "supervisor1", handlerstest.APIN,
			); a.Status != http.StatusUnauthorized {
				t.Errorf("the PIN: %d", a.Status)
			}
			if a := tablet.Post(
				"/station/sign-in", "secret", handlerstest.ABadge,
			); a.Status != http.StatusUnauthorized {
				t.Errorf("the badge: %d", a.Status)
			}
			for _, deed := range []packaging.Deed{packaging.PINSet, packaging.BadgeSet} {
				if e := handlerstest.LastEntry(s, deed); e.New != "none" || e.Object != "user supervisor1" ||
					e.By.Username != "administrator1" {
					t.Errorf("history %+v", e)
				}
			}
			if page := admin.Get(person).Text("main"); strings.Contains(page, "for the stations of this site") {
				t.Errorf("the person's page says %q", page)
			}
		})
	}
}

func TestAtALockedTabletNobodyActsAsWhoWasThere(t *testing.T) {
	t.Parallel()
	for name, does := range map[string]func(s *site.Site, tablet *site.Browser){
		"a sign-out": func(_ *site.Site, tablet *site.Browser) { tablet.Post("/logout") },
		"the next one signs in": func(s *site.Site, tablet *site.Browser) {
			s.SetPIN("operator1", handlerstest.AnotherPIN)
			handlerstest.SignInByPIN(s, tablet, "operator1", handlerstest.AnotherPIN)
		},
		"the browser is bound to another station": func(s *site.Site, tablet *site.Browser) {
			tablet.Post("/station", "code", s.StationCode("Tablet 2", "L2"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{})
			tablet, was := handlerstest.AtTablet(t, s), s.Person("supervisor1").Language
			s.Clock.Move(time.Hour)
			if a := tablet.Get("/orders"); a.Status != http.StatusLocked {
				t.Fatalf("not locked: %d", a.Status)
			}
			last := s.History()[0].Seq
			tablet.Post("/language", "language", "hu")
			tablet.Post("/station/lock")
			does(s, tablet)
			if got := s.Person("supervisor1").Language; got != was {
				t.Errorf("they read %q from now on", got)
			}
			for _, e := range s.History() {
				if e.Seq > last && e.By.Username == "supervisor1" {
					t.Errorf("history, as if they had been there: %+v", e)
				}
			}
			if e := handlerstest.LastEntry(s, packaging.SessionEnded); e.By.ID != 0 || e.By.Station != "Tablet 1" ||
				e.Object != "session of supervisor1" {
				t.Errorf("history %+v", e)
			}
		})
	}
}

func TestACodeIsGoodForFifteenMinutes(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	early, late := s.StationCode("Tablet 1", "L1"), s.StationCode("Tablet 2", "L1")
	s.Clock.Move(14 * time.Minute)
	if a := s.Browser().Post("/station", "code", early); a.Status != http.StatusSeeOther {
		t.Errorf("after 14 minutes: %d", a.Status)
	}
	s.Clock.Move(time.Minute)
	if a := s.Browser().Post("/station", "code", late); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("after 15 minutes: %d", a.Status)
	}
}

func TestWrongCodesMakeTheNextTryWait(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	code, b := s.StationCode("Tablet 1", "L1"), s.Browser()
	for range 5 {
		if a := b.Post("/station", "code", "ABCDEFGH"); a.Status != http.StatusUnprocessableEntity ||
			!strings.Contains(a.Text("main"), "The code is not right") {
			t.Fatalf("%d: %s", a.Status, a.Text("main"))
		}
	}
	a := s.Browser().Post("/station", "code", code)
	if a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" ||
		!strings.Contains(a.Text("main"), "Try again in") {
		t.Errorf("the right code after five wrong ones: %d %s", a.Status, a.Text("main"))
	}
	s.Clock.Move(31 * time.Second)
	if a := b.Post("/station", "code", "ABCDEFGH"); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("after 31 s: %d", a.Status)
	}
	s.Clock.Move(31 * time.Second)
	if a := b.Post("/station", "code", code); a.Status != http.StatusTooManyRequests {
		t.Errorf("the wait does not double: %d", a.Status)
	}
	s.Clock.Move(31 * time.Second)
	if a := b.Post("/station", "code", code); a.Status != http.StatusSeeOther {
		t.Errorf("at last: %d", a.Status)
	}
}

func TestATabletOpensAtItsLineAndSaysItsName(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet := handlerstest.AtTablet(t, s)
	if a := tablet.Get("/"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/lines/L1" {
		t.Fatalf("%d to %q", a.Status, a.Header.Get("Location"))
	}
	board := tablet.Get("/lines/L1")
	if bar := board.Text(".bar"); !strings.Contains(bar, "Tablet 1") || !strings.Contains(bar, "Person supervisor1") {
		t.Errorf("the bar says %q", bar)
	}
	if a := tablet.Get(board.Attr(".bar nav a", "href")); a.Status != http.StatusOK || a.Text("h1") != "Lines" {
		t.Errorf("the way to all lines: %d %q", a.Status, a.Text("h1"))
	}
	tablet.Post("/station/lock", "next", "/")
	tablet.Post("/station/lock", "next", "/") // it is locked already
	if all := s.History(); all[0].Deed != packaging.StationLocked || all[0].By.Username != "supervisor1" ||
		all[0].By.Station != "Tablet 1" || all[0].Object != "station Tablet 1" ||
		all[1].Deed == packaging.StationLocked {
		t.Errorf("the history says %+v", all[:2])
	}
	if got := s.Tablet("Tablet 2", "L1").Get("/login").All(
		".colleagues a.button[href*='person='] span",
	); !slices.Equal(got, []string{"Person supervisor1"}) {
		t.Errorf("a second tablet of the line offers %q", got)
	}
}

func TestWhatIsDoneAtAStationCarriesIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet, o := handlerstest.AtTablet(t, s), s.Order("Order143")
	tablet.Post(handlerstest.OrderPath(o, "/release"))
	again := s.SignIn("manager1").Post(handlerstest.OrderPath(o, "/release"))
	if again.Status != http.StatusConflict {
		t.Errorf("status %d", again.Status)
	}
	for _, want := range []string{
		"A release of this order from here is recorded.", "Order143 is released to Blister line 1.",
		"Person supervisor1, at Tablet 1", "2026-11-23 07:0",
	} {
		if !strings.Contains(again.Text("#order"), want) {
			t.Errorf("the second presser is not told %q: %s", want, again.Text("#order"))
		}
	}
	if r := s.Order("Order143").Release; r.By.Station != "Tablet 1" {
		t.Errorf("release by %+v", r.By)
	}
	for _, e := range s.History() {
		if want := map[packaging.Deed]string{
			packaging.ReleaseRequested: "Tablet 1", packaging.ReleaseEnded: "Tablet 1", packaging.ReleaseDeclined: "",
		}; e.OrderKey != "" && e.By.Station != want[e.Deed] {
			t.Errorf("%s is of station %q", e.Deed, e.By.Station)
		}
	}
}

func TestPINsAndBadgesWorkAtStationsAlone(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "supervisor-2")
	handlerstest.AtTablet(t, s)
	for what, b := range map[string]*site.Browser{
		"nobody's browser": s.Browser(), "a browser signed in": s.SignIn("manager1"),
	} {
		if a := handlerstest.SignInByPIN(s, b, "supervisor1", handlerstest.APIN); a.Status != http.StatusBadRequest ||
			!strings.Contains(a.Text("main"), "PINs and badges are for the tablets") {
			t.Errorf("%s: %d", what, a.Status)
		}
	}
	if a := s.Browser().Post(
		"/login", "username", "supervisor1", "password", handlerstest.APIN,
	); a.Status != http.StatusUnauthorized {
		t.Errorf("the PIN as a password: %d", a.Status)
	}
	forged := s.Browser()
	forged.Header.Set("Cookie", s.CookieName("station")+"="+strings.Repeat("A", 43))
	if a := handlerstest.SignInByPIN(s, forged, "supervisor1", handlerstest.APIN); a.Status != http.StatusBadRequest {
		t.Errorf("a made-up station: %d", a.Status)
	}
	if a := s.Tablet("Tablet 9", "L1").Post(
		"/login", "username", "supervisor-2", "password", site.Password,
	); a.Status != http.StatusForbidden {
		t.Errorf("a password of another site's person at the tablet: %d", a.Status)
	}
}

func TestASessionOfAStationGoesNowhereElse(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet := handlerstest.AtTablet(t, s)
	home, err := url.Parse(s.Web.URL)
	if err != nil {
		t.Fatal(err)
	}
	cookies := map[string]string{}
	for _, c := range tablet.Client.Jar.Cookies(home) {
		cookies[c.Name] = c.Value
	}
	other, stolen := s.Tablet("Tablet 2", "L1"), s.Browser()
	stolen.Header.Set("Cookie", s.CookieName("")+"="+cookies[s.CookieName("")])
	if a := stolen.Get("/lines/L1"); a.Status != http.StatusSeeOther {
		t.Errorf("its cookie without the tablet's: %d", a.Status)
	}
	other.Header.Set("Cookie", s.CookieName("")+"="+cookies[s.CookieName("")])
	if a := other.Get("/lines/L1"); a.Status != http.StatusSeeOther {
		t.Errorf("its cookie at another tablet: %d", a.Status)
	}
	elsewhere := s.SignIn("manager1").Client.Jar.Cookies(home)[0].Value
	both := s.Browser()
	both.Header.Set(
		"Cookie", s.CookieName("")+"="+elsewhere+"; "+s.CookieName("station")+"="+cookies[s.CookieName("station")],
	)
	if a := both.Get("/lines/L1"); a.Status != http.StatusSeeOther {
		t.Errorf("a session from elsewhere with the tablet's cookie: %d", a.Status)
	}
}

func TestWhoMayNotSignInAtAStationByPIN(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"deactivated":            `UPDATE users SET active = 0 WHERE username = 'supervisor1'`,
		"gone from the site":     `DELETE FROM members WHERE user_id = (SELECT id FROM users WHERE username = 'supervisor1')`,
		"at another line":        `INSERT INTO member_lines SELECT m.user_id, m.tenant_id, l.id FROM members m JOIN users u ON u.id = m.user_id JOIN lines l ON l.tenant_id = m.tenant_id WHERE u.username = 'supervisor1' AND l.code = 'L2'`,
		"whose PIN was removed":  `UPDATE station_factors SET pin = NULL`,
		"of a station unbound":   `UPDATE stations SET token_hash = NULL, bound_at = NULL`,
		"of a station rebound":   `UPDATE stations SET token_hash = zeroblob(32)`,
		"of a station taken off": `DELETE FROM stations`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{})
			s.SetPIN("supervisor1", handlerstest.APIN)
			tablet, person := s.Tablet("Tablet 1", "L1"), s.Person("supervisor1")
			s.Tamper(change)
			a := tablet.Post("/station/sign-in", "person", fmt.Sprint(person.ID), "secret", handlerstest.APIN)
			if a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden &&
				a.Status != http.StatusBadRequest {
				t.Errorf("sign-in: %d", a.Status)
			}
			if a := tablet.Get("/login"); strings.Contains(a.Text("main"), "Person supervisor1") {
				t.Errorf("they are offered: %s", a.Text("main"))
			}
			if a := tablet.Get("/lines/L1"); a.Status != http.StatusSeeOther {
				t.Errorf("the board: %d", a.Status)
			}
		})
	}
}

func TestUnbindingATabletEndsItsSessions(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet := handlerstest.AtTablet(t, s)
	if a := tablet.Post("/station/unbind"); a.Status != http.StatusForbidden {
		t.Errorf("a supervisor unbinds: %d", a.Status)
	}
	admin := s.SignIn("administrator1")
	action := admin.Get("/admin/stations").Attr(`button[aria-label="Unbind Tablet 1"]`, "aria-label")
	if action == "" {
		t.Fatal("unbinding is not offered")
	}
	stations, err := s.Store.Stations(t.Context(), s.Tenant("ghent").ID)
	if err != nil {
		t.Fatal(err)
	}
	if a := admin.Post(fmt.Sprintf("/admin/stations/%d/remove", stations[0].ID)); a.Status != http.StatusConflict ||
		tablet.Get("/lines/L1").Status != http.StatusOK {
		t.Errorf("a station with a tablet is removed: %d", a.Status)
	}
	admin.Post(fmt.Sprintf("/admin/stations/%d/unbind", stations[0].ID))
	if a := tablet.Get("/lines/L1"); a.Status != http.StatusSeeOther {
		t.Errorf("the tablet after it: %d", a.Status)
	}
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusBadRequest {
		t.Errorf("a PIN after it: %d", a.Status)
	}
	here := s.Tablet("Tablet 2", "L2")
	here.Post("/login", "username", "administrator1", "password", site.Password)
	if a := here.Get("/station"); !strings.Contains(a.Text("main"), "Unbind this tablet") {
		t.Errorf("the tablet's page says %q", a.Text("main"))
	}
	here.Post("/station/unbind")
	if a := here.Get("/station"); !strings.Contains(a.Text("main"), "Code of the station") {
		t.Errorf("unbound on the tablet: %q", a.Text("main"))
	}
	if e := s.History()[0]; e.Deed != packaging.StationUnbound || e.By.Username != "administrator1" ||
		e.By.Station != "Tablet 2" {
		t.Errorf("history %+v", e)
	}
	admin.Post(fmt.Sprintf("/admin/stations/%d/remove", stations[0].ID))
	if a := admin.Get("/admin/stations"); strings.Contains(a.Text(".stations"), "Tablet 1") {
		t.Errorf("after removing: %s", a.Text(".stations"))
	}
}

func TestWrongPINsMakeTheNextTryOfThatPersonWaitThere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SetPIN("supervisor1", handlerstest.APIN)
	s.SetPIN("manager1", handlerstest.AnotherPIN)
	tablet, other := s.Tablet("Tablet 1", "L1"), s.Tablet("Tablet 2", "L1")
	for range 5 {
		if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", "111112"); a.Status != http.StatusUnauthorized {
			t.Fatalf("a wrong PIN: %d", a.Status)
		}
	}
	if a := handlerstest.SignInByPIN(
		s, tablet, "supervisor1", handlerstest.APIN,
	); a.Status != http.StatusTooManyRequests {
		t.Errorf("the right PIN after five wrong ones: %d", a.Status)
	}
	if e := s.History()[0]; e.Deed != packaging.PINDeclined || e.By.Username != "supervisor1" ||
		e.By.Station != "Tablet 1" {
		t.Errorf("history %+v", e)
	}
	if a := handlerstest.SignInByPIN(s, other, "supervisor1", handlerstest.APIN); a.Status != http.StatusSeeOther {
		t.Errorf("at another tablet: %d", a.Status)
	}
	if a := handlerstest.SignInByPIN(s, tablet, "manager1", handlerstest.AnotherPIN); a.Status != http.StatusSeeOther {
		t.Errorf("another person: %d", a.Status)
	}
	tablet.Post("/logout")
	s.Clock.Move(31 * time.Second)
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusSeeOther {
		t.Errorf("after 31 s: %d", a.Status)
	}
}

func TestWrongPINsOfAllColleaguesMakeTheNextTryAtThatStationWait(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	colleagues := []string{"supervisor1", "supervisor2", "supervisor3", "supervisor4", "supervisor5", "supervisor6"}
	for _, username := range colleagues {
		s.AddPerson(username)
		s.SetPIN(username, handlerstest.APIN)
	}
	tablet, other := s.Tablet("Tablet 1", "L1"), s.Tablet("Tablet 2", "L1")
	wrong := 0
	for _, username := range colleagues[1:] {
		for range 4 { // no one of them has to wait
			if a := handlerstest.SignInByPIN(s, tablet, username, "471134"); a.Status == http.StatusUnauthorized {
				wrong++
			}
		}
		if a := handlerstest.SignInByPIN(
			s, tablet, "supervisor1", handlerstest.APIN,
		); a.Status != http.StatusSeeOther && wrong < 20 {
			t.Errorf("a right PIN after %d wrong ones of others: %d", wrong, a.Status)
		}
	}
	if wrong != 20 {
		t.Errorf("%d wrong PINs were heard", wrong)
	}
	if a := handlerstest.SignInByPIN(
		s, tablet, "supervisor1", handlerstest.APIN,
	); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("after 20 wrong PINs, with right ones between them: %d", a.Status)
	}
	if a := handlerstest.SignInByPIN(s, other, "supervisor1", handlerstest.APIN); a.Status != http.StatusSeeOther {
		t.Errorf("at another tablet: %d", a.Status)
	}
	s.Clock.Move(31 * time.Second)
	for range 2 {
		if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusSeeOther {
			t.Errorf("after 31 s: %d", a.Status)
		}
	}
}

func TestWhoIsNoColleagueOfAStationIsOneStrangerThere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("lyon", "Plant Lyon", "manager7")
	s.SetPIN("supervisor1", handlerstest.APIN)
	s.SetPIN("manager1", handlerstest.APIN)
	s.Limit("manager1", "L2")
	tablet := s.Tablet("Tablet 1", "L1")
	who := []string{
		"nobody", "manager7", "auditor1", "manager1", "somebody", "manager7", "nobody", "auditor1", "manager1",
	}
	for i, username := range who {
		want := http.StatusUnauthorized
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		if a := tablet.Post("/station/sign-in", "username", username, "secret", handlerstest.APIN); a.Status != want {
			t.Errorf("try %d, as %s: %d, want %d", i+1, username, a.Status, want)
		}
	}
	for _, e := range s.History() {
		if e.Deed == packaging.PINDeclined && e.By.Username != "" {
			t.Errorf("the history names %s, who is no colleague", e.By.Username)
		}
	}
	if a := tablet.Post(
		"/station/sign-in", "username", "supervisor1", "secret", handlerstest.APIN,
	); a.Status != http.StatusSeeOther {
		t.Errorf("a colleague meanwhile: %d", a.Status)
	}
}

func TestAStationThatTriesPINsWithoutEndDoesNotFillTheHistory(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SetPIN("supervisor1", handlerstest.APIN)
	tablet, person := s.Tablet("Tablet 1", "L1"), s.Person("supervisor1")
	answers := map[int]int{}
	for i := range 3 * 60 { // three hours long, each minute one of a stranger and one of a colleague
		for _, who := range []packaging.UserID{packaging.UserID(100_000 + i), person.ID} {
			answers[tablet.Post("/station/sign-in", "person", fmt.Sprint(who), "secret", "471134").Status]++
		}
		s.Clock.Move(time.Minute)
	}
	declined := 0
	for _, e := range s.History() {
		if e.Deed == packaging.PINDeclined {
			declined++
		}
	}
	if declined != answers[http.StatusUnauthorized] || declined > 50 {
		t.Errorf("%d entries of %v", declined, answers)
	}
}

func TestABadgeIsOnePersonsAndSignsInWhereverItIsScanned(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SetPIN("manager1", handlerstest.AnotherPIN)
	tablet, person := s.Tablet("Tablet 1", "L1"), s.SignIn("supervisor1")
	if a := person.Post(
		"/account/badge", "password", site.Password, "badge", handlerstest.ABadge,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("enrolling: %d %s", a.Status, a.Text("main"))
	}
	if a := tablet.Post("/station/sign-in", "secret", handlerstest.ABadge); a.Status != http.StatusSeeOther {
		t.Fatalf("scanning: %d", a.Status)
	}
	tablet.Post("/logout")
	if a := handlerstest.SignInByPIN(s, tablet, "manager1", handlerstest.ABadge); a.Status != http.StatusSeeOther ||
		!strings.Contains(tablet.Get("/lines/L1").Text(".bar"), "Person supervisor1") {
		t.Errorf("scanning where somebody else's PIN is asked for: %d", a.Status)
	}
	admin := s.SignIn("administrator1")
	if a := admin.Post(
		"/admin/stations/badge", "person", fmt.Sprint(s.Person("manager1").ID), "badge", handlerstest.ABadge,
	); a.Status != http.StatusConflict {
		t.Errorf("a second person of one badge: %d", a.Status)
	}
	const digits = "0004711332"
	if a := admin.Post(
		"/admin/stations/badge", "person", fmt.Sprint(s.Person("manager1").ID), "badge", digits,
	); a.Status != http.StatusSeeOther {
		t.Errorf("enrolled by an administrator: %d", a.Status)
	}
	handlerstest.ConfirmBadge(s.SignIn("manager1"))
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", digits); a.Status != http.StatusSeeOther ||
		!strings.Contains(tablet.Get("/lines/L1").Text(".bar"), "Person manager1") {
		t.Errorf("a badge of digits where a PIN is asked for: %d", a.Status)
	}
	for range 4 {
		tablet.Post("/station/sign-in", "secret", "00047113xx")
	}
	for range 7 {
		if a := tablet.Post("/station/sign-in", "secret", handlerstest.ABadge); a.Status != http.StatusSeeOther {
			t.Fatalf("a badge that is right counts as a wrong try: %d", a.Status)
		}
	}
	if a := tablet.Post("/station/sign-in", "secret", "00047113xx"); a.Status != http.StatusUnauthorized {
		t.Errorf("the fifth wrong badge: %d", a.Status)
	}
	if a := tablet.Post("/station/sign-in", "secret", handlerstest.ABadge); a.Status != http.StatusTooManyRequests {
		t.Errorf("after five wrong badges: %d", a.Status)
	}
}

// What can be a badge or a PIN is one guess at each. A badge that is right is no wrong PIN of the colleague who was
// chosen, and a PIN that is right no wrong badge.
func TestABadgeOfDigitsScannedWhereAColleaguesPINIsAskedForDeclinesNobody(t *testing.T) {
	t.Parallel()
	const badge, longPIN, wrong = "0004711332", "48151623", "0004711333"
	s := site.New(t, site.Options{})
	s.SetPIN("supervisor1", longPIN)
	tablet, owner := s.Tablet("Tablet 1", "L1"), s.SignIn("manager1")
	owner.Post("/account/badge", "password", site.Password, "badge", badge)
	type declined struct{ Named, Unnamed int }
	all := func() (d declined) {
		for _, e := range s.History() {
			switch {
			case e.Deed == packaging.PINDeclined && e.By.Username == "supervisor1":
				d.Named++
			case e.Deed == packaging.PINDeclined:
				d.Unnamed++
			}
		}
		return d
	}
	try := func(typed string, want int) {
		t.Helper()
		if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", typed); a.Status != want {
			t.Errorf("%s: %d, want %d", typed, a.Status, want)
		}
		tablet.Post("/logout")
	}
	for range 7 { // more than are free
		try(badge, http.StatusSeeOther)
		try(longPIN, http.StatusSeeOther)
	}
	if got := all(); got != (declined{}) {
		t.Errorf("right ones: %+v", got)
	}
	for range 5 {
		try(wrong, http.StatusUnauthorized)
	}
	if got := all(); got != (declined{Named: 5}) {
		t.Errorf("five wrong ones: %+v", got)
	}
	try(wrong, http.StatusTooManyRequests)
	try(longPIN, http.StatusTooManyRequests) // of the colleague
	if a := tablet.Post("/station/sign-in", "secret", badge); a.Status != http.StatusTooManyRequests {
		t.Errorf("a badge after five wrong ones: %d", a.Status)
	}
	if got := all(); got != (declined{Named: 5}) {
		t.Errorf("during the wait: %+v", got)
	}
}

// While badges must wait, a right one is not tried. It is no wrong PIN of the colleague whose PIN was asked for either.
func TestABadgeThatMustWaitDeclinesNoColleague(t *testing.T) {
	t.Parallel()
	const badge, longPIN = "0004711332", "48151623"
	s := site.New(t, site.Options{})
	s.SetPIN("supervisor1", longPIN)
	tablet := s.Tablet("Tablet 1", "L1")
	s.SignIn("manager1").Post("/account/badge", "password", site.Password, "badge", badge)
	for range 5 {
		tablet.Post("/station/sign-in", "secret", "00047113xx")
	}
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", badge); a.Status != http.StatusUnauthorized {
		t.Errorf("the badge: %d", a.Status)
	}
	var named []string
	for _, e := range s.History() {
		if e.Deed == packaging.PINDeclined {
			named = append(named, e.By.Username)
		}
	}
	if got := strings.Join(named, "") + fmt.Sprint(len(named)); got != "6" {
		t.Errorf("the history names %q of %d declined", named, len(named))
	}
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", longPIN); a.Status != http.StatusSeeOther {
		t.Errorf("the PIN while badges wait: %d", a.Status)
	}
}

// A scanner types a badge, and a keyboard may change it.
func TestABadgeThatAKeyboardChangedSignsInOnlyIfItIsOnePersons(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet, admin := s.Tablet("Tablet 1", "L1"), s.SignIn("administrator1")
	give := func(username, badge string) {
		a := admin.Post("/admin/stations/badge", "person", fmt.Sprint(s.Person(username).ID), "badge", badge)
		if a.Status != http.StatusSeeOther {
			t.Fatalf("enrolling %s: %d %s", username, a.Status, a.Text("main"))
		}
		if a := handlerstest.ConfirmBadge(s.SignIn(username)); a.Status != http.StatusSeeOther {
			t.Fatalf("confirming %s: %d %s", username, a.Status, a.Text("main"))
		}
	}
	scan := func(badge, want string) {
		t.Helper()
		a := tablet.Post("/station/sign-in", "secret", badge)
		if want == "" {
			if a.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d", badge, a.Status)
			}
			return
		}
		if bar := tablet.Get("/lines/L1").Text(".bar"); a.Status != http.StatusSeeOther ||
			!strings.Contains(bar, "Person "+want) {
			t.Errorf("%s: %d %s", badge, a.Status, bar)
		}
		tablet.Post("/logout")
	}
	give("supervisor1", "Badge-00Zy")
	scan("Badge-00Zy", "supervisor1")
	scan("bADGE-00zY", "supervisor1") // Caps Lock
	scan("BadgeßààYz", "")            // no keyboard gives this
	scan("Bqdge)ààWy", "supervisor1") // a French keyboard
	scan("Badgeß00Yz", "supervisor1") // a German one
	give("manager1", "bADGE-00zY")
	scan("bADGE-00zY", "")
	scan("Badge-00Zy", "")
}

func TestRightBadgesAreNotHeldUpByEarlierOnesAndWrongOnesAreForgiven(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet, person := s.Tablet("Tablet 1", "L1"), s.SignIn("supervisor1")
	person.Post("/account/badge", "password", site.Password, "badge", handlerstest.ABadge)
	scan := func(badge string) int { return tablet.Post("/station/sign-in", "secret", badge).Status }
	for range 5 {
		scan("4006381333931X")
	}
	s.Clock.Move(31 * time.Second)
	for i := range 20 { // nobody errs any more: a colleague comes every 20 s
		if got := scan(handlerstest.ABadge); got != http.StatusSeeOther {
			t.Fatalf("right badge %d: %d", i+1, got)
		}
		s.Clock.Move(20 * time.Second)
	}
	if got := scan("4006381333931X"); got != http.StatusUnauthorized {
		t.Errorf("the sixth wrong badge: %d", got)
	}
	if got := scan(handlerstest.ABadge); got != http.StatusTooManyRequests {
		t.Errorf("right ones between them make the wait after a wrong one shorter: %d", got)
	}
	for range 6 {
		s.Clock.Move(10*time.Minute + time.Second)
		if got := scan(handlerstest.ABadge); got != http.StatusSeeOther {
			t.Errorf("a right badge: %d", got)
		}
	}
	for range 4 { // an hour after the last wrong one
		scan("4006381333931X")
	}
	if got := scan(handlerstest.ABadge); got != http.StatusSeeOther {
		t.Errorf("wrong badges are not forgiven: %d", got)
	}
}

func TestAPINIsSetWithThePasswordAndIsNotTrivial(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for pin, want := range map[string]string{
		"12345": "6 to 12 digits", "1234567890123": "6 to 12 digits", "12345a": "6 to 12 digits",
		"123456": "too easy to guess",
		"000000": "too easy to guess", "121212": "too easy to guess", "654321": "too easy to guess",
		"890123": "too easy to guess", "427427": "too easy to guess",
	} {
		if a := b.Post(
			"/account/pin", "password", site.Password, "pin", pin, "again", pin,
		); a.Status != http.StatusBadRequest || !strings.Contains(a.Text("main"), want) {
			t.Errorf("PIN %s: %d %s", pin, a.Status, a.Text(".problem"))
		}
	}
	if a := b.Post(
		"/account/pin", "password", site.Password, "pin", handlerstest.APIN, "again", handlerstest.AnotherPIN,
	); a.Status != http.StatusBadRequest {
		t.Errorf("two PINs: %d", a.Status)
	}
	if a := b.Post(
		"/account/pin", "password", "not the password", "pin", handlerstest.APIN, "again", handlerstest.APIN,
	); a.Status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", a.Status)
	}
	tablet := s.Tablet("Tablet 1", "L1")
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusUnauthorized {
		t.Errorf("a PIN that was not set: %d", a.Status)
	}
	if a := b.Post(
		"/account/pin", "password", site.Password, "pin", handlerstest.APIN, "again", handlerstest.APIN,
	); a.Status != http.StatusSeeOther {
		t.Errorf("a good PIN: %d", a.Status)
	}
	if a := tablet.Post(
		"/station/sign-in", "username", "Supervisor1", "secret", handlerstest.APIN,
	); a.Status != http.StatusSeeOther {
		t.Errorf("with the username typed: %d", a.Status)
	}
	for _, form := range [][]string{
		{"/account/pin", "pin", handlerstest.AnotherPIN, "again", handlerstest.AnotherPIN},
		{"/account/badge", "badge", handlerstest.ABadge},
	} {
		form = append(form, "password", handlerstest.APIN)
		if a := tablet.Post(form[0], form[1:]...); a.Status != http.StatusUnauthorized {
			t.Errorf("%s with the PIN in place of the password: %d", form[0], a.Status)
		}
	}
	b.Post("/account/pin", "password", site.Password, "remove", "yes")
	tablet.Post("/logout")
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusUnauthorized {
		t.Errorf("a PIN that was removed: %d", a.Status)
	}
}

func TestAStationThatNobodyUsesIsLockedByTheServer(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet, o := handlerstest.AtTablet(t, s), s.Order("Order143")
	part := func() int {
		tablet.Header.Set("HX-Request", "true")
		defer tablet.Header.Del("HX-Request")
		return tablet.Get(handlerstest.OrderPath(o, "")).Status
	}
	for range 4 { // use keeps it open
		s.Clock.Move(4 * time.Minute)
		if a := tablet.Get(handlerstest.OrderPath(o, "")); a.Status != http.StatusOK {
			t.Fatalf("a station in use: %d", a.Status)
		}
	}
	for range 4 { // what a page asks by itself is no use
		s.Clock.Move(time.Minute)
		if got := part(); got != http.StatusOK {
			t.Fatalf("a part of the page: %d", got)
		}
	}
	s.Clock.Move(time.Minute + time.Second)
	if got := part(); got != http.StatusLocked {
		t.Errorf("a part of a locked page: %d", got)
	}
	locked := tablet.Get(handlerstest.OrderPath(o, "?arm=1"))
	if locked.Status != http.StatusLocked || strings.Contains(locked.Body, "Order143") ||
		!strings.Contains(locked.Text("main"), "Locked. Person supervisor1") {
		t.Errorf("a locked page: %d %s", locked.Status, locked.Text("main"))
	}
	for _, where := range []string{
		"/lines/L1", "/orders", "/history.csv", handlerstest.OrderPath(o, "/serials.json"), "/station/idle",
		"/account/pin",
	} {
		if a := tablet.Get(where); a.Status != http.StatusLocked {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
	if a := tablet.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusLocked ||
		len(s.Box.Released()) != 0 {
		t.Errorf("a release: %d", a.Status)
	}
	if a := tablet.Post("/station/used"); a.Status != http.StatusLocked {
		t.Errorf("touching does not unlock: %d", a.Status)
	}
	next := locked.Attr(".pad input[name=next]", "value")
	a := tablet.Post(
		"/station/sign-in", "person", locked.Attr(".pad input[name=person]", "value"), "secret", handlerstest.APIN,
		"next", next,
	)
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != handlerstest.OrderPath(o, "?arm=1") {
		t.Fatalf("unlocking: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if a := tablet.Get(next); a.Status != http.StatusOK ||
		a.Text("form.execute button") != "Release Order143 to Blister line 1" {
		t.Errorf("unlocked: %d", a.Status)
	}
}

func TestAClockThatIsSetBackKeepsNoStationOpenLonger(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(*site.Browser) int{
		"somebody looks": func(tablet *site.Browser) int { return tablet.Get("/orders").Status },
		"a page asks by itself": func(tablet *site.Browser) int {
			tablet.Header.Set("HX-Request", "true")
			defer tablet.Header.Del("HX-Request")
			return tablet.Get("/orders").Status
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{})
			tablet := handlerstest.AtTablet(t, s)
			s.Clock.Move(-time.Hour)
			if got := ask(tablet); got != http.StatusOK {
				t.Errorf("when the clock was set back: %d", got)
			}
			var idle struct{ Left float64 }
			if err := json.Unmarshal([]byte(tablet.Get("/station/idle").Body), &idle); err != nil || idle.Left > 300 {
				t.Errorf("it may go unused for %v s, %v", idle.Left, err)
			}
			s.Clock.Move(5*time.Minute + time.Second)
			if got := ask(tablet); got != http.StatusLocked {
				t.Errorf("unused for five minutes: %d", got)
			}
		})
	}
}

func TestAnotherPersonUnlocksAsThemselves(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SetPIN("manager1", handlerstest.AnotherPIN)
	tablet := handlerstest.AtTablet(t, s)
	if a := tablet.Post("/station/lock", "next", "/lines/L1"); a.Header.Get("Location") != "/lines/L1" {
		t.Errorf("locking: %d to %q", a.Status, a.Header.Get("Location"))
	}
	locked := tablet.Get("/lines/L1")
	if locked.Status != http.StatusLocked {
		t.Fatalf("locked by hand: %d", locked.Status)
	}
	if a := handlerstest.SignInByPIN(s, tablet, "manager1", "111113"); a.Status != http.StatusUnauthorized ||
		tablet.Get("/lines/L1").Status != http.StatusLocked {
		t.Errorf("a wrong PIN: %d", a.Status)
	}
	pad := tablet.Get("/login?person=" + fmt.Sprint(s.Person("manager1").ID) + "&next=/lines/L1")
	if pad.Status != http.StatusOK || pad.Text(".station-parts .card h2") == "" ||
		!strings.Contains(pad.Text("main"), "Person manager1") {
		t.Errorf("choosing somebody else: %d", pad.Status)
	}
	a := tablet.Post(
		"/station/sign-in", "person", fmt.Sprint(s.Person("manager1").ID), "secret", handlerstest.AnotherPIN, "next",
		pad.Attr(".pad input[name=next]", "value"),
	)
	if a.Header.Get("Location") != "/lines/L1" ||
		!strings.Contains(tablet.Get("/lines/L1").Text(".bar"), "Person manager1") {
		t.Errorf("%d to %q", a.Status, a.Header.Get("Location"))
	}
	var deeds []string
	for _, e := range s.History()[:2] {
		deeds = append(deeds, string(e.Deed)+" "+e.By.Username)
	}
	if !slices.Equal(deeds, []string{"signed_in manager1", "session_ended "}) {
		t.Errorf("history %q", deeds)
	}
	if a := tablet.Post("/station/lock"); a.Status != http.StatusSeeOther ||
		tablet.Post("/logout").Status != http.StatusSeeOther || tablet.Get("/lines/L1").Status != http.StatusSeeOther {
		t.Errorf("signing out of a locked session: %d", a.Status)
	}
}

func TestAScriptUnlocksInPlaceForTheSamePerson(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SetPIN("manager1", handlerstest.AnotherPIN)
	tablet := handlerstest.AtTablet(t, s)
	tablet.Header.Set("HX-Request", "true")
	tablet.Post("/station/lock")
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusNoContent ||
		a.Header.Get("HX-Trigger") != "unlocked" {
		t.Errorf("the same: %d %v", a.Status, a.Header)
	}
	if a := tablet.Post(
		"/station/sign-in", "person", fmt.Sprint(s.Person("manager1").ID), "secret", handlerstest.AnotherPIN, "next",
		"//evil.example",
	); a.Header.Get("HX-Redirect") != "/" {
		t.Errorf("another: %d %v", a.Status, a.Header)
	}
}

func TestAReleaseGoesOnWhileItsStationIsLocked(t *testing.T) {
	t.Parallel()
	held := handlerstest.HoldReleases()
	s := site.New(t, site.Options{Patience: time.Millisecond, Handler: held.Handler})
	tablet, o := handlerstest.AtTablet(t, s), s.Order("Order143")
	tablet.Post(handlerstest.OrderPath(o, "/release"))
	tablet.Post("/station/lock")
	if a := tablet.Get(handlerstest.OrderPath(o, "")); a.Status != http.StatusLocked {
		t.Fatalf("locked: %d", a.Status)
	}
	if got := s.Order("Order143").Release.Outcome; got != packaging.Sending {
		t.Fatalf("the release is %s already", got)
	}
	held.LetGo()
	s.Releaser.Stop(t.Context()) // waits for what is under way
	handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN)
	if got := tablet.Get(
		handlerstest.OrderPath(o, ""),
	).Text(".result .what"); got != "Order143 is released to Blister line 1." {
		t.Errorf("after unlocking the page says %q", got)
	}
}
