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
	picked := strings.Join(c.QueryParams()["pick"], ",") // a page of orders sends one for each
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
	key := fmt.Sprintf("queue %q %q", code, picked)
	return s.Show(c, "lines", key, func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		line, err := s.Store.Line(ctx, reader.Scope(), code)
		if err != nil {
			return web.Page{}, err
		}
		page, err := s.queuePage(ctx, reader, line, picked)
		return queueContent(ctx, page, http.StatusOK), err
	})
}

// queueContent returns the content of a queue's page.
func queueContent(ctx context.Context, page view.QueuePage, status int) web.Page {
	topics := lineTopics(page.Line)
	if page.Armed { // nothing can be released while the API is down
		topics = append(topics, packaging.FreshTopic)
	}
	return web.Page{
		Status: status, Title: page.Line.Name + " · " + text.Say(ctx, "queue.title"), Line: page.Line,
		Topics: topics, Content: func(f shell.Frame) templ.Component { return view.Queue(f, page) },
	}
}

// showQueue shows the queue's page for one person: armed, or with a notice that says why the last press had no
// effect.
func (s *Server) showQueue(c echo.Context, status int, line packaging.Line, picked, notice string) error {
	return s.ShowFresh(c, "lines", func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		page, err := s.queuePage(ctx, reader, line, picked)
		if err != nil {
			return web.Page{}, err
		}
		page.Armed, page.Notice = notice == "", notice
		var ids []packaging.OrderID
		for _, o := range page.Picked {
			ids = append(ids, o.ID)
		}
		if page.Given, err = s.Store.ImportedFactsOf(ctx, reader.Scope(), ids); err != nil {
			return web.Page{}, err
		}
		page.Signing, err = s.signing(c, queueToSign(reader, line, page.Picked))
		return queueContent(ctx, page, status), err
	})
}

// queuePage reads the line's latest queue, the picked orders, and those that could be picked.
func (s *Server) queuePage(
	ctx context.Context, reader packaging.Person, line packaging.Line, picked string,
) (page view.QueuePage, err error) {
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
	orders = slices.DeleteFunc(
		orders, func(o packaging.Order) bool { return o.ReleaseObstacle() != packaging.NoObstacle },
	)
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

// DiscardQueue gives up what the line's stopped queue has left.
func (s *Server) DiscardQueue(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	id, err := web.FormNumber(c, "queue")
	if err != nil {
		return err
	}
	err = s.Store.DiscardQueue(c.Request().Context(), web.SignedIn(c), line.ID, packaging.QueueID(id))
	if conflict := web.Conflict(c.Request().Context(), err); conflict != "" {
		return s.showQueue(c, http.StatusConflict, line, "", conflict)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.LineURL(line))
}

func (s *Server) afterQueue(c echo.Context, line packaging.Line, picked string, err error) error {
	if conflict := web.Conflict(c.Request().Context(), err); conflict != "" {
		return s.showQueue(c, http.StatusConflict, line, picked, conflict)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.QueueURL(line))
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

// picks reads orders as views.QueuePage.Pick writes them: "7.2,9.1" is order 7 as of revision 2, then order 9. What
// is no pick, or comes again, is left out; a queue without orders is refused.
func picks(s string) (all []packaging.QueuePick) {
	for one := range strings.SplitSeq(s, ",") {
		id, revision, _ := strings.Cut(one, ".")
		order, err := strconv.ParseInt(id, 10, 64)
		if err != nil ||
			slices.ContainsFunc(all, func(p packaging.QueuePick) bool { return p.Order == packaging.OrderID(order) }) {
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
