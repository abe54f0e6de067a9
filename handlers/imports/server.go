// Package imports brings orders in: from files that people send, and from programs.
package imports

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/memory"
	"lineboard/internal/packaging"
	"lineboard/internal/throttle"
)

// Server serves the pages of imports, and the interface for programs.
type Server struct {
	*web.Kit
	Store Store
	busy  *throttle.Concurrency // one import a site
}

// New makes a server of imports.
func New(kit *web.Kit, store Store) *Server {
	return &Server{
		Kit: kit, Store: store, busy: throttle.NewConcurrency(1),
	}
}

// enter begins an import at a site, from before its file is read. It returns what ends it; ok is false while another is
// under way: each takes memory for its whole file.
func (s *Server) enter(tenant packaging.TenantID) (leave func(), ok bool) {
	end, ok := s.busy.Enter(strconv.FormatInt(int64(tenant), 10))
	if !ok {
		return end, false
	}
	small := memory.BeginLarge()
	return func() {
		small()
		end()
	}, true
}

// oneAtATime refuses an import of a person while another of the site is under way.
func (s *Server) oneAtATime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		leave, ok := s.enter(web.SignedIn(c).Tenant.ID)
		if !ok {
			return packaging.Fail(packaging.Conflict, "error.import_busy")
		}
		defer leave()
		return next(c)
	}
}
