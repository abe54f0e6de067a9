package db

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// CachedOrders gives the tenant's orders that are neither Done nor gone: by order ID, when their details were last asked
// for, zero for never. Those that only an import told of are left out: the list will tell when the API knows them.
func (d *DB) CachedOrders(ctx context.Context, tenant packaging.TenantID) (map[string]time.Time, error) {
	rows, err := d.read.QueryContext(ctx, `SELECT order_key, asked_at FROM orders WHERE tenant_id = ? AND gone = 0 AND urgency < 6 AND known`, tenant)
	if err != nil {
		return nil, coded(err)
	}
	defer rows.Close()
	cached := map[string]time.Time{}
	for rows.Next() {
		var key string
		var asked int64
		if err := rows.Scan(&key, &asked); err != nil {
			return nil, coded(err)
		}
		cached[key] = moment(asked)
	}
	return cached, coded(rows.Err())
}

// ApplyRefresh brings the cache to what a refresh found, and says whether anything that pages show has changed. Orders
// that did not change are not written.
func (d *DB) ApplyRefresh(ctx context.Context, tenant packaging.TenantID, r packaging.Refresh) (changed bool, err error) {
	err = d.tx(ctx, func(t *tx) error {
		a, err := t.startApplying(tenant, r.Started)
		if err != nil {
			return err
		}
		listed := make(map[string]bool, len(r.Listed))
		for _, f := range r.Listed {
			listed[f.Key] = true
			if err := a.apply(f, true); err != nil {
				return err
			}
		}
		if err := a.unlist(listed); err != nil {
			return err
		}
		for _, f := range r.Unlisted {
			if err := a.apply(f, false); err != nil {
				return err
			}
		}
		for _, key := range r.Gone {
			if err := a.markGone(key); err != nil {
				return err
			}
		}
		for _, key := range r.Asked {
			if err := t.exec(`UPDATE orders SET asked_at = ? WHERE tenant_id = ? AND order_key = ?`, millis(r.Started), tenant, key); err != nil {
				return err
			}
		}
		changed = a.changed
		return t.exec(`UPDATE refreshes SET tried_at = ?1, succeeded_at = ?1, problem = '', message = '', nameless = ?2 WHERE tenant_id = ?3`,
			millis(r.Started), r.Nameless, tenant)
	})
	return changed, err
}

// RefreshFailed notes that a refresh that started then did not work, and why.
func (d *DB) RefreshFailed(ctx context.Context, tenant packaging.TenantID, started time.Time, failure *packaging.CallError) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE refreshes SET tried_at = ?, problem = ?, message = ? WHERE tenant_id = ?`,
			millis(started), failure.Reason, failure.Message, tenant)
	})
}

// Freshness says how old the cache of the tenant's orders is. The interval is not known here.
func (d *DB) Freshness(ctx context.Context, tenant packaging.TenantID) (f packaging.Freshness, err error) {
	var tried, succeeded int64
	err = d.read.QueryRowContext(ctx, `SELECT tried_at, succeeded_at, problem, message, nameless FROM refreshes WHERE tenant_id = ?`, tenant).
		Scan(&tried, &succeeded, &f.Problem, &f.Message, &f.Nameless)
	f.Tried, f.Succeeded = moment(tried), moment(succeeded)
	return f, coded(err)
}

// applying is a refresh being applied: what the cache held before, and the tenant's lines.
type applying struct {
	*tx
	tenant  packaging.TenantID
	started time.Time
	before  map[string]cachedRow
	lines   []packaging.Line
	last    time.Time // the good refresh before this one
	changed bool
}

type cachedRow struct {
	id     packaging.OrderID
	facts  packaging.Facts
	line   packaging.LineID
	listed bool
	gone   bool
	// A release of the order ended or was settled since the refresh asked, or is under way: its status here is newer than
	// the answer.
	newer bool
	// Imports gave facts of it, and maybe the API has not told of it yet.
	imported, notYetKnown bool
}

func (t *tx) startApplying(tenant packaging.TenantID, started time.Time) (*applying, error) {
	a := &applying{tx: t, tenant: tenant, started: started, before: map[string]cachedRow{}}
	var err error
	if a.lines, err = linesOf(t.ctx, t, packaging.Everything(tenant)); err != nil {
		return nil, err
	}
	var last int64
	if err := t.row(`SELECT succeeded_at FROM refreshes WHERE tenant_id = ?`, tenant).Scan(&last); err != nil {
		return nil, err
	}
	a.last = moment(last)
	rows, err := collect(t.ctx, t, func(row scanner) (c cachedRow, err error) {
		var line sql.Null[packaging.LineID]
		f := &c.facts
		err = row.Scan(&c.id, &f.Key, &f.LineCode, &f.LineName, &f.Product, &f.GTIN, &f.Lot, &f.Expiry, &f.Quantity,
			&f.ExtraPercent, &f.Status, &f.Raw, &line, &c.listed, &c.gone, &c.newer,
			&c.imported, &c.notYetKnown)
		c.line = line.V
		return c, err
	}, `
		SELECT o.id, o.order_key, o.line_code, o.line_name, o.product, o.gtin, o.lot, o.expiry, o.quantity, o.extra_percent,
			o.status, o.raw, o.line_id, o.listed, o.gone,
			coalesce(r.outcome = 'sending' OR max(r.answered_at, coalesce(r.settled_at, 0)) >= ?, 0),
			i.order_id IS NOT NULL, NOT o.known
		FROM orders o LEFT JOIN releases r ON r.id = o.last_release_id LEFT JOIN imported_facts i ON i.order_id = o.id
		WHERE o.tenant_id = ?`, millis(started), tenant)
	for _, c := range rows {
		a.before[c.facts.Key] = c
	}
	return a, err
}

// apply writes what the API said about one order, where that differs from what is known.
func (a *applying) apply(f packaging.Facts, listed bool) error {
	was, known := a.before[f.Key]
	f, err := a.underImports(was, f) // an answer that leaves a field out says nothing about it
	if err != nil {
		return err
	}
	line := a.lineFor(f)
	if !known {
		a.changed = true
		return a.exec(`
			INSERT INTO orders (tenant_id, order_key, line_id, line_code, line_name, product, gtin, lot, expiry, quantity,
				extra_percent, status, raw, listed, first_seen_at, confirmed_at)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			a.tenant, f.Key, nullable(line), f.LineCode, f.LineName, f.Product, f.GTIN, f.Lot, f.Expiry, f.Quantity,
			f.ExtraPercent, f.Status, string(f.Raw), listed, millis(a.now), millis(a.started))
	}
	if was.newer {
		f.Status = was.facts.Status
	}
	shown := !sameFacts(f, was.facts) || line != was.line || was.gone || was.notYetKnown
	if shown || listed != was.listed || string(f.Raw) != string(was.facts.Raw) {
		a.changed = a.changed || shown
		if err := a.exec(`
			UPDATE orders SET line_id = ?, line_code = ?, line_name = ?, product = ?, gtin = ?, lot = ?, expiry = ?,
				quantity = ?, extra_percent = ?, status = ?, raw = ?, listed = ?, gone = 0, known = 1, revision = revision + ?
			WHERE id = ?`,
			nullable(line), f.LineCode, f.LineName, f.Product, f.GTIN, f.Lot, f.Expiry,
			f.Quantity, f.ExtraPercent, f.Status, string(f.Raw), listed, shown, was.id); err != nil {
			return err
		}
	}
	if listed {
		return nil // the refresh itself confirms it
	}
	return a.exec(`UPDATE orders SET confirmed_at = ? WHERE id = ?`, millis(a.started), was.id)
}

// unlist notes which orders the list does not hold any more: they were last confirmed by the refresh before.
func (a *applying) unlist(listed map[string]bool) error {
	for key, was := range a.before {
		if !was.listed || listed[key] {
			continue
		}
		if err := a.exec(`UPDATE orders SET listed = 0, confirmed_at = max(confirmed_at, ?) WHERE id = ?`, millis(a.last), was.id); err != nil {
			return err
		}
		was.listed = false
		a.before[key] = was
	}
	return nil
}

func (a *applying) markGone(key string) error {
	was, known := a.before[key]
	if !known || was.gone || was.newer || was.notYetKnown {
		return nil
	}
	a.changed = true
	return a.exec(`UPDATE orders SET gone = 1, listed = 0, confirmed_at = ?, revision = revision + 1 WHERE id = ?`, millis(a.started), was.id)
}

// lineFor is the line that the API means: it may give a line's code or its name.
func (a *applying) lineFor(f packaging.Facts) packaging.LineID {
	for _, given := range []string{f.LineCode, f.LineName} {
		if given == "" {
			continue
		}
		for _, l := range a.lines {
			if strings.EqualFold(given, l.Code) {
				return l.ID
			}
		}
		for _, l := range a.lines {
			if strings.EqualFold(given, l.Name) {
				return l.ID
			}
		}
	}
	return 0
}

func sameFacts(a, b packaging.Facts) bool {
	a.Raw, b.Raw = nil, nil
	return a.Key == b.Key && a.LineCode == b.LineCode && a.LineName == b.LineName && a.Product == b.Product &&
		a.GTIN == b.GTIN && a.Lot == b.Lot && a.Expiry == b.Expiry && a.Quantity == b.Quantity &&
		a.ExtraPercent == b.ExtraPercent && a.Status == b.Status
}
