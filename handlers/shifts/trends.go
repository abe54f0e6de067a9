package shifts

import (
	"context"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/shifts"
)

// A page of trends shows so many days, or weeks.
const (
	trendDays  = 14
	trendWeeks = 12
)

// Trends shows the days, or the weeks, up to one: what was released and what not, and how long orders waited.
func (s *Server) Trends(c echo.Context) error {
	by, until := c.QueryParam("by"), c.QueryParam("until")
	if _, ok := packaging.ParseDay(until); until != "" && !ok || by != "" && by != view.ByWeek {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return s.Show(c, "shifts", "trends "+by+" "+until, func(ctx context.Context, p packaging.Person) (web.Page, error) {
		page := view.TrendsPage{By: by, Until: packaging.Day(until)}
		now, zone := s.Now(), p.Tenant.Location()
		page.Today = packaging.DayOf(now, zone)
		last := page.Today
		if until != "" {
			last = min(last, packaging.Day(until))
		}
		if by == view.ByWeek {
			page.Trends = packaging.WeeksUntil(last, trendWeeks, now, zone)
		} else {
			page.Trends = packaging.DaysUntil(last, trendDays, now, zone)
		}
		return web.Page{
			Title:   text.Say(ctx, "trends.title"),
			Topics:  []packaging.Topic{packaging.OrdersTopic},
			Content: func(f shell.Frame) templ.Component { return view.Trends(f, page) },
		}, s.Store.Trends(ctx, p.Scope(), page.Trends)
	})
}
