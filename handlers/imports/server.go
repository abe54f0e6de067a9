// Package imports brings orders in: from files that people send, and from programs.
package imports

import (
	"golang.org/x/time/rate"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
)

// Server serves the pages of imports, and the interface for programs.
type Server struct {
	*web.Kit
	Store Store
	rates limiters
}

// New makes a server of imports.
func New(kit *web.Kit, store Store) *Server {
	return &Server{Kit: kit, Store: store, rates: limiters{of: map[packaging.TokenID]*rate.Limiter{}}}
}
