package web_test

import (
	"net/http"
	"strings"
	"testing"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/site"
)

func TestARefusedPageShowsNoHintOfWhatOneMayNotSee(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	page := s.SignIn("operator1").Get("/admin/connection")
	if page.Status != http.StatusForbidden || page.Text(".hint") != "" {
		t.Errorf("%d, with the hint %q", page.Status, page.Text(".hint"))
	}
	if hint := s.SignIn("administrator1").Get("/admin/connection").Text(".hint"); hint == "" {
		t.Error("who may see the page has no hint")
	}
}

func TestThePageWithoutTheServerOffersToTryAgain(t *testing.T) {
	t.Parallel()
	page := site.New(t, site.Options{}).Browser().Get("/offline")
	again := page.Attr("#offline a.button", "href")
	if said := page.Text("#offline"); again != "" || !strings.Contains(said, "Try again") ||
		!strings.Contains(said, "comes back by itself") {
		t.Errorf("it says %q and leads to %q, and not to itself", said, again)
	}
}

func TestASiteWithoutAConnectionDoesNotSayThatOrdersAreBeingFetched(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	setup := db.TenantSetup{
		Tenant: packaging.Tenant{
			Slug: "basel", Name: "Plant Basel", TimeZone: "Europe/Zurich", BaseURL: s.Remote.URL,
		},
		Credentials: secret.Credentials{TokenKind: "dynamic", TokenHeader: "x-access-token"},
		People: []db.PersonSetup{{
			Username: "supervisor9", FullName: "Person 9", Role: packaging.Supervisor,
			Password: secret.New(site.Password),
		}},
	}
	if err := s.Store.Provision(t.Context(), db.Site{setup}); err != nil {
		t.Fatal(err)
	}
	if said := s.SignIn("supervisor9").Get("/").Text(".fresh"); !strings.Contains(
		said, "no connection to Movilitas.Cloud yet",
	) {
		t.Errorf("it says %q", said)
	}
}
