package shifts

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/shifts"
)

// daysPerPage is how many days a page of shifts goes back, and a digest.
const daysPerPage = 7

// Shifts lists the shifts, the latest first.
func (s *Server) Shifts(c echo.Context) error {
	before := c.QueryParam("before")
	if _, ok := packaging.ParseDay(before); before != "" && !ok {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return s.Show(c, "shifts", "shifts "+before, s.shiftsPage(packaging.Day(before)))
}

// shiftsPage draws the shifts of some days, up to the one before a day where there is one.
func (s *Server) shiftsPage(before packaging.Day) web.RenderFunc {
	return func(ctx context.Context, reader packaging.Person) (p web.Page, err error) {
		now, zone := s.Now(), reader.Tenant.Location()
		last := packaging.DayOf(now, zone)
		if before != "" {
			last = min(last, before.Plus(-1))
		}
		page := view.ShiftsPage{At: before}
		roster, err := s.Store.Roster(ctx, reader.Scope())
		if err != nil {
			return p, err
		}
		first := max(last.Plus(1-daysPerPage), roster.First())
		if roster.First() != "" && roster.First() < first {
			page.Before = first
		}
		rows, err := s.shiftRows(ctx, reader, roster, first, last, now)
		if err != nil {
			return p, err
		}
		for _, row := range slices.Backward(rows) {
			if n := len(page.Days); n == 0 || page.Days[n-1].Day != row.Day {
				page.Days = append(page.Days, view.ShiftDay{Day: row.Day})
			}
			day := &page.Days[len(page.Days)-1]
			day.Rows = append(day.Rows, row)
		}
		page.Left, err = s.Store.LeftHandovers(ctx, reader.Scope())
		return web.Page{
			Title: text.Say(ctx, "shifts.title"), Topics: []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
			Content: func(f shell.Frame) templ.Component { return view.Shifts(f, page) },
		}, err
	}
}

// shiftRows are the shifts of some days that have begun, with what happened in them; and the times between them in
// which something did.
func (s *Server) shiftRows(
	ctx context.Context, p packaging.Person, roster packaging.Roster, first, last packaging.Day, now time.Time,
) (rows []shell.ShiftRow, err error) {
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
	periods := make([]packaging.Period, len(rows))
	for i, row := range rows {
		periods[i] = packaging.Period{From: row.Begin, Until: row.Until}
	}
	activities, err := s.Store.Activities(ctx, p.Scope(), periods)
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
		fillRow(&rows[i], activities[i], handovers, reviews)
	}
	return slices.DeleteFunc(rows, func(r shell.ShiftRow) bool { return !r.Named() && !r.Running && !r.Busy() }), nil
}

// gap is the time between two shifts.
func gap(from, to time.Time, zone *time.Location) shell.ShiftRow {
	return shell.ShiftRow{Occurrence: packaging.Occurrence{Day: packaging.DayOf(from, zone), Begin: from, Until: to}}
}

// fillRow fills in what belongs to a shift. Nothing can be added to a time that is past, so a review is outdated if
// its releases or notes changed after it.
func fillRow(
	row *shell.ShiftRow, a packaging.Activity, handovers []packaging.Handover, reviews []packaging.Review,
) {
	row.Figures, row.Notes = a.Figures, int(a.Notes)
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
			row.Review, row.Changed = &reviews[i], a.Changed.After(v.At)
		}
	}
}

// Digest returns what the overview shows to people who review or hand over shifts.
func (s *Server) Digest(ctx context.Context, p packaging.Person, now time.Time) (d shell.Digest, err error) {
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
	day := packaging.Period{From: packaging.At(today, 0, zone), Until: now}
	activities, err := s.Store.Activities(ctx, p.Scope(), []packaging.Period{day})
	if err != nil {
		return d, err
	}
	d.Day = activities[0].Figures
	rows, err := s.shiftRows(ctx, p, roster, max(today.Plus(-daysPerPage), roster.First()), today, now)
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

// Totals returns the shift that runs now, unnamed between shifts, and what it or else the day has come to.
func (s *Server) Totals(
	ctx context.Context, p packaging.Person,
) (o packaging.Occurrence, f packaging.Figures, err error) {
	roster, err := s.Store.Roster(ctx, p.Scope())
	if err != nil {
		return o, f, err
	}
	now, zone := s.Now(), p.Tenant.Location()
	o, _ = roster.At(now, zone)
	from := o.Begin
	if !o.Named() {
		from = packaging.At(packaging.DayOf(now, zone), 0, zone)
	}
	activities, err := s.Store.Activities(ctx, p.Scope(), []packaging.Period{{From: from, Until: now}})
	if err != nil {
		return o, f, err
	}
	return o, activities[0].Figures, nil
}

// occurrence is the shift of the path.
func (s *Server) occurrence(c echo.Context) (packaging.Occurrence, error) {
	missing := packaging.Fail(packaging.NotFound, "error.not_found")
	p := web.SignedIn(c)
	day, ok := packaging.ParseDay(c.Param("date"))
	name, err := web.PathText(c, "shift")
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
