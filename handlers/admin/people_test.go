package admin_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

// personPath is that of a person's page.
func personPath(p packaging.Person) string { return fmt.Sprintf("/admin/people/%d", p.ID) }

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
		"the program's username":  {"/admin/people", person("Lineboard", "Mallory"), http.StatusConflict},
		"the provisioning file's": {"/admin/people", person("provisioning", "Mallory"), http.StatusConflict},
		"single sign-on's": {
			"/admin/people", person("single sign-on", "Mallory"), http.StatusBadRequest,
		},
		"a username with a filler": {
			"/admin/people", person("supervisor1\u3164", "Mallory"), http.StatusBadRequest,
		},
		"a Cyrillic letter": {
			"/admin/people", person("\u0455upervisor1", "Mallory"), http.StatusBadRequest,
		},
		"Cyrillic letters alone": {
			"/admin/people", person("\u0455\u0441\u043e\u0440\u0435", "Mallory"), http.StatusBadRequest,
		},
		"a fullwidth letter": {
			"/admin/people", person("\uff53upervisor1", "Mallory"), http.StatusBadRequest,
		},
		"a letter for a digit":            {"/admin/people", person("supervisorl", "Mallory"), http.StatusConflict},
		"the program's in other letters":  {"/admin/people", person("1ineboard", "Mallory"), http.StatusConflict},
		"a name that turns its direction": {"/admin/people", person("mallory", "Person\u202e"), http.StatusBadRequest},
		"a line with a space of no width": {
			"/admin/lines", []string{"code", "L9", "name", "Blister line 1\u200b"}, http.StatusBadRequest,
		},
		"a site with a mark of direction": {
			"/admin/site", []string{"site", "Plant\u200f Ghent", "zone", "Europe/Brussels"}, http.StatusBadRequest,
		},
		"a station with a joiner": {
			"/admin/stations", []string{"name", "Tablet\u200d 1", "line", "L1"}, http.StatusBadRequest,
		},
		"a line's code with a filler": {
			"/admin/lines", []string{"code", "L1\u3164", "name", "Another"}, http.StatusBadRequest,
		},
		"a line of another's name": {
			"/admin/lines", []string{"code", "L9", "name", "Bli\u0455ter line l"}, http.StatusConflict,
		},
		"a display with a mark of direction": {
			"/admin/displays", []string{"name", "Wall\u200e"}, http.StatusBadRequest,
		},
		"a token with a mark of direction": {
			"/admin/tokens", []string{"name", "ERP\u2066", "scope", "send_orders"}, http.StatusUnprocessableEntity,
		},
	} {
		if a := b.Post(test.path, test.pairs...); a.Status != test.want {
			t.Errorf("%s: %d %s, want %d", name, a.Status, a.Text("[role=alert]"), test.want)
		}
	}
	if n := len(s.History()); n != before {
		t.Errorf("%d entries came into the history", n-before)
	}
}

func TestLettersOfAFullNameThatPassForOthersShowTheirNumber(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	if a := b.Post(
		"/admin/people", "username", "mallory", "full_name", "P\u0435rson supervisor1", "password", canaryWords, "role",
		"supervisor",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	const shown = "P\u0435[U+0435]rson supervisor1"
	if people := b.Get("/admin/people").All(".rows strong"); !slices.Contains(people, shown) ||
		!slices.Contains(people, "Person supervisor1") {
		t.Errorf("the people are %q", people)
	}
	s.Browser().Post("/login", "username", "mallory", "password", canaryWords)
	if last := b.Get("/history").Text("tbody tr.day:first-child + tr"); !strings.Contains(last, shown) ||
		!strings.Contains(last, "Signed in") {
		t.Errorf("the history says %s", last)
	}
}

func TestAPersonIsAddedChangedAndDeactivatedAndItCountsAtOnce(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	for problem, form := range map[string][]string{
		"has no role": {"username", "marta", "full_name", "Marta Nowak", "password", canaryWords},
		"no such line": {
			"username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role", "manager", "line", "L9",
		},
		"has no role.": {
			"username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role", "boss",
		},
		"at least 12": {
			"username", "marta", "full_name", "Marta Nowak", "password", "short", "role", "manager",
		},
		"has this username": {
			"username", "Operator1", "full_name", "Marta Nowak", "password", canaryWords, "role", "manager",
		},
		"can't be a username": {"username", "", "full_name", "Marta Nowak", "password", canaryWords, "role", "manager"},
	} {
		if a := handlerstest.PostSeveral(b, "/admin/people", form...); a.Status/100 != 4 ||
			!strings.Contains(a.Text("[role=alert]"), problem) || strings.Contains(a.Body, canaryWords) {
			t.Errorf("%s: %d %q", problem, a.Status, a.Text("[role=alert]"))
		}
	}
	a := handlerstest.PostSeveral(
		b, "/admin/people", "username", "marta", "full_name", "Marta Nowak", "password", canaryWords, "role",
		"operator", "role", "auditor", "line", "L2",
	)
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
	handlerstest.PostSeveral(b, personPath(person), "full_name", "Marta N.", "role", "operator")
	if a := marta.Get("/admin"); a.Status != http.StatusForbidden {
		t.Errorf("after the role was taken away: %d", a.Status)
	}
	b.Post(personPath(person)+"/password", "password", canaryWords+" again")
	if a := marta.Get("/"); a.Status != http.StatusSeeOther {
		t.Errorf("a new password leaves her signed in: %d", a.Status)
	}
	if a := b.Get(personPath(person) + "?saved=password"); !strings.Contains(
		a.Text("[role=status]"), "Hand it over to Marta N. now.",
	) {
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
	if a := marta.Post(
		"/login", "username", "marta", "password", canaryWords+" again",
	); a.Status != http.StatusUnauthorized {
		t.Errorf("a deactivated person signs in: %d", a.Status)
	}
	if page := b.Get("/admin/people").Text("main"); !strings.Contains(
		page, "Marta N. marta Operator All lines Not active",
	) {
		t.Errorf("people %s", page)
	}
	b.Post(personPath(person)+"/active", "active", "yes")
	if a := marta.Post(
		"/login", "username", "marta", "password", canaryWords+" again",
	); a.Status != http.StatusSeeOther {
		t.Errorf("taken back: %d", a.Status)
	}
	var said []string
	for _, e := range s.History() {
		if e.Object == "user marta" && e.By.Username == "administrator1" {
			said = append(said, string(e.Deed)+" "+e.Old+" → "+e.New)
		}
	}
	want := []string{
		"person_set Marta N. · operator · not active → Marta N. · operator",
		"person_set Marta N. · operator → Marta N. · operator · not active",
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
			handlerstest.PostSeveral(b, personPath(me), "full_name", me.FullName, "role", "manager"),
			b.Post(personPath(me)+"/active", "active", "no"),
		} {
			if a.Status != http.StatusConflict || !strings.Contains(a.Text("[role=alert]"), "last administrator") {
				t.Errorf("%d %s", a.Status, a.Text("[role=alert]"))
			}
		}
	}
	last()
	handlerstest.PostSeveral(
		b, "/admin/people", "username", "administrator2", "full_name", "Second", "password", canaryWords, "role",
		"administrator",
	)
	second := s.Person("administrator2")
	b.Post(personPath(second)+"/active", "active", "no")
	last() // one who is not active is none
	b.Post(personPath(second)+"/active", "active", "yes")
	if a := handlerstest.PostSeveral(
		b, personPath(me), "full_name", me.FullName, "role", "manager",
	); a.Status != http.StatusSeeOther {
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
	before, err := s.Store.History(
		t.Context(), packaging.Everything(s.Tenant("basel").ID), packaging.HistoryFilter{Limit: 1},
	)
	if err != nil {
		t.Fatal(err)
	}
	b := s.SignIn("administrator1")
	if page := b.Get("/admin/people").Text("main"); strings.Contains(page, "supervisor2") ||
		strings.Contains(page, "administrator2") {
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
		if a := handlerstest.PostSeveral(b, path, form...); a.Status != http.StatusNotFound {
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
		if a := handlerstest.PostSeveral(b, path, form...); a.Status != http.StatusForbidden {
			t.Errorf("%s of a shared person: %d", path, a.Status)
		}
	}
	if a := handlerstest.PostSeveral(
		b, personPath(shared), "full_name", "Another name", "role", "operator",
	); a.Status != http.StatusSeeOther {
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
	after, err := s.Store.History(
		t.Context(), packaging.Everything(s.Tenant("basel").ID), packaging.HistoryFilter{Limit: 10},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range after.Entries {
		if e.Seq > before.Entries[0].Seq && e.Deed != packaging.SignedIn {
			t.Errorf("something happened at the other tenant: %+v", e)
		}
	}
}

func TestWhoMayLookAtTheSetupMayNotChangeIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	auditor, supervisor := s.SignIn("auditor1"), s.SignIn("supervisor1")
	person := personPath(s.Person("operator1"))
	for _, page := range []string{
		"/admin", "/admin/connection", "/admin/site", "/admin/lines", "/admin/people", person,
	} {
		if a := auditor.Get(page); a.Status != http.StatusOK ||
			len(a.All("main form button:not(fieldset[disabled] button, .hint button)")) != 0 {
			t.Errorf(
				"%s: %d, offers %q", page, a.Status,
				a.All("main form button:not(fieldset[disabled] button, .hint button)"),
			)
		}
		if a := supervisor.Get(page); a.Status != http.StatusForbidden {
			t.Errorf("a supervisor at %s: %d", page, a.Status)
		}
	}
	for _, path := range []string{
		"/admin/connection", "/admin/connection/test", "/admin/site", "/admin/sites", "/admin/lines", "/admin/lines/L1",
		"/admin/people", "/admin/people/join",
		person, person + "/password", person + "/active", person + "/remove",
	} {
		for _, b := range []*site.Browser{auditor, supervisor} {
			if a := b.Post(path); a.Status != http.StatusForbidden {
				t.Errorf("%s: %d", path, a.Status)
			}
		}
	}
}
