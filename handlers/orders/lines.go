package orders

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// SetOrderLine gives an order the line that a person chose, or gives it back to what the API says.
func (s *Server) SetOrderLine(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	was, err := web.FormNumber(c, "was")
	if err != nil {
		return err
	}
	var chosen packaging.Line
	if code := c.FormValue("line"); code != "" {
		if chosen, err = s.Store.Line(c.Request().Context(), web.SignedIn(c).Scope(), code); err != nil {
			return err
		}
	}
	err = s.Store.SetOrderLine(c.Request().Context(), web.SignedIn(c), id, packaging.LineID(was), chosen.ID)
	if conflict := web.Conflict(c.Request().Context(), err); conflict != "" {
		return s.showOrder(c, http.StatusConflict, conflict)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.OrderURL(id))
}

// unknownLine returns the line that the API names by a code and that is not set up here.
func (s *Server) unknownLine(ctx context.Context, in packaging.Scope, code string) (packaging.Line, error) {
	lines, err := s.Store.UnknownLines(ctx, in)
	if err != nil {
		return packaging.Line{}, err
	}
	i := slices.IndexFunc(lines, func(l packaging.Line) bool { return strings.EqualFold(l.Code, code) })
	if i < 0 {
		return packaging.Line{}, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return lines[i], nil
}

// AdoptForm is where a line that the API names is set up.
func (s *Server) AdoptForm(c echo.Context) error {
	line, err := s.unknownLine(c.Request().Context(), web.SignedIn(c).Scope(), c.QueryParam("code"))
	if err != nil {
		return err
	}
	return s.showAdopt(c, http.StatusOK, line, "")
}

func (s *Server) showAdopt(c echo.Context, status int, line packaging.Line, problem string) error {
	f, err := s.Frame(c, "lines", text.Say(c.Request().Context(), "adopt.title", "Code", line.Code))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.Adopt(f, line, problem))
}

// Adopt sets up a line that the API names.
func (s *Server) Adopt(c echo.Context) error {
	line, err := s.unknownLine(c.Request().Context(), web.SignedIn(c).Scope(), c.FormValue("code"))
	if err != nil {
		return err
	}
	line.Name = strings.TrimSpace(c.FormValue("name"))
	adopted := line
	if err = web.CheckName(line.Name); err == nil {
		adopted, err = s.Store.AdoptLine(c.Request().Context(), web.SignedIn(c), line.Code, line.Name)
	}
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.showAdopt(c, web.StatusOf(err), line, said)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.LineURL(adopted))
}
