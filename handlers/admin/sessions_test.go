package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestAdministratorsSeeAndEndTheSessionsOfTheirTenantAlone(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "administrator-8", "supervisor-9")
	admin, person, theirs := s.SignIn("administrator1"), s.SignIn("supervisor1"), s.SignIn("administrator-8")
	s.SignIn("supervisor-9")
	page := admin.Get("/admin/sessions")
	text := page.Text(".sessions tbody")
	if !strings.Contains(text, "Person supervisor1") || !strings.Contains(text, "Person administrator1") ||
		strings.Contains(text, "supervisor-9") {
		t.Errorf("shows %q", text)
	}
	end := page.Attr(`.sessions button[aria-label="Sign out Person supervisor1 at 127.0.0.1"]`, "aria-label")
	if end == "" {
		t.Fatal("the session can't be ended")
	}
	action := page.Attr(".sessions form", "action") // their own, here, has none
	if a := theirs.Post(action); a.Status != http.StatusNotFound {
		t.Errorf("another tenant's administrator: %d", a.Status)
	}
	if a := admin.Post(action); a.Status != http.StatusSeeOther || !handlerstest.SentToSignIn(person.Get("/")) {
		t.Errorf("ending it: %d", a.Status)
	}
	if e := s.History()[0]; e.Deed != packaging.SessionEnded || e.By.Username != "administrator1" ||
		e.Object != "session of supervisor1" {
		t.Errorf("history %+v", e)
	}
	if page := s.SignIn("auditor1").Get("/admin/sessions"); len(page.All(".sessions form")) != 0 {
		t.Error("an auditor is offered to end sessions")
	}
	s.Clock.Move(3 * time.Hour)
	if rows := s.SignIn("administrator1").Get("/admin/sessions").All(".sessions tbody tr"); len(rows) != 1 {
		t.Errorf("%d sessions, want none that ended by themselves", len(rows))
	}
}
