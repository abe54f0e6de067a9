// Package shifts serves shifts: their reports, reviews and hand-overs.
package shifts

import (
	"lineboard/handlers/web"
	"lineboard/internal/packaging"
)

// Server serves the pages of shifts.
type Server struct {
	*web.Kit
	Store Store
	// NotYetCopied reports whether a release may be missing from the copy of the database.
	NotYetCopied func(packaging.ReleaseID) bool
}
