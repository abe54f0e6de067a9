package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"

	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	orderviews "lineboard/views/orders"
)

// PackStore finds packs by what is printed on them.
type PackStore interface {
	FindPacks(ctx context.Context, in packaging.Scope, gtins, serials []string) ([]packaging.PackFound, error)
}

// scan says which order a scanned pack is of.
func (s *server) scan(c echo.Context) error {
	f, err := s.frame(c, "orders", text.Say(pageContext(c), "scan.title"))
	if err != nil {
		return err
	}
	var page orderviews.ScanPage
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
	return render(c, http.StatusOK, orderviews.Scan(f, page))
}

// lookUp finds the pack of a scan among the serial numbers that the person may see.
func (s *server) lookUp(ctx context.Context, p packaging.Person, code string) (*orderviews.Scanned, error) {
	reading, err := gs1.Read(code, s.Now().In(p.Tenant.Location()))
	scanned := &orderviews.Scanned{Text: code, Pack: reading.Pack}
	if errors.As(err, &scanned.Fault) {
		return scanned, nil
	}
	if scanned.Found, err = s.packs(ctx, p, reading.Pack); err != nil || len(scanned.Found) > 0 {
		return scanned, err
	}
	// Where no separator came, only a pack of which all is known may be taken for the one, and only where it is the only one.
	var candidates []orderviews.Scanned
	for _, other := range reading.Others {
		found, err := s.packs(ctx, p, other)
		if err != nil {
			return nil, err
		}
		if len(found) == 1 && found[0].Serial == other.Serial && len(orderviews.Differences(other, found[0].Of)) == 0 {
			candidates = append(candidates, orderviews.Scanned{Text: code, Pack: other, Found: found, Recovered: true})
		}
	}
	if len(candidates) == 1 {
		return &candidates[0], nil
	}
	scanned.NoSeparator = len(reading.Others) > 0
	return scanned, nil
}

// packs are the places of a pack in the lists of orders. A keyboard with Caps Lock on turns upper and lower case over, so
// these are looked for as well; what was scanned as it is comes first.
func (s *server) packs(ctx context.Context, p packaging.Person, pack gs1.Pack) (all []orderviews.FoundPack, err error) {
	if pack.GTIN == "" {
		return nil, nil
	}
	for _, serials := range [][]string{{pack.Serial}, {turnedOver(pack.Serial), strings.ToUpper(pack.Serial), strings.ToLower(pack.Serial)}} {
		places, err := s.Store.FindPacks(ctx, p.Scope(), gs1.GTINs(pack.GTIN), serials)
		if err != nil {
			return nil, err
		}
		for _, place := range places {
			o, err := s.Store.Order(ctx, p.Scope(), place.Order)
			if err != nil {
				return nil, err
			}
			all = append(all, orderviews.FoundPack{PackFound: place, Of: o})
		}
		if len(all) > 0 {
			break
		}
	}
	return all, nil
}

// turnedOver has small letters for capitals, and capitals for small letters.
func turnedOver(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}
