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
	give, err := d.places.take(ctx, person)
	if err != nil {
		return err
	}
	defer give()
	return limited(ctx, searchLimit, "error.search_slow", func(ctx context.Context) error { return do(ctx, d.slow) })
}

// limited fails with Invalid and the text where do takes longer than the limit.
func limited(ctx context.Context, limit time.Duration, text string, do func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return packaging.Fail(packaging.Invalid, text).Because(err)
	}
	return err
}
