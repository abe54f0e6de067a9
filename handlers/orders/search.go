package orders

import (
	"context"
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
	search, err := searchOf(c)
	if err != nil {
		return err
	}
	if len(gs1.Read(gs1.Scan{Text: search.Text}, s.Now()).IDs()) > 0 {
		return web.SeeOther(c, shell.ScannedURL(search.Text))
	}
	key := string(shell.OrdersURL(search.OrderQuery))
	return s.Show(c, "orders", key, func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		err := s.fillSearch(ctx, reader.Scope(), &search)
		return web.Page{
			Title: text.Say(ctx, "title.orders"), Topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
			Content: func(f shell.Frame) templ.Component { return view.Orders(f, search) },
		}, err
	})
}

// searchOf returns what a request searches for, with nothing found yet.
func searchOf(c echo.Context) (search view.OrderSearch, err error) {
	search.OrderQuery = shell.OrderQuery{
		Text:   strings.TrimSpace(c.QueryParam("q")),
		Status: packaging.Status(c.QueryParam("status")),
		Line:   c.QueryParam("line"),
		Sort:   c.QueryParam("sort"),
	}
	before, err := web.QueryNumber(c, "before")
	if err != nil {
		return search, err
	}
	search.Before = packaging.OrderID(before)
	known := true
	if search.Sorted = firstSort(search.OrderQuery); search.Sort != "" {
		search.Sorted, known = shell.SortOf(search.Sort)
	}
	if len(search.Text) > web.MaxSearchText || !known {
		return search, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return search, nil
}

// firstSort returns the order in which a search comes before a person chooses one: what needs a person is first, and
// what is looked for by words, or needs nobody, begins with the newest.
func firstSort(q shell.OrderQuery) packaging.OrderSort {
	if q.Text != "" || q.Status != "" && q.Status != packaging.PendingRelease {
		return packaging.OrderSort{By: packaging.SortByArrival}
	}
	return packaging.OrderSort{By: packaging.SortByStatus}
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
		Sort:   search.Sorted,
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
	if search.Text == "" {
		if search.Counts, err = s.Store.CountOrders(ctx, in, filter.OfAnyStatus()); err != nil {
			return err
		}
	}
	search.Page, err = s.Store.SearchOrders(ctx, in, filter)
	s.markUncopied(search.Page.Orders)
	return err
}

// searchLine narrows the filter to a line that is set up here, or to one that only the API names.
func (s *Server) searchLine(
	ctx context.Context, in packaging.Scope, search *view.OrderSearch, filter *packaging.OrderFilter,
) error {
	line, err := s.Store.Line(ctx, in, search.Line)
	if packaging.CodeOf(err) != packaging.NotFound {
		filter.LineID, search.Chosen = line.ID, line
		return err
	}
	if line, err = s.unknownLine(ctx, in, search.Line); err != nil {
		return err
	}
	filter.APILine, search.Adoptable = line.Code, &line
	return nil
}
