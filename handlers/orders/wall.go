package orders

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// Totals returns the shift that runs now, unnamed between shifts, and what it or the day has come to.
type Totals func(ctx context.Context, p packaging.Person) (packaging.Occurrence, packaging.Figures, error)

// Display shows the lines on a screen that is bound as a display. Nobody is signed in there.
func (s *Server) Display(c echo.Context) error {
	display, err := s.DisplayOf(c)
	if err != nil {
		return err
	}
	if !display.Known() {
		return noDisplay(c)
	}
	ctx := c.Request().Context()
	tenant, err := s.Store.Tenant(ctx, display.TenantID)
	if err != nil {
		return err
	}
	language := text.Of(ctx)
	if own := text.Language(display.Language); own.Known() {
		language = own
	}
	ctx = text.With(ctx, text.In(language, tenant.Location()))
	c.SetRequest(c.Request().WithContext(ctx))
	reader := display.Reader(tenant)
	wall, err := s.wall(ctx, reader)
	if err != nil {
		return err
	}
	fresh, err := s.Freshness(ctx, tenant.ID)
	if err != nil {
		return err
	}
	s.KeepDisplayCookie(c)
	f := shell.Frame{Title: text.Say(ctx, "overview.title"), Wall: true, Person: reader, Fresh: &fresh, Now: s.Now()}
	return web.Render(c, http.StatusOK, view.DisplayBoard(f, wall))
}

// noDisplay leads a browser that is no display to where it becomes one, or a person to their wall. A page that is open
// is told that it is none any more.
func noDisplay(c echo.Context) error {
	if web.IsHTMX(c) {
		return c.NoContent(http.StatusUnauthorized)
	}
	if p, ok := web.Person(c); ok && p.May(packaging.ViewOrders) {
		return web.SeeOther(c, shell.WallURL())
	}
	return web.SeeOther(c, shell.StationURL())
}

// wall reads what a screen on the wall shows.
func (s *Server) wall(ctx context.Context, reader packaging.Person) (w view.Wall, err error) {
	lanes, err := s.Store.Lanes(ctx, reader.Scope())
	if err != nil {
		return w, err
	}
	troubles, err := s.Store.Troubles(ctx, reader.Scope())
	if err != nil {
		return w, err
	}
	s.markUncopied(troubles)
	s.markUncopiedIn(lanes)
	late, err := s.late(ctx, reader.Scope())
	if err != nil {
		return w, err
	}
	w = view.NewWall(lanes, troubles, late)
	if w.Alarms, err = s.Store.LastingAlarms(ctx, reader.Scope()); err != nil {
		return w, err
	}
	w.Shift, w.Done, err = s.Totals(ctx, reader)
	return w, err
}

// wallPage draws the wall of a person who is signed in.
func (s *Server) wallPage(ctx context.Context, reader packaging.Person) (p web.Page, err error) {
	wall, err := s.wall(ctx, reader)
	return web.Page{
		Wall: true, Title: text.Say(ctx, "overview.title"),
		Topics:  []packaging.Topic{packaging.OrdersTopic, packaging.SiteTopic},
		Content: func(f shell.Frame) templ.Component { return view.WallBoard(f, wall) },
	}, err
}
