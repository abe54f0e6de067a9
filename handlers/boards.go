package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/internal/text"
	"lineboard/views"
)

func (s *server) overview(c echo.Context) error {
	if station := at(c); station.Known() && c.QueryParam("all") == "" {
		return c.Redirect(http.StatusSeeOther, string(views.LineURL(station.Line)))
	}
	f, err := s.cacheFrame(c, "lines", text.Say(pageContext(c), "overview.title"))
	if err != nil {
		return err
	}
	if f.Wall = c.QueryParams().Has("wall"); !f.Wall {
		f.Hint = "overview"
	}
	lanes, err := s.Store.Lanes(c.Request().Context(), f.Person.Scope())
	if err != nil {
		return err
	}
	var told views.Digest
	if !f.Wall {
		if told, err = s.digest(c.Request().Context(), f.Person, f.Now); err != nil {
			return err
		}
	}
	return render(c, http.StatusOK, views.Overview(f, lanes, told))
}

// boardMost is how many orders a line's board shows; a search shows the others.
const boardMost = 200

func (s *server) line(c echo.Context) error {
	ctx, in := c.Request().Context(), signedIn(c).Scope()
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	f, err := s.cacheFrame(c, "lines", line.Name)
	if err != nil {
		return err
	}
	f.Hint = "line"
	orders, err := s.Store.LineOrders(ctx, in, line.ID, boardMost)
	if err != nil {
		return err
	}
	board := views.LineBoard{Line: line, Orders: orders, More: len(orders) > boardMost}
	if board.Notes, err = s.Store.LineNotes(ctx, in, line.ID, f.Now.Add(-notesStay), notesMost); err != nil {
		return err
	}
	board.Orders = board.Orders[:min(len(orders), boardMost)]
	return render(c, http.StatusOK, views.Line(f, board))
}
