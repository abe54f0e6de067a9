// Package shifts serves shifts: their reports, reviews and hand-overs.
package shifts

import "lineboard/handlers/web"

// Server serves the pages of shifts.
type Server struct {
	*web.Kit
	Store Store
}
