package orders

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// Refresher brings a tenant's orders up to date because a person wants it. It comes back when that is done or ctx
// ends.
type Refresher interface {
	// RefreshNow returns when the refresh started. If it is too early for one, retryAfter is the time to wait.
	RefreshNow(ctx context.Context, tenant packaging.TenantID) (started time.Time, retryAfter time.Duration, err error)
}

// RefreshNow refreshes the orders, and redirects to the board where that was pressed. The board says from what is
// stored what came of it. If it was pressed to check an order, RefreshNow redirects to the order.
func (s *Server) RefreshNow(c echo.Context) error {
	board := s.showOverview
	back := shell.LinesURL(web.Station(c))
	if code := c.FormValue("line"); code != "" {
		line, err := s.Store.Line(c.Request().Context(), web.SignedIn(c).Scope(), code)
		if err != nil {
			return err
		}
		back = shell.LineURL(line)
		board = func(c echo.Context, status int, notice string) error { return s.showLine(c, line, status, notice) }
	}
	resultURL := shell.RefreshedURL
	order, err := web.FormNumber(c, "order")
	if err != nil {
		return err
	}
	if order != 0 {
		back = shell.OrderURL(packaging.OrderID(order))
		resultURL = func(order templ.SafeURL, _ time.Time) templ.SafeURL { return order }
		board = func(c echo.Context, _ int, _ string) error { return web.SeeOther(c, back) }
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.Patience)
	defer cancel()
	started, retryAfter, err := s.Refresher.RefreshNow(ctx, web.SignedIn(c).Tenant.ID)
	if retryAfter > 0 {
		seconds := int((retryAfter + time.Second - 1) / time.Second)
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds))
		return board(
			c, http.StatusTooManyRequests, text.Say(c.Request().Context(), "refresh.too_soon", "Count", seconds),
		)
	}
	var failure *packaging.CallError
	switch {
	case err == nil,
		errors.As(err, &failure),
		errors.Is(err, context.DeadlineExceeded) && c.Request().Context().Err() == nil:
		return web.SeeOther(c, resultURL(back, started))
	}
	return err
}

// BackToOverview redirects a GET of a POST-only address, a reloaded board, to the overview.
func (s *Server) BackToOverview(c echo.Context) error {
	return web.SeeOther(c, shell.LinesURL(web.Station(c)))
}

// refreshButton makes the button that refreshes a board, with what came of its last press. It adds to the board's
// topics what that depends on.
type refreshButton func(
	ctx context.Context, reader packaging.Person, line packaging.Line, board *web.Page,
) (*shell.RefreshButton, error)

// afterRefresh returns the button with what came of a refresh that was pressed. started is when that started, in
// milliseconds since 1970, or 0 if nobody pressed.
func (s *Server) afterRefresh(started int64) refreshButton {
	return func(
		ctx context.Context, reader packaging.Person, line packaging.Line, board *web.Page,
	) (*shell.RefreshButton, error) {
		button := &shell.RefreshButton{Line: line}
		if started == 0 {
			return button, nil
		}
		board.Topics = append(board.Topics, packaging.FreshTopic)
		fresh, err := s.Freshness(ctx, reader.Tenant.ID)
		button.Result = view.RefreshResult(ctx, fresh, time.UnixMilli(started), s.Now())
		return button, err
	}
}

// withNotice returns the button with the reason why the orders were not refreshed. The board has the status.
func withNotice(status int, why string) refreshButton {
	return func(
		_ context.Context, _ packaging.Person, line packaging.Line, board *web.Page,
	) (*shell.RefreshButton, error) {
		board.Status = status
		return &shell.RefreshButton{Line: line, Result: why}, nil
	}
}
