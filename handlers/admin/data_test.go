package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

func TestALossIsShownToEverybodyUntilAnAdministratorAcknowledgesItWithWords(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	admin, supervisor := s.SignIn("administrator1"), s.SignIn("supervisor1")
	if a := supervisor.Get("/"); a.Text(".loss") != "" {
		t.Errorf("before: %q", a.Text(".loss"))
	}
	tenant := s.Person("supervisor1").Tenant
	if err := s.Store.RecordLoss(t.Context(), packaging.Loss{
		Tenant: tenant.ID, Slug: tenant.Slug, From: 900, Until: 920, First: 40, Anchor: 44, Hash: [32]byte{1},
		Releases: []packaging.LostRelease{{
			AnchoredRelease: packaging.AnchoredRelease{
				Deed: packaging.ReleaseRequested, ID: 77, At: s.Clock.Now().Add(-time.Hour), OrderKey: "LOST-1",
				LineCode: "L1",
				Username: "supervisor1", FullName: "Sofie Peeters",
			},
			Entry: 901, Anchor: 41, Ended: packaging.Released, Serials: 12,
		}},
	}); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*site.Browser{"administrator": admin, "supervisor": supervisor} {
		if a := b.Get("/"); !strings.Contains(a.Text(".loss"), "history is lost") {
			t.Errorf("the %s sees %q", name, a.Text(".loss"))
		}
	}
	const acknowledge = "/admin/data/losses/1/acknowledge"
	page := admin.Get("/admin/data")
	if said := page.Text("#loss-1"); !strings.Contains(said, "LOST-1") || !strings.Contains(said, "Sofie Peeters") ||
		!strings.Contains(said, "12 serial numbers") {
		t.Errorf("%d %q", page.Status, said)
	}
	for _, words := range []string{"", "  ", strings.Repeat("x", 501)} {
		if a := admin.Post(acknowledge, "comment", words); a.Status != http.StatusUnprocessableEntity &&
			a.Status != http.StatusBadRequest {
			t.Errorf("with %d characters: %d", len(words), a.Status)
		}
	}
	if a := supervisor.Post(acknowledge, "comment", "seen"); a.Status != http.StatusForbidden {
		t.Errorf("a supervisor: %d", a.Status)
	}
	for range 2 { // a second one changes nothing
		if a := admin.Post(acknowledge, "comment", "the disk failed"); a.Status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if a := supervisor.Get("/"); a.Text(".loss") != "" {
		t.Errorf("once it is acknowledged: %q", a.Text(".loss"))
	}
	if said := admin.Get("/admin/data").Text("#loss-1"); !strings.Contains(said, "the disk failed") {
		t.Errorf("its page: %q", said)
	}
	history, err := s.Store.History(
		t.Context(), s.Person("supervisor1").Scope(),
		packaging.HistoryFilter{Deed: packaging.LossAcknowledged, Limit: 5},
	)
	if err != nil || len(history.Entries) != 1 || history.Entries[0].Comment != "the disk failed" {
		t.Errorf("the history: %+v, %v", history.Entries, err)
	}
}
