package orders

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// Serials on a page, and on one that has as many as a browser prints.
const (
	serialsPerPage = 100
	serialsOnOne   = 10_000
)

// Serials shows the serial numbers of an order, page by page, or those that have a text.
func (s *Server) Serials(c echo.Context) error {
	ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
	id, err := orderID(c)
	if err != nil {
		return err
	}
	page := view.SerialsPage{Text: strings.TrimSpace(c.QueryParam("q"))}
	page.All = page.Text == "" && c.QueryParam("all") != ""
	if page.After, err = web.QueryNumber(c, "after"); err != nil {
		return err
	}
	page.After = min(page.After, packaging.MaxSerials)
	if page.Order, err = s.Store.Order(ctx, in, id); err != nil {
		return err
	}
	if page.Release, page.Count, err = s.asked(c, page.Order); err != nil {
		return err
	}
	list := page.Order.ShownList()
	if page.Release != nil {
		list = packaging.ListOf(id, page.Release.Round)
	}
	f, err := s.Frame(c, "lines", shell.OrderID(page.Order.Key)+" · "+text.Say(c.Request().Context(), "serials.title"))
	if err != nil {
		return err
	}
	limit := serialsPerPage
	if page.All {
		limit = serialsOnOne
	}
	if page.Text == "" {
		page.Serials, err = s.Store.Serials(ctx, in, list, page.After, limit+1)
	} else {
		page.Serials, err = s.Store.FindSerials(ctx, in, list, page.Text, page.After, limit+1)
	}
	if err != nil {
		return err
	}
	if len(page.Serials) > limit {
		page.Serials = page.Serials[:limit]
		page.Next = page.Serials[limit-1].Seq
	}
	if err := s.fillOdd(ctx, in, &page, c.QueryParam("odd") != ""); err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.Serials(f, page))
}

// SerialsTable sends the list, its place and the serial number as received in each row. No form alters one: in CSV, a
// serial number that a spreadsheet takes for a formula or a number stays as it is; in XLSX, it is a text.
func (s *Server) SerialsTable(c echo.Context) error {
	o, r, err := s.exportedList(c)
	if err != nil || c.Response().Committed {
		return err
	}
	_, kind := web.FileName(c)
	return s.SendTable(c, serialsFile(o), []string{"number", "serial"}, func(row func(...string) error) error {
		ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
		return s.Store.EachSerial(ctx, in, packaging.ListOf(o.ID, r.Round), func(serial packaging.Serial) error {
			if kind == "xlsx" && !web.FitsCell(serial.Value) {
				return packaging.Fail(packaging.Conflict, "error.serial_not_in_xlsx")
			}
			return row(strconv.FormatInt(serial.Seq, 10), serial.Value)
		})
	})
}

// SerialsJSON streams the list with what it belongs to.
func (s *Server) SerialsJSON(c echo.Context) error {
	o, r, err := s.exportedList(c)
	if err != nil || c.Response().Committed {
		return err
	}
	return s.StreamFile(c, serialsFile(o)+".json", func(w io.Writer) error {
		head, err := json.Marshal(struct {
			OrderID string `json:"order_id"`
			GTIN    string `json:"gtin"`
			Lot     string `json:"lot"`
			Expiry  string `json:"expiry"`
			Count   int64  `json:"count"`
			Release int    `json:"release"` // its number among those of the order
		}{o.Key, o.GTIN, o.Lot, o.Expiry, r.Serials, r.Number()})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s,\"serials\":[", head[:len(head)-1]); err != nil {
			return err
		}
		between := ""
		ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
		if err := s.Store.EachSerial(ctx, in, packaging.ListOf(o.ID, r.Round), func(serial packaging.Serial) error {
			value, err := json.Marshal(serial.Value)
			if err == nil {
				_, err = fmt.Fprintf(w, "%s%s", between, value)
			}
			between = ","
			return err
		}); err != nil {
			return err
		}
		_, err = io.WriteString(w, "]}\n")
		return err
	})
}

// asked returns the release whose list is asked for, and how many of the order's releases have a number. It is the one
// with the number of the query, else the latest that was not refused; nil if no release is recorded. NotFound if no
// release has the number.
func (s *Server) asked(c echo.Context, o packaging.Order) (r *packaging.Release, count int, err error) {
	number, err := web.QueryNumber(c, "release")
	if err != nil || o.Release == nil {
		return nil, 0, err
	}
	all := []packaging.Release{*o.Release}
	if o.Release.Round > 0 {
		earlier, err := s.Store.EarlierReleases(c.Request().Context(), web.SignedIn(c).Scope(), o.ID)
		if err != nil {
			return nil, 0, err
		}
		if o.Release.Outcome == packaging.Refused { // it has no list, and its number is the next one's
			all = earlier
		} else {
			all = append(earlier, all...)
		}
	}
	if number == 0 {
		return &all[len(all)-1], len(all), nil
	}
	for i := range all {
		if int64(all[i].Number()) == number {
			return &all[i], len(all), nil
		}
	}
	return nil, 0, packaging.Fail(packaging.NotFound, "error.not_found")
}

// exportedList returns the order of the path and the release whose list is asked for, and records that its list is
// taken out. If no list is here, it answers the request with that.
func (s *Server) exportedList(c echo.Context) (o packaging.Order, r *packaging.Release, err error) {
	p := web.SignedIn(c)
	id, err := orderID(c)
	if err != nil {
		return o, nil, err
	}
	if o, err = s.Store.Order(c.Request().Context(), p.Scope(), id); err != nil {
		return o, nil, err
	}
	if r, _, err = s.asked(c, o); err != nil {
		return o, nil, err
	}
	if r == nil || r.List == packaging.NoList {
		return o, nil, s.noList(c, o, r)
	}
	table, kind := web.FileName(c)
	return o, r, s.Store.Record(c.Request().Context(), packaging.Entry{
		TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.Exported, Object: table + "." + kind,
		OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	})
}

// serialsFile is the name of a file with the list of an order, without its ending.
func serialsFile(o packaging.Order) string { return fileName(o.Key) + "-serials" }

// noList answers that no list of the order is here, which is no empty list, and what became of its release. The outcome
// is empty if no release from here is recorded.
func (s *Server) noList(c echo.Context, o packaging.Order, r *packaging.Release) error {
	var outcome packaging.Outcome
	if r != nil {
		outcome = r.Says()
	}
	return c.JSON(http.StatusConflict, struct {
		OrderID string            `json:"order_id"`
		Outcome packaging.Outcome `json:"outcome"`
		Message string            `json:"message"`
	}{o.Key, outcome, text.Say(c.Request().Context(), "serials.not_here")})
}

// fileName is an order ID as part of a file's name.
func fileName(key string) string {
	name := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, key))
	return string(name[:min(len(name), 80)])
}
