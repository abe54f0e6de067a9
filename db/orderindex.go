package db

import (
	"context"
	"slices"

	"lineboard/internal/packaging"
)

// What one transaction does must be short.
const (
	maxIndexed = 500 // orders
	maxMerged  = 32  // pages of the index
)

// mergedAfter is how many orders are indexed before the index is put together. Each transaction adds a part to it, and
// a search looks into each part: that of an ID takes three times as long in twelve parts as in one.
const mergedAfter = 10_000

// IndexOrders brings the index of the orders' words up to date, a few orders at a time. Until then searches read the
// rest beside it. Once many orders are indexed, it puts the parts of the index together.
func (d *DB) IndexOrders(ctx context.Context) error {
	for {
		some, err := someUnindexed(ctx, d.slow)
		if err != nil {
			return err
		}
		if !some {
			break
		}
		var indexed int64
		if err := d.tx(inBackground(ctx), func(t *tx) (err error) {
			indexed, err = t.indexOrders()
			return err
		}); err != nil {
			return err
		}
		d.indexed.Add(indexed)
	}
	if d.indexed.Load() < mergedAfter {
		return nil
	}
	if err := d.mergeIndex(ctx); err != nil {
		return err
	}
	d.indexed.Store(0)
	return nil
}

// mergeIndex makes one part of the parts of the index, a few pages at a time.
func (d *DB) mergeIndex(ctx context.Context) error {
	pages, done := -maxMerged, false // a negative number begins with all parts, whatever their sizes
	for !done {
		if err := d.tx(inBackground(ctx), func(t *tx) (err error) {
			done, err = t.mergeIndex(pages)
			return err
		}); err != nil {
			return err
		}
		pages = maxMerged
	}
	return nil
}

// mergeIndex merges some pages, and reports whether there was nothing to merge: FTS5 changes less than two rows then.
func (t *tx) mergeIndex(pages int) (done bool, err error) {
	var before, after int64
	if err := t.row(`SELECT total_changes()`).Scan(&before); err != nil {
		return false, coded(err)
	}
	if err := t.exec(`INSERT INTO orders_index (orders_index, rank) VALUES ('merge', ?)`, pages); err != nil {
		return false, err
	}
	err = t.row(`SELECT total_changes()`).Scan(&after)
	return after-before < 2, coded(err)
}

// Unindexed gets a value when orders have changed since the last one was received.
func (d *DB) Unindexed() <-chan struct{} { return d.unindexed }

// Uncompared is as Unindexed, for those who compare lists.
func (d *DB) Uncompared() <-chan struct{} { return d.uncompared }

// awaitIndex notes that orders have changed.
func (d *DB) awaitIndex(changes []packaging.Change) {
	if !slices.ContainsFunc(changes, func(c packaging.Change) bool { return c.About == packaging.AboutOrder }) {
		return
	}
	for _, wake := range []chan<- struct{}{d.unindexed, d.uncompared} {
		select {
		case wake <- struct{}{}:
		default: // nobody has received the last one yet
		}
	}
}

func someUnindexed(ctx context.Context, q querier) (some bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM orders_unindexed)`).Scan(&some)
	return some, coded(err)
}

// indexOrders indexes some orders, and returns how many.
func (t *tx) indexOrders() (indexed int64, err error) {
	const some = `(SELECT order_id FROM orders_unindexed ORDER BY order_id LIMIT ?)`
	for _, statement := range []string{
		`INSERT INTO orders_index (orders_index, rowid, text)
			SELECT 'delete', order_id, was FROM orders_unindexed WHERE was IS NOT NULL AND order_id IN ` + some,
		`INSERT INTO orders_index (rowid, text) SELECT id, text FROM orders_found_by WHERE id IN ` + some,
		`DELETE FROM orders_unindexed WHERE order_id IN ` + some,
	} {
		if err := t.exec(statement, maxIndexed); err != nil {
			return 0, err
		}
	}
	err = t.row(`SELECT changes()`).Scan(&indexed)
	return indexed, coded(err)
}
