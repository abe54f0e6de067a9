package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
)

// admin is where administrators begin: how the connection to the API fares.
func (s *server) admin(c echo.Context) error {
	ctx := c.Request().Context()
	f, err := s.cacheFrame(c, "admin", text.Say(pageContext(c), "admin.title"))
	if err != nil {
		return err
	}
	tenant := f.Person.Tenant.ID
	settings, err := s.Store.TokenSettings(ctx, tenant)
	if err != nil {
		return err
	}
	h := adminviews.Health{Kind: settings.TokenKind}
	h.Calls, _ = s.Clients.Health(tenant)
	if h.Credentials, err = s.Store.CredentialStates(ctx, tenant); err != nil {
		return err
	}
	return render(c, http.StatusOK, adminviews.Overview(f, h))
}
