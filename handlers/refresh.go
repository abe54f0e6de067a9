package handlers

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	orderviews "lineboard/views/orders"
	"lineboard/views/shell"
)

// Refresher brings a tenant's orders up to date because a person wants it. It comes back when that is done or ctx ends.
type Refresher interface {
	// RefreshNow tells the refresh by when it started, or says for how long it may not be wanted again.
	RefreshNow(ctx context.Context, tenant packaging.TenantID) (started time.Time, again time.Duration, err error)
}

// refreshNow has the orders asked for now, and leads back to the board where that was pressed. What came of it is told
// there from what is stored. Where it was pressed to check an order, it leads back to the order, which says it all.
func (s *server) refreshNow(c echo.Context) error {
	board := s.showOverview
	back := shell.LinesURL(at(c))
	if code := c.FormValue("line"); code != "" {
		line, err := s.Store.Line(c.Request().Context(), signedIn(c).Scope(), code)
		if err != nil {
			return err
		}
		back = shell.LineURL(line)
		board = func(c echo.Context, status int, notice string) error { return s.showLine(c, line, status, notice) }
	}
	told := shell.RefreshedURL
	order, err := formNumber(c, "order")
	if err != nil {
		return err
	}
	if order != 0 {
		back = shell.OrderURL(packaging.OrderID(order))
		told = func(order templ.SafeURL, _ time.Time) templ.SafeURL { return order }
		board = func(c echo.Context, _ int, _ string) error { return c.Redirect(http.StatusSeeOther, string(back)) }
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
		return c.Redirect(http.StatusSeeOther, string(told(back, started)))
	}
	return err
}

// toOverview is for whom a board stands at the address of a press, and who asks for that address.
func (s *server) toOverview(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, string(shell.LinesURL(at(c))))
}

// refreshTold makes the button that refreshes a board, with what came of its last press. It adds to the board's topics what
// that depends on.
type refreshTold func(ctx context.Context, reader packaging.Person, line packaging.Line, board *part) (*shell.RefreshButton, error)

// refreshed tells of the refresh that was pressed for and started then, in milliseconds since 1970; 0 where nobody pressed.
func (s *server) refreshed(started int64) refreshTold {
	return func(ctx context.Context, reader packaging.Person, line packaging.Line, board *part) (*shell.RefreshButton, error) {
		button := &shell.RefreshButton{Line: line}
		if started == 0 {
			return button, nil
		}
		board.topics = append(board.topics, packaging.FreshTopic)
		fresh, err := s.freshness(ctx, reader.Tenant.ID)
		button.Result = orderviews.RefreshResult(ctx, fresh, time.UnixMilli(started), s.Now())
		return button, err
	}
}

// noticed tells why the orders were not just refreshed.
func noticed(why string) refreshTold {
	return func(_ context.Context, _ packaging.Person, line packaging.Line, _ *part) (*shell.RefreshButton, error) {
		return &shell.RefreshButton{Line: line, Result: why}, nil
	}
}
