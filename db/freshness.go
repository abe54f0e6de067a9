package db

import (
	"context"
	"time"

	"lineboard/internal/packaging"
)

// RefreshFailed notes that a refresh that started then did not work, and why.
func (d *DB) RefreshFailed(
	ctx context.Context, tenant packaging.TenantID, started time.Time, failure *packaging.CallError,
) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		return t.exec(`UPDATE refreshes SET tried_at = ?, problem = ?, message = ? WHERE tenant_id = ?`,
			millis(started), failure.Reason, failure.Message, tenant)
	})
}

// Freshness says how old the cache of the tenant's orders is. The interval is not known here.
func (d *DB) Freshness(ctx context.Context, tenant packaging.TenantID) (f packaging.Freshness, err error) {
	var tried, succeeded int64
	err = d.read.QueryRowContext(ctx, `
		SELECT tried_at, succeeded_at, problem, message, nameless, changes, `+isConnected+`
		FROM refreshes JOIN tenants t ON t.id = tenant_id WHERE tenant_id = ?`, tenant).
		Scan(&tried, &succeeded, &f.Problem, &f.Message, &f.Nameless, &f.Changes, &f.Connected)
	f.Tried, f.Succeeded = moment(tried), moment(succeeded)
	return f, coded(err)
}

// CachedOrders gives, by order ID, the tenant's orders that are not Done and whose details may have to be asked for.
// Those that have been gone for a week are left out, and those that only an import told of: the list will tell when the
// API knows them.
func (d *DB) CachedOrders(ctx context.Context, tenant packaging.TenantID) (map[string]packaging.CachedOrder, error) {
	const cachedOrders = `SELECT o.order_key, coalesce(c.asked_at, 0), o.gone FROM orders o LEFT JOIN order_checks c ON c.order_id = o.id `
	rows, err := d.read.QueryContext(ctx,
		cachedOrders+`WHERE o.tenant_id = ?1 AND o.gone = 0 AND o.urgency < 6 AND o.known
		UNION ALL `+cachedOrders+`WHERE o.tenant_id = ?1 AND o.gone = 1 AND o.urgency < 6 AND o.confirmed_at > ?2`,
		tenant, millis(d.now().Add(-goneFor)))
	if err != nil {
		return nil, coded(err)
	}
	defer rows.Close()
	cached := map[string]packaging.CachedOrder{}
	for rows.Next() {
		var key string
		var asked int64
		var c packaging.CachedOrder
		if err := rows.Scan(&key, &asked, &c.Gone); err != nil {
			return nil, coded(err)
		}
		c.Asked = moment(asked)
		cached[key] = c
	}
	return cached, coded(rows.Err())
}

// storeChecks stores which orders were asked for, and which the API answered about.
func (t *tx) storeChecks(tenant packaging.TenantID, r packaging.Refresh) error {
	for _, key := range r.Asked {
		if err := t.storeCheck(tenant, key, r.Started, time.Time{}); err != nil {
			return err
		}
	}
	for _, f := range r.Unlisted {
		if err := t.storeCheck(tenant, f.Key, time.Time{}, r.Started); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) storeCheck(tenant packaging.TenantID, key string, asked, confirmed time.Time) error {
	return t.exec(`
		INSERT INTO order_checks (order_id, asked_at, confirmed_at) SELECT id, ?, ? FROM orders WHERE tenant_id = ? AND order_key = ?
		ON CONFLICT (order_id) DO UPDATE SET asked_at = max(asked_at, excluded.asked_at), confirmed_at = max(confirmed_at, excluded.confirmed_at)`,
		millis(asked), millis(confirmed), tenant, key)
}
