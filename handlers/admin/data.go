package admin

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Data shows what Lineboard knows about its own data: losses, faults and backups.
type Data struct {
	*web.Kit
	Store   DataStore
	Check   func() packaging.SelfCheck
	Backups func() packaging.Backups
}

// DataStore is what Data needs of the database.
type DataStore interface {
	AcknowledgeLoss(ctx context.Context, by packaging.Person, id packaging.LossID, comment string) error
	KeptAnswers(ctx context.Context, tenant packaging.TenantID, orderKey string) ([]packaging.KeptAnswer, error)
	TenantLosses(ctx context.Context, tenant packaging.TenantID) ([]packaging.Loss, error)
	WriterTimes() []packaging.WriterTimes
}

// Show shows it all.
func (s *Data) Show(c echo.Context) error {
	ctx := c.Request().Context()
	f, err := s.Frame(c, "admin", text.Say(ctx, "data.title"))
	if err != nil {
		return err
	}
	page := view.DataPage{Check: s.Check(), Backups: s.Backups(), Writer: s.Store.WriterTimes()}
	if page.Losses, err = s.Store.TenantLosses(ctx, f.Person.Tenant.ID); err != nil {
		return err
	}
	if page.Kept, err = s.Store.KeptAnswers(ctx, f.Person.Tenant.ID, ""); err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.Data(f, page))
}

// maxLossComment is the longest comment on a loss, in characters.
const maxLossComment = 500

// Acknowledge records that an administrator knows of a loss.
func (s *Data) Acknowledge(c echo.Context) error {
	id, err := web.PathID[packaging.LossID](c, "loss")
	if err != nil {
		return err
	}
	comment := strings.TrimSpace(c.FormValue("comment"))
	if utf8.RuneCountInString(comment) > maxLossComment {
		return packaging.Fail(packaging.Invalid, "error.comment_long")
	}
	if err := s.Store.AcknowledgeLoss(c.Request().Context(), web.SignedIn(c), id, comment); err != nil {
		return err
	}
	return web.SeeOther(c, shell.DataURL())
}
