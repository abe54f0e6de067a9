package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views"
)

// queue shows the line's latest queue, and lets a person pick the orders of a next one.
func (s *server) queue(c echo.Context) error {
	return s.showQueue(c, http.StatusOK, c.QueryParam("pick"), "")
}

func (s *server) showQueue(c echo.Context, status int, picked, notice string) error {
	ctx, p := c.Request().Context(), signedIn(c)
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	f, err := s.cacheFrame(c, "lines", line.Name+" · "+text.Say(pageContext(c), "queue.title"))
	if err != nil {
		return err
	}
	f.Hint = "queue"
	page := views.QueuePage{Line: line, Notice: notice, Armed: c.QueryParam("arm") != "" && notice == ""}
	q, err := s.Store.Queue(ctx, p.Scope(), line.ID)
	switch {
	case err == nil:
		page.Latest = &q
	case packaging.CodeOf(err) != packaging.NotFound:
		return err
	}
	rules, err := s.Store.Rules(ctx, p.Tenant.ID)
	if err != nil {
		return err
	}
	page.Signed = rules.SignReleases
	orders, err := s.Store.LineOrders(ctx, p.Scope(), line.ID, boardMost)
	if err != nil {
		return err
	}
	orders = slices.DeleteFunc(orders, func(o packaging.Order) bool { return o.ReleaseObstacle() != packaging.NoObstacle })
	for _, pick := range picks(picked) {
		if i := slices.IndexFunc(orders, func(o packaging.Order) bool { return o.ID == pick.Order }); i >= 0 {
			page.Picked = append(page.Picked, orders[i])
			orders = slices.Delete(orders, i, i+1)
		}
	}
	page.Waiting = orders
	return render(c, status, views.Queue(f, page))
}

// startQueue releases the picked orders one at a time.
func (s *server) startQueue(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	picked := c.FormValue("pick")
	err = s.Queuer.Start(c.Request().Context(), signedIn(c), line.ID, picks(picked))
	return s.afterQueue(c, line, picked, err)
}

// stopQueue ends the line's queue after the release that is under way.
func (s *server) stopQueue(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	return s.afterQueue(c, line, "", s.Queuer.Stop(c.Request().Context(), signedIn(c), line.ID))
}

func (s *server) afterQueue(c echo.Context, line packaging.Line, picked string, err error) error {
	var coded *packaging.Error
	if errors.As(err, &coded) && coded.Code == packaging.Conflict {
		return s.showQueue(c, http.StatusConflict, picked, text.Say(pageContext(c), coded.Key))
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(views.QueueURL(line)))
}

// lineOf is the line of the path.
func (s *server) lineOf(c echo.Context) (packaging.Line, error) {
	code, err := url.PathUnescape(c.Param("line"))
	if err != nil {
		return packaging.Line{}, packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	return s.Store.Line(c.Request().Context(), signedIn(c).Scope(), code)
}

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
