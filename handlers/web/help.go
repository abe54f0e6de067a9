package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// Help explains the pages.
func (s *Kit) Help(c echo.Context) error {
	f, err := s.Frame(c, "help", text.Say(c.Request().Context(), "help.title"))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, shell.Help(f, s.demo))
}

// DropHint puts a hint away for good, for this person, and shows the same page without it.
func (s *Kit) DropHint(c echo.Context) error {
	hint := c.FormValue("hint")
	if !slices.Contains(shell.Hints, hint) {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if err := s.store.DropHint(c.Request().Context(), SignedIn(c).ID, hint); err != nil {
		return err
	}
	return SeeOther(c, LocalPath(c.FormValue("next")))
}
