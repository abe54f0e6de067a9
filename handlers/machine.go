package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// alive says that the process runs.
func (s *server) alive(c echo.Context) error { return c.String(http.StatusOK, "alive\n") }

// ready says whether the server can do its work: read, write, and store what the API answered.
func (s *server) ready(c echo.Context) error {
	if err := s.Store.Ready(c.Request().Context()); err != nil {
		s.Log.Error("not ready", "err", err)
		return c.String(http.StatusServiceUnavailable, "the database can't be read or written\n")
	}
	if s.Releaser.Held() > 0 {
		return c.String(http.StatusServiceUnavailable, "answers of the API wait to be stored\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
