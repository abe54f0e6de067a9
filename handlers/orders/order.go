package orders

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

func (s *Server) Order(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	draw := func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		page, err := s.orderPage(ctx, reader, id)
		return web.Page{
			Title: shell.OrderID(page.Order.Key), Line: page.Order.Line, Topics: orderTopics(id),
			Content: func(f shell.Frame) templ.Component { return view.Order(f, page) },
		}, err
	}
	if showsOwnNotes(c) {
		return s.ShowUncached(c, http.StatusOK, "lines", draw)
	}
	if c.QueryParam("arm") == "" {
		return s.Show(c, "lines", fmt.Sprintf("order %d", id), draw)
	}
	return s.showOrder(c, http.StatusOK, "")
}

// orderTopics are what an order's page depends on: it says as of when the order is.
func orderTopics(id packaging.OrderID) []packaging.Topic {
	return []packaging.Topic{packaging.OrderTopic(id), packaging.FreshTopic, packaging.SiteTopic}
}

const (
	previewSerials = 5
	shownStory     = 8
	maxStory       = 1000    // where all of it is asked for
	maxShownBody   = 4 << 10 // bytes of an answer that could not be read
)

// showOrder renders the order of the path for one person: armed, or with a notice that says why what was just pressed did
// not happen.
func (s *Server) showOrder(c echo.Context, status int, notice string) error {
	before := s.Hub.Now()
	ctx, p := c.Request().Context(), web.SignedIn(c)
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
	f, err := s.FreshFrame(c, "lines", shell.OrderID(page.Order.Key))
	if err != nil {
		return err
	}
	f.Line, f.Live = page.Order.Line, s.Live(f, before, orderTopics(id)...)
	return web.Render(c, status, shell.FullPage(f, view.Order(f, page)))
}

// orderPage reads all that is known about an order, as far as the reader may see it.
func (s *Server) orderPage(ctx context.Context, reader packaging.Person, id packaging.OrderID) (page view.OrderPage, err error) {
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
	if page.Story, page.MoreStory, err = s.story(ctx, reader, page.Order, shownStory); err != nil {
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
	if page.Notes, err = s.Store.OrderNotes(ctx, in, id, maxBoardNotes); err != nil {
		return page, err
	}
	raw, err := s.Store.OrderRaw(ctx, in, id)
	if err != nil {
		return page, err
	}
	page.Raw = readable([]byte(indented(raw)), maxShownBody)
	if r := page.Order.Release; r != nil && r.Outcome == packaging.Unknown {
		// One byte more than is shown tells that there is more.
		body, err := s.Store.AnswerBody(ctx, in, r.ID, maxShownBody+1)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return page, err
		}
		page.Body = readable(body, maxShownBody)
	}
	return page, nil
}

// story is what happened to an order, as far as the person may see it: the latest of it, at most so much.
func (s *Server) story(ctx context.Context, p packaging.Person, o packaging.Order, most int) (story []view.Happening, more bool, err error) {
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
	story, more = view.Timeline(events, history.Entries, most)
	return story, more || history.Next != 0, nil
}

// Story shows all of an order's timeline.
func (s *Server) Story(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	o, err := s.Store.Order(ctx, p.Scope(), id)
	if err != nil {
		return err
	}
	story, more, err := s.story(ctx, p, o, maxStory)
	if err != nil {
		return err
	}
	f, err := s.Frame(c, "lines", shell.OrderID(o.Key)+" · "+text.Say(c.Request().Context(), "order.story"))
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.WholeStory(f, view.OrderPage{Order: o, Story: story, MoreStory: more}))
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

// orderID returns the key of the order in the path.
func orderID(c echo.Context) (packaging.OrderID, error) {
	return web.PathID[packaging.OrderID](c, "id")
}
