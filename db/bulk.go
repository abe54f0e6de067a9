package db

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// An import of 100,000 orders writes 400,000 rows. Triggers that note each of them take longer than writing them does.
// So it writes on a connection of its own, which takes its turn as all who write do, and notes new rows of these tables
// by itself, many together.
var writtenInBulk = []string{"orders", "imported_facts", "order_events", "import_changes"}

// bulkSettings are those of a writer, but that its commit does not copy the write-ahead log to its place: that is done
// beside it.
func bulkSettings(settings url.Values) url.Values {
	settings = maps.Clone(settings)
	settings["_pragma"] = append(slices.DeleteFunc(slices.Clone(settings["_pragma"]), func(s string) bool {
		return strings.HasPrefix(s, "wal_autocheckpoint")
	}), "wal_autocheckpoint(0)")
	return settings
}

type bulkKey struct{}

// inBulk has transactions write on a connection of its own, until end is called.
func (d *DB) inBulk(ctx context.Context) (bulk context.Context, end func() error, err error) {
	w, err := d.openBulk()
	if err != nil {
		return nil, nil, err
	}
	if err := w.PingContext(ctx); err != nil { // before it has its turn
		_ = w.Close()
		return nil, nil, coded(err)
	}
	return context.WithValue(ctx, bulkKey{}, w), w.Close, nil
}

// writerOf returns the connection that a transaction writes on, bulk where it notes new rows by itself.
func (d *DB) writerOf(ctx context.Context) (w *reader, bulk bool) {
	if w, bulk = ctx.Value(bulkKey{}).(*reader); bulk {
		return w, true
	}
	return d.writer, false
}
