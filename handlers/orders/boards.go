package orders

import (
	"context"
	"fmt"
	"slices"

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
		return web.SeeOther(c, shell.LineURL(station.Line))
	}
	refreshed, err := web.QueryNumber(c, "refreshed")
	if err != nil {
		return err
	}
	if c.QueryParams().Has("wall") { // nobody refreshes what hangs on a wall
		return s.Show(c, "lines", "wall", s.wallPage)
	}
	return s.Show(c, "lines", fmt.Sprintf("overview %d", refreshed), s.overviewPage(s.afterRefresh(refreshed)))
}

// showOverview renders the overview for one person; notice says why the orders were not just refreshed.
func (s *Server) showOverview(c echo.Context, status int, notice string) error {
	return s.ShowFresh(c, "lines", s.overviewPage(withNotice(status, notice)))
}

// overviewPage draws the overview.
func (s *Server) overviewPage(refreshed refreshButton) web.RenderFunc {
	return func(ctx context.Context, reader packaging.Person) (p web.Page, err error) {
		p = web.Page{
			Title:  text.Say(ctx, "overview.title"),
			Topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
		}
		lanes, err := s.Store.Lanes(ctx, reader.Scope())
		if err != nil {
			return p, err
		}
		s.markUncopiedIn(lanes)
		alarms, err := s.Store.LastingAlarms(ctx, reader.Scope())
		if err != nil {
			return p, err
		}
		late, err := s.late(ctx, reader.Scope())
		if err != nil {
			return p, err
		}
		digest, err := s.Digest(ctx, reader, s.Now())
		if err != nil {
			return p, err
		}
		button, err := refreshed(ctx, reader, packaging.Line{}, &p)
		p.Content = func(f shell.Frame) templ.Component {
			f.Refresh = button
			return view.Overview(f, lanes, late, digest, alarms)
		}
		return p, err
	}
}

// maxBoardOrders is how many orders a line's board shows; a search shows the others.
const maxBoardOrders = 200

// Line shows the board of a line, with the release of one of its orders armed if the address says so.
func (s *Server) Line(c echo.Context) error {
	code, err := lineCode(c)
	if err != nil {
		return err
	}
	refreshed, err := web.QueryNumber(c, "refreshed")
	if err != nil {
		return err
	}
	armed, err := web.QueryNumber(c, "arm")
	if err != nil {
		return err
	}
	asked := lineAsked{code: code, armed: packaging.OrderID(armed)}
	if armed != 0 {
		return s.armOnLine(c, asked)
	}
	return s.Show(c, "lines", fmt.Sprintf("line %s %d", code, refreshed), s.linePage(asked, s.afterRefresh(refreshed)))
}

// armOnLine arms a release on the board. Where it is to be signed, the order's page has the room for that.
func (s *Server) armOnLine(c echo.Context, asked lineAsked) error {
	rules, err := s.Store.Rules(c.Request().Context(), web.SignedIn(c).Tenant.ID)
	if err != nil {
		return err
	}
	if rules.SignReleases {
		return web.SeeOther(c, shell.ArmURL(asked.armed))
	}
	return s.ShowFresh(c, "lines", s.linePage(asked, s.afterRefresh(0)))
}

// lineAsked is what is asked for of a line's board.
type lineAsked struct {
	code   string
	armed  packaging.OrderID // whose release is armed, 0 for none
	notice string            // why the last press had no effect
	status int               // of the answer, 0 for 200
}

// showLine renders the board of a line for one person; notice says why the orders were not just refreshed.
func (s *Server) showLine(c echo.Context, line packaging.Line, status int, notice string) error {
	return s.ShowFresh(c, "lines", s.linePage(lineAsked{code: line.Code}, withNotice(status, notice)))
}

// linePage draws the board of a line.
func (s *Server) linePage(asked lineAsked, refreshed refreshButton) web.RenderFunc {
	return func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		board, err := s.lineBoard(ctx, reader, asked)
		if err != nil {
			return web.Page{}, err
		}
		p := web.Page{Title: board.Line.Name, Line: board.Line, Topics: lineTopics(board.Line), Status: asked.status}
		p.Personal = authors(board.Notes)
		if asked.armed != 0 { // no release can be sent while the API is down
			p.Topics = append(p.Topics, packaging.FreshTopic)
		}
		button, err := refreshed(ctx, reader, board.Line, &p)
		p.Content = func(f shell.Frame) templ.Component {
			f.Refresh = button
			return view.Line(f, board)
		}
		return p, err
	}
}

// lineBoard reads what stands on the board of a line.
func (s *Server) lineBoard(
	ctx context.Context, reader packaging.Person, asked lineAsked,
) (board view.LineBoard, err error) {
	board.Armed, board.Notice = asked.armed, asked.notice
	if board.Line, err = s.Store.Line(ctx, reader.Scope(), asked.code); err != nil {
		return board, err
	}
	if board.Orders, err = s.Store.LineOrders(ctx, reader.Scope(), board.Line.ID, maxBoardOrders); err != nil {
		return board, err
	}
	board.More = len(board.Orders) > maxBoardOrders
	board.Orders = board.Orders[:min(len(board.Orders), maxBoardOrders)]
	s.markUncopied(board.Orders)
	if board.Alarms, err = s.alarmsOf(ctx, reader, board.Line); err != nil {
		return board, err
	}
	late, err := s.late(ctx, reader.Scope())
	if err != nil {
		return board, err
	}
	board.Late = late[board.Line.ID]
	since := s.Now().Add(-noteAge)
	if board.Notes, err = s.Store.LineNotes(ctx, reader.Scope(), board.Line.ID, since, maxBoardNotes); err != nil {
		return board, err
	}
	if asked.armed != 0 {
		given, err := s.Store.ImportedFactsOf(ctx, reader.Scope(), []packaging.OrderID{asked.armed})
		if err != nil {
			return board, err
		}
		board.Given = given[asked.armed]
	}
	switch q, err := s.Store.Queue(ctx, reader.Scope(), board.Line.ID); {
	case err == nil:
		board.Queue = &q
	case packaging.CodeOf(err) != packaging.NotFound:
		return board, err
	}
	return board, nil
}

// alarmsOf returns the alarms of a line that last.
func (s *Server) alarmsOf(
	ctx context.Context, reader packaging.Person, line packaging.Line,
) ([]packaging.Alarm, error) {
	all, err := s.Store.LastingAlarms(ctx, reader.Scope())
	return slices.DeleteFunc(all, func(a packaging.Alarm) bool { return a.Fact.Line.ID != line.ID }), err
}

// TakeAlarm notes that the person takes care of an alarm, and shows the page where they pressed.
func (s *Server) TakeAlarm(c echo.Context) error {
	id, err := web.PathID[packaging.AlarmID](c, "id")
	if err != nil {
		return err
	}
	if err := s.Store.TakeAlarm(c.Request().Context(), web.SignedIn(c), id); err != nil {
		return err
	}
	if code := c.FormValue("line"); code != "" {
		line, err := s.Store.Line(c.Request().Context(), web.SignedIn(c).Scope(), code)
		if err != nil {
			return err
		}
		return web.Redirect(c, string(shell.LineURL(line)))
	}
	return web.Redirect(c, string(shell.HomeURL()))
}

// lineTopics are what a page about one line depends on.
func lineTopics(l packaging.Line) []packaging.Topic {
	return []packaging.Topic{packaging.LineTopic(l.ID), packaging.SiteTopic}
}
