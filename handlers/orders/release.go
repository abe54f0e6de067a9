package orders

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// Release presses the button: once it is claimed, the release goes its way. Who waits long enough sees its result;
// the page shows it as under way until then.
func (s *Server) Release(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := orderID(c)
	if err != nil {
		return err
	}
	revision, err := web.FormNumber(c, "revision")
	if err != nil {
		return err
	}
	press := packaging.Press{Order: id, Revision: revision}
	o, err := s.Store.Order(ctx, web.SignedIn(c).Scope(), id)
	if err != nil {
		return err
	}
	if o.ReleaseObstacle() == packaging.NoObstacle { // else the claim says what stands in the way, whoever signs
		press.Signed, err = s.signatures(c, releaseToSign(o))
		if refuses(c, err) {
			return s.showOrder(c, web.FormStatus(err), "")
		}
		if err != nil {
			return err
		}
	}
	settled, err := s.Releaser.Release(ctx, web.SignedIn(c), press)
	if conflict := web.Conflict(ctx, err); conflict != "" {
		return s.showOrder(c, http.StatusConflict, conflict)
	}
	if err != nil {
		return err
	}
	if err := s.await(ctx, settled); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id))+"#release")
}

// await waits for a release to be settled, but no longer than a person does. It fails if ctx ends first.
func (s *Server) await(ctx context.Context, settled <-chan struct{}) error {
	patience := time.NewTimer(s.Patience)
	defer patience.Stop()
	select {
	case <-settled:
	case <-patience.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// BackToOrder redirects a GET of a POST-only address, a reloaded error page, to the order.
func (s *Server) BackToOrder(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id)))
}
