package handlers

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// SiteStore is what administrators make and change tenants with.
type SiteStore interface {
	AddTenant(ctx context.Context, by packaging.Person, t packaging.Tenant) (packaging.Person, error)
	SetTenant(ctx context.Context, by packaging.Person, name, zone string) error
}

// site shows the tenant, and the form for another one.
func (s *server) site(c echo.Context) error {
	t := signedIn(c).Tenant
	return s.showSite(c, http.StatusOK, adminviews.SitePage{
		Form: adminviews.SiteForm{Name: t.Name, Zone: t.TimeZone, Slug: t.Slug}, Another: adminviews.SiteForm{Zone: t.TimeZone}, Saved: c.QueryParam("saved") != "",
	})
}

func (s *server) showSite(c echo.Context, status int, page adminviews.SitePage) error {
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "admin.site"))
	if err != nil {
		return err
	}
	return render(c, status, adminviews.Site(f, page))
}

func (s *server) setSite(c echo.Context) error {
	p := signedIn(c)
	form := siteForm(c)
	form.Slug = p.Tenant.Slug
	err := checkSite(&form)
	if err == nil {
		err = s.Store.SetTenant(c.Request().Context(), p, form.Name, form.Zone)
	}
	if said, ok := told(c.Request().Context(), err); ok {
		form.Problem = said
		return s.showSite(c, statuses[packaging.CodeOf(err)], adminviews.SitePage{Form: form, Another: adminviews.SiteForm{Zone: p.Tenant.TimeZone}})
	}
	if err != nil {
		return err
	}
	return goTo(c, shell.Saved(shell.SiteURL(), "yes"))
}

// addSite makes another tenant, and goes on there as its administrator.
func (s *server) addSite(c echo.Context) error {
	p := signedIn(c)
	form := siteForm(c)
	err := checkSite(&form)
	var there packaging.Person
	if err == nil {
		there, err = s.Store.AddTenant(c.Request().Context(), p, form.Tenant())
	}
	if said, ok := told(c.Request().Context(), err); ok {
		form.Problem = said
		own := adminviews.SiteForm{Name: p.Tenant.Name, Zone: p.Tenant.TimeZone, Slug: p.Tenant.Slug}
		return s.showSite(c, statuses[packaging.CodeOf(err)], adminviews.SitePage{Form: own, Another: form})
	}
	if err != nil {
		return err
	}
	if err := s.goOn(c, there); err != nil {
		return err
	}
	return goTo(c, string(shell.ConnectionURL()))
}

func siteForm(c echo.Context) adminviews.SiteForm {
	return adminviews.SiteForm{
		Name: strings.TrimSpace(c.FormValue("site")), Slug: strings.TrimSpace(c.FormValue("slug")), Zone: strings.TrimSpace(c.FormValue("zone")),
	}
}

// checkSite checks a form, and makes the slug where none was given.
func checkSite(f *adminviews.SiteForm) error {
	if f.Slug == "" {
		f.Slug = slugOf(f.Name)
	}
	switch {
	case !packaging.ValidName(f.Name):
		return packaging.Fail(packaging.Invalid, "error.bad_name")
	case !packaging.ValidTimeZone(f.Zone):
		return packaging.Fail(packaging.Invalid, "error.bad_zone", "Zone", f.Zone)
	case !packaging.ValidSlug(f.Slug):
		return packaging.Fail(packaging.Invalid, "error.bad_slug")
	}
	return nil
}

// slugOf makes a slug of a name: its letters and digits of ASCII, small, with hyphens between.
func slugOf(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}
