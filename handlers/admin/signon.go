package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/sso"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// SignOn shows and sets how people sign in by their company's provider.
type SignOn struct {
	*web.Kit
	Store    SignOnStore
	Provider Provider
}

// SignOnStore is what SignOn needs of the database.
type SignOnStore interface {
	FillClientSecret(
		ctx context.Context, tenant packaging.TenantID, issuer string, typed secret.Text,
	) (secret.Text, error)
	Record(ctx context.Context, e packaging.Entry) error
	SetSingleSignOn(
		ctx context.Context, by packaging.Person, s packaging.SingleSignOn, typed secret.Text, none bool,
	) error
	SetupLines(ctx context.Context, viewer packaging.Person) ([]packaging.Line, error)
	SingleSignOn(
		ctx context.Context, tenant packaging.TenantID,
	) (packaging.SingleSignOn, secret.Text, packaging.CredentialState, error)
}

// Provider asks a provider what it says of itself.
type Provider interface {
	Test(ctx context.Context, s sso.Settings) packaging.SignOnReport
}

// Show shows how people of the tenant sign in by their company's provider.
func (s *SignOn) Show(c echo.Context) error {
	settings, _, _, err := s.Store.SingleSignOn(c.Request().Context(), web.SignedIn(c).Tenant.ID)
	if err != nil {
		return err
	}
	if !settings.Set() {
		settings.Scopes, settings.Claim = packaging.DefaultScopes, "groups"
	}
	return s.show(c, http.StatusOK, view.SignOnPage{Settings: settings, Saved: c.QueryParam("saved") != ""})
}

func (s *SignOn) show(c echo.Context, status int, page view.SignOnPage) error {
	ctx := c.Request().Context()
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "sso.title"))
	if err != nil {
		return err
	}
	stored, _, state, err := s.Store.SingleSignOn(ctx, f.Person.Tenant.ID)
	if err != nil {
		return err
	}
	page.Secret = state
	if stored.Set() {
		page.Redirect, page.SignedOut = s.CallbackURL(stored, f.Person.Tenant), s.At(stored, string(shell.LoginURL()))
	}
	if page.Lines, err = s.Store.SetupLines(ctx, f.Person); err != nil {
		return err
	}
	return web.Render(c, status, view.SignOn(f, page))
}

// typedSignOn reads the form.
func typedSignOn(c echo.Context) (to packaging.SingleSignOn, typed secret.Text, none bool, err error) {
	form, err := c.FormParams()
	if err != nil {
		return to, typed, none, err
	}
	value := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	to = packaging.SingleSignOn{
		Enabled: value(
			"enabled",
		) != "", Label: value("label"), Home: strings.TrimRight(value("home"), "/"), Issuer: value("issuer"),
		ClientID: value("client_id"), Claim: value("claim"),
	}
	for _, scope := range strings.Fields(value("scopes")) {
		if scope != "openid" {
			to.Scopes = append(to.Scopes, scope)
		}
	}
	to.Hosts = strings.Fields(strings.ToLower(strings.ReplaceAll(value("hosts"), ",", " ")))
	for i := range packaging.MaxGrants + 1 {
		if v := value(fmt.Sprint("value-", i)); v != "" {
			var roles []packaging.Role
			for _, role := range form[fmt.Sprint("role-", i)] {
				roles = append(roles, packaging.Role(role))
			}
			to.Grants = append(
				to.Grants,
				packaging.Grant{Value: v, Role: packaging.JoinRoles(roles...), Lines: form[fmt.Sprint("line-", i)]},
			)
		}
	}
	return to, secret.New(value("client_secret")), value("no_secret") != "", nil
}

// Set saves how people sign in by their provider.
func (s *SignOn) Set(c echo.Context) error {
	to, typed, none, err := typedSignOn(c)
	if err == nil {
		err = s.Store.SetSingleSignOn(c.Request().Context(), web.SignedIn(c), to, typed, none)
	}
	if err != nil {
		return s.problem(c, to, err)
	}
	return web.Redirect(c, shell.Saved(shell.SSOSettingsURL(), "yes"))
}

// Test asks the provider what it says of itself, and saves nothing.
func (s *SignOn) Test(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	to, typed, _, err := typedSignOn(c)
	if err == nil {
		_, wrong := packaging.ParseBaseURL(to.Issuer)
		if wrong != nil {
			err = packaging.Fail(packaging.Invalid, "error.sso_issuer")
		}
	}
	if err == nil {
		typed, err = s.Store.FillClientSecret(ctx, p.Tenant.ID, to.Issuer, typed)
	}
	if err != nil {
		return s.problem(c, to, err)
	}
	report := s.Provider.Test(ctx, sso.Settings{SingleSignOn: to, Secret: typed})
	e := packaging.Entry{
		TenantID: p.Tenant.ID,
		By:       p.Author,
		Deed:     packaging.SignOnTested,
		Object:   to.Issuer,
		New:      packaging.SaysWorks.Of(),
		Took:     report.Took,
	}
	if report.Problem != nil {
		e.New, e.Reason, e.Message = packaging.SaysWorksNot.Of(), string(report.Problem.Reason), report.Problem.Detail
	}
	if err := s.Store.Record(ctx, e); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, view.SignOnPage{Settings: to, Report: &report})
}

func (s *SignOn) problem(c echo.Context, to packaging.SingleSignOn, err error) error {
	said := web.FormError(c.Request().Context(), err)
	if said == "" {
		return err
	}
	return s.show(c, web.StatusOf(err), view.SignOnPage{Settings: to, Problem: said})
}
