package handlers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
	shiftviews "lineboard/views/shifts"
)

// ShiftStore keeps the shifts of a site, and what people do with them.
type ShiftStore interface {
	Roster(ctx context.Context, in packaging.Scope) (packaging.Roster, error)
	SetShifts(ctx context.Context, by packaging.Person, p packaging.Plan) error
	OtherReviewer(ctx context.Context, in packaging.Scope) (bool, error)
	SetOtherReviewer(ctx context.Context, by packaging.Person, other bool) error

	ShiftReport(ctx context.Context, in packaging.Scope, o packaging.Occurrence) (packaging.ShiftReport, error)
	Work(ctx context.Context, in packaging.Scope, from, to time.Time) ([]packaging.ReportedRelease, []packaging.Note, error)
	Reviews(ctx context.Context, in packaging.Scope, o packaging.Occurrence) ([]packaging.Review, error)
	LatestReviews(ctx context.Context, in packaging.Scope, from, to packaging.Day) ([]packaging.Review, error)
	SignShift(ctx context.Context, by packaging.Person, o packaging.Occurrence, comment string, shown [32]byte, s packaging.Signature) error
}

// daysAPage is how many days a page of shifts goes back, and a digest.
const daysAPage = 7

// shifts lists the shifts, the latest first.
func (s *server) shifts(c echo.Context) error {
	before := c.QueryParam("before")
	if _, ok := packaging.ParseDay(before); before != "" && !ok {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return s.show(c, "shifts", "shifts "+before, s.shiftsPart(packaging.Day(before)))
}

// shiftsPart draws the shifts of some days, up to the one before a day where there is one.
func (s *server) shiftsPart(before packaging.Day) drawing {
	return func(ctx context.Context, reader packaging.Person) (p part, err error) {
		now, zone := s.Now(), reader.Tenant.Location()
		last := packaging.DayOf(now, zone)
		if before != "" {
			last = min(last, before.Plus(-1))
		}
		page := shiftviews.ShiftsPage{At: before}
		roster, err := s.Store.Roster(ctx, reader.Scope())
		if err != nil {
			return p, err
		}
		first := max(last.Plus(1-daysAPage), roster.First())
		if roster.First() != "" && roster.First() < first {
			page.Before = first
		}
		rows, err := s.shiftRows(ctx, reader, roster, first, last, now)
		if err != nil {
			return p, err
		}
		for _, row := range slices.Backward(rows) {
			if n := len(page.Days); n == 0 || page.Days[n-1].Day != row.Day {
				page.Days = append(page.Days, shiftviews.ShiftDay{Day: row.Day})
			}
			day := &page.Days[len(page.Days)-1]
			day.Rows = append(day.Rows, row)
		}
		page.Left, err = s.Store.LeftHandovers(ctx, reader.Scope())
		return part{
			title: text.Say(ctx, "shifts.title"), topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
			content: func(f shell.Frame) templ.Component { return shiftviews.Shifts(f, page) },
		}, err
	}
}

// shiftRows are the shifts of some days that have begun, with what happened in them; and the times between them in which
// something did.
func (s *server) shiftRows(ctx context.Context, p packaging.Person, roster packaging.Roster, first, last packaging.Day, now time.Time) (rows []shell.ShiftRow, err error) {
	if first == "" || last < first {
		return nil, nil
	}
	zone := p.Tenant.Location()
	for d := first; d <= last; d = d.Plus(1) {
		for _, o := range roster.Of(d, zone) {
			if o.Begin.After(now) || o.Length() == 0 {
				continue
			}
			if n := len(rows); n > 0 && rows[n-1].Until.Before(o.Begin) {
				rows = append(rows, gap(rows[n-1].Until, o.Begin, zone))
			}
			rows = append(rows, shell.ShiftRow{Occurrence: o, Running: o.Holds(now)})
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	if n := len(rows); rows[n-1].Until.Before(now) && last == packaging.DayOf(now, zone) {
		rows = append(rows, gap(rows[n-1].Until, now.Add(time.Millisecond), zone))
		rows[n].Running = true
	}
	releases, notes, err := s.Store.Work(ctx, p.Scope(), rows[0].Begin, rows[len(rows)-1].Until)
	if err != nil {
		return nil, err
	}
	handovers, err := s.Store.Handovers(ctx, p.Scope(), first, last)
	if err != nil {
		return nil, err
	}
	reviews, err := s.Store.LatestReviews(ctx, p.Scope(), first, last)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		fillRow(&rows[i], releases, notes, handovers, reviews)
	}
	return slices.DeleteFunc(rows, func(r shell.ShiftRow) bool { return !r.Named() && !r.Running && !r.Busy() }), nil
}

// gap is the time between two shifts.
func gap(from, to time.Time, zone *time.Location) shell.ShiftRow {
	return shell.ShiftRow{Occurrence: packaging.Occurrence{Day: packaging.DayOf(from, zone), Begin: from, Until: to}}
}

// fillRow picks what belongs to a shift. Nothing can be added to a time that is past, so a review is outdated where what
// became of its releases or notes came after it.
func fillRow(row *shell.ShiftRow, releases []packaging.ReportedRelease, notes []packaging.Note, handovers []packaging.Handover, reviews []packaging.Review) {
	var own []packaging.ReportedRelease
	var latest time.Time
	for _, r := range releases {
		if row.Holds(r.Requested) {
			own = append(own, r)
			for _, at := range []time.Time{r.Answered, r.Settled, r.ListAt} {
				if at.After(latest) {
					latest = at
				}
			}
		}
	}
	row.Figures = packaging.FiguresOf(own)
	for _, n := range notes {
		if row.Holds(n.At) {
			row.Notes++
			if n.Withdrawn.After(latest) {
				latest = n.Withdrawn
			}
		}
	}
	same := func(day packaging.Day, name string) bool {
		return row.Named() && day == row.Day && strings.EqualFold(name, row.Name)
	}
	for i, h := range handovers {
		if same(h.Day, h.Shift) {
			row.Handover = &handovers[i]
		}
	}
	for i, v := range reviews {
		if same(v.Day, v.Shift) {
			row.Review, row.Changed = &reviews[i], latest.After(v.At)
		}
	}
}

// digest is what somebody who reviews or hands over shifts is told on the overview.
func (s *server) digest(ctx context.Context, p packaging.Person, now time.Time) (d shell.Digest, err error) {
	if p.May(packaging.HandOver) {
		if d.Left, err = s.Store.LeftHandovers(ctx, p.Scope()); err != nil {
			return d, err
		}
	}
	if !p.May(packaging.ReviewShifts) {
		return d, nil
	}
	roster, err := s.Store.Roster(ctx, p.Scope())
	if err != nil {
		return d, err
	}
	zone := p.Tenant.Location()
	today := packaging.DayOf(now, zone)
	releases, _, err := s.Store.Work(ctx, p.Scope(), packaging.At(today, 0, zone), now)
	if err != nil {
		return d, err
	}
	d.Day = packaging.FiguresOf(releases)
	rows, err := s.shiftRows(ctx, p, roster, max(today.Plus(-daysAPage), roster.First()), today, now)
	for _, row := range slices.Backward(rows) {
		if row.Due(now) {
			d.Due = append(d.Due, row)
		}
		if row.Unsigned(now) {
			d.Unsigned = append(d.Unsigned, row)
		}
		if row.Changed {
			d.Changed = append(d.Changed, row)
		}
	}
	return d, err
}

// occurrence is the shift of the path.
func (s *server) occurrence(c echo.Context) (packaging.Occurrence, error) {
	missing := packaging.Fail(packaging.NotFound, "error.not_found")
	p := signedIn(c)
	day, ok := packaging.ParseDay(c.Param("date"))
	name, err := url.PathUnescape(c.Param("shift"))
	if !ok || err != nil {
		return packaging.Occurrence{}, missing
	}
	roster, err := s.Store.Roster(c.Request().Context(), p.Scope())
	if err != nil {
		return packaging.Occurrence{}, err
	}
	o, ok := roster.Find(day, name, p.Tenant.Location())
	if !ok {
		return o, missing
	}
	return o, nil
}

// report shows what happened in a shift.
func (s *server) report(c echo.Context) error { return s.showReport(c, http.StatusOK, nil) }

// signPage shows it with a form under it, where a reviewer signs what they see.
func (s *server) signPage(c echo.Context) error {
	return s.showReport(c, http.StatusOK, &shiftviews.SignForm{})
}

func (s *server) showReport(c echo.Context, status int, form *shiftviews.SignForm) error {
	ctx, p := c.Request().Context(), signedIn(c)
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	f, err := s.frame(c, "shifts", o.Name+" "+string(o.Day))
	if err != nil {
		return err
	}
	page := shiftviews.ReportPage{Running: o.Holds(f.Now), Whole: !p.Scope().Limited(), Form: form}
	if page.Report, err = s.Store.ShiftReport(ctx, p.Scope(), o); err != nil {
		return err
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
	if form != nil {
		if err := s.fillSignForm(c, &page, f.Now); err != nil {
			return err
		}
	}
	return render(c, status, shiftviews.Report(f, page))
}

// fillSignForm says what the reviewer is about to sign, or why they can't.
func (s *server) fillSignForm(c echo.Context, page *shiftviews.ReportPage, now time.Time) error {
	ctx, p := c.Request().Context(), signedIn(c)
	other, err := s.Store.OtherReviewer(ctx, p.Scope())
	if err != nil {
		return err
	}
	shown := page.Report.Record().Digest()
	page.Form.Shown = hex.EncodeToString(shown[:])
	switch {
	case now.Before(page.Report.Until):
		page.Form.Obstacle = text.Say(ctx, "review.not_ended")
	case !page.Whole:
		page.Form.Obstacle = text.Say(ctx, "review.not_whole")
	case other && page.Report.Worked(p.Username):
		page.Form.Obstacle = text.Say(ctx, "error.other_reviewer")
	}
	return nil
}

// signShift signs the report that was shown.
func (s *server) signShift(c echo.Context) error {
	o, err := s.occurrence(c)
	if err != nil {
		return err
	}
	form := &shiftviews.SignForm{Meaning: packaging.Meaning(c.FormValue("meaning")), Comment: c.FormValue("comment")}
	comment, err := packaging.Words(form.Comment, packaging.MaxRemarks, form.Meaning == packaging.MeansDeviations)
	if err == nil && !slices.Contains(packaging.ReviewMeanings, form.Meaning) {
		err = packaging.Fail(packaging.Invalid, "review.no_meaning")
	}
	var signature packaging.Signature
	if err == nil {
		signature, err = s.signedAs(c, form.Meaning, o)
	}
	if err == nil {
		err = s.Store.SignShift(c.Request().Context(), signedIn(c), o, comment, shown(c), signature)
	}
	if form.Problem = wrongIn(c, err); form.Problem != "" {
		return s.showReport(c, statusOf(err), form)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.ShiftURL(o.Day, o.Name)))
}

// signedAs is the signature of the person who gave their password again.
func (s *server) signedAs(c echo.Context, m packaging.Meaning, o packaging.Occurrence) (packaging.Signature, error) {
	ctx, p := c.Request().Context(), signedIn(c)
	factor, r, err := s.prove(c, p, secret.New(c.FormValue("password")), packaging.ByPassword)
	if err != nil {
		return packaging.Signature{}, err
	}
	if r.status == 0 {
		return packaging.Signature{By: p.Author, Meaning: text.Say(ctx, "meaning."+string(m)), Factor: factor}, nil
	}
	if r.status == http.StatusUnauthorized {
		if err := s.Store.Record(ctx, packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.SignDeclined, Object: o.Label(), Reason: "wrong"}); err != nil {
			return packaging.Signature{}, err
		}
	}
	return packaging.Signature{}, refused(r)
}

// refused is a refusal as an error that a form tells.
func refused(r refusal) error { return &untold{r} }

type untold struct{ refusal }

func (u *untold) Error() string { return "refused: " + u.why }

// wrongIn is what a form of shifts says about an error that its person can do something about there, empty where it is of
// another kind.
func wrongIn(c echo.Context, err error) string {
	var r *untold
	if errors.As(err, &r) {
		return r.why
	}
	var coded *packaging.Error
	if errors.As(err, &coded) && (coded.Code == packaging.Invalid || coded.Code == packaging.Conflict) {
		return text.Say(pageContext(c), coded.Key, gapsOf(coded)...)
	}
	return ""
}

// statusOf is the HTTP status of what wrongIn tells.
func statusOf(err error) int {
	var r *untold
	if errors.As(err, &r) && r.status != http.StatusUnauthorized {
		return r.status
	}
	if packaging.CodeOf(err) == packaging.Conflict {
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

// shown is the hash of what the page showed that a form comes from. What is none is the hash of nothing that is shown.
func shown(c echo.Context) (hash [32]byte) {
	decoded, _ := hex.DecodeString(c.FormValue("shown"))
	copy(hash[:], decoded)
	return hash
}

// adminShifts is where the shifts are set.
func (s *server) adminShifts(c echo.Context) error {
	return s.showAdminShifts(c, http.StatusOK, adminviews.ShiftsForm{Done: c.QueryParams().Has("done")})
}

func (s *server) showAdminShifts(c echo.Context, status int, form adminviews.ShiftsForm) error {
	ctx, p := c.Request().Context(), signedIn(c)
	f, err := s.frame(c, "admin", text.Say(ctx, "admin.shifts"))
	if err != nil {
		return err
	}
	roster, err := s.Store.Roster(ctx, p.Scope())
	if err != nil {
		return err
	}
	if form.Other, err = s.Store.OtherReviewer(ctx, p.Scope()); err != nil {
		return err
	}
	today := packaging.DayOf(f.Now, p.Tenant.Location())
	form.Current = roster.PlanOf(today)
	for _, from := range roster.Changes(today) {
		form.Coming = append(form.Coming, roster.PlanOf(from))
	}
	if form.Earliest = today.Plus(1); len(roster) == 0 {
		form.Earliest = today
	}
	if form.Rows == nil {
		form.Plan.From = form.Earliest
		plan := form.Current
		if n := len(form.Coming); n > 0 {
			plan = form.Coming[n-1]
		}
		for _, shift := range plan.Shifts {
			form.Rows = append(form.Rows, adminviews.ShiftFields{Name: shift.Name, Start: shift.Start.String(), End: shift.End.String(), Days: strings.Fields(shift.Days.String())})
		}
	}
	for empty := 0; empty < 2 && len(form.Rows) < packaging.MaxShifts; empty++ {
		form.Rows = append(form.Rows, adminviews.ShiftFields{Days: packaging.DayNames})
	}
	return render(c, status, adminviews.Shifts(f, form))
}

// setShifts sets the shifts from a day on.
func (s *server) setShifts(c echo.Context) error {
	form, plan, err := shiftsForm(c)
	if err == nil {
		err = s.Store.SetShifts(c.Request().Context(), signedIn(c), plan)
	}
	if form.Problem = wrongIn(c, err); form.Problem != "" {
		return s.showAdminShifts(c, statusOf(err), form)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.AdminShiftsURL())+"?done")
}

// shiftsForm reads a plan; rows without a name are left out. The error says what of it is no plan.
func shiftsForm(c echo.Context) (form adminviews.ShiftsForm, plan packaging.Plan, err error) {
	values, err := c.FormParams()
	if err != nil {
		return form, plan, packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	from, ok := packaging.ParseDay(values.Get("from"))
	if !ok {
		err = packaging.Fail(packaging.Invalid, "shifts.bad_day")
	}
	plan.From = from
	names, starts, ends := values["name"], values["start"], values["end"]
	if len(starts) != len(names) || len(ends) != len(names) || len(names) > packaging.MaxShifts {
		return form, plan, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	for i, name := range names {
		row := adminviews.ShiftFields{Name: strings.TrimSpace(name), Start: starts[i], End: ends[i], Days: values[fmt.Sprint("days-", i)]}
		if row.Name == "" {
			continue
		}
		form.Rows = append(form.Rows, row)
		shift := packaging.Shift{Name: row.Name}
		var startOK, endOK bool
		shift.Start, startOK = packaging.ParseMinute(row.Start)
		shift.End, endOK = packaging.ParseMinute(row.End)
		for _, d := range row.Days {
			if j := slices.Index(packaging.DayNames, d); j >= 0 {
				shift.Days |= packaging.On(packaging.Week[j])
			}
		}
		if err == nil && (!startOK || !endOK) {
			err = packaging.Fail(packaging.Invalid, "shifts.bad_time", "Name", row.Name)
		}
		plan.Shifts = append(plan.Shifts, shift)
	}
	form.Plan = plan
	return form, plan, err
}

// setShiftSigning sets who signs shifts.
func (s *server) setShiftSigning(c echo.Context) error {
	if err := s.Store.SetOtherReviewer(c.Request().Context(), signedIn(c), c.FormValue("other") == "yes"); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.AdminShiftsURL())+"?done")
}
