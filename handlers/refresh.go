package handlers

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views"
)

// Refresher brings a tenant's orders up to date because a person wants it. It comes back when that is done or ctx ends.
type Refresher interface {
	// RefreshNow tells the refresh by when it started, or says for how long it may not be wanted again.
	RefreshNow(ctx context.Context, tenant packaging.TenantID) (started time.Time, again time.Duration, err error)
}

// refreshNow has the orders asked for now, and leads back to the board where that was pressed. What came of it is told
// there from what is stored.
func (s *server) refreshNow(c echo.Context) error {
	board := s.showOverview
	back := views.LinesURL(at(c))
	if code := c.FormValue("line"); code != "" {
		line, err := s.Store.Line(c.Request().Context(), signedIn(c).Scope(), code)
		if err != nil {
			return err
		}
		back = views.LineURL(line)
		board = func(c echo.Context, status int, notice string) error { return s.showLine(c, line, status, notice) }
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.Patience)
	defer cancel()
	started, again, err := s.Refresher.RefreshNow(ctx, signedIn(c).Tenant.ID)
	if again > 0 {
		seconds := int((again + time.Second - 1) / time.Second)
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds))
		return board(c, http.StatusTooManyRequests, text.Say(pageContext(c), "refresh.too_soon", "Count", seconds))
	}
	var failure *packaging.CallError
	switch {
	case err == nil, errors.As(err, &failure), errors.Is(err, context.DeadlineExceeded) && c.Request().Context().Err() == nil:
		return c.Redirect(http.StatusSeeOther, string(views.RefreshedURL(back, started)))
	}
	return err
}

// toOverview is for whom a board stands at the address of a press, and who asks for that address.
func (s *server) toOverview(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, string(views.LinesURL(at(c))))
}

// boardFrame is cacheFrame for a board, on which the orders can be refreshed. notice says why they just were not.
func (s *server) boardFrame(c echo.Context, title string, line packaging.Line, notice string) (views.Frame, error) {
	f, err := s.cacheFrame(c, "lines", title)
	if err != nil {
		return f, err
	}
	refreshed, err := position(c, "refreshed")
	if err != nil {
		return f, err
	}
	f.Refresh = &views.RefreshButton{Line: line, Told: notice}
	if notice == "" && refreshed != 0 {
		f.Refresh.Told = views.RefreshTold(pageContext(c), *f.Fresh, time.UnixMilli(refreshed), f.Now)
	}
	return f, nil
}
