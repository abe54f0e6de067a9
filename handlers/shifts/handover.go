package shifts

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/shifts"
)

// Handover shows what is open in a shift, or how it was handed over.
func (s *Server) Handover(c echo.Context) error { return s.showHandover(c, http.StatusOK, "") }

func (s *Server) showHandover(c echo.Context, status int, problem string) error {
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	return s.ShowFresh(c, "shifts", func(ctx context.Context, p packaging.Person) (web.Page, error) {
		page := view.HandoverPage{Occurrence: o, Problem: problem, Remarks: c.FormValue("remarks")}
		err := s.fillHandover(ctx, p, &page)
		return web.Page{
			Status: status, Title: text.Say(ctx, "handover.title") + " · " + shell.ShiftTitle(ctx, o),
			Topics:  []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
			Content: func(f shell.Frame) templ.Component { return view.Handover(f, page) },
		}, err
	})
}

// fillHandover reads how the shift was handed over, or what would be handed over now.
func (s *Server) fillHandover(ctx context.Context, p packaging.Person, page *view.HandoverPage) error {
	h, err := s.Store.Handover(ctx, p.Scope(), page.Occurrence)
	var shown [32]byte
	switch {
	case err == nil:
		page.Handover, shown = &h, packaging.TakeoverRecord(h, nil, "").Digest()
		for _, kind := range []string{packaging.SignedHandover, packaging.SignedTakeover} {
			some, err := s.Store.Signatures(ctx, p.Tenant.ID, kind, int64(h.ID))
			if err != nil {
				return err
			}
			page.Signed = append(page.Signed, some...)
		}
	case packaging.CodeOf(err) == packaging.NotFound:
		if page.Items, err = s.Store.OpenItems(ctx, p.Scope(), page.Occurrence); err != nil {
			return err
		}
		shown = packaging.HandoverRecord(page.Occurrence, page.Items, "").Digest()
	default:
		return err
	}
	s.markUncopied(page.Items)
	if page.Handover != nil {
		s.markUncopied(page.Handover.Items)
	}
	page.Shown = hex.EncodeToString(shown[:])
	return nil
}

// markUncopied marks the items whose release may be missing from the copy.
func (s *Server) markUncopied(items []packaging.HandoverItem) {
	for i := range items {
		items[i].NotYetCopied = items[i].Release != 0 && s.NotYetCopied(items[i].Release)
	}
}

// HandOver hands the shift over with what was shown.
func (s *Server) HandOver(c echo.Context) error {
	return s.signHandover(
		c,
		packaging.MeansHandedOver,
		func(o packaging.Occurrence, remarks string, signature packaging.Signature) error {
			return s.Store.HandOver(c.Request().Context(), web.SignedIn(c), o, remarks, shown(c), signature)
		},
	)
}

// TakeOver takes the shift over, with the items that were ticked acknowledged.
func (s *Server) TakeOver(c echo.Context) error {
	places, err := ticked(c)
	if err != nil {
		return err
	}
	return s.signHandover(
		c,
		packaging.MeansTakenOver,
		func(o packaging.Occurrence, remarks string, signature packaging.Signature) error {
			return s.Store.TakeOver(c.Request().Context(), web.SignedIn(c), o, places, remarks, shown(c), signature)
		},
	)
}

func (s *Server) signHandover(
	c echo.Context, m packaging.Meaning, do func(packaging.Occurrence, string, packaging.Signature) error,
) error {
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	remarks, err := packaging.Words(c.FormValue("remarks"), packaging.MaxRemarks, false)
	var signature packaging.Signature
	if err == nil {
		signature, err = s.signedAs(c, m, o)
	}
	if err == nil {
		err = do(o, remarks, signature)
	}
	return s.afterHandover(c, o, err)
}

// AcknowledgeItems acknowledges what was left when the shift was taken over.
func (s *Server) AcknowledgeItems(c echo.Context) error {
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	places, err := ticked(c)
	if err == nil && len(places) == 0 {
		err = packaging.Fail(packaging.Invalid, "handover.none_ticked")
	}
	if err == nil {
		err = s.Store.AcknowledgeItems(c.Request().Context(), web.SignedIn(c), o, places)
	}
	return s.afterHandover(c, o, err)
}

func (s *Server) afterHandover(c echo.Context, o packaging.Occurrence, err error) error {
	if problem := web.FormError(c.Request().Context(), err); problem != "" {
		return s.showHandover(c, web.FormStatus(err), problem)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.HandoverURL(o.Day, o.Name))
}

// ticked returns the places of the items that were ticked. One tick may stand for several, with commas between them.
func ticked(c echo.Context) (places []int, err error) {
	values, err := c.FormParams()
	if err != nil {
		return nil, packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	for _, typed := range values["item"] {
		for place := range strings.SplitSeq(typed, ",") {
			n, err := strconv.Atoi(place)
			if err != nil || n < 1 || slices.Contains(places, n) {
				return nil, packaging.Fail(packaging.Invalid, "error.invalid")
			}
			places = append(places, n)
		}
	}
	return places, nil
}
