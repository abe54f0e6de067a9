package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/internal/text"
	"lineboard/views"
)

// admin is where administrators begin.
func (s *server) admin(c echo.Context) error {
	f, err := s.cacheFrame(c, "admin", text.Say(pageContext(c), "admin.title"))
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.Admin(f, f.Person.Tenant.Environment()))
}
