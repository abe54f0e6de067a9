package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// LineStore is what administrators make and change lines with. They see all of their tenant's, retired ones and those that
// they are not limited to.
type LineStore interface {
	SetupLines(ctx context.Context, viewer packaging.Person) ([]packaging.Line, error)
	SetupLine(ctx context.Context, viewer packaging.Person, code string) (packaging.Line, error)
	AddLine(ctx context.Context, by packaging.Person, l packaging.Line) error
	SetLine(ctx context.Context, by packaging.Person, l packaging.Line) error
}

// lines shows all lines of the tenant, the retired ones too.
func (s *server) lines(c echo.Context) error {
	return s.showLines(c, http.StatusOK, adminviews.LinesPage{})
}

func (s *server) showLines(c echo.Context, status int, page adminviews.LinesPage) error {
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "admin.lines"))
	if err != nil {
		return err
	}
	if page.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	page.Saved = c.QueryParam("saved") != ""
	return render(c, status, adminviews.Lines(f, page))
}

func (s *server) addLine(c echo.Context) error {
	l := packaging.Line{Code: strings.TrimSpace(c.FormValue("code")), Name: strings.TrimSpace(c.FormValue("name"))}
	err := checkName(l.Name)
	if !packaging.ValidLineCode(l.Code) {
		err = packaging.Fail(packaging.Invalid, "error.bad_line_code")
	}
	if err == nil {
		err = s.Store.AddLine(c.Request().Context(), signedIn(c), l)
	}
	return s.linesSaved(c, err, l)
}

// setLine renames a line, retires it or takes it back.
func (s *server) setLine(c echo.Context) error {
	code, err := url.PathUnescape(c.Param("code"))
	if err != nil {
		return packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	l, err := s.Store.SetupLine(c.Request().Context(), signedIn(c), code)
	if err != nil {
		return err
	}
	switch c.FormValue("do") {
	case "retire":
		l.Retired = true
	case "take_back":
		l.Retired = false
	default:
		l.Name = strings.TrimSpace(c.FormValue("name"))
		err = checkName(l.Name)
	}
	if err == nil {
		err = s.Store.SetLine(c.Request().Context(), signedIn(c), l)
	}
	return s.linesSaved(c, err, packaging.Line{})
}

func (s *server) linesSaved(c echo.Context, err error, added packaging.Line) error {
	if said, ok := told(c.Request().Context(), err); ok {
		return s.showLines(c, statuses[packaging.CodeOf(err)], adminviews.LinesPage{Problem: said, Added: added})
	}
	if err != nil {
		return err
	}
	return goTo(c, shell.Saved(shell.SetLinesURL(), "yes"))
}
