package handlers

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// ConnectionStore keeps how tenants reach the remote API. What a credential is goes in and never comes out to a page.
type ConnectionStore interface {
	TokenSettings(ctx context.Context, tenant packaging.TenantID) (secret.Credentials, error)
	CredentialStates(ctx context.Context, tenant packaging.TenantID) ([]packaging.CredentialState, error)
	FillCredentials(ctx context.Context, tenant packaging.TenantID, baseURL string, typed secret.Credentials) (secret.Credentials, error)
	SetConnection(ctx context.Context, by packaging.Person, baseURL string, typed secret.Credentials) error
}

// Clients are those of the remote API that calls are made with.
type Clients interface {
	// Down says whether the API does not answer a tenant's calls at the moment.
	Down(tenant packaging.TenantID) bool
	// Health tells how a tenant's calls have fared; ok is false where none was made yet.
	Health(tenant packaging.TenantID) (h packaging.ConnectionHealth, ok bool)
	// Forget has a tenant's next call made with its settings of then.
	Forget(tenant packaging.TenantID)
}

// connection shows how the tenant reaches the API.
func (s *server) connection(c echo.Context) error {
	t := signedIn(c).Tenant
	settings, err := s.Store.TokenSettings(c.Request().Context(), t.ID)
	if err != nil {
		return err
	}
	return s.showConnection(c, http.StatusOK, adminviews.ConnectionPage{
		BaseURL: t.BaseURL, Kind: settings.TokenKind, Header: settings.TokenHeader, Saved: c.QueryParam("saved"),
	})
}

func (s *server) showConnection(c echo.Context, status int, page adminviews.ConnectionPage) error {
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "admin.connection"))
	if err != nil {
		return err
	}
	if page.Credentials, err = s.Store.CredentialStates(c.Request().Context(), f.Person.Tenant.ID); err != nil {
		return err
	}
	return render(c, status, adminviews.Connection(f, page))
}

// typedConnection reads the form.
func typedConnection(c echo.Context) (adminviews.ConnectionPage, secret.Credentials, error) {
	value := func(name string) string { return strings.TrimSpace(c.FormValue(name)) }
	page := adminviews.ConnectionPage{BaseURL: value("base_url"), Kind: value("token_kind"), Header: value("token_header")}
	typed := secret.Credentials{
		TokenKind: page.Kind, TokenHeader: page.Header,
		APIKey: secret.New(value("api_key")), APISecret: secret.New(value("api_secret")),
		ChannelKey: secret.New(value("channel_key")), StaticToken: secret.New(value("static_token")),
	}
	base, err := packaging.ParseBaseURL(page.BaseURL)
	switch {
	case err != nil:
		return page, typed, packaging.Fail(packaging.Invalid, "error.bad_base_url")
	case page.Kind != "dynamic" && page.Kind != "static" || page.Header != "x-access-token" && page.Header != "authorization":
		return page, typed, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	page.BaseURL = base
	return page, typed, nil
}

// testConnection tries out what was typed, with what is stored where nothing was, and saves nothing.
func (s *server) testConnection(c echo.Context) error {
	page, _, err := s.tested(c)
	if err != nil {
		return s.connectionProblem(c, page, err)
	}
	return s.showConnection(c, http.StatusOK, page)
}

// setConnection saves what was typed, if a test of it works or it shall be saved all the same.
func (s *server) setConnection(c echo.Context) error {
	ctx := c.Request().Context()
	page, typed, err := s.tested(c)
	if err != nil {
		return s.connectionProblem(c, page, err)
	}
	anyway := c.FormValue("anyway") != ""
	if !page.Report.Works() && !anyway {
		page.Unsaved = true
		return s.showConnection(c, http.StatusUnprocessableEntity, page)
	}
	p := signedIn(c)
	if err := s.Store.SetConnection(ctx, p, page.BaseURL, typed); err != nil {
		return s.connectionProblem(c, page, err)
	}
	s.Clients.Forget(p.Tenant.ID)
	if !page.Report.Works() {
		return goTo(c, shell.Saved(shell.ConnectionURL(), "untested"))
	}
	return goTo(c, shell.Saved(shell.ConnectionURL(), "works"))
}

// tested runs the test of a form, and records it.
func (s *server) tested(c echo.Context) (adminviews.ConnectionPage, secret.Credentials, error) {
	ctx, p := c.Request().Context(), signedIn(c)
	page, typed, err := typedConnection(c)
	if err != nil {
		return page, typed, err
	}
	all, err := s.Store.FillCredentials(ctx, p.Tenant.ID, page.BaseURL, typed)
	if err != nil {
		return page, typed, err
	}
	report := s.Test(ctx, page.BaseURL, all)
	page.Report = &report
	return page, typed, s.Store.Record(ctx, testEntry(p, page.BaseURL, typed, report))
}

func testEntry(p packaging.Person, baseURL string, typed secret.Credentials, r packaging.ConnectionReport) packaging.Entry {
	e := packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.ConnectionTested, Object: baseURL + ", stored credentials", New: "works", Took: r.Took()}
	for _, t := range []secret.Text{typed.APIKey, typed.APISecret, typed.ChannelKey, typed.StaticToken} {
		if !t.Empty() {
			e.Object = baseURL + ", credentials just typed"
		}
	}
	if failed := r.Failed(); failed != nil {
		e.New = "does not work: " + string(failed.Step)
		e.Reason, e.Message, e.Code, e.HTTPStatus = string(failed.Problem.Reason), failed.Problem.Message, failed.Problem.Code, failed.Problem.HTTPStatus
	}
	return e
}

func (s *server) connectionProblem(c echo.Context, page adminviews.ConnectionPage, err error) error {
	said, ok := told(c.Request().Context(), err)
	if !ok {
		return err
	}
	page.Problem = said
	return s.showConnection(c, statuses[packaging.CodeOf(err)], page)
}
