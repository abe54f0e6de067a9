package db

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"lineboard/internal/packaging"
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

// bulkWriters are the connections that long imports write on.
type bulkWriters struct {
	mu       sync.Mutex
	ends     map[*reader]context.CancelFunc // those of who writes
	underWay sync.WaitGroup
	closed   bool
}

func (b *bulkWriters) add(w *reader, end context.CancelFunc) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return packaging.Fail(packaging.Unavailable, "error.database_busy")
	}
	if b.ends == nil {
		b.ends = map[*reader]context.CancelFunc{}
	}
	b.ends[w] = end
	b.underWay.Add(1)
	return nil
}

func (b *bulkWriters) remove(w *reader) error {
	defer b.underWay.Done()
	err := w.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ends, w)
	return err
}

// close undoes what is under way, and returns once nobody writes.
func (b *bulkWriters) close() {
	b.mu.Lock()
	b.closed = true
	for _, end := range b.ends {
		end()
	}
	b.mu.Unlock()
	b.underWay.Wait()
}

// inBulk has transactions write on a connection of its own, until end is called. Where the database is closed before,
// they are undone.
func (d *DB) inBulk(ctx context.Context) (bulk context.Context, end func() error, err error) {
	w, err := d.openBulk()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	if err := d.bulk.add(w, cancel); err != nil {
		cancel()
		return nil, nil, errors.Join(err, w.Close())
	}
	end = func() error {
		cancel()
		return d.bulk.remove(w)
	}
	if err := w.PingContext(ctx); err != nil { // before it has its turn
		return nil, nil, errors.Join(coded(err), end())
	}
	return context.WithValue(ctx, bulkKey{}, w), end, nil
}

// writerOf returns the connection that a transaction writes on, bulk where it notes new rows by itself.
func (d *DB) writerOf(ctx context.Context) (w *reader, bulk bool) {
	if w, bulk = ctx.Value(bulkKey{}).(*reader); bulk {
		return w, true
	}
	return d.writer, false
}
