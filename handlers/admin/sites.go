package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Sites shows and sets the tenant, and adds others.
type Sites struct {
	*web.Kit
	Store SitesStore
}

// SitesStore is what Sites needs of the database.
type SitesStore interface {
	AddTenant(ctx context.Context, by packaging.Person, t packaging.Tenant) (packaging.Person, error)
	SetTenant(ctx context.Context, by packaging.Person, name, zone string) error
}

// Show shows the tenant, and the form for another one.
func (s *Sites) Show(c echo.Context) error {
	t := web.SignedIn(c).Tenant
	return s.show(c, http.StatusOK, view.SitePage{
		Form:    view.SiteForm{Name: t.Name, Zone: t.TimeZone, Slug: t.Slug},
		Another: view.SiteForm{Zone: t.TimeZone},
		Saved:   c.QueryParam("saved") != "",
	})
}

func (s *Sites) show(c echo.Context, status int, page view.SitePage) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "admin.site"))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.Site(f, page))
}

// Set renames the tenant, or moves it to another time zone.
func (s *Sites) Set(c echo.Context) error {
	p := web.SignedIn(c)
	form := siteForm(c)
	form.Slug = p.Tenant.Slug
	err := checkSite(&form)
	if err == nil {
		err = s.Store.SetTenant(c.Request().Context(), p, form.Name, form.Zone)
	}
	if said := web.FormError(c.Request().Context(), err); said != "" {
		form.Problem = said
		return s.show(c, web.StatusOf(err), view.SitePage{Form: form, Another: view.SiteForm{Zone: p.Tenant.TimeZone}})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.SiteURL(), "yes"))
}

// Add makes another tenant, and goes on there as its administrator.
func (s *Sites) Add(c echo.Context) error {
	p := web.SignedIn(c)
	form := siteForm(c)
	err := checkSite(&form)
	var there packaging.Person
	if err == nil {
		there, err = s.Store.AddTenant(c.Request().Context(), p, form.Tenant())
	}
	if said := web.FormError(c.Request().Context(), err); said != "" {
		form.Problem = said
		own := view.SiteForm{Name: p.Tenant.Name, Zone: p.Tenant.TimeZone, Slug: p.Tenant.Slug}
		return s.show(c, web.StatusOf(err), view.SitePage{Form: own, Another: form})
	}
	if err != nil {
		return err
	}
	if err := s.ContinueSession(c, there); err != nil {
		return err
	}
	return web.Redirect(c, string(shell.ConnectionURL()))
}

func siteForm(c echo.Context) view.SiteForm {
	return view.SiteForm{
		Name: strings.TrimSpace(c.FormValue("site")),
		Slug: strings.TrimSpace(c.FormValue("slug")),
		Zone: strings.TrimSpace(c.FormValue("zone")),
	}
}

// checkSite checks a form, and makes the slug where none was given.
func checkSite(f *view.SiteForm) error {
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
	words := strings.FieldsFunc(
		strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') },
	)
	return strings.Join(words, "-")
}
