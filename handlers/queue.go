package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	orderviews "lineboard/views/orders"
	"lineboard/views/shell"
)

// queue shows the line's latest queue, and lets a person pick the orders of a next one.
func (s *server) queue(c echo.Context) error {
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
	return s.show(c, "lines", fmt.Sprintf("queue %q %q", code, picked), func(ctx context.Context, reader packaging.Person) (part, error) {
		line, err := s.Store.Line(ctx, reader.Scope(), code)
		if err != nil {
			return part{}, err
		}
		page, err := s.queuePage(ctx, reader, line, picked)
		return part{
			title: queueTitle(ctx, line), line: line, topics: lineTopics(line),
			content: func(f shell.Frame) templ.Component { return orderviews.Queue(f, page) },
		}, err
	})
}

func queueTitle(ctx context.Context, l packaging.Line) string {
	return l.Name + " · " + text.Say(ctx, "queue.title")
}

// showQueue shows the queue's page for one person: armed, or with a notice that says why what was just pressed did not
// happen.
func (s *server) showQueue(c echo.Context, status int, line packaging.Line, picked, notice string) error {
	before := s.Hub.Now()
	f, err := s.cacheFrame(c, "lines", queueTitle(pageContext(c), line))
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
	f.Line, f.Live = line, s.live(f, before, lineTopics(line)...)
	return render(c, status, shell.FullPage(f, orderviews.Queue(f, page)))
}

func (s *server) queuePage(ctx context.Context, reader packaging.Person, line packaging.Line, picked string) (page orderviews.QueuePage, err error) {
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
	orders, err := s.Store.LineOrders(ctx, reader.Scope(), line.ID, boardMost)
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

// startQueue releases the picked orders one at a time.
func (s *server) startQueue(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	ctx, p, picked := c.Request().Context(), signedIn(c), c.FormValue("pick")
	page, err := s.queuePage(ctx, p, line, picked)
	if err != nil {
		return err
	}
	var signed []packaging.Signature
	if len(page.Picked) == len(picks(picked)) { // else the store says what stands in the way, whoever signs
		var refused refusal
		if signed, refused, err = s.signatures(c, queueToSign(p, line, page.Picked)); err != nil {
			return err
		}
		if refused.status != 0 {
			c.Set(signingKey, refused.why)
			return s.showQueue(c, refused.status, line, picked, "")
		}
	}
	return s.afterQueue(c, line, picked, s.Queuer.Start(ctx, p, line.ID, picks(picked), signed...))
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
		return s.showQueue(c, http.StatusConflict, line, picked, text.Say(pageContext(c), coded.Key))
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.QueueURL(line)))
}

// lineOf is the line of the path.
func (s *server) lineOf(c echo.Context) (packaging.Line, error) {
	code, err := lineCode(c)
	if err != nil {
		return packaging.Line{}, err
	}
	return s.Store.Line(c.Request().Context(), signedIn(c).Scope(), code)
}

// lineCode is the code of the line of the path.
func lineCode(c echo.Context) (string, error) {
	code, err := url.PathUnescape(c.Param("line"))
	if err != nil {
		return "", packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	return code, nil
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
