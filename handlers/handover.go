package handlers

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
	shiftviews "lineboard/views/shifts"
)

// HandoverStore keeps how shifts are handed over.
type HandoverStore interface {
	Handover(ctx context.Context, in packaging.Scope, o packaging.Occurrence) (packaging.Handover, error)
	Handovers(ctx context.Context, in packaging.Scope, from, to packaging.Day) ([]packaging.Handover, error)
	LeftHandovers(ctx context.Context, in packaging.Scope) ([]packaging.Handover, error)
	OpenItems(ctx context.Context, in packaging.Scope, o packaging.Occurrence) ([]packaging.HandoverItem, error)
	HandOver(ctx context.Context, by packaging.Person, o packaging.Occurrence, remarks string, shown [32]byte, s packaging.Signature) error
	TakeOver(ctx context.Context, by packaging.Person, o packaging.Occurrence, places []int, remarks string, shown [32]byte, s packaging.Signature) error
	AcknowledgeItems(ctx context.Context, by packaging.Person, o packaging.Occurrence, places []int) error
}

// handover shows what is open in a shift, or how it was handed over.
func (s *server) handover(c echo.Context) error { return s.showHandover(c, http.StatusOK, "") }

func (s *server) showHandover(c echo.Context, status int, problem string) error {
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	return s.showPart(c, status, "shifts", func(ctx context.Context, p packaging.Person) (part, error) {
		page := shiftviews.HandoverPage{Occurrence: o, Problem: problem, Remarks: c.FormValue("remarks")}
		err := s.fillHandover(ctx, p, &page)
		return part{
			title: text.Say(ctx, "handover.title") + " · " + o.Name + " " + string(o.Day), topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
			content: func(f shell.Frame) templ.Component { return shiftviews.Handover(f, page) },
		}, err
	})
}

// fillHandover reads how the shift was handed over, or what would be handed over now.
func (s *server) fillHandover(ctx context.Context, p packaging.Person, page *shiftviews.HandoverPage) error {
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
	page.Shown = hex.EncodeToString(shown[:])
	return nil
}

// handOver hands the shift over with what was shown.
func (s *server) handOver(c echo.Context) error {
	return s.signHandover(c, packaging.MeansHandedOver, func(o packaging.Occurrence, remarks string, signature packaging.Signature) error {
		return s.Store.HandOver(c.Request().Context(), signedIn(c), o, remarks, shown(c), signature)
	})
}

// takeOver takes the shift over, with the items that were ticked acknowledged.
func (s *server) takeOver(c echo.Context) error {
	places, err := ticked(c)
	if err != nil {
		return err
	}
	return s.signHandover(c, packaging.MeansTakenOver, func(o packaging.Occurrence, remarks string, signature packaging.Signature) error {
		return s.Store.TakeOver(c.Request().Context(), signedIn(c), o, places, remarks, shown(c), signature)
	})
}

func (s *server) signHandover(c echo.Context, m packaging.Meaning, do func(packaging.Occurrence, string, packaging.Signature) error) error {
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

// acknowledgeItems acknowledges what was left when the shift was taken over.
func (s *server) acknowledgeItems(c echo.Context) error {
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	places, err := ticked(c)
	if err == nil && len(places) == 0 {
		err = packaging.Fail(packaging.Invalid, "handover.none_ticked")
	}
	if err == nil {
		err = s.Store.AcknowledgeItems(c.Request().Context(), signedIn(c), o, places)
	}
	return s.afterHandover(c, o, err)
}

func (s *server) afterHandover(c echo.Context, o packaging.Occurrence, err error) error {
	if problem := wrongIn(c, err); problem != "" {
		return s.showHandover(c, statusOf(err), problem)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.HandoverURL(o.Day, o.Name)))
}

// ticked are the items that were ticked, by their places.
func ticked(c echo.Context) (places []int, err error) {
	values, err := c.FormParams()
	if err != nil {
		return nil, packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	for _, typed := range values["item"] {
		n, err := strconv.Atoi(typed)
		if err != nil || n < 1 || slices.Contains(places, n) {
			return nil, packaging.Fail(packaging.Invalid, "error.invalid")
		}
		places = append(places, n)
	}
	return places, nil
}
