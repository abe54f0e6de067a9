package shifts

import (
	"encoding/hex"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/shifts"
)

// Report shows what happened in a shift.
func (s *Server) Report(c echo.Context) error { return s.showReport(c, http.StatusOK, nil) }

// SignPage shows its sum, what of it is still open, and the form that signs it.
func (s *Server) SignPage(c echo.Context) error {
	return s.showReport(c, http.StatusOK, &view.SignForm{})
}

func (s *Server) showReport(c echo.Context, status int, form *view.SignForm) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	f, err := s.Frame(c, "shifts", shell.ShiftTitle(ctx, o))
	if err != nil {
		return err
	}
	page := view.ReportPage{Running: o.Holds(f.Now), Whole: !p.Scope().Limited(), Form: form}
	if page.Report, err = s.Store.ShiftReport(ctx, p.Scope(), o); err != nil {
		return err
	}
	for i := range page.Report.Releases {
		r := &page.Report.Releases[i].Release
		r.NotYetCopied = s.NotYetCopied(r.ID)
	}
	h, err := s.Store.Handover(ctx, p.Scope(), o)
	switch {
	case err == nil:
		page.Handover = &h
	case packaging.CodeOf(err) != packaging.NotFound:
		return err
	}
	if page.Reviews, err = s.Store.Reviews(ctx, p.Scope(), o); err != nil {
		return err
	}
	if len(page.Reviews) > 0 && page.Whole {
		page.Changes = page.Report.ChangedSince(page.Reviews[0])
	}
	if form == nil {
		return web.Render(c, status, view.Report(f, page))
	}
	if err := s.fillSignForm(c, &page, f.Now); err != nil {
		return err
	}
	return web.Render(c, status, view.Sign(f, page))
}

// fillSignForm says what the reviewer is about to sign, or why they can't.
func (s *Server) fillSignForm(c echo.Context, page *view.ReportPage, now time.Time) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	other, err := s.Store.OtherReviewer(ctx, p.Scope())
	if err != nil {
		return err
	}
	if page.Form.Open, err = s.Store.StillOpen(ctx, p.Scope(), page.Report); err != nil {
		return err
	}
	shown := page.Report.Record().Digest()
	page.Form.Shown = hex.EncodeToString(shown[:])
	switch {
	case now.Before(page.Report.Until):
		page.Form.Obstacle = text.Say(ctx, "review.not_ended")
	case !page.Whole:
		page.Form.Obstacle = text.Say(ctx, "review.not_whole")
	case other && page.Report.WorkedBy(p):
		page.Form.Obstacle = text.Say(ctx, "error.other_reviewer")
	}
	return nil
}

// Sign signs the report that was shown.
func (s *Server) Sign(c echo.Context) error {
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	form := &view.SignForm{Meaning: packaging.Meaning(c.FormValue("meaning")), Comment: c.FormValue("comment")}
	comment, err := packaging.Words(form.Comment, packaging.MaxRemarks, form.Meaning == packaging.MeansDeviations)
	if err == nil && !slices.Contains(packaging.ReviewMeanings, form.Meaning) {
		err = packaging.Fail(packaging.Invalid, "review.no_meaning")
	}
	var signature packaging.Signature
	if err == nil {
		signature, err = s.signedAs(c, form.Meaning, o)
	}
	if err == nil {
		err = s.Store.SignShift(c.Request().Context(), web.SignedIn(c), o, comment, shown(c), signature)
	}
	if form.Problem = web.FormError(c.Request().Context(), err); form.Problem != "" {
		return s.showReport(c, web.FormStatus(err), form)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.ShiftURL(o.Day, o.Name))
}

// signedAs returns the signature of the person, who gave their password again.
func (s *Server) signedAs(
	c echo.Context, m packaging.Meaning, o packaging.Occurrence,
) (signed packaging.Signature, err error) {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	factor, err := s.Prove(c, p, secret.New(c.FormValue("password")), packaging.ByPassword)
	if web.IsWrong(err) {
		if err := s.Store.Record(ctx, packaging.Entry{
			TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.SignDeclined, Object: o.Label(), Reason: "wrong",
		}); err != nil {
			return signed, err
		}
	}
	if err != nil {
		return signed, err
	}
	return packaging.Signature{By: p.Author, Meaning: text.Say(ctx, "meaning."+string(m)), Factor: factor}, nil
}

// shown is the hash of what the page showed that a form comes from. What is none is the hash of nothing that is
// shown.
func shown(c echo.Context) (hash [32]byte) {
	decoded, _ := hex.DecodeString(c.FormValue("shown"))
	copy(hash[:], decoded)
	return hash
}
