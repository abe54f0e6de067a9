package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestStationsAreSetUpByAdministratorsAlone(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, username := range []string{"operator1", "supervisor1", "manager1", "auditor1"} {
		b := s.SignIn(username)
		for _, where := range []string{
			"/admin/stations", "/admin/stations/rules", "/admin/stations/badge", "/admin/stations/1/code",
			"/admin/stations/1/unbind", "/admin/stations/1/remove",
		} {
			if a := b.Post(
				where, "name", "Tablet 1", "line", "L1", "lock_after", "5",
			); a.Status != http.StatusForbidden {
				t.Errorf("%s %s: %d", username, where, a.Status)
			}
		}
	}
	s.AddTenant("basel", "Plant Basel", "administrator-2")
	s.StationCode("Tablet 1", "L1")
	theirs := s.SignIn("administrator-2")
	for _, where := range []string{
		"/admin/stations/1/code", "/admin/stations/1/unbind", "/admin/stations/1/remove", "/admin/stations/x/code",
	} {
		if a := theirs.Post(where); a.Status != http.StatusNotFound {
			t.Errorf("another site's station, %s: %d", where, a.Status)
		}
	}
	if a := theirs.Post(
		"/admin/stations/badge", "person", fmt.Sprint(s.Person("supervisor1").ID), "badge", handlerstest.ABadge,
	); a.Status != http.StatusNotFound {
		t.Errorf("a badge for another site's person: %d", a.Status)
	}
	admin := s.SignIn("administrator1")
	if a := admin.Post("/admin/stations", "name", "tablet 1", "line", "L2"); a.Status != http.StatusConflict {
		t.Errorf("a name that is taken: %d", a.Status)
	}
	if a := admin.Post("/admin/stations", "name", " ", "line", "L2"); a.Status != http.StatusBadRequest {
		t.Errorf("no name: %d", a.Status)
	}
}

func TestHowLongAStationMayGoUnusedIsTheSitesToSay(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	tablet, admin := handlerstest.AtTablet(t, s), s.SignIn("administrator1")
	for _, minutes := range []string{"1", "16", "999999999999"} {
		if a := admin.Post("/admin/stations/rules", "lock_after", minutes); a.Status != http.StatusBadRequest ||
			!strings.Contains(a.Text("main"), "2 to 15 minutes") {
			t.Errorf("%s minutes: %d", minutes, a.Status)
		}
	}
	if a := admin.Post("/admin/releases", "second", "yes"); a.Status != http.StatusBadRequest {
		t.Errorf("a second signature without a first: %d", a.Status)
	}
	if a := admin.Post("/admin/stations/rules", "lock_after", "15"); a.Status != http.StatusSeeOther {
		t.Fatalf("15 minutes: %d", a.Status)
	}
	if e := s.History()[0]; e.Deed != packaging.RulesSet || e.Old != "lock after 5m0s" || e.New != "lock after 15m0s" {
		t.Errorf("history %+v", e)
	}
	s.Clock.Move(14 * time.Minute)
	if a := tablet.Get("/lines/L1"); a.Status != http.StatusOK {
		t.Errorf("after 14 minutes: %d", a.Status)
	}
	s.Clock.Move(16 * time.Minute)
	if a := tablet.Get("/lines/L1"); a.Status != http.StatusLocked {
		t.Errorf("after 16 minutes: %d", a.Status)
	}
	ordinary := s.SignIn("supervisor1")
	s.Clock.Move(90 * time.Minute)
	if a := ordinary.Get("/lines/L1"); a.Status != http.StatusOK {
		t.Errorf("a session without a station: %d", a.Status)
	}
	if a := s.SignIn("auditor1").Get("/admin/stations"); a.Status != http.StatusOK ||
		!strings.Contains(a.Text("main"), "15 min 0 s") {
		t.Errorf("an auditor: %d %s", a.Status, a.Text("main"))
	}
}
