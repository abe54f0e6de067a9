package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	orderviews "lineboard/views/orders"
	"lineboard/views/shell"
)

const ordersAPage = 50

func (s *server) orders(c echo.Context) error {
	asOf := s.Hub.Now()
	ctx, in := c.Request().Context(), signedIn(c).Scope()
	f, err := s.cacheFrame(c, "orders", text.Say(pageContext(c), "title.orders"))
	if err != nil {
		return err
	}
	f.Live = s.live(f, asOf, packaging.OrdersTopic, packaging.SiteTopic)
	search := orderviews.OrderSearch{
		Text:   strings.TrimSpace(c.QueryParam("q")),
		Status: packaging.Status(c.QueryParam("status")),
		Line:   c.QueryParam("line"),
	}
	if len(search.Text) > longestText {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if scanned, err := gs1.Read(search.Text, s.Now()); err == nil && scanned.Pack.GTIN != "" {
		return c.Redirect(http.StatusSeeOther, string(shell.ScannedURL(search.Text)))
	}
	before, err := position(c, "before")
	if err != nil {
		return err
	}
	if search.Lines, err = s.Store.Lines(ctx, in); err != nil {
		return err
	}
	if search.Unknown, err = s.Store.UnknownLines(ctx, in); err != nil {
		return err
	}
	others, err := s.Store.OtherStatuses(ctx, in)
	if err != nil {
		return err
	}
	search.Statuses = slices.Concat(packaging.Statuses, others)
	filter := packaging.OrderFilter{
		Text: search.Text, Status: search.Status, NoLine: search.Line == shell.NoLine,
		Before: packaging.OrderID(before), Limit: ordersAPage,
	}
	if search.Line != "" && search.Line != shell.NoLine {
		switch line, err := s.Store.Line(ctx, in, search.Line); {
		case err == nil:
			filter.LineID = line.ID
		case packaging.CodeOf(err) != packaging.NotFound:
			return err
		default:
			if line, err = s.unknownLine(c, search.Line); err != nil {
				return err
			}
			filter.APILine, search.Adoptable = line.Code, &line
		}
	}
	if search.Page, err = s.Store.SearchOrders(ctx, in, filter); err != nil {
		return err
	}
	return render(c, http.StatusOK, shell.FullPage(f, orderviews.Orders(f, search)))
}

func (s *server) order(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	draw := func(ctx context.Context, reader packaging.Person) (part, error) {
		page, err := s.orderPage(ctx, reader, id)
		return part{
			title: shell.OrderID(page.Order.Key), line: page.Order.Line, topics: orderTopics(id),
			content: func(f shell.Frame) templ.Component { return orderviews.Order(f, page) },
		}, err
	}
	if ownNotes(c) {
		return s.showPart(c, http.StatusOK, "lines", draw)
	}
	if c.QueryParam("arm") == "" {
		return s.show(c, "lines", fmt.Sprintf("order %d", id), draw)
	}
	return s.showOrder(c, http.StatusOK, "")
}

// orderTopics are what an order's page depends on: it says as of when the order is.
func orderTopics(id packaging.OrderID) []packaging.Topic {
	return []packaging.Topic{packaging.OrderTopic(id), packaging.FreshTopic, packaging.SiteTopic}
}

const (
	previewSerials = 5
	storyShown     = 8
	storyMost      = 1000    // where all of it is asked for
	bodyShown      = 4 << 10 // bytes of an answer that could not be read
)

// showOrder renders the order of the path for one person: armed, or with a notice that says why what was just pressed did
// not happen.
func (s *server) showOrder(c echo.Context, status int, notice string) error {
	before := s.Hub.Now()
	ctx, p := c.Request().Context(), signedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	page, err := s.orderPage(ctx, p, id)
	if err != nil {
		return err
	}
	page.Armed, page.Notice = c.QueryParam("arm") != "" && notice == "", notice
	if page.Signing, err = s.signing(c, releaseToSign(page.Order)); err != nil {
		return err
	}
	f, err := s.cacheFrame(c, "lines", shell.OrderID(page.Order.Key))
	if err != nil {
		return err
	}
	f.Line, f.Live = page.Order.Line, s.live(f, before, orderTopics(id)...)
	return render(c, status, shell.FullPage(f, orderviews.Order(f, page)))
}

// orderPage reads all that is known about an order, as far as the reader may see it.
func (s *server) orderPage(ctx context.Context, reader packaging.Person, id packaging.OrderID) (page orderviews.OrderPage, err error) {
	in := reader.Scope()
	if page.Order, err = s.Store.Order(ctx, in, id); err != nil {
		return page, err
	}
	if page.Signed, err = s.releaseSignatures(ctx, page.Order); err != nil {
		return page, err
	}
	if page.Preview, err = s.Store.Serials(ctx, in, id, 0, previewSerials); err != nil {
		return page, err
	}
	if page.Story, page.MoreStory, err = s.story(ctx, reader, page.Order, storyShown); err != nil {
		return page, err
	}
	if page.Changed, err = s.Store.FirstChanges(ctx, in, id); err != nil {
		return page, err
	}
	if page.Choice, err = s.lineChoice(ctx, reader, page.Order); err != nil {
		return page, err
	}
	if page.Given, err = s.Store.ImportedFacts(ctx, in, id); err != nil {
		return page, err
	}
	if page.Notes, err = s.Store.OrderNotes(ctx, in, id, notesMost); err != nil {
		return page, err
	}
	raw, err := s.Store.OrderRaw(ctx, in, id)
	if err != nil {
		return page, err
	}
	page.Raw = readable([]byte(indented(raw)), bodyShown)
	if r := page.Order.Release; r != nil && r.Outcome == packaging.Unknown {
		// One byte more than is shown tells that there is more.
		body, err := s.Store.AnswerBody(ctx, in, r.ID, bodyShown+1)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return page, err
		}
		page.Body = readable(body, bodyShown)
	}
	return page, nil
}

// story is what happened to an order, as far as the person may see it: the latest of it, at most so much.
func (s *server) story(ctx context.Context, p packaging.Person, o packaging.Order, most int) (story []orderviews.Happening, more bool, err error) {
	events, err := s.Store.Timeline(ctx, p.Scope(), o.ID, most+1) // one more tells that there is more
	if err != nil {
		return nil, false, err
	}
	var history packaging.HistoryPage
	if p.May(packaging.ViewHistory) {
		if history, err = s.Store.History(ctx, p.Scope(), packaging.HistoryFilter{OrderKey: o.Key, Limit: most}); err != nil {
			return nil, false, err
		}
	}
	story, more = orderviews.Timeline(events, history.Entries, most)
	return story, more || history.Next != 0, nil
}

// wholeStory shows all of an order's timeline.
func (s *server) wholeStory(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	o, err := s.Store.Order(ctx, p.Scope(), id)
	if err != nil {
		return err
	}
	story, more, err := s.story(ctx, p, o, storyMost)
	if err != nil {
		return err
	}
	f, err := s.frame(c, "lines", shell.OrderID(o.Key)+" · "+text.Say(pageContext(c), "order.story"))
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, orderviews.WholeStory(f, orderviews.OrderPage{Order: o, Story: story, MoreStory: more}))
}

// indented lays JSON out for reading, and leaves alone what is not JSON.
func indented(raw string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(raw), "", "  ") != nil {
		return raw
	}
	return out.String()
}

// readable is the first bytes of a body as text, at most so many, with a mark where there are more.
func readable(body []byte, most int) string {
	if len(body) <= most {
		return strings.ToValidUTF8(string(body), "�")
	}
	end := most
	for end > 0 && !utf8.RuneStart(body[end]) {
		end--
	}
	return strings.ToValidUTF8(string(body[:end]), "�") + "…"
}

// release presses the button: once it is claimed, the release goes its way. Who waits long enough sees its result; the
// page shows it as under way until then.
func (s *server) release(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := orderID(c)
	if err != nil {
		return err
	}
	revision, err := formNumber(c, "revision")
	if err != nil {
		return err
	}
	press := packaging.Press{Order: id, Revision: revision}
	o, err := s.Store.Order(ctx, signedIn(c).Scope(), id)
	if err != nil {
		return err
	}
	if o.ReleaseObstacle() == packaging.NoObstacle { // else the claim says what stands in the way, whoever signs
		signed, refused, err := s.signatures(c, releaseToSign(o))
		if err != nil {
			return err
		}
		if refused.status != 0 {
			c.Set(signingKey, refused.why)
			return s.showOrder(c, refused.status, "")
		}
		press.Signed = signed
	}
	settled, err := s.Releaser.Release(ctx, signedIn(c), press)
	var coded *packaging.Error
	if errors.As(err, &coded) && coded.Code == packaging.Conflict {
		return s.showOrder(c, http.StatusConflict, text.Say(pageContext(c), coded.Key))
	}
	if err != nil {
		return err
	}
	patience := time.NewTimer(s.Patience)
	defer patience.Stop()
	select {
	case <-settled:
	case <-patience.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id))+"#release")
}

// backToOrder is for whom an answer to a press stands at the button's own address, and who reloads that.
func (s *server) backToOrder(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id)))
}

// orderID is our key of the order in the path. What is no key of ours names no order.
func orderID(c echo.Context) (packaging.OrderID, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return packaging.OrderID(id), nil
}

// position is where a page begins, 0 where the query does not say.
func position(c echo.Context, name string) (int64, error) { return whole(c.QueryParam(name)) }

// formNumber is a whole number of a form, 0 where it is not given.
func formNumber(c echo.Context, name string) (int64, error) { return whole(c.FormValue(name)) }

func whole(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return n, nil
}
