package handlers

import (
	"context"
	"fmt"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	orderviews "lineboard/views/orders"
	"lineboard/views/shell"
)

func (s *server) overview(c echo.Context) error {
	// A page that is open already asks for its part, wherever it is.
	if station := at(c); station.Known() && c.QueryParam("all") == "" && !fromHTMX(c) {
		return c.Redirect(http.StatusSeeOther, string(shell.LineURL(station.Line)))
	}
	refreshed, err := position(c, "refreshed")
	if err != nil {
		return err
	}
	wall := c.QueryParams().Has("wall")
	return s.show(c, "lines", fmt.Sprintf("overview %t %d", wall, refreshed), s.overviewPart(wall, s.refreshed(refreshed)))
}

// showOverview renders the overview for one person; notice says why the orders were not just refreshed.
func (s *server) showOverview(c echo.Context, status int, notice string) error {
	return s.showPart(c, status, "lines", s.overviewPart(false, noticed(notice)))
}

// overviewPart draws the overview. Nobody refreshes what hangs on a wall.
func (s *server) overviewPart(wall bool, refreshed refreshTold) drawing {
	return func(ctx context.Context, reader packaging.Person) (p part, err error) {
		p = part{wall: wall, title: text.Say(ctx, "overview.title"), topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic}}
		lanes, err := s.Store.Lanes(ctx, reader.Scope())
		if err != nil || wall {
			p.content = func(f shell.Frame) templ.Component { return orderviews.Overview(f, lanes, shell.Digest{}) }
			return p, err
		}
		digest, err := s.digest(ctx, reader, s.Now())
		if err != nil {
			return p, err
		}
		button, err := refreshed(ctx, reader, packaging.Line{}, &p)
		p.content = func(f shell.Frame) templ.Component {
			f.Refresh = button
			return orderviews.Overview(f, lanes, digest)
		}
		return p, err
	}
}

// boardMost is how many orders a line's board shows; a search shows the others.
const boardMost = 200

func (s *server) line(c echo.Context) error {
	code, err := lineCode(c)
	if err != nil {
		return err
	}
	refreshed, err := position(c, "refreshed")
	if err != nil {
		return err
	}
	if ownNotes(c) {
		return s.showPart(c, http.StatusOK, "lines", s.linePart(code, s.refreshed(refreshed)))
	}
	return s.show(c, "lines", fmt.Sprintf("line %s %d", code, refreshed), s.linePart(code, s.refreshed(refreshed)))
}

// showLine renders the board of a line for one person; notice says why the orders were not just refreshed.
func (s *server) showLine(c echo.Context, line packaging.Line, status int, notice string) error {
	return s.showPart(c, status, "lines", s.linePart(line.Code, noticed(notice)))
}

// linePart draws the board of a line.
func (s *server) linePart(code string, refreshed refreshTold) drawing {
	return func(ctx context.Context, reader packaging.Person) (part, error) {
		line, err := s.Store.Line(ctx, reader.Scope(), code)
		if err != nil {
			return part{}, err
		}
		orders, err := s.Store.LineOrders(ctx, reader.Scope(), line.ID, boardMost)
		if err != nil {
			return part{}, err
		}
		board := orderviews.LineBoard{Line: line, Orders: orders, More: len(orders) > boardMost}
		board.Orders = board.Orders[:min(len(orders), boardMost)]
		if board.Notes, err = s.Store.LineNotes(ctx, reader.Scope(), line.ID, s.Now().Add(-notesStay), notesMost); err != nil {
			return part{}, err
		}
		p := part{title: line.Name, line: line, topics: lineTopics(line)}
		button, err := refreshed(ctx, reader, line, &p)
		p.content = func(f shell.Frame) templ.Component {
			f.Refresh = button
			return orderviews.Line(f, board)
		}
		return p, err
	}
}

// lineTopics are what a page about one line depends on.
func lineTopics(l packaging.Line) []packaging.Topic {
	return []packaging.Topic{packaging.LineTopic(l.ID), packaging.SiteTopic}
}
