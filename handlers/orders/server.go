// Package orders serves boards, orders and their releases: what people at the lines work with.
package orders

import (
	"context"
	"time"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/throttle"
	"lineboard/views/shell"
)

// Server serves the pages of lines and orders.
type Server struct {
	*web.Kit
	Store     Store
	Releaser  Releaser
	Settler   Settler
	Queuer    Queuer
	Refresher Refresher
	Patience  time.Duration // how long a press waits for its result before the page shows it as under way
	// Digest is what the overview tells somebody who reviews or hands over shifts.
	Digest func(ctx context.Context, reader packaging.Person, now time.Time) (shell.Digest, error)
	Totals Totals
	Lists  *throttle.Concurrency // that people add, one a site
	// NotYetCopied reports whether a release may be missing from the copy of the database.
	NotYetCopied func(packaging.ReleaseID) bool

	kept keptLists
}

// markUncopied marks the latest releases of orders that may be missing from the copy.
func (s *Server) markUncopied(orders []packaging.Order) {
	for _, o := range orders {
		if o.Release != nil {
			o.Release.NotYetCopied = s.NotYetCopied(o.Release.ID)
		}
	}
}

func (s *Server) markUncopiedIn(lanes []packaging.Lane) {
	for _, l := range lanes {
		s.markUncopied(l.Running)
		s.markUncopied(l.Next)
	}
}

// Releaser releases orders to their lines.
type Releaser interface {
	Release(ctx context.Context, by packaging.Person, press packaging.Press) (settled <-chan struct{}, err error)
}

// Settler asks about releases whose outcome is unknown.
type Settler interface {
	Ask(ctx context.Context, by packaging.Person, id packaging.OrderID) error
}

// Queuer releases several orders of a line one at a time.
type Queuer interface {
	Start(
		ctx context.Context, by packaging.Person, line packaging.LineID, picks []packaging.QueuePick,
		signed ...packaging.Signature,
	) error
	Stop(ctx context.Context, by packaging.Person, line packaging.LineID) error
}
