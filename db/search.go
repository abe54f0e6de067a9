package db

import (
	"context"
	"time"

	"lineboard/internal/packaging"
)

// searchLimit is how long a search may take.
const searchLimit = 2 * time.Second

// search runs a search for what a person typed; without text it reads what an index gives at once. One that takes
// longer than a person waits fails with [packaging.Invalid]: they can ask for less.
func (d *DB) search(
	ctx context.Context, person packaging.UserID, text string, do func(ctx context.Context, q querier) error,
) error {
	if text == "" {
		return do(ctx, d.slow)
	}
	return d.inPlace(ctx, person, searchLimit, "error.search_slow", func(ctx context.Context) error {
		return do(ctx, d.slow)
	})
}
