package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Sessions shows and sets who is signed in at the tenant.
type Sessions struct {
	*web.Kit
	Store SessionsStore
}

// SessionsStore is what Sessions needs of the database.
type SessionsStore interface {
	EndSessionOf(ctx context.Context, by packaging.Person, id string) error
	Sessions(ctx context.Context, tenant packaging.TenantID, started, seen time.Time) ([]packaging.Session, error)
}

// List lists who is signed in at the tenant.
func (s *Sessions) List(c echo.Context) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "sessions.title"))
	if err != nil {
		return err
	}
	started, seen := s.SessionLimits()
	all, err := s.Store.Sessions(c.Request().Context(), f.Person.Tenant.ID, started, seen)
	if err != nil {
		return err
	}
	own, err := s.SessionID(c)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.Sessions(f, all, own))
}

// End ends a session of somebody.
func (s *Sessions) End(c echo.Context) error {
	if err := s.Store.EndSessionOf(c.Request().Context(), web.SignedIn(c), c.Param("session")); err != nil {
		return err
	}
	return web.SeeOther(c, shell.SessionsURL())
}
