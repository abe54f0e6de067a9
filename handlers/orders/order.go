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

// Order shows an order: its facts, its release and its timeline.
func (s *Server) Order(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	draw := func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		page, err := s.orderPage(ctx, reader, id)
		return orderContent(page, http.StatusOK), err
	}
	if c.QueryParam("arm") != "" || c.QueryParam("again") != "" || c.QueryParam("settle") != "" {
		return s.showOrder(c, http.StatusOK, "")
	}
	return s.Show(c, "lines", fmt.Sprintf("order %d", id), draw)
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

// showOrder renders the order of the path for one person: armed, or with a notice that says why the last press had no
// effect.
func (s *Server) showOrder(c echo.Context, status int, notice string) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	return s.ShowFresh(c, "lines", func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		page, err := s.orderPage(ctx, reader, id)
		if err != nil {
			return web.Page{}, err
		}
		ready, again := notice == "", page.Order.AgainObstacle() == packaging.NoObstacle
		page.Armed, page.Notice = c.QueryParam("arm") != "" && ready && !again, notice
		page.Again = c.QueryParam("again") != "" && ready && again
		page.Settling = c.QueryParam("settle") != "" && ready && page.Order.MayBeSettledByWord()
		page.Words = view.Words{Ruling: packaging.Ruling(c.FormValue("ruling")), Why: c.FormValue("why")}
		page.Words.Problem, _ = c.Get(wordsKey).(string)
		page.Signing, err = s.signing(c, toSign(page))
		return orderContent(page, status), err
	})
}

// toSign is what the form of an order's page signs.
func toSign(page view.OrderPage) signable {
	switch {
	case page.Again:
		return againToSign(page.Order)
	case page.Settling:
		return wordToSign(page.Order)
	}
	return releaseToSign(page.Order)
}

// orderContent returns the content of an order's page.
func orderContent(page view.OrderPage, status int) web.Page {
	return web.Page{
		Status: status, Title: shell.OrderID(page.Order.Key), Line: page.Order.Line, Topics: orderTopics(page.Order.ID),
		Personal: authors(page.Notes),
		Content:  func(f shell.Frame) templ.Component { return view.Order(f, page) },
	}
}

// orderPage reads all that is known about an order, as far as the reader may see it, as of one moment.
func (s *Server) orderPage(
	ctx context.Context, reader packaging.Person, id packaging.OrderID,
) (page view.OrderPage, err error) {
	v, err := s.Store.OrderView(ctx, reader, id, packaging.OrderViewLimits{
		Serials: previewSerials, Events: shownStory + 1, Entries: shownStory, Notes: maxBoardNotes,
		AnswerBytes: maxShownBody + 1, // one more than is shown tells that there is more
	})
	if err != nil {
		return page, err
	}
	s.markUncopied([]packaging.Order{v.Order})
	page = view.OrderPage{
		Order: v.Order, Signed: v.Signatures, Preview: v.Serials, Changed: v.FirstChanges, Given: v.Imported,
		Deliveries: v.Deliveries, Undelivered: v.Undelivered,
		Notes: v.Notes, Kept: v.Kept, Lost: v.Lost, Earlier: v.Earlier, BackSince: v.BackSince,
		Raw: readable([]byte(indented(v.Raw)), maxShownBody), Body: readable(v.Answer, maxShownBody),
		Choice: view.LineChoice{Offered: reader.MaySetLine(v.Order), Lines: v.Lines, Unknown: v.UnknownLines},
	}
	page.Story, page.MoreStory = view.Timeline(v.Events, v.History.Entries, shownStory)
	page.MoreStory = page.MoreStory || v.History.Next != 0
	return page, nil
}

// Story shows all of an order's timeline.
func (s *Server) Story(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	v, err := s.Store.OrderView(ctx, p, id, packaging.OrderViewLimits{Events: maxStory + 1, Entries: maxStory})
	if err != nil {
		return err
	}
	f, err := s.Frame(c, "lines", shell.OrderID(v.Order.Key)+" · "+text.Say(ctx, "order.story"))
	if err != nil {
		return err
	}
	page := view.OrderPage{Order: v.Order}
	page.Story, page.MoreStory = view.Timeline(v.Events, v.History.Entries, maxStory)
	page.MoreStory = page.MoreStory || v.History.Next != 0
	return web.Render(c, http.StatusOK, view.WholeStory(f, page))
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
