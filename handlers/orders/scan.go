package orders

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"

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
		if page.Scanned, err = s.lookUp(c.Request().Context(), f.Person, c.QueryParam("code")); err != nil {
			return err
		}
	}
	return web.Render(c, http.StatusOK, view.Scan(f, page))
}

// lookUp finds the pack of a scan among the serial numbers that the person may see.
func (s *Server) lookUp(ctx context.Context, p packaging.Person, code string) (*view.Scanned, error) {
	reading, err := gs1.Read(code, s.Now().In(p.Tenant.Location()))
	scanned := &view.Scanned{Text: code, Pack: reading.Pack}
	if errors.As(err, &scanned.Fault) {
		return scanned, nil
	}
	if scanned.Found, err = s.packs(ctx, p, reading.Pack); err != nil || len(scanned.Found) > 0 {
		return scanned, err
	}
	// Where no separator came, only a pack of which all is known may be taken for the one, and only where it is the
	// only one.
	var candidates []view.Scanned
	for _, other := range reading.Others {
		found, err := s.packs(ctx, p, other)
		if err != nil {
			return nil, err
		}
		if len(found) == 1 && found[0].Serial == other.Serial && len(view.Differences(other, found[0].Of)) == 0 {
			candidates = append(candidates, view.Scanned{Text: code, Pack: other, Found: found, Recovered: true})
		}
	}
	if len(candidates) == 1 {
		return &candidates[0], nil
	}
	scanned.NoSeparator = len(reading.Others) > 0
	return scanned, nil
}

// packs are the places of a pack in the lists of orders. A keyboard with Caps Lock on turns upper and lower case
// over, so these are looked for as well; what was scanned as it is comes first.
func (s *Server) packs(ctx context.Context, p packaging.Person, pack gs1.Pack) (all []view.FoundPack, err error) {
	if pack.GTIN == "" {
		return nil, nil
	}
	otherCase := []string{swapCase(pack.Serial), strings.ToUpper(pack.Serial), strings.ToLower(pack.Serial)}
	for _, serials := range [][]string{{pack.Serial}, otherCase} {
		places, err := s.Store.FindPacks(ctx, p.Scope(), gs1.GTINs(pack.GTIN), serials)
		if err != nil {
			return nil, err
		}
		for _, place := range places {
			o, err := s.Store.Order(ctx, p.Scope(), place.Order)
			if err != nil {
				return nil, err
			}
			all = append(all, view.FoundPack{PackFound: place, Of: o})
		}
		if len(all) > 0 {
			break
		}
	}
	return all, nil
}

// swapCase has small letters for capitals, and capitals for small letters.
func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}
