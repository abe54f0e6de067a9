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

const serialsPerPage = 100

// Serials shows the serial numbers of an order, page by page, or those that have a text.
func (s *Server) Serials(c echo.Context) error {
	ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
	id, err := orderID(c)
	if err != nil {
		return err
	}
	page := view.SerialsPage{Text: strings.TrimSpace(c.QueryParam("q"))}
	if page.After, err = web.QueryNumber(c, "after"); err != nil {
		return err
	}
	page.After = min(page.After, packaging.MaxSerials)
	if page.Order, err = s.Store.Order(ctx, in, id); err != nil {
		return err
	}
	f, err := s.Frame(c, "lines", shell.OrderID(page.Order.Key)+" · "+text.Say(c.Request().Context(), "serials.title"))
	if err != nil {
		return err
	}
	if page.Text == "" {
		page.Serials, err = s.Store.Serials(ctx, in, id, page.After, serialsPerPage+1)
	} else {
		page.Serials, err = s.Store.FindSerials(ctx, in, id, page.Text, page.After, serialsPerPage+1)
	}
	if err != nil {
		return err
	}
	if len(page.Serials) > serialsPerPage {
		page.Serials = page.Serials[:serialsPerPage]
		page.Next = page.Serials[serialsPerPage-1].Seq
	}
	return web.Render(c, http.StatusOK, view.Serials(f, page))
}

// SerialsCSV streams the list, its place and the serial as received in each row: programs take it, so that one which
// a spreadsheet would take for a formula stays as it is.
func (s *Server) SerialsCSV(c echo.Context) error {
	return s.exportSerials(c, "csv", func(w io.Writer, o packaging.Order) error {
		rows := web.NewCSV(w)
		if err := rows.Row("number", "serial"); err != nil {
			return err
		}
		ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
		if err := s.Store.EachSerial(ctx, in, o.ID, func(serial packaging.Serial) error {
			return rows.Row(strconv.FormatInt(serial.Seq, 10), serial.Value)
		}); err != nil {
			return err
		}
		return rows.Flush()
	})
}

// SerialsJSON streams the list with what it belongs to.
func (s *Server) SerialsJSON(c echo.Context) error {
	return s.exportSerials(c, "json", func(w io.Writer, o packaging.Order) error {
		head, err := json.Marshal(struct {
			OrderID string `json:"order_id"`
			GTIN    string `json:"gtin"`
			Lot     string `json:"lot"`
			Expiry  string `json:"expiry"`
			Count   int64  `json:"count"`
		}{o.Key, o.GTIN, o.Lot, o.Expiry, serialsOf(o)})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s,\"serials\":[", head[:len(head)-1]); err != nil {
			return err
		}
		between := ""
		ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
		if err := s.Store.EachSerial(ctx, in, o.ID, func(serial packaging.Serial) error {
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

func serialsOf(o packaging.Order) int64 {
	if o.Release == nil {
		return 0
	}
	return o.Release.Serials
}

// exportSerials records that the list of the order in the path is taken out, and streams it.
func (s *Server) exportSerials(c echo.Context, format string, write func(io.Writer, packaging.Order) error) error {
	p := web.SignedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	o, err := s.Store.Order(c.Request().Context(), p.Scope(), id)
	if err != nil {
		return err
	}
	if o.Release == nil || o.Release.List == packaging.NoList {
		return s.noList(c, o)
	}
	if err := s.Store.Record(c.Request().Context(), packaging.Entry{
		TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.Exported, Object: "serials." + format,
		OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	}); err != nil {
		return err
	}
	return s.StreamFile(c, fileName(o.Key)+"-serials."+format, func(w io.Writer) error { return write(w, o) })
}

// noList answers that no list of the order is here, which is no empty list, and what became of its release. The outcome is
// empty if no release from here is recorded.
func (s *Server) noList(c echo.Context, o packaging.Order) error {
	var outcome packaging.Outcome
	if o.Release != nil {
		outcome = o.Release.Says()
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
