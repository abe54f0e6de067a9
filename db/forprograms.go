package db

import (
	"context"
	"time"

	"lineboard/internal/packaging"
)

// OrdersAfter returns up to limit orders by their keys, from the one after the given key. Of the filter it heeds the
// status and the line. A Conflict says that there is no order with the key.
func (d *DB) OrdersAfter(
	ctx context.Context, in packaging.Scope, f packaging.OrderFilter, after packaging.OrderID, limit int,
) (orders []packaging.Order, err error) {
	w := inScope(in, "o.")
	w.and(true, "o.id > ? AND o.withdrawn_at IS NULL", after)
	w.and(f.Status != "", "o.status = ?", f.Status)
	w.and(f.LineID != 0, "o.line_id = ?", f.LineID)
	err = d.snapshotLong(ctx, in.Reader(), pageLimit, func(ctx context.Context, q querier) error {
		err := mustKnow(ctx, q, `SELECT EXISTS (SELECT 1 FROM orders WHERE tenant_id = ? AND id = ?)`, in, int64(after))
		if err != nil {
			return err
		}
		orders, err = collect(
			ctx, q, scanOrder, selectOrder+`WHERE `+w.sql+` ORDER BY o.id LIMIT ?`, append(w.args, limit)...,
		)
		return err
	})
	return orders, err
}

// HistoryAfter returns up to limit entries in the order of the chain, from the one after the given number. A limited
// scope has the entries of its lines alone. A Conflict says that there is no entry with the number.
func (d *DB) HistoryAfter(
	ctx context.Context, in packaging.Scope, after int64, limit int,
) (entries []packaging.Entry, err error) {
	w := where{"tenant_id = ? AND seq > ?", []any{in.Tenant(), after}}
	w.and(in.Limited(),
		`line_code IN (SELECT code FROM lines WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?)))`,
		in.Tenant(), lineList(in))
	err = d.snapshotLong(ctx, in.Reader(), pageLimit, func(ctx context.Context, q querier) error {
		err := mustKnow(ctx, q, `SELECT EXISTS (SELECT 1 FROM history WHERE tenant_id = ? AND seq = ?)`, in, after)
		if err != nil {
			return err
		}
		entries, err = manyEntries(ctx, q, `SELECT `+entryColumns+` FROM history WHERE `+w.sql+` ORDER BY seq LIMIT ?`,
			append(w.args, limit)...)
		return err
	})
	return entries, err
}

// mustKnow fails with a Conflict for a cursor that names nothing: the database is not the one that it came from, and
// what comes after it would not be all.
func mustKnow(ctx context.Context, q querier, exists string, in packaging.Scope, cursor int64) error {
	if cursor == 0 {
		return nil
	}
	var known bool
	err := q.QueryRowContext(ctx, exists, in.Tenant(), cursor).Scan(&known)
	if err == nil && !known {
		err = packaging.Fail(packaging.Conflict, "api.unknown_cursor")
	}
	return coded(err)
}

// UnknownOutcomes returns how many orders have a release whose outcome is unknown, and when the oldest of these was
// requested, zero for none.
func (d *DB) UnknownOutcomes(ctx context.Context, in packaging.Scope) (n int, oldest time.Time, err error) {
	n, oldest, err = unknownOutcomes(ctx, d.read, in)
	return n, oldest, coded(err)
}

func unknownOutcomes(ctx context.Context, q querier, in packaging.Scope) (n int, oldest time.Time, err error) {
	w := inScope(in, "o.")
	var at int64
	err = q.QueryRowContext(ctx, `
		SELECT count(*), coalesce(min(r.requested_at), 0) FROM releases r JOIN orders o ON o.last_release_id = r.id AND o.id = r.order_id
		WHERE `+w.sql+` AND r.tenant_id = o.tenant_id AND `+isUnknown+
		` AND r.closed_at IS NULL`, w.args...).Scan(&n, &at)
	return n, moment(at), err
}
