package orders

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

const ordersPerPage = 50

func (s *Server) Search(c echo.Context) error {
	asOf := s.Hub.Now()
	ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
	f, err := s.FreshFrame(c, "orders", text.Say(c.Request().Context(), "title.orders"))
	if err != nil {
		return err
	}
	f.Live = s.Live(f, asOf, packaging.OrdersTopic, packaging.SiteTopic)
	search := view.OrderSearch{
		Text:   strings.TrimSpace(c.QueryParam("q")),
		Status: packaging.Status(c.QueryParam("status")),
		Line:   c.QueryParam("line"),
	}
	if len(search.Text) > web.MaxSearchText {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if scanned, err := gs1.Read(search.Text, s.Now()); err == nil && scanned.Pack.GTIN != "" {
		return c.Redirect(http.StatusSeeOther, string(shell.ScannedURL(search.Text)))
	}
	before, err := web.QueryNumber(c, "before")
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
		Before: packaging.OrderID(before), Limit: ordersPerPage,
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
	return web.Render(c, http.StatusOK, shell.FullPage(f, view.Orders(f, search)))
}
