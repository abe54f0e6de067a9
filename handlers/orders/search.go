package orders

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

const ordersPerPage = 50

// Search lists orders by text, status and line. A scanned pack leads to its own page.
func (s *Server) Search(c echo.Context) error {
	search := view.OrderSearch{
		Text:   strings.TrimSpace(c.QueryParam("q")),
		Status: packaging.Status(c.QueryParam("status")),
		Line:   c.QueryParam("line"),
	}
	if len(search.Text) > web.MaxSearchText {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if len(gs1.Read(gs1.Scan{Text: search.Text}, s.Now()).IDs()) > 0 {
		return web.SeeOther(c, shell.ScannedURL(search.Text))
	}
	before, err := web.QueryNumber(c, "before")
	if err != nil {
		return err
	}
	search.Before = packaging.OrderID(before)
	key := fmt.Sprintf("orders %q %q %q %d", search.Text, search.Status, search.Line, before)
	return s.Show(c, "orders", key, func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		err := s.fillSearch(ctx, reader.Scope(), &search)
		return web.Page{
			Title: text.Say(ctx, "title.orders"), Topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
			Content: func(f shell.Frame) templ.Component { return view.Orders(f, search) },
		}, err
	})
}

// fillSearch reads what can be searched by, and the orders that were found.
func (s *Server) fillSearch(ctx context.Context, in packaging.Scope, search *view.OrderSearch) (err error) {
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
		Text:   search.Text,
		Status: search.Status,
		NoLine: search.Line == shell.NoLine,
		Before: search.Before,
		Limit:  ordersPerPage,
	}
	if search.Status == shell.Withdrawn {
		filter.Status, filter.Withdrawn = "", true
	}
	if search.Line != "" && !filter.NoLine {
		if err := s.searchLine(ctx, in, search, &filter); err != nil {
			return err
		}
	}
	search.Page, err = s.Store.SearchOrders(ctx, in, filter)
	return err
}

// searchLine narrows the filter to a line that is set up here, or to one that only the API names.
func (s *Server) searchLine(
	ctx context.Context, in packaging.Scope, search *view.OrderSearch, filter *packaging.OrderFilter,
) error {
	line, err := s.Store.Line(ctx, in, search.Line)
	if packaging.CodeOf(err) != packaging.NotFound {
		filter.LineID = line.ID
		return err
	}
	if line, err = s.unknownLine(ctx, in, search.Line); err != nil {
		return err
	}
	filter.APILine, search.Adoptable = line.Code, &line
	return nil
}
