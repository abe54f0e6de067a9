package handlers

import (
	"context"
	"fmt"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views"
)

func (s *server) overview(c echo.Context) error {
	// A page that is open already asks for its part, wherever it is.
	if station := at(c); station.Known() && c.QueryParam("all") == "" && !fromHTMX(c) {
		return c.Redirect(http.StatusSeeOther, string(views.LineURL(station.Line)))
	}
	wall, hint := c.QueryParams().Has("wall"), "overview"
	if wall {
		hint = ""
	}
	return s.show(c, "lines", fmt.Sprintf("overview %t", wall), func(ctx context.Context, reader packaging.Person) (part, error) {
		lanes, err := s.Store.Lanes(ctx, reader.Scope())
		return part{
			hint: hint, wall: wall,
			title: text.Say(ctx, "overview.title"), topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
			content: func(f views.Frame) templ.Component { return views.Overview(f, lanes) },
		}, err
	})
}

// boardMost is how many orders a line's board shows; a search shows the others.
const boardMost = 200

func (s *server) line(c echo.Context) error {
	code, err := lineCode(c)
	if err != nil {
		return err
	}
	return s.show(c, "lines", "line "+code, func(ctx context.Context, reader packaging.Person) (part, error) {
		line, err := s.Store.Line(ctx, reader.Scope(), code)
		if err != nil {
			return part{}, err
		}
		orders, err := s.Store.LineOrders(ctx, reader.Scope(), line.ID, boardMost)
		board := views.LineBoard{Line: line, Orders: orders, More: len(orders) > boardMost}
		board.Orders = board.Orders[:min(len(orders), boardMost)]
		return part{
			title: line.Name, hint: "line", line: line, topics: lineTopics(line),
			content: func(f views.Frame) templ.Component { return views.Line(f, board) },
		}, err
	})
}

// lineTopics are what a page about one line depends on.
func lineTopics(l packaging.Line) []packaging.Topic {
	return []packaging.Topic{packaging.LineTopic(l.ID), packaging.SiteTopic}
}
