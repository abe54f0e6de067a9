package orders

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// Release presses the button: once it is claimed, the release goes its way. Who waits long enough sees its result;
// the page shows it as under way until then. Where it was pressed on a line's board, it leads back there.
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
	if c.FormValue("again") != "" {
		if press.Again, err = reason(c); err != nil {
			return s.showOrder(c, web.FormStatus(err), "")
		}
	}
	o, err := s.Store.Order(ctx, web.SignedIn(c).Scope(), id)
	if err != nil {
		return err
	}
	obstacle, what := o.ReleaseObstacle(), releaseToSign
	if press.Again != "" {
		obstacle, what = o.AgainObstacle(), againToSign
	}
	if obstacle == packaging.NoObstacle { // else the claim says what stands in the way, whoever signs
		press.Signed, err = s.signatures(c, what(o))
		if refuses(c, err) {
			return s.showOrder(c, web.FormStatus(err), "")
		}
		if err != nil {
			return err
		}
	}
	settled, err := s.Releaser.Release(ctx, web.SignedIn(c), press)
	onLine := c.FormValue("from") == "line" && o.Line.Known()
	if conflict := web.Conflict(ctx, err); conflict != "" {
		if onLine {
			asked := lineAsked{code: o.Line.Code, notice: conflict, status: http.StatusConflict}
			return s.ShowFresh(c, "lines", s.linePage(asked, s.afterRefresh(0)))
		}
		return s.showOrder(c, http.StatusConflict, conflict)
	}
	if err != nil {
		return err
	}
	if err := s.await(ctx, settled); err != nil {
		return err
	}
	if onLine {
		return web.SeeOther(c, shell.LineURL(o.Line))
	}
	return web.SeeOther(c, shell.OrderURL(id)+"#release")
}

const wordsKey = "words" // of Echo's context: why a reason or a ruling was not taken

// reason returns the reason of a form. Invalid without one, or with one that is too long: the page to come says so.
func reason(c echo.Context) (why string, err error) {
	why = strings.TrimSpace(c.FormValue("why"))
	switch {
	case why == "":
		err = packaging.Fail(packaging.Invalid, "settle.no_reason")
	case utf8.RuneCountInString(why) > packaging.MaxWhy:
		err = packaging.Fail(packaging.Invalid, "error.comment_long")
	}
	if err != nil {
		c.Set(wordsKey, web.FormError(c.Request().Context(), err))
	}
	return why, err
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
	return web.SeeOther(c, shell.OrderURL(id))
}
