package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
)

// timeHeader has the server's time, in ms since 1970. Proxies replace the header Date by their own time.
const timeHeader = "Lineboard-Time"

// Alive says that the process runs, and what time it has.
func (s *Kit) Alive(c echo.Context) error {
	c.Response().Header().Set(timeHeader, strconv.FormatInt(s.Now().UnixMilli(), 10))
	return c.String(http.StatusOK, "alive\n")
}

// Ready says whether the server can do its work: read, write, release, and store what the API answered.
//
// That another Lineboard took over is told first, whatever else is: by these words the standby's check of its address
// knows the one that must not have it.
func (s *Kit) Ready(c echo.Context) error {
	if s.copied().TakenOver != nil {
		return c.String(http.StatusServiceUnavailable, "releases are refused: another Lineboard took over\n")
	}
	if err := s.store.Ready(c.Request().Context()); err != nil {
		s.tellUnready(err)
		if errors.Is(err, packaging.ErrNotAnchored) {
			return c.String(http.StatusServiceUnavailable, "releases are refused: the anchors can't be written\n")
		}
		return c.String(http.StatusServiceUnavailable, "the database can't be read or written\n")
	}
	if s.held() > 0 {
		return c.String(http.StatusServiceUnavailable, "answers of the API wait to be stored\n")
	}
	if err := s.releases(); err != nil {
		s.tellUnready(err)
		return c.String(http.StatusServiceUnavailable, "releases are refused\n")
	}
	s.unready.Store(nil)
	return c.String(http.StatusOK, "ready\n")
}

// tellUnready logs why the server is not ready: once for each reason, however often probes ask.
func (s *Kit) tellUnready(why error) {
	said := why.Error()
	if was := s.unready.Swap(&said); was == nil || *was != said {
		s.Log.Error("not ready", "err", why)
	}
}
