package db

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

const (
	// atOnce is how many orders one transaction of a refresh changes: a release must not wait for a long list.
	atOnce = 100
	// goneFor is how long an order that the API does not know any more is asked about, in case it comes back.
	goneFor = 7 * 24 * time.Hour
)

// CachedOrders gives, by order ID, the tenant's orders that are not Done and whose details may have to be asked for. Those
// that have been gone for a week are left out, and those that only an import told of: the list will tell when the API knows
// them.
func (d *DB) CachedOrders(ctx context.Context, tenant packaging.TenantID) (map[string]packaging.CachedOrder, error) {
	const cachedOrders = `SELECT o.order_key, coalesce(c.asked_at, 0), o.gone FROM orders o LEFT JOIN order_checks c ON c.order_id = o.id `
	rows, err := d.read.QueryContext(ctx, cachedOrders+`WHERE o.tenant_id = ?1 AND o.gone = 0 AND o.urgency < 6 AND o.known
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

// ApplyRefresh brings the cache to what a refresh found, and says whether anything that pages show has changed. What is to
// be changed is found out by reading alone: orders that did not change are not written, and those that did are written a
// few at a time. A refresh counts as good once all of them are; until then, the orders are as of the one before. One
// refresh of a tenant at a time is applied.
func (d *DB) ApplyRefresh(ctx context.Context, tenant packaging.TenantID, r packaging.Refresh) (changed bool, err error) {
	found, err := d.findings(ctx, tenant, r)
	if err != nil {
		return false, err
	}
	changes := 0
	for some := range slices.Chunk(found, atOnce) {
		n := 0 // counted once the transaction is done
		if err := d.tx(ctx, func(t *tx) (err error) {
			n, err = t.applyFindings(tenant, r.Started, some)
			return err
		}); err != nil {
			return changes > 0, err
		}
		changes += n
	}
	err = d.tx(ctx, func(t *tx) error {
		if err := t.noteChecks(tenant, r); err != nil {
			return err
		}
		return t.exec(`
			UPDATE refreshes SET tried_at = ?1, succeeded_at = ?1, problem = '', message = '', nameless = ?2, changes = ?3 WHERE tenant_id = ?4`,
			millis(r.Started), r.Nameless, changes, tenant)
	})
	return changes > 0, err
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
	err = d.read.QueryRowContext(ctx, `SELECT tried_at, succeeded_at, problem, message, nameless, changes FROM refreshes WHERE tenant_id = ?`, tenant).
		Scan(&tried, &succeeded, &f.Problem, &f.Message, &f.Nameless, &f.Changes)
	f.Tried, f.Succeeded = moment(tried), moment(succeeded)
	return f, coded(err)
}

// finding is what a refresh found out about one order.
type finding struct {
	key    string
	facts  *packaging.Facts // nil where the API told none
	listed bool
	gone   bool // the API does not know it
}

func (f finding) source() packaging.Source {
	if f.listed && !f.facts.Detailed {
		return packaging.ByList
	}
	return packaging.ByDetails
}

// findings are those of a refresh that change something, as far as can be told without the writer.
func (d *DB) findings(ctx context.Context, tenant packaging.TenantID, r packaging.Refresh) ([]finding, error) {
	all := make([]finding, 0, len(r.Listed)+len(r.Unlisted)+len(r.Gone))
	told := make(map[string]bool, cap(all))
	add := func(f finding) {
		all, told[f.key] = append(all, f), true
	}
	for i := range r.Listed {
		add(finding{key: r.Listed[i].Key, facts: &r.Listed[i], listed: true})
	}
	for i := range r.Unlisted {
		add(finding{key: r.Unlisted[i].Key, facts: &r.Unlisted[i]})
	}
	for _, key := range r.Gone {
		add(finding{key: key, gone: true})
	}
	a := &applying{tenant: tenant, started: r.Started}
	if err := a.read(ctx, d.read); err != nil {
		return nil, err
	}
	if err := a.readListed(ctx, d.read); err != nil {
		return nil, err
	}
	for key := range a.before {
		if !told[key] {
			all = append(all, finding{key: key}) // not in the list any more
		}
	}
	var others []string
	for _, f := range all {
		if _, read := a.before[f.key]; !read {
			others = append(others, f.key)
		}
	}
	if err := a.readOrders(ctx, d.read, others); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(f finding) bool { return !a.next(f).writes }), nil
}

// applyFindings changes orders, and says of how many pages show something else now.
func (t *tx) applyFindings(tenant packaging.TenantID, started time.Time, found []finding) (changes int, err error) {
	a := &applying{tenant: tenant, started: started}
	if err := a.read(t.ctx, t); err != nil {
		return 0, err
	}
	keys := make([]string, len(found))
	for i, f := range found {
		keys[i] = f.key
	}
	if err := a.readOrders(t.ctx, t, keys); err != nil {
		return 0, err
	}
	for _, f := range found {
		next := a.next(f)
		if err := t.become(tenant, started, next); err != nil {
			return 0, err
		}
		if next.shows {
			changes++
		}
	}
	return changes, nil
}

// noteChecks keeps which orders' details were asked for, and which they told of.
func (t *tx) noteChecks(tenant packaging.TenantID, r packaging.Refresh) error {
	for _, key := range r.Asked {
		if err := t.noteCheck(tenant, key, r.Started, time.Time{}); err != nil {
			return err
		}
	}
	for _, f := range r.Unlisted {
		if err := t.noteCheck(tenant, f.Key, time.Time{}, r.Started); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) noteCheck(tenant packaging.TenantID, key string, asked, confirmed time.Time) error {
	return t.exec(`
		INSERT INTO order_checks (order_id, asked_at, confirmed_at) SELECT id, ?, ? FROM orders WHERE tenant_id = ? AND order_key = ?
		ON CONFLICT (order_id) DO UPDATE SET asked_at = max(asked_at, excluded.asked_at), confirmed_at = max(confirmed_at, excluded.confirmed_at)`,
		millis(asked), millis(confirmed), tenant, key)
}

// applying is a refresh being applied: the tenant's lines, and what the cache holds of the orders in question.
type applying struct {
	tenant  packaging.TenantID
	started time.Time
	lines   []packaging.Line
	last    time.Time // the good refresh before this one
	before  map[string]cachedRow
}

type cachedRow struct {
	id     packaging.OrderID
	facts  packaging.Facts
	line   packaging.LineID
	kept   bool // a person set the line
	listed bool
	gone   bool
	// A release of the order ended or was settled since the refresh asked, or is under way: its status here is newer than
	// the answer.
	newer     bool
	confirmed time.Time

	// Imports gave facts of it: those, and what the API said by itself. Maybe the API has not told of it yet.
	imported    bool
	given, said packaging.Facts
	notYetKnown bool
}

// nextRow is what an order's row shall be, and what its timeline says of that.
type nextRow struct {
	cachedRow
	fresh  bool // it is a new row
	writes bool // it differs from the row that is there
	shows  bool // pages show the difference
	says   bool // what the API says under an import differs
	events []packaging.OrderEvent
}

// read reads the tenant's lines and when it was last refreshed.
func (a *applying) read(ctx context.Context, q querier) (err error) {
	a.before = map[string]cachedRow{}
	if a.lines, err = linesOf(ctx, q, packaging.Everything(a.tenant)); err != nil {
		return err
	}
	var last int64
	err = q.QueryRowContext(ctx, `SELECT succeeded_at FROM refreshes WHERE tenant_id = ?`, a.tenant).Scan(&last)
	a.last = moment(last)
	return coded(err)
}

var selectCached = `
SELECT o.id, o.order_key, o.line_code, o.line_name, o.product, o.gtin, o.lot, o.expiry, o.quantity, o.extra_percent,
	o.status, o.raw, o.line_id, o.line_set_at IS NOT NULL, o.listed, o.gone, o.confirmed_at,
	coalesce(r.outcome = 'sending' OR max(r.answered_at, coalesce(r.settled_at, 0)) >= ?, 0),
	i.order_id IS NOT NULL, NOT o.known, ` + orEmpty("i.", factColumns) + `, ` + orEmpty("i.api_", factColumns) + `
FROM orders o LEFT JOIN releases r ON r.id = o.last_release_id LEFT JOIN imported_facts i ON i.order_id = o.id
WHERE o.tenant_id = ? AND `

func (a *applying) add(ctx context.Context, q querier, condition string, args ...any) error {
	rows, err := collect(ctx, q, func(row scanner) (c cachedRow, err error) {
		var line sql.Null[packaging.LineID]
		var confirmed int64
		f := &c.facts
		err = row.Scan(slices.Concat([]any{
			&c.id, &f.Key, &f.LineCode, &f.LineName, &f.Product, &f.GTIN, &f.Lot, &f.Expiry, &f.Quantity,
			&f.ExtraPercent, &f.Status, &f.Raw, &line, &c.kept, &c.listed, &c.gone, &confirmed, &c.newer,
			&c.imported, &c.notYetKnown,
		}, factsAt(&c.given), factsAt(&c.said))...)
		c.line, c.confirmed = line.V, moment(confirmed)
		c.said.Key, c.said.Status = f.Key, f.Status
		return c, err
	}, selectCached+condition, append([]any{millis(a.started), a.tenant}, args...)...)
	for _, c := range rows {
		a.before[c.facts.Key] = c
	}
	return err
}

// readListed reads the orders that the last list had.
func (a *applying) readListed(ctx context.Context, q querier) error {
	return a.add(ctx, q, `o.listed = 1`)
}

// readOrders reads orders by their order IDs, as many at a time as the one query takes. No order has the ID "".
func (a *applying) readOrders(ctx context.Context, q querier, keys []string) error {
	for some := range slices.Chunk(keys, atOnce) {
		args := make([]any, atOnce)
		for i := range args {
			args[i] = ""
			if i < len(some) {
				args[i] = some[i]
			}
		}
		if err := a.add(ctx, q, `o.order_key IN (?`+strings.Repeat(",?", atOnce-1)+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// next is what an order's row becomes by a finding.
func (a *applying) next(f finding) nextRow {
	was, known := a.before[f.key]
	switch {
	case f.facts != nil && known:
		return a.changed(was, f)
	case f.facts != nil:
		return a.seen(f)
	case !known:
		return nextRow{}
	case f.gone:
		return a.lost(was)
	}
	return a.unlisted(was)
}

// seen is an order that comes up for the first time.
func (a *applying) seen(f finding) nextRow {
	return nextRow{
		cachedRow: cachedRow{facts: *f.facts, line: lineFor(a.lines, *f.facts), listed: f.listed, confirmed: a.started},
		fresh:     true, writes: true, shows: true,
		events: []packaging.OrderEvent{{Kind: packaging.OrderSeen, New: string(f.facts.Status), Source: f.source()}},
	}
}

// changed is an order that the API told something about.
func (a *applying) changed(was cachedRow, f finding) nextRow {
	next := nextRow{cachedRow: was}
	next.facts = f.facts.FilledFrom(was.facts) // an answer that leaves a field out says nothing about it
	if was.imported {
		next.said = f.facts.FilledFrom(was.said)
		next.facts = over(was.given, next.said)
	}
	next.listed, next.gone, next.notYetKnown = f.listed, false, false
	if was.newer {
		next.facts.Status = was.facts.Status
	}
	if !was.kept {
		next.line = lineFor(a.lines, next.facts)
	}
	next.events = a.events(was, next.cachedRow, f.source())
	next.says = next.said.ChangesFrom(was.said) != nil || next.said.LineCode != was.said.LineCode || next.said.LineName != was.said.LineName
	next.shows = len(next.events) > 0 || next.says || was.notYetKnown || next.line != was.line || next.facts.LineCode != was.facts.LineCode || next.facts.LineName != was.facts.LineName
	next.writes = next.shows || next.listed != was.listed || string(next.facts.Raw) != string(was.facts.Raw)
	if !f.listed {
		next.confirmed = a.started
	} else if !was.listed {
		next.confirmed = later(was.confirmed, a.started)
	}
	return next
}

// lost is an order that the API does not know any more. A release that ended since has seen it.
func (a *applying) lost(was cachedRow) nextRow {
	if was.gone || was.newer || was.notYetKnown {
		return a.unlisted(was)
	}
	next := nextRow{cachedRow: was, writes: true, shows: true}
	next.gone, next.listed, next.confirmed = true, false, a.started
	next.events = []packaging.OrderEvent{{Kind: packaging.OrderLost, Source: packaging.ByDetails}}
	return next
}

// unlisted is an order that the list does not hold any more: it was last confirmed by the refresh before.
func (a *applying) unlisted(was cachedRow) nextRow {
	next := nextRow{cachedRow: was, writes: was.listed}
	if was.listed {
		next.listed, next.confirmed = false, later(was.confirmed, a.last)
	}
	return next
}

// events are what the timeline says of a change.
func (a *applying) events(was, now cachedRow, source packaging.Source) (events []packaging.OrderEvent) {
	if was.gone {
		events = append(events, packaging.OrderEvent{Kind: packaging.OrderBack})
	}
	if was.facts.Status != now.facts.Status {
		events = append(events, packaging.OrderEvent{Kind: packaging.StatusChanged, Old: string(was.facts.Status), New: string(now.facts.Status)})
	}
	events = append(events, now.facts.ChangesFrom(was.facts)...)
	line := packaging.OrderEvent{Kind: packaging.LineChanged, Old: lineLabel(a.lines, was.line, was.facts), New: lineLabel(a.lines, now.line, now.facts)}
	if was.kept {
		line = packaging.OrderEvent{Kind: packaging.FactsChanged, Field: packaging.LineField, Old: was.facts.APILine(), New: now.facts.APILine()}
	}
	if line.Old != line.New {
		events = append(events, line)
	}
	for i := range events {
		events[i].Source = source
	}
	return events
}

// become writes what an order's row shall be, unless it is that already.
func (t *tx) become(tenant packaging.TenantID, started time.Time, n nextRow) error {
	if !n.writes {
		return nil
	}
	f := n.facts
	if n.fresh {
		id, err := t.insert(`
			INSERT INTO orders (tenant_id, order_key, line_id, line_code, line_name, product, gtin, lot, expiry, quantity,
				extra_percent, status, raw, listed, first_seen_at, confirmed_at)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			tenant, f.Key, nullable(n.line), f.LineCode, f.LineName, f.Product, f.GTIN, f.Lot, f.Expiry, f.Quantity,
			f.ExtraPercent, f.Status, string(f.Raw), n.listed, millis(t.now), millis(started))
		if err != nil {
			return err
		}
		n.id = packaging.OrderID(id)
	} else if err := t.exec(`
		UPDATE orders SET line_id = ?, line_code = ?, line_name = ?, product = ?, gtin = ?, lot = ?, expiry = ?,
			quantity = ?, extra_percent = ?, status = ?, raw = ?, listed = ?, gone = ?, known = ?, confirmed_at = ?, revision = revision + ?
		WHERE id = ?`,
		nullable(n.line), f.LineCode, f.LineName, f.Product, f.GTIN, f.Lot, f.Expiry,
		f.Quantity, f.ExtraPercent, f.Status, string(f.Raw), n.listed, n.gone, !n.notYetKnown, millis(n.confirmed), n.shows, n.id); err != nil {
		return err
	}
	if n.says {
		if err := t.exec(`UPDATE imported_facts SET (`+prefixed("api_", factColumns)+`) = (?,?,?,?,?,?,?,?) WHERE order_id = ?`,
			append(factsAt(&n.said), n.id)...); err != nil {
			return err
		}
	}
	for _, e := range n.events {
		if err := t.addEvent(tenant, n.id, e); err != nil {
			return err
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
