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
)

// Health shows how Lineboard and its server are, as lineboard doctor does on the console.
type Health struct {
	*web.Kit
	Store     HealthStore
	Condition func(ctx context.Context) (packaging.Condition, error)
}

// HealthStore is what Health needs of the database.
type HealthStore interface {
	Sessions(ctx context.Context, tenant packaging.TenantID, started, seen time.Time) ([]packaging.Session, error)
}

// Show shows it.
func (s *Health) Show(c echo.Context) error {
	ctx := c.Request().Context()
	f, err := s.FreshFrame(c, "admin", text.Say(ctx, "doctor.title"))
	if err != nil {
		return err
	}
	condition, err := s.Condition(ctx)
	if err != nil {
		return err
	}
	started, seen := s.SessionLimits()
	sessions, err := s.Store.Sessions(ctx, f.Person.Tenant.ID, started, seen)
	if err != nil {
		return err
	}
	page := view.CheckupPage{
		Condition: condition, Findings: condition.For(f.Person.Tenant.ID), Sessions: len(sessions),
	}
	return web.Render(c, http.StatusOK, view.Checkup(f, page))
}
