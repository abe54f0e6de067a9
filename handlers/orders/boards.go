package orders

import (
	"context"
	"fmt"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// Overview shows all lines of the site. A tablet at a station opens at its line.
func (s *Server) Overview(c echo.Context) error {
	// A page that is open already asks for its part, wherever it is.
	if station := web.Station(c); station.Known() && c.QueryParam("all") == "" && !web.IsHTMX(c) {
		return c.Redirect(http.StatusSeeOther, string(shell.LineURL(station.Line)))
	}
	refreshed, err := web.QueryNumber(c, "refreshed")
	if err != nil {
		return err
	}
	wall := c.QueryParams().Has("wall")
	return s.Show(
		c, "lines", fmt.Sprintf("overview %t %d", wall, refreshed), s.overviewPage(wall, s.afterRefresh(refreshed)),
	)
}

// showOverview renders the overview for one person; notice says why the orders were not just refreshed.
func (s *Server) showOverview(c echo.Context, status int, notice string) error {
	return s.ShowFresh(c, "lines", s.overviewPage(false, withNotice(status, notice)))
}

// overviewPage draws the overview. Nobody refreshes what hangs on a wall.
func (s *Server) overviewPage(wall bool, refreshed refreshButton) web.RenderFunc {
	return func(ctx context.Context, reader packaging.Person) (p web.Page, err error) {
		p = web.Page{
			Wall:   wall,
			Title:  text.Say(ctx, "overview.title"),
			Topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
		}
		lanes, err := s.Store.Lanes(ctx, reader.Scope())
		if err != nil || wall {
			p.Content = func(f shell.Frame) templ.Component { return view.Overview(f, lanes, shell.Digest{}) }
			return p, err
		}
		digest, err := s.Digest(ctx, reader, s.Now())
		if err != nil {
			return p, err
		}
		button, err := refreshed(ctx, reader, packaging.Line{}, &p)
		p.Content = func(f shell.Frame) templ.Component {
			f.Refresh = button
			return view.Overview(f, lanes, digest)
		}
		return p, err
	}
}

// maxBoardOrders is how many orders a line's board shows; a search shows the others.
const maxBoardOrders = 200

// Line shows the board of a line.
func (s *Server) Line(c echo.Context) error {
	code, err := lineCode(c)
	if err != nil {
		return err
	}
	refreshed, err := web.QueryNumber(c, "refreshed")
	if err != nil {
		return err
	}
	if showsOwnNotes(c) {
		return s.ShowFresh(c, "lines", s.linePage(code, s.afterRefresh(refreshed)))
	}
	return s.Show(c, "lines", fmt.Sprintf("line %s %d", code, refreshed), s.linePage(code, s.afterRefresh(refreshed)))
}

// showLine renders the board of a line for one person; notice says why the orders were not just refreshed.
func (s *Server) showLine(c echo.Context, line packaging.Line, status int, notice string) error {
	return s.ShowFresh(c, "lines", s.linePage(line.Code, withNotice(status, notice)))
}

// linePage draws the board of a line.
func (s *Server) linePage(code string, refreshed refreshButton) web.RenderFunc {
	return func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		line, err := s.Store.Line(ctx, reader.Scope(), code)
		if err != nil {
			return web.Page{}, err
		}
		orders, err := s.Store.LineOrders(ctx, reader.Scope(), line.ID, maxBoardOrders)
		if err != nil {
			return web.Page{}, err
		}
		board := view.LineBoard{Line: line, Orders: orders, More: len(orders) > maxBoardOrders}
		board.Orders = board.Orders[:min(len(orders), maxBoardOrders)]
		since := s.Now().Add(-noteAge)
		if board.Notes, err = s.Store.LineNotes(ctx, reader.Scope(), line.ID, since, maxBoardNotes); err != nil {
			return web.Page{}, err
		}
		p := web.Page{Title: line.Name, Line: line, Topics: lineTopics(line)}
		button, err := refreshed(ctx, reader, line, &p)
		p.Content = func(f shell.Frame) templ.Component {
			f.Refresh = button
			return view.Line(f, board)
		}
		return p, err
	}
}

// lineTopics are what a page about one line depends on.
func lineTopics(l packaging.Line) []packaging.Topic {
	return []packaging.Topic{packaging.LineTopic(l.ID), packaging.SiteTopic}
}
