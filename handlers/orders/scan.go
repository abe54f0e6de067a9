package orders

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
)

// Scan says which order a scanned pack is of.
func (s *Server) Scan(c echo.Context) error {
	f, err := s.Frame(c, "orders", text.Say(c.Request().Context(), "scan.title"))
	if err != nil {
		return err
	}
	var page view.ScanPage
	if code := c.QueryParam("line"); code != "" {
		if page.Line, err = s.Store.Line(c.Request().Context(), f.Person.Scope(), code); err != nil {
			return err
		}
	}
	if c.QueryParams().Has("code") {
		scan := gs1.Scan{
			Text: c.QueryParam("code"), Keys: c.QueryParam("keys"), CapsLock: gs1.CapsLock(c.QueryParam("caps")),
			Typed: c.QueryParam("typed") != "", Test: s.keyboardTest(c),
		}
		if page.Scanned, err = s.lookUp(c.Request().Context(), f.Person, scan); err != nil {
			return err
		}
		if err := s.keepKeyboardTest(c, scan.Test, page.Scanned.Verdict.Keyboard); err != nil {
			return err
		}
	}
	return web.Render(c, http.StatusOK, view.Scan(f, page))
}

// lookUp finds the pack of a scan among the serial numbers that the person may see.
func (s *Server) lookUp(ctx context.Context, p packaging.Person, scan gs1.Scan) (*view.Scanned, error) {
	reading := gs1.Read(scan, s.Now().In(p.Tenant.Location()))
	found, err := s.packs(ctx, p.Scope(), reading.IDs())
	if err != nil {
		return nil, err
	}
	listed := map[gs1.ID][]gs1.Listed{}
	for id, places := range found {
		for _, place := range places {
			listed[id] = append(listed[id], place.Listed())
		}
	}
	scanned := &view.Scanned{Text: scan.Text, Reading: reading, Found: found, Verdict: gs1.Decide(reading, listed)}
	if scanned.Verdict.Kind == gs1.Unreadable && reading.Plain() != "" {
		return scanned, s.lookUpOther(ctx, p.Scope(), reading.Plain(), scanned)
	}
	return scanned, nil
}

// lookUpOther finds what a scan is if it is no pack: a serial number alone, or the ID of an order.
func (s *Server) lookUpOther(ctx context.Context, in packaging.Scope, plain string, scanned *view.Scanned) (err error) {
	if len(plain) > web.MaxSearchText {
		return nil
	}
	scanned.SerialOf, err = s.Store.OrdersOfSerial(ctx, in, plain, view.MaxOrdersOfSerial+1)
	if err != nil {
		return err
	}
	page, err := s.Store.SearchOrders(ctx, in, packaging.OrderFilter{Text: plain, Limit: ordersPerPage})
	if err != nil {
		return err
	}
	s.markUncopied(scanned.SerialOf)
	s.markUncopied(page.Orders)
	for _, o := range page.Orders {
		if o.Key == plain {
			scanned.OrderID = &o
		}
	}
	return nil
}

// packs returns the places of packs in the lists of orders.
func (s *Server) packs(
	ctx context.Context, in packaging.Scope, ids []gs1.ID,
) (found map[gs1.ID][]view.FoundPack, err error) {
	var asked []packaging.PackID
	for _, id := range ids {
		for _, gtin := range packaging.GTINSpellings(id.GTIN) {
			asked = append(asked, packaging.PackID{GTIN: gtin, Serial: id.Serial})
		}
	}
	places, err := s.Store.FindPacks(ctx, in, asked)
	if err != nil {
		return nil, err
	}
	found = map[gs1.ID][]view.FoundPack{}
	orders := map[packaging.OrderID]packaging.Order{}
	for _, place := range places {
		o, ok := orders[place.Order]
		if !ok {
			if o, err = s.Store.Order(ctx, in, place.Order); err != nil {
				return nil, err
			}
			s.markUncopied([]packaging.Order{o})
			orders[place.Order] = o
		}
		id := gs1.ID{GTIN: packaging.GTINSpellings(place.GTIN)[0], Serial: place.Serial}
		found[id] = append(found[id], view.FoundPack{PackFound: place, Of: o})
	}
	return found, nil
}
