// Package history serves the history: searched, entry by entry, exported and verified.
package history

import "lineboard/handlers/web"

// Server serves the pages of the history.
type Server struct {
	*web.Kit
	Store  Store
	Checks Checks
}
