package orders

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// ShowSerial shows a serial number of an order as a barcode, to try camera and scanner before the line begins. It
// answers the press itself: a page that is loaded again shows nothing.
func (s *Server) ShowSerial(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	o, err := s.Store.Order(ctx, p.Scope(), id)
	if err != nil {
		return err
	}
	if c.FormValue("not_begun") != "yes" {
		return packaging.Fail(packaging.Invalid, "error.line_not_stated")
	}
	pack, place, err := s.shownPack(c, o)
	if err != nil {
		return err
	}
	symbol, err := gs1.Draw(pack)
	if err != nil {
		return packaging.Fail(packaging.Conflict, "error.no_barcode").Because(err)
	}
	if err := s.Store.ShowSerial(ctx, p, o.List(), place); err != nil {
		return err
	}
	f, err := s.Frame(c, "lines", shell.OrderID(o.Key)+" · "+text.Say(ctx, "shown.title"))
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.ShownSerial(f, o, pack, symbol))
}

// shownPack returns the pack whose serial number is shown: the one that was shown before, or else the last of the list,
// which the line takes last.
func (s *Server) shownPack(c echo.Context, o packaging.Order) (pack gs1.Pack, place int64, err error) {
	ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
	if place, err = s.Store.ShownPlace(ctx, in, o.List()); err != nil {
		return pack, 0, err
	}
	if place == 0 {
		if o.Release == nil || o.Release.Serials == 0 {
			return pack, 0, packaging.Fail(packaging.Conflict, "error.no_list")
		}
		place = o.Release.Serials
	}
	serials, err := s.Store.Serials(ctx, in, o.List(), place-1, 1)
	if err != nil || len(serials) == 0 {
		return pack, 0, errors.Join(err, packaging.Fail(packaging.Conflict, "error.no_list"))
	}
	return gs1.Pack{GTIN: o.GTIN, Expiry: o.Expiry, Lot: o.Lot, Serial: serials[0].Value}, place, nil
}

// BackToSerials redirects a GET of a POST-only address to the serial numbers.
func (s *Server) BackToSerials(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.OrderURL(id)+"/serials")
}
