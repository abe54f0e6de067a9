package handlers

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/sso"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// signOnSettings shows how people of the tenant sign in by their company's provider.
func (s *server) signOnSettings(c echo.Context) error {
	settings, _, _, err := s.Store.SingleSignOn(c.Request().Context(), signedIn(c).Tenant.ID)
	if err != nil {
		return err
	}
	if !settings.Set() {
		settings.Scopes, settings.Claim = packaging.DefaultScopes, "groups"
	}
	return s.showSignOn(c, http.StatusOK, adminviews.SignOnPage{Settings: settings, Saved: c.QueryParam("saved") != ""})
}

func (s *server) showSignOn(c echo.Context, status int, page adminviews.SignOnPage) error {
	ctx := c.Request().Context()
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "sso.title"))
	if err != nil {
		return err
	}
	stored, _, state, err := s.Store.SingleSignOn(ctx, f.Person.Tenant.ID)
	if err != nil {
		return err
	}
	page.Secret = state
	if stored.Set() {
		page.Redirect, page.SignedOut = redirectTo(stored, f.Person.Tenant), stored.Home+string(shell.LoginURL())
	}
	if page.Lines, err = s.Store.SetupLines(ctx, f.Person); err != nil {
		return err
	}
	return render(c, status, adminviews.SignOn(f, page))
}

// typedSignOn reads the form.
func typedSignOn(c echo.Context) (to packaging.SingleSignOn, typed secret.Text, none bool, err error) {
	form, err := c.FormParams()
	if err != nil {
		return to, typed, none, err
	}
	value := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	to = packaging.SingleSignOn{
		Enabled: value("enabled") != "", Label: value("label"), Home: strings.TrimRight(value("home"), "/"), Issuer: value("issuer"),
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
			to.Grants = append(to.Grants, packaging.Grant{Value: v, Role: packaging.JoinRoles(roles...), Lines: form[fmt.Sprint("line-", i)]})
		}
	}
	return to, secret.New(value("client_secret")), value("no_secret") != "", nil
}

func (s *server) setSignOn(c echo.Context) error {
	to, typed, none, err := typedSignOn(c)
	if err == nil {
		err = s.Store.SetSingleSignOn(c.Request().Context(), signedIn(c), to, typed, none)
	}
	if err != nil {
		return s.signOnSettingsProblem(c, to, err)
	}
	return goTo(c, shell.Saved(shell.SSOSettingsURL(), "yes"))
}

// testSignOn asks the provider what it says of itself, and saves nothing.
func (s *server) testSignOn(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
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
		return s.signOnSettingsProblem(c, to, err)
	}
	report := s.Provider.Test(ctx, sso.Settings{SingleSignOn: to, Secret: typed})
	e := packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.SignOnTested, Object: to.Issuer, New: "works", Took: report.Took}
	if report.Problem != nil {
		e.New, e.Reason, e.Message = "does not work", string(report.Problem.Reason), report.Problem.Detail
	}
	if err := s.Store.Record(ctx, e); err != nil {
		return err
	}
	return s.showSignOn(c, http.StatusOK, adminviews.SignOnPage{Settings: to, Report: &report})
}

func (s *server) signOnSettingsProblem(c echo.Context, to packaging.SingleSignOn, err error) error {
	said, ok := told(pageContext(c), err)
	if !ok {
		return err
	}
	return s.showSignOn(c, statuses[packaging.CodeOf(err)], adminviews.SignOnPage{Settings: to, Problem: said})
}
