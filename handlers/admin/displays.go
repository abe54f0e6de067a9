package admin

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	view "lineboard/views/admin"
)

// AddDisplay adds a display, and shows the code that binds its screen.
func (s *Stations) AddDisplay(c echo.Context) error {
	name := strings.Join(strings.Fields(c.FormValue("name")), " ")
	if !packaging.ValidName(name) || len([]rune(name)) > maxStationName {
		return s.saved(c, packaging.Fail(packaging.Invalid, "displays.bad_name"))
	}
	language, err := stationLanguage(c)
	if err != nil {
		return err
	}
	display, code, err := s.Store.AddDisplay(c.Request().Context(), web.SignedIn(c), name, language)
	return s.showDisplayCode(c, display, code, err)
}

// MakeDisplayCode makes another code for a display.
func (s *Stations) MakeDisplayCode(c echo.Context) error {
	id, err := web.PathID[packaging.DisplayID](c, "id")
	if err != nil {
		return err
	}
	display, code, err := s.Store.MakeDisplayCode(c.Request().Context(), web.SignedIn(c), id)
	return s.showDisplayCode(c, display, code, err)
}

func (s *Stations) showDisplayCode(c echo.Context, display packaging.Display, code string, err error) error {
	if err != nil {
		return s.saved(c, err)
	}
	return s.show(c, http.StatusOK, view.StationsPage{Coded: display.Name, Waits: display.Waits, Code: code})
}

// UnbindDisplay ends what binds a screen to its display.
func (s *Stations) UnbindDisplay(c echo.Context) error {
	id, err := web.PathID[packaging.DisplayID](c, "id")
	if err != nil {
		return err
	}
	return s.saved(c, s.Store.UnbindDisplay(c.Request().Context(), web.SignedIn(c), id))
}

// RemoveDisplay removes a display.
func (s *Stations) RemoveDisplay(c echo.Context) error {
	id, err := web.PathID[packaging.DisplayID](c, "id")
	if err != nil {
		return err
	}
	return s.saved(c, s.Store.RemoveDisplay(c.Request().Context(), web.SignedIn(c), id))
}
