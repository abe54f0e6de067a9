package admin

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Connection shows and sets how the tenant reaches the API, and how that fares.
type Connection struct {
	*web.Kit
	Store          ConnectionStore
	Clients        Clients
	TestConnection TestConnection
	Loose          LooseFiles
	Refresher      Refresher
	Patience       time.Duration // how long a press waits for the refresh that it begins
}

// Refresher brings a tenant's orders up to date.
type Refresher interface {
	RefreshNow(ctx context.Context, tenant packaging.TenantID) (started time.Time, retryAfter time.Duration, err error)
}

// ConnectionStore is what Connection needs of the database.
type ConnectionStore interface {
	CredentialsEnd(ctx context.Context, tenant packaging.TenantID) (packaging.CredentialsEnd, error)
	CredentialStates(ctx context.Context, tenant packaging.TenantID) ([]packaging.CredentialState, error)
	FillCredentials(
		ctx context.Context, tenant packaging.TenantID, baseURL string, typed secret.Credentials,
	) (secret.Credentials, error)
	Record(ctx context.Context, e packaging.Entry) error
	SchemaFaults(ctx context.Context) ([]packaging.SchemaFault, error)
	SetCredentialsEnd(ctx context.Context, by packaging.Person, to packaging.CredentialsEnd) error
	SetConnection(ctx context.Context, by packaging.Person, baseURL string, typed secret.Credentials) error
	TokenSettings(ctx context.Context, tenant packaging.TenantID) (secret.Credentials, error)
}

// Clients are those of the remote API that calls are made with.
type Clients interface {
	// Health tells how a tenant's calls have fared; ok is false where none was made yet.
	Health(tenant packaging.TenantID) (h packaging.ConnectionHealth, ok bool)
	// Forget drops a tenant's client: its next call uses the settings at that time.
	Forget(tenant packaging.TenantID)
}

// TestConnection tries out how a tenant would reach the API.
type TestConnection func(ctx context.Context, baseURL string, c secret.Credentials) packaging.ConnectionReport

// LooseFiles returns the files of the data that others than their owner may use; nil finds none.
type LooseFiles func() []string

// Overview is where administrators begin: how the connection to the API fares.
func (s *Connection) Overview(c echo.Context) error {
	ctx := c.Request().Context()
	f, err := s.FreshFrame(c, "admin", text.Say(c.Request().Context(), "admin.title"))
	if err != nil {
		return err
	}
	tenant := f.Person.Tenant.ID
	settings, err := s.Store.TokenSettings(ctx, tenant)
	if err != nil {
		return err
	}
	h := view.Health{Kind: settings.TokenKind, UnreadableHop: s.UnreadableHop()}
	if s.Loose != nil {
		h.LooseFiles = s.Loose()
	}
	if h.SchemaFaults, err = s.Store.SchemaFaults(ctx); err != nil {
		return err
	}
	h.Calls, _ = s.Clients.Health(tenant)
	if h.Credentials, err = s.Store.CredentialStates(ctx, tenant); err != nil {
		return err
	}
	if h.End, err = s.Store.CredentialsEnd(ctx, tenant); err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.Overview(f, h))
}

// Show shows how the tenant reaches the API.
func (s *Connection) Show(c echo.Context) error {
	return s.showEnd(c, http.StatusOK, "")
}

// showEnd shows the page as it is stored, with what was wrong about the end of the credentials.
func (s *Connection) showEnd(c echo.Context, status int, problem string) error {
	t := web.SignedIn(c).Tenant
	settings, err := s.Store.TokenSettings(c.Request().Context(), t.ID)
	if err != nil {
		return err
	}
	return s.show(c, status, view.ConnectionPage{
		BaseURL: t.BaseURL, Kind: settings.TokenKind, Header: settings.TokenHeader, Saved: c.QueryParam("saved"),
		EndProblem: problem,
	})
}

func (s *Connection) show(c echo.Context, status int, page view.ConnectionPage) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "admin.connection"))
	if err != nil {
		return err
	}
	ctx, tenant := c.Request().Context(), f.Person.Tenant.ID
	if page.Credentials, err = s.Store.CredentialStates(ctx, tenant); err != nil {
		return err
	}
	if page.End, err = s.Store.CredentialsEnd(ctx, tenant); err != nil {
		return err
	}
	return web.Render(c, status, view.Connection(f, page))
}

// SaveEnd notes when the credentials end.
func (s *Connection) SaveEnd(c echo.Context) error {
	days, err := strconv.Atoi(strings.TrimSpace(c.FormValue("remind_days")))
	if err != nil {
		days = 0 // is refused
	}
	end := packaging.CredentialsEnd{
		LastDay: packaging.Day(text.PlainDate(strings.TrimSpace(c.FormValue("last_day")))), RemindDays: days,
	}
	err = s.Store.SetCredentialsEnd(c.Request().Context(), web.SignedIn(c), end)
	if said := web.FormError(c.Request().Context(), err); err != nil && said != "" {
		return s.showEnd(c, web.StatusOf(err), said)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.ConnectionURL(), "end"))
}

// typedConnection reads the form.
func typedConnection(c echo.Context) (view.ConnectionPage, secret.Credentials, error) {
	value := func(name string) string { return strings.TrimSpace(c.FormValue(name)) }
	page := view.ConnectionPage{BaseURL: value("base_url"), Kind: value("token_kind"), Header: value("token_header")}
	typed := secret.Credentials{
		TokenKind: page.Kind, TokenHeader: page.Header,
		APIKey: secret.New(value("api_key")), APISecret: secret.New(value("api_secret")),
		ChannelKey: secret.New(value("channel_key")), StaticToken: secret.New(value("static_token")),
	}
	base, err := packaging.ParseBaseURL(page.BaseURL)
	switch {
	case err != nil:
		return page, typed, packaging.Fail(packaging.Invalid, "error.bad_base_url")
	case page.Kind != "dynamic" && page.Kind != "static",
		page.Header != "x-access-token" && page.Header != "authorization":
		return page, typed, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	page.BaseURL = base
	return page, typed, nil
}

// Test tries out what was typed, with what is stored where nothing was, and saves nothing.
func (s *Connection) Test(c echo.Context) error {
	page, _, err := s.tested(c)
	if err != nil {
		return s.problem(c, page, err)
	}
	return s.show(c, http.StatusOK, page)
}

// Save saves what was typed, if a test of it works or it shall be saved all the same.
func (s *Connection) Save(c echo.Context) error {
	ctx := c.Request().Context()
	page, typed, err := s.tested(c)
	if err != nil {
		return s.problem(c, page, err)
	}
	anyway := c.FormValue("anyway") != ""
	if !page.Report.Works() && !anyway {
		page.Unsaved = true
		return s.show(c, http.StatusUnprocessableEntity, page)
	}
	p := web.SignedIn(c)
	if err := s.Store.SetConnection(ctx, p, page.BaseURL, typed); err != nil {
		return s.problem(c, page, err)
	}
	s.Clients.Forget(p.Tenant.ID)
	// The boards show the orders at once. What becomes of the refresh, each page says.
	refresh, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	if _, _, err := s.Refresher.RefreshNow(refresh, p.Tenant.ID); err != nil {
		s.Log.Info("orders not refreshed after the connection was saved", "tenant", p.Tenant.Slug, "err", err)
	}
	if !page.Report.Works() {
		return web.Redirect(c, shell.Saved(shell.ConnectionURL(), "untested"))
	}
	return web.Redirect(c, shell.Saved(shell.ConnectionURL(), "works"))
}

// tested runs the test of a form, and records it.
func (s *Connection) tested(c echo.Context) (view.ConnectionPage, secret.Credentials, error) {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	page, typed, err := typedConnection(c)
	if err != nil {
		return page, typed, err
	}
	all, err := s.Store.FillCredentials(ctx, p.Tenant.ID, page.BaseURL, typed)
	if err != nil {
		return page, typed, err
	}
	report := s.TestConnection(ctx, page.BaseURL, all)
	page.Report = &report
	return page, typed, s.Store.Record(ctx, testEntry(p, page.BaseURL, typed, report))
}

func testEntry(
	p packaging.Person, baseURL string, typed secret.Credentials, r packaging.ConnectionReport,
) packaging.Entry {
	e := packaging.Entry{
		TenantID: p.Tenant.ID,
		By:       p.Author,
		Deed:     packaging.ConnectionTested,
		Object:   packaging.SaysStored.Of(baseURL),
		New:      packaging.SaysWorks.Of(),
		Took:     r.Took(),
	}
	for _, t := range []secret.Text{typed.APIKey, typed.APISecret, typed.ChannelKey, typed.StaticToken} {
		if !t.Empty() {
			e.Object = packaging.SaysJustTyped.Of(baseURL)
		}
	}
	if failed := r.Failed(); failed != nil {
		e.New = packaging.SaysWorksNotAt.Of(failed.Step)
		why := failed.Problem
		e.Reason, e.Message, e.Code, e.HTTPStatus = string(why.Reason), why.Message, why.Code, why.HTTPStatus
	}
	return e
}

func (s *Connection) problem(c echo.Context, page view.ConnectionPage, err error) error {
	said := web.FormError(c.Request().Context(), err)
	if said == "" {
		return err
	}
	page.Problem = said
	return s.show(c, web.StatusOf(err), page)
}
