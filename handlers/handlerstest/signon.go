package handlerstest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/provider"
	"lineboard/internal/testkit/site"
)

// Company is a site whose people can come by a real provider.
type Company struct {
	*site.Site
	*provider.Provider
	T *testing.T
}

var Ines = provider.Person{
	Subject:   "sub-ines",
	Username:  "ines",
	FirstName: "Inès",
	LastName:  "Dupont",
	Email:     "ines@plant.example",
	Groups:    []string{"other", "packers"},
}

// NewCompany has "ghent" offer single sign-on: packers are supervisors on L1, leads managers, it administrators.
func NewCompany(t *testing.T, people ...provider.Person) Company {
	t.Helper()
	return newCompany(t, site.New(t, site.Options{}), "", people...)
}

// NewCompanyBelow returns a NewCompany that stands below a path, behind a proxy.
func NewCompanyBelow(t *testing.T, prefix string, proxy func(http.Handler) http.Handler) Company {
	t.Helper()
	s := site.New(t, site.Options{Prefix: prefix})
	s.Web = httptest.NewServer(proxy(s.Handler))
	t.Cleanup(s.Web.Close)
	return newCompany(t, s, prefix)
}

func newCompany(t *testing.T, s *site.Site, prefix string, people ...provider.Person) Company {
	t.Helper()
	s.Clock.Move(time.Since(s.Clock.Now())) // a provider's tokens are of the real time
	home := s.Web.URL + prefix
	p := provider.Start(
		t,
		[]string{home + "/sso/ghent/callback", home + "/sso/basel/callback"},
		[]string{home + "/login"},
		append(people, Ines)...)
	c := Company{s, p, t}
	c.Offer("ghent", c.Settings())
	return c
}

func (c Company) Settings() packaging.SingleSignOn {
	return packaging.SingleSignOn{
		Enabled: true, Label: "Plant account", Home: c.Web.URL, Issuer: c.Provider.URL, ClientID: provider.ClientID,
		Scopes: packaging.DefaultScopes, Claim: "groups", Grants: []packaging.Grant{
			{Value: "leads", Role: packaging.Manager},
			{Value: "packers", Role: packaging.Supervisor, Lines: []string{"L1"}},
			{Value: "it", Role: packaging.Administrator},
		},
	}
}

func (c Company) Offer(slug string, to packaging.SingleSignOn) {
	c.T.Helper()
	setup := c.Setup(slug)
	setup.SignOn = &db.SignOnSetup{SingleSignOn: to, Secret: secret.New(provider.Secret)}
	if err := c.Store.Provision(c.T.Context(), db.Site{setup}); err != nil {
		c.T.Fatal(err)
	}
}

// Begin sends a browser off to the provider, and gives the address that it is sent to.
func (c Company) Begin(b *site.Browser, slug, next string) string {
	c.T.Helper()
	a := b.Get("/sso/" + slug + "?next=" + url.QueryEscape(next))
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), c.Provider.URL) {
		c.T.Fatalf("to the provider: %d %q %s", a.Status, a.Header.Get("Location"), a.Text("[role=alert]"))
	}
	return a.Header.Get("Location")
}

// PathOf is an address of the site without its host.
func (c Company) PathOf(address string) string { return strings.TrimPrefix(address, c.Web.URL) }

// Come signs somebody in by the provider's pages, and gives what Lineboard answers in the end.
func (c Company) Come(b *site.Browser, slug, username string) site.Answer {
	c.T.Helper()
	return b.Get(c.PathOf(c.Provider.Through(c.T, b.Client, c.Begin(b, slug, "/"), username)))
}

func (c Company) Declined(reason packaging.SignOnReason) bool {
	c.T.Helper()
	e := c.History()[0]
	return e.Deed == packaging.SignOnDeclined && e.Reason == string(reason)
}

func (c Company) Refused(a site.Answer, status int, reason packaging.SignOnReason, says string) {
	c.T.Helper()
	if a.Status != status || !strings.Contains(a.Text("[role=alert]"), says) ||
		a.Attr("form input[name=password]", "type") != "password" {
		c.T.Errorf("%d %q, want %d, %q and the local sign-in", a.Status, a.Text("[role=alert]"), status, says)
	}
	if !c.Declined(reason) {
		c.T.Errorf("history %+v, want %s", c.History()[0], reason)
	}
}

// SignOnForm is the form of the setup.
func SignOnForm(c Company, changed ...string) []string {
	form := []string{
		"enabled", "yes", "label", "Plant account", "home", c.Web.URL, "issuer", c.Provider.URL, "client_id",
		provider.ClientID,
		"scopes", "openid profile email", "claim", "groups", "value-0", "leads", "role-0", "manager", "value-1",
		"packers", "role-1", "operator", "role-1", "auditor", "line-1", "L2",
	}
	for i := 0; i+1 < len(changed); i += 2 {
		at := -1
		for j := 0; j < len(form); j += 2 {
			if form[j] == changed[i] {
				at = j + 1
			}
		}
		if at < 0 {
			form = append(form, changed[i], "")
			at = len(form) - 1
		}
		form[at] = changed[i+1]
	}
	return form
}
