package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views"
)

func (s *server) overview(c echo.Context) error {
	if station := at(c); station.Known() && c.QueryParam("all") == "" {
		return c.Redirect(http.StatusSeeOther, string(views.LineURL(station.Line)))
	}
	return s.showOverview(c, http.StatusOK, "")
}

// showOverview renders the overview; notice says why the orders were not just refreshed.
func (s *server) showOverview(c echo.Context, status int, notice string) error {
	f, err := s.boardFrame(c, text.Say(pageContext(c), "overview.title"), packaging.Line{}, notice)
	if err != nil {
		return err
	}
	if f.Wall = c.QueryParams().Has("wall"); f.Wall {
		f.Refresh = nil // nobody touches it
	} else {
		f.Hint = "overview"
	}
	lanes, err := s.Store.Lanes(c.Request().Context(), f.Person.Scope())
	if err != nil {
		return err
	}
	return render(c, status, views.Overview(f, lanes))
}

// boardMost is how many orders a line's board shows; a search shows the others.
const boardMost = 200

func (s *server) line(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	return s.showLine(c, line, http.StatusOK, "")
}

// showLine renders the board of a line; notice says why the orders were not just refreshed.
func (s *server) showLine(c echo.Context, line packaging.Line, status int, notice string) error {
	f, err := s.boardFrame(c, line.Name, line, notice)
	if err != nil {
		return err
	}
	f.Hint = "line"
	orders, err := s.Store.LineOrders(c.Request().Context(), f.Person.Scope(), line.ID, boardMost)
	if err != nil {
		return err
	}
	board := views.LineBoard{Line: line, Orders: orders, More: len(orders) > boardMost}
	board.Orders = board.Orders[:min(len(orders), boardMost)]
	return render(c, status, views.Line(f, board))
}
