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

func TestWhoAddsASiteIsItsAdministratorAndMayTakeTheirPeopleAlong(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	if a := b.Post("/admin/sites", "site", "Plant Łódź 2", "zone", "Europe/Warsaw"); a.Status != http.StatusSeeOther ||
		a.Header.Get("Location") != "/admin/connection" {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if steps := b.Get("/admin/connection").All(".first-steps li"); len(steps) != 3 {
		t.Errorf("what the new site still needs, for who has another site: %q", steps)
	}
	if page := b.Get("/admin/people"); page.Text("select[name=tenant] option[selected]") != "Plant Łódź 2" ||
		strings.Contains(page.Text("main"), "supervisor1") {
		t.Errorf("people: %s", page.Text("main"))
	}
	person := fmt.Sprint(s.Person("supervisor1").ID)
	if !slices.Contains(b.Get("/admin/people/new").All("#person option"), "Person supervisor1 (supervisor1)") {
		t.Errorf("they can take along %q", b.Get("/admin/people/new").All("#person option"))
	}
	if a := handlerstest.PostSeveral(
		b, "/admin/people/join", "person", person, "role", "supervisor",
	); a.Status != http.StatusSeeOther {
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
	if a := b.Post(
		personPath(s.Person("supervisor1"))+"/password", "password", site.Password,
	); a.Status != http.StatusSeeOther {
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
