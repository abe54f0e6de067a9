package db

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// finding is what a refresh found out about one order.
type finding struct {
	key    string
	facts  *packaging.Facts // nil if the API gave none
	listed bool
	gone   bool // the API does not know it
}

func (f finding) source() packaging.Source {
	if f.listed && !f.facts.Detailed {
		return packaging.ByList
	}
	return packaging.ByDetails
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
	// A release of the order ended or was settled since the refresh asked, or is under way: its status here is newer
	// than the answer.
	newer     bool
	confirmed time.Time

	// Imports gave facts of it: those, and what the API said by itself. The API may not know of it yet.
	imported    bool
	given, said packaging.Facts
	notYetKnown bool
	withdrawn   bool
	givenReach  reach // of who imported the line
	keptReach   reach // of who set the line
}

// nextRow is what an order's row shall be, and what its timeline says of that.
type nextRow struct {
	cachedRow
	fresh  bool // it is a new row
	writes bool // it differs from the row that is there
	shows  bool // pages show the difference
	says   bool // what the API says under an import differs
	drops  bool // what imports gave counts no more
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
	i.order_id IS NOT NULL, NOT o.known, o.withdrawn_at IS NOT NULL, i.line_reach, o.line_set_reach, ` +
	orEmpty("i.", factColumns) + `, ` + orEmpty("i.api_", factColumns) + `
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
			&c.imported, &c.notYetKnown, &c.withdrawn, &c.givenReach, &c.keptReach,
		}, factFields(&c.given), factFields(&c.said))...)
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
	for some := range slices.Chunk(keys, ordersPerTx) {
		args := make([]any, ordersPerTx)
		for i := range args {
			args[i] = ""
			if i < len(some) {
				args[i] = some[i]
			}
		}
		if err := a.add(ctx, q, `o.order_key IN (?`+strings.Repeat(",?", ordersPerTx-1)+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// next is what an order's row becomes by a finding.
func (a *applying) next(f finding) nextRow {
	was, known := a.before[f.key]
	switch {
	case f.facts != nil && known && was.withdrawn:
		return a.revived(was, f)
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

// revived is an order that was withdrawn and that the API lists after all. What imports gave of it was a mistake.
func (a *applying) revived(was cachedRow, f finding) nextRow {
	next := a.seen(f)
	next.id, next.fresh, next.drops = was.id, false, was.imported
	back := packaging.OrderEvent{Kind: packaging.OrderBack, Source: f.source()}
	next.events = append([]packaging.OrderEvent{back}, a.events(was, next.cachedRow, f.source())...)
	return next
}

// changed is an order that the API answered about.
func (a *applying) changed(was cachedRow, f finding) nextRow {
	next := nextRow{cachedRow: was}
	next.facts = f.facts.FilledFrom(was.facts) // an answer that leaves a field out says nothing about it
	api := lineFor(a.lines, next.facts)
	if was.imported {
		next.said = f.facts.FilledFrom(was.said)
		api = lineFor(a.lines, next.said)
		given := was.given
		if !was.givenReach.holds(api) {
			given = withoutLine(given)
		}
		next.facts = overlay(given, next.said)
	}
	next.kept = was.kept && was.keptReach.holds(api)
	next.listed, next.gone, next.notYetKnown = f.listed, false, false
	if was.newer {
		next.facts.Status = was.facts.Status
	}
	if !next.kept {
		next.line = lineFor(a.lines, next.facts)
	}
	next.events = a.events(was, next.cachedRow, f.source())
	next.says = next.said.ChangesFrom(was.said) != nil || next.said.LineCode != was.said.LineCode ||
		next.said.LineName != was.said.LineName
	next.shows = len(next.events) > 0 || next.says || was.notYetKnown || next.kept != was.kept ||
		next.line != was.line ||
		next.facts.LineCode != was.facts.LineCode || next.facts.LineName != was.facts.LineName
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
		events = append(events, packaging.OrderEvent{
			Kind: packaging.StatusChanged, Old: string(was.facts.Status), New: string(now.facts.Status),
		})
	}
	events = append(events, now.facts.ChangesFrom(was.facts)...)
	line := packaging.OrderEvent{
		Kind: packaging.LineChanged, Old: lineLabel(a.lines, was.line, was.facts),
		New: lineLabel(a.lines, now.line, now.facts),
	}
	if now.kept {
		line = packaging.OrderEvent{
			Kind: packaging.FactsChanged, Field: packaging.LineField, Old: was.facts.APILine(),
			New: now.facts.APILine(),
		}
	}
	if line.Old != line.New {
		events = append(events, line)
	}
	for i := range events {
		events[i].Source = source
	}
	return events
}

// storeNext writes what an order's row shall be, unless it is that already.
func (t *tx) storeNext(tenant packaging.TenantID, started time.Time, n nextRow) error {
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
			quantity = ?, extra_percent = ?, status = ?, raw = ?, listed = ?, gone = ?, known = ?, confirmed_at = ?, revision = revision + ?,
			line_set_at = iif(?17, line_set_at, NULL), line_set_by = iif(?17, line_set_by, ''), line_set_reach = iif(?17, line_set_reach, NULL),
			withdrawn_at = iif(?14, NULL, withdrawn_at), withdrawn_by = iif(?14, '', withdrawn_by), withdrawn_why = iif(?14, '', withdrawn_why)
		WHERE id = ?18`,
		nullable(n.line), f.LineCode, f.LineName, f.Product, f.GTIN, f.Lot, f.Expiry,
		f.Quantity, f.ExtraPercent, f.Status, string(f.Raw), n.listed, n.gone, !n.notYetKnown, millis(n.confirmed),
		n.shows,
		n.kept, n.id); err != nil {
		return err
	}
	if n.drops {
		if err := t.exec(`DELETE FROM imported_facts WHERE order_id = ?`, n.id); err != nil {
			return err
		}
	}
	if n.says {
		if err := t.exec(`UPDATE imported_facts SET (`+prefixed("api_", factColumns)+
			`) = (?,?,?,?,?,?,?,?) WHERE order_id = ?`,
			append(factFields(&n.said), n.id)...); err != nil {
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
