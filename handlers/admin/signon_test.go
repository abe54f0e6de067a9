package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
)

func TestAdministratorsSetSingleSignOnAndItStandsInTheHistory(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	b := c.SignIn("administrator1")
	if a := handlerstest.PostSeveral(b, "/admin/sso", handlerstest.SignOnForm(c)...); a.Status != http.StatusSeeOther {
		t.Fatalf("saving: %d %s", a.Status, a.Text("[role=alert]"))
	}
	e := c.History()[0]
	if e.Deed != packaging.SignOnSet || !strings.Contains(e.Old, "groups=packers: supervisor (lines L1)") ||
		!strings.Contains(e.New, "groups=packers: auditor+operator (lines L2)") || e.By.Username != "administrator1" {
		t.Errorf("history %+v", e)
	}
	page := b.Get("/admin/sso")
	if !strings.Contains(page.Text("main"), c.Web.URL+"/sso/ghent/callback") ||
		!strings.Contains(page.Text("#client_secret-state"), "by Provisioning file") ||
		page.Attr("#client_secret", "value") != "" {
		t.Errorf("the page says %q", page.Text("main dl"))
	}
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther ||
		c.Person("ines").Role != "auditor+operator" {
		t.Errorf("with what was set: %d %s", a.Status, c.Person("ines").Role)
	}
	before := len(c.History())
	for _, try := range []struct{ field, value, says string }{
		{"label", "", "The name on the button"},
		{"home", "http://plant.example", "the address of Lineboard"},
		{"home", c.Web.URL + "/somewhere", "the address of Lineboard"},
		{"issuer", "http://login.example", "the issuer of a provider"},
		{"issuer", "https://user:pw@login.example", "the issuer of a provider"},
		{"issuer", "https://login.example", "It is not sent there"},
		{"hosts", "https://keys.example", "One of the further hosts"},
		{"claim", "", "The name of the claim"},
		{"value-0", "packers", "stands there twice"},
		{"role-0", "boss", "has no role"},
		{"line-1", "L9", "line"},
	} {
		if a := handlerstest.PostSeveral(
			b, "/admin/sso", handlerstest.SignOnForm(c, try.field, try.value)...,
		); a.Status/100 != 4 || !strings.Contains(a.Text("[role=alert]"), try.says) {
			t.Errorf("%s %q: %d %q", try.field, try.value, a.Status, a.Text("[role=alert]"))
		}
	}
	if n := len(c.History()); n != before {
		t.Errorf("%d entries of what was refused", n-before)
	}
	if a := handlerstest.PostSeveral(b, "/admin/sso/test", handlerstest.SignOnForm(c)...); a.Status != http.StatusOK ||
		!strings.Contains(a.Text("#report"), "The provider answers") ||
		!strings.Contains(a.Text("#report"), c.Provider.URL+"/oauth/token") {
		t.Errorf("test: %d %s", a.Status, a.Text("#report"))
	}
	if a := handlerstest.PostSeveral(
		b, "/admin/sso/test", handlerstest.SignOnForm(c, "issuer", c.Provider.URL+"/", "client_secret", "x")...,
	); !strings.Contains(a.Text("[role=alert]"), "to the letter") {
		t.Errorf("test of an issuer with a slash: %s", a.Text("#report"))
	}
	if e := c.History()[0]; e.Deed != packaging.SignOnTested || e.New != "does not work" ||
		e.Reason != string(packaging.SignOnNoOpenID) {
		t.Errorf("history %+v", e)
	}
	if a := handlerstest.PostSeveral(
		b, "/admin/sso", handlerstest.SignOnForm(c, "enabled", "")...,
	); a.Status != http.StatusSeeOther || b.Get("/sso/ghent").Status != http.StatusNotFound ||
		strings.Contains(c.Browser().Get("/login").Body, "/sso/") {
		t.Errorf("switched off: %d", a.Status)
	}
	if a := c.SignIn("auditor1").Get("/admin/sso"); a.Status != http.StatusOK {
		t.Errorf("an auditor looks: %d", a.Status)
	}
}
