package admin

import (
	"context"
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

// Lines shows and sets the lines of the tenant, retired ones too.
type Lines struct {
	*web.Kit
	Store LinesStore
}

// LinesStore is what Lines needs of the database.
type LinesStore interface {
	Lanes(ctx context.Context, in packaging.Scope) ([]packaging.Lane, error)
	AddLine(ctx context.Context, by packaging.Person, l packaging.Line) error
	SetLine(ctx context.Context, by packaging.Person, code string, set func(*packaging.Line)) error
	SetUpFoundLine(ctx context.Context, by packaging.Person, code, name string) (packaging.Line, error)
	SetupDestinations(ctx context.Context, viewer packaging.Person) ([]packaging.Destination, error)
	SetupLines(ctx context.Context, viewer packaging.Person) ([]packaging.Line, error)
}

// List shows all lines of the tenant, the retired ones too.
func (s *Lines) List(c echo.Context) error {
	return s.show(c, http.StatusOK, view.LinesPage{})
}

func (s *Lines) show(c echo.Context, status int, page view.LinesPage) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "admin.lines"))
	if err != nil {
		return err
	}
	if page.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if page.Found, err = s.found(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if page.Destinations, err = s.Store.SetupDestinations(c.Request().Context(), f.Person); err != nil {
		return err
	}
	page.Saved = c.QueryParam("saved") != ""
	return web.Render(c, status, view.Lines(f, page))
}

// found returns the lines that orders name and that are not set up here, with how many open orders each has.
func (s *Lines) found(ctx context.Context, p packaging.Person) ([]packaging.Lane, error) {
	lanes, err := s.Store.Lanes(ctx, p.Scope())
	return slices.DeleteFunc(lanes, func(l packaging.Lane) bool { return l.Line.Known() || l.Line.Code == "" }), err
}

// AddFound sets up the lines of the form that orders name, under the names that the API gives them.
func (s *Lines) AddFound(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	found, err := s.found(ctx, p)
	if err != nil {
		return err
	}
	shown, err := c.FormParams()
	if err != nil {
		return packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	for _, l := range found {
		if !slices.Contains(shown["code"], l.Line.Code) || !packaging.ValidLineCode(l.Line.Code) {
			continue // it stays in the list
		}
		if _, err := s.Store.SetUpFoundLine(ctx, p, l.Line.Code, l.Line.Name); err != nil {
			return s.saved(c, err, packaging.Line{})
		}
	}
	return web.Redirect(c, shell.Saved(shell.SetLinesURL(), "yes"))
}

// Add adds a line.
func (s *Lines) Add(c echo.Context) error {
	l := packaging.Line{Code: strings.TrimSpace(c.FormValue("code")), Name: strings.TrimSpace(c.FormValue("name"))}
	err := web.CheckName(l.Name)
	if !packaging.ValidLineCode(l.Code) {
		err = packaging.Fail(packaging.Invalid, "error.bad_line_code")
	}
	if err == nil {
		err = s.Store.AddLine(c.Request().Context(), web.SignedIn(c), l)
	}
	return s.saved(c, err, l)
}

// Set renames a line, retires it or takes it back.
func (s *Lines) Set(c echo.Context) error {
	code, err := web.PathText(c, "code")
	if err != nil {
		return err
	}
	name := strings.TrimSpace(c.FormValue("name"))
	set := func(l *packaging.Line) { l.Name = name }
	switch c.FormValue("do") {
	case "retire":
		set = func(l *packaging.Line) { l.Retired = true }
	case "take_back":
		set = func(l *packaging.Line) { l.Retired = false }
	default:
		err = web.CheckName(name)
	}
	if err == nil {
		err = s.Store.SetLine(c.Request().Context(), web.SignedIn(c), code, set)
	}
	return s.saved(c, err, packaging.Line{})
}

func (s *Lines) saved(c echo.Context, err error, added packaging.Line) error {
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.show(c, web.StatusOf(err), view.LinesPage{Problem: said, Added: added})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.SetLinesURL(), "yes"))
}
