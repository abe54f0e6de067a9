package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Shifts shows and sets when shifts begin and end, and who signs them.
type Shifts struct {
	*web.Kit
	Store ShiftsStore
}

// ShiftsStore is what Shifts needs of the database.
type ShiftsStore interface {
	OtherReviewer(ctx context.Context, in packaging.Scope) (bool, error)
	Roster(ctx context.Context, in packaging.Scope) (packaging.Roster, error)
	SetOtherReviewer(ctx context.Context, by packaging.Person, other bool) error
	SetShifts(ctx context.Context, by packaging.Person, p packaging.Plan) error
}

// Show is where the shifts are set.
func (s *Shifts) Show(c echo.Context) error {
	form := view.ShiftsForm{Done: c.QueryParams().Has("done")}
	if c.QueryParam("template") == "three" {
		form.Rows = threeShifts(c.Request().Context())
	}
	return s.show(c, http.StatusOK, form)
}

// threeShifts divide every day in three. Nothing is set before a person sends the form.
func threeShifts(ctx context.Context) []view.ShiftFields {
	return []view.ShiftFields{
		{Name: text.Say(ctx, "shifts.template.early"), Start: "06:00", End: "14:00", Days: packaging.DayNames},
		{Name: text.Say(ctx, "shifts.template.late"), Start: "14:00", End: "22:00", Days: packaging.DayNames},
		{Name: text.Say(ctx, "shifts.template.night"), Start: "22:00", End: "06:00", Days: packaging.DayNames},
	}
}

func (s *Shifts) show(c echo.Context, status int, form view.ShiftsForm) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	f, err := s.Frame(c, "admin", text.Say(ctx, "admin.shifts"))
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
	if form.Plan.From == "" && form.Problem == "" {
		form.Plan.From = today
		if len(roster) > 0 {
			form.Plan.From = today.Plus(1)
		}
	}
	if form.Rows == nil {
		plan := form.Current
		if n := len(form.Coming); n > 0 {
			plan = form.Coming[n-1]
		}
		for _, shift := range plan.Shifts {
			form.Rows = append(
				form.Rows,
				view.ShiftFields{
					Name:  shift.Name,
					Start: shift.Start.String(),
					End:   shift.End.String(),
					Days:  strings.Fields(shift.Days.String()),
				},
			)
		}
	}
	for empty := 0; empty < 2 && len(form.Rows) < packaging.MaxShifts; empty++ {
		form.Rows = append(form.Rows, view.ShiftFields{Days: packaging.DayNames})
	}
	return web.Render(c, status, view.Shifts(f, form))
}

// Set sets the shifts from a day on.
func (s *Shifts) Set(c echo.Context) error {
	form, plan, err := shiftsForm(c)
	if err == nil {
		err = s.Store.SetShifts(c.Request().Context(), web.SignedIn(c), plan)
	}
	if form.Problem = web.FormError(c.Request().Context(), err); form.Problem != "" {
		return s.show(c, web.FormStatus(err), form)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.AdminShiftsURL()+"?done")
}

// shiftsForm reads a plan; rows without a name are left out. The error says what of it is no plan.
func shiftsForm(c echo.Context) (form view.ShiftsForm, plan packaging.Plan, err error) {
	values, err := c.FormParams()
	if err != nil {
		return form, plan, packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	typed := text.PlainDate(values.Get("from"))
	from, ok := packaging.ParseDay(typed)
	if !ok {
		err = packaging.Fail(packaging.Invalid, "shifts.bad_day")
	}
	plan.From = from
	names, starts, ends := values["name"], values["start"], values["end"]
	if len(starts) != len(names) || len(ends) != len(names) || len(names) > packaging.MaxShifts {
		return form, plan, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	for i, name := range names {
		row := view.ShiftFields{
			Name:  strings.TrimSpace(name),
			Start: text.PlainClock(starts[i]),
			End:   text.PlainClock(ends[i]),
			Days:  values[fmt.Sprint("days-", i)],
		}
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
	if form.Plan = plan; !ok {
		form.Plan.From = packaging.Day(typed) // as typed, to be mended
	}
	return form, plan, err
}

// SetSigning sets who signs shifts.
func (s *Shifts) SetSigning(c echo.Context) error {
	other := c.FormValue("other") == "yes"
	if err := s.Store.SetOtherReviewer(c.Request().Context(), web.SignedIn(c), other); err != nil {
		return err
	}
	return web.SeeOther(c, shell.AdminShiftsURL()+"?done")
}
