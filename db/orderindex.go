package db

import (
	"context"
	"slices"

	"lineboard/internal/packaging"
)

// maxIndexed is how many orders are indexed in one transaction: it must be short.
const maxIndexed = 500

// IndexOrders brings the index of the orders' words up to date, a few orders at a time. Until then searches read the
// rest beside it.
func (d *DB) IndexOrders(ctx context.Context) error {
	for {
		some, err := someUnindexed(ctx, d.slow)
		if err != nil || !some {
			return err
		}
		if err := d.tx(inBackground(ctx), (*tx).indexOrders); err != nil {
			return err
		}
	}
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

func (t *tx) indexOrders() error {
	const some = `(SELECT order_id FROM orders_unindexed ORDER BY order_id LIMIT ?)`
	for _, statement := range []string{
		`INSERT INTO orders_index (orders_index, rowid, text)
			SELECT 'delete', order_id, was FROM orders_unindexed WHERE was IS NOT NULL AND order_id IN ` + some,
		`INSERT INTO orders_index (rowid, text) SELECT id, text FROM orders_found_by WHERE id IN ` + some,
		`DELETE FROM orders_unindexed WHERE order_id IN ` + some,
	} {
		if err := t.exec(statement, maxIndexed); err != nil {
			return err
		}
	}
	return nil
}
