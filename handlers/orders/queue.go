package orders

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// Queue shows the line's latest queue, and lets a person pick the orders of a next one.
func (s *Server) Queue(c echo.Context) error {
	picked := c.QueryParam("pick")
	if c.QueryParam("arm") != "" {
		line, err := s.lineOf(c)
		if err != nil {
			return err
		}
		return s.showQueue(c, http.StatusOK, line, picked, "")
	}
	code, err := lineCode(c)
	if err != nil {
		return err
	}
	return s.Show(c, "lines", fmt.Sprintf("queue %q %q", code, picked), func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		line, err := s.Store.Line(ctx, reader.Scope(), code)
		if err != nil {
			return web.Page{}, err
		}
		page, err := s.queuePage(ctx, reader, line, picked)
		return web.Page{
			Title: queueTitle(ctx, line), Line: line, Topics: lineTopics(line),
			Content: func(f shell.Frame) templ.Component { return view.Queue(f, page) },
		}, err
	})
}

func queueTitle(ctx context.Context, l packaging.Line) string {
	return l.Name + " · " + text.Say(ctx, "queue.title")
}

// showQueue shows the queue's page for one person: armed, or with a notice that says why what was just pressed did not
// happen.
func (s *Server) showQueue(c echo.Context, status int, line packaging.Line, picked, notice string) error {
	before := s.Hub.Now()
	f, err := s.FreshFrame(c, "lines", queueTitle(c.Request().Context(), line))
	if err != nil {
		return err
	}
	page, err := s.queuePage(c.Request().Context(), f.Person, line, picked)
	if err != nil {
		return err
	}
	page.Armed, page.Notice = notice == "", notice
	page.Given = map[packaging.OrderID][]packaging.ImportedFact{}
	for _, o := range page.Picked {
		if page.Given[o.ID], err = s.Store.ImportedFacts(c.Request().Context(), f.Person.Scope(), o.ID); err != nil {
			return err
		}
	}
	if page.Signing, err = s.signing(c, queueToSign(f.Person, line, page.Picked)); err != nil {
		return err
	}
	f.Line, f.Live = line, s.Live(f, before, lineTopics(line)...)
	return web.Render(c, status, shell.FullPage(f, view.Queue(f, page)))
}

func (s *Server) queuePage(ctx context.Context, reader packaging.Person, line packaging.Line, picked string) (page view.QueuePage, err error) {
	page.Line = line
	q, err := s.Store.Queue(ctx, reader.Scope(), line.ID)
	switch {
	case err == nil:
		page.Latest = &q
		if page.Signed, err = s.Store.Signatures(ctx, q.TenantID, packaging.SignedQueue, int64(q.ID)); err != nil {
			return page, err
		}
	case packaging.CodeOf(err) != packaging.NotFound:
		return page, err
	}
	orders, err := s.Store.LineOrders(ctx, reader.Scope(), line.ID, maxBoardOrders)
	if err != nil {
		return page, err
	}
	orders = slices.DeleteFunc(orders, func(o packaging.Order) bool { return o.ReleaseObstacle() != packaging.NoObstacle })
	for _, pick := range picks(picked) {
		if i := slices.IndexFunc(orders, func(o packaging.Order) bool { return o.ID == pick.Order }); i >= 0 {
			page.Picked = append(page.Picked, orders[i])
			orders = slices.Delete(orders, i, i+1)
		}
	}
	page.Waiting = orders
	return page, nil
}

// StartQueue releases the picked orders one at a time.
func (s *Server) StartQueue(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	ctx, p, picked := c.Request().Context(), web.SignedIn(c), c.FormValue("pick")
	page, err := s.queuePage(ctx, p, line, picked)
	if err != nil {
		return err
	}
	var signed []packaging.Signature
	if len(page.Picked) == len(picks(picked)) { // else the store says what stands in the way, whoever signs
		if signed, err = s.signatures(c, queueToSign(p, line, page.Picked)); refuses(c, err) {
			return s.showQueue(c, web.FormStatus(err), line, picked, "")
		}
		if err != nil {
			return err
		}
	}
	return s.afterQueue(c, line, picked, s.Queuer.Start(ctx, p, line.ID, picks(picked), signed...))
}

// StopQueue ends the line's queue after the release that is under way.
func (s *Server) StopQueue(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	return s.afterQueue(c, line, "", s.Queuer.Stop(c.Request().Context(), web.SignedIn(c), line.ID))
}

func (s *Server) afterQueue(c echo.Context, line packaging.Line, picked string, err error) error {
	if conflict := web.Conflict(c.Request().Context(), err); conflict != "" {
		return s.showQueue(c, http.StatusConflict, line, picked, conflict)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.QueueURL(line)))
}

// lineOf is the line of the path.
func (s *Server) lineOf(c echo.Context) (packaging.Line, error) {
	code, err := lineCode(c)
	if err != nil {
		return packaging.Line{}, err
	}
	return s.Store.Line(c.Request().Context(), web.SignedIn(c).Scope(), code)
}

// lineCode returns the code of the line of the path.
func lineCode(c echo.Context) (string, error) { return web.PathText(c, "line") }

// picks reads orders as views.QueuePage.Pick writes them: "7.2,9.1" is order 7 as of revision 2, then order 9. What is no
// pick, or comes again, is left out; a queue without orders is refused.
func picks(s string) (all []packaging.QueuePick) {
	for one := range strings.SplitSeq(s, ",") {
		id, revision, _ := strings.Cut(one, ".")
		order, err := strconv.ParseInt(id, 10, 64)
		if err != nil || slices.ContainsFunc(all, func(p packaging.QueuePick) bool { return p.Order == packaging.OrderID(order) }) {
			continue
		}
		n, err := strconv.ParseInt(revision, 10, 64)
		if err != nil {
			continue
		}
		all = append(all, packaging.QueuePick{Order: packaging.OrderID(order), Revision: n})
	}
	return all
}
