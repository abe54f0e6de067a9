package db

import (
	"encoding/json"
	"fmt"
	"slices"

	"lineboard/internal/packaging"
)

// importWriter writes what an import does to each order. New orders are written many at a time: flush writes the rest.
type importWriter struct {
	*tx
	tenant packaging.TenantID
	lines  []packaging.Line
	id     packaging.ImportID
	reach  reach             // of who imports
	order  packaging.OrderID // key of the last order
	fresh  []freshOrder      // that are not written yet

	changes *newDigests // grows with each new order
	mixed   bool        // orders that were here are changed too

	written int // orders
}

// freshAtOnce is how many new orders are written together.
const freshAtOnce = 1000

func (t *tx) startImport(by packaging.Person) (w *importWriter, err error) {
	w = &importWriter{tx: t, tenant: by.Tenant.ID, changes: t.tables["import_changes"].digestsOf(changesColumns)}
	if w.lines, err = linesOf(t.ctx, t, packaging.Everything(w.tenant)); err != nil {
		return nil, err
	}
	if w.reach, err = reachOf(by); err != nil {
		return nil, err
	}
	if w.order, err = t.lastOrder(); err != nil {
		return nil, err
	}
	return w, t.row(`SELECT coalesce(max(id), 0) + 1 FROM imports`).Scan(&w.id)
}

// lastOrder returns the highest ID that an order has, or had by the log of records. A new order must not take the ID
// of one that somebody deleted by hand: its lines would then be the last about that one. IDs follow each other, so
// that the next one tells whether the newest are gone.
func (t *tx) lastOrder() (id packaging.OrderID, err error) {
	if err := t.row(`
		SELECT max(coalesce((SELECT max(id) FROM orders), 0), coalesce((SELECT max((
			SELECT begins + length(digests) / 32 - 1 FROM record_log INDEXED BY record_log_of_many
			WHERE tenant_id = t.id AND record = 'orders' AND digests IS NOT NULL ORDER BY begins DESC LIMIT 1))
			FROM tenants t), 0))`,
	).Scan(&id); err != nil {
		return 0, err
	}
	var known bool
	if err := t.row(`
		SELECT EXISTS (SELECT 1 FROM tenants t JOIN record_log l ON l.tenant_id = t.id
			WHERE l.record = 'orders' AND l.key = json_array(?))`, id+1).Scan(&known); err != nil || !known {
		return id, err
	}
	return id, t.row(`SELECT max(CAST(substr(key, 2) AS INTEGER)) FROM record_log
		WHERE record = 'orders' AND digests IS NULL`).Scan(&id)
}

func (w *importWriter) write(row importedRow) error {
	if !row.New && len(row.Changes) == 0 {
		return nil
	}
	if row.ID != 0 {
		return w.change(row)
	}
	w.order++
	if w.fresh = append(w.fresh, freshOrder{id: w.order, row: row}); len(w.fresh) < freshAtOnce {
		return nil
	}
	return w.flush()
}

// change writes what the import does to an order that is here.
func (w *importWriter) change(row importedRow) error {
	row.was.said.Key = row.Key
	given := row.given
	if row.was.known && !row.reach.holds(lineFor(w.lines, row.was.said)) {
		given = withoutLine(given)
	}
	shown := overlay(given, row.was.said)
	if row.was.withdrawn {
		if err := w.exec(`
			UPDATE orders SET withdrawn_at = NULL, withdrawn_by = '', withdrawn_why = '',
				line_set_at = NULL, line_set_by = '', line_set_reach = NULL WHERE id = ?`, row.ID); err != nil {
			return err
		}
	}
	if err := w.exec(`UPDATE orders SET line_id = ?, (`+factColumns+
		`) = (?,?,?,?,?,?,?,?), revision = revision + 1 WHERE id = ?`,
		slices.Concat([]any{nullable(row.line)}, factFields(&shown), []any{row.ID})...); err != nil {
		return err
	}
	if err := w.insertMany(intoImportedFacts, ofImportedFacts, w.factsOf(row.ID, row)); err != nil {
		return err
	}
	if err := w.addEvents(row.ID, row, shown); err != nil {
		return err
	}
	if err := w.exec(`INSERT INTO import_changes (`+changesColumns+`) VALUES (?,?,?,?,?)`,
		w.id, row.ID, w.tenant, row.New, changesOf(row)); err != nil {
		return err
	}
	if w.bulk {
		if err := w.noteChanged(row.ID); err != nil {
			return err
		}
	}
	return w.wrote(1)
}

// wrote settles what was written now and then, but for the one record that grows with each order.
func (w *importWriter) wrote(orders int) error {
	before := w.written / importChunk
	w.written += orders
	if w.written/importChunk == before {
		return nil
	}
	return w.settleBut("import_changes")
}

// flush writes the new orders that are not written yet.
func (w *importWriter) flush() error {
	if len(w.fresh) == 0 {
		return nil
	}
	var event int64 // key of the first one
	if err := w.row(`SELECT coalesce(max(id), 0) + 1 FROM order_events`).Scan(&event); err != nil {
		return err
	}
	w.writer.fresh.rows = w.fresh
	defer func() { w.writer.fresh.rows = nil }()
	prepared := make(chan []*newDigests, 1)
	go func() { prepared <- w.prepareFresh(event) }() // while the database is busy
	err := w.insertFresh(event)
	digests := <-prepared
	if err == nil {
		err = w.exec(`INSERT INTO import_changes (`+changesColumns+`)
			SELECT ?, id, ?, 1, changes FROM temp.fresh_orders`, w.id, w.tenant)
	}
	if err == nil && w.bulk {
		err = w.noteFresh(digests)
	}
	if err != nil {
		return err
	}
	written := len(w.fresh)
	w.fresh = w.fresh[:0]
	return w.wrote(written)
}

// insertFresh inserts the new orders with all that belongs to them but for what the import changed.
func (w *importWriter) insertFresh(event int64) error {
	if err := w.exec(`INSERT INTO orders (`+freshOrderColumns+`, confirmed_at)
		SELECT id, ?, order_key, line_id, `+factColumns+`, '', '', 0, 0, ?, 0 FROM temp.fresh_orders`,
		w.tenant, millis(w.now)); err != nil {
		return err
	}
	first, last := w.fresh[0].id, w.order
	const these = ` FROM orders WHERE id BETWEEN ? AND ? ORDER BY id`
	if err := w.exec(`INSERT INTO imported_facts (`+freshFactColumns+`)
		SELECT id, tenant_id, iif(line_code = '', NULL, ?), `+factColumns+these, w.reach, first, last); err != nil {
		return err
	}
	return w.exec(`INSERT INTO order_events (`+freshEventColumns+`)
		SELECT ? + id, tenant_id, id, ?, ?, ?`+these,
		event-int64(first), millis(w.now), packaging.OrderSeen, packaging.ByImport, first, last)
}

// What a new order is stored with, but for when it was last confirmed: the rest is as it is by default.
const (
	freshOrderColumns = `id, tenant_id, order_key, line_id, ` + factColumns +
		`, status, raw, listed, known, first_seen_at`
	freshFactColumns  = `order_id, tenant_id, line_reach, ` + factColumns
	freshEventColumns = `id, tenant_id, order_id, at, kind, source`
	changesColumns    = `import_id, order_id, tenant_id, is_new, changes`
)

// prepareFresh writes down what the import changed of the new orders, and returns the digests of the records that are
// inserted with them.
func (w *importWriter) prepareFresh(event int64) []*newDigests {
	orders := w.tables["orders"].digestsOf(freshOrderColumns)
	facts := w.tables["imported_facts"].digestsOf(freshFactColumns)
	events := w.tables["order_events"].digestsOf(freshEventColumns)
	for n := range w.fresh {
		f := &w.fresh[n]
		f.changes = changesOf(f.row)
		id, tenant, reach, given := int64(f.id), int64(w.tenant), any(nil), &f.row.given
		if given.LineCode != "" && w.reach.Valid {
			reach = w.reach.V
		}
		fields := []any{
			given.LineCode, given.LineName, given.Product, given.GTIN, given.Lot, given.Expiry, given.Quantity,
			given.ExtraPercent,
		}
		orders.add(slices.Concat(
			[]any{id, tenant, f.row.Key, nullable(f.row.line)}, fields,
			[]any{"", "", int64(0), int64(0), millis(w.now)},
		)...)
		facts.add(slices.Concat([]any{id, tenant, reach}, fields)...)
		events.add(
			event+int64(n), tenant, id, millis(w.now), string(packaging.OrderSeen), string(packaging.ByImport),
		)
		w.changes.grow(int64(w.id), id, tenant, int64(1), f.changes)
	}
	return []*newDigests{orders, facts, events}
}

// noteFresh notes the records that were inserted with the new orders, and whom they concern.
func (w *importWriter) noteFresh(digests []*newDigests) error {
	known, err := w.logKnows(int64(w.fresh[0].id), int64(w.order))
	if err != nil {
		return err
	}
	log := recordLog{tx: w.tx, last: map[packaging.TenantID]int64{}}
	for _, d := range digests {
		if known { // each by itself: that looks at what stood there before
			err = w.exec(
				`INSERT INTO temp.touched SELECT ?, ?, json_array(id) FROM temp.fresh_orders`, d.table.name, w.tenant,
			)
		} else {
			err = log.noteNew(d.table.name, w.tenant, int64(w.fresh[0].id), d.all)
		}
		if err != nil {
			return err
		}
	}
	lines := map[packaging.LineID]bool{}
	for _, f := range w.fresh {
		lines[f.row.line] = true
	}
	for line := range lines {
		w.settled = append(w.settled, packaging.Change{About: packaging.AboutOrder, Tenant: w.tenant, Line: line})
	}
	return w.touch("import_changes", int64(w.id))
}

// logKnows says whether the log has a line about one of some orders alone: somebody has deleted that one by hand. Keys
// are texts, so that those of as many digits lie together.
func (w *importWriter) logKnows(first, last int64) (known bool, err error) {
	for until := int64(9); first <= last && !known && err == nil; until = 10*until + 9 {
		if first > until {
			continue
		}
		err = w.row(`
			SELECT EXISTS (SELECT 1 FROM record_log INDEXED BY record_log_of_record
				WHERE tenant_id = ?1 AND record = 'orders' AND key BETWEEN json_array(?2) AND json_array(?3)
					AND length(key) = length(json_array(?2)))`, w.tenant, first, min(last, until)).Scan(&known)
		first = until + 1
	}
	return known, err
}

// noteChanged notes what was inserted about an order that is here, and whom that concerns.
func (w *importWriter) noteChanged(order packaging.OrderID) error {
	w.mixed = true
	w.settled = append(w.settled, packaging.Change{About: packaging.AboutStory, Tenant: w.tenant, Order: order})
	for _, record := range []struct {
		table string
		key   int64
	}{{"imported_facts", int64(order)}, {"order_events", int64(order)}, {"import_changes", int64(w.id)}} {
		if err := w.touch(record.table, record.key); err != nil {
			return err
		}
	}
	return nil
}

// end writes the rest. The digest of all changes is known where they were inserted in the order of their keys.
func (w *importWriter) end() error {
	if err := w.flush(); err != nil {
		return err
	}
	if w.bulk && !w.mixed {
		w.known = map[touchedRecord][]byte{
			{"import_changes", w.tenant, fmt.Sprintf("[%d]", w.id)}: w.changes.grown.Sum(nil),
		}
	}
	return nil
}

func (w *importWriter) touch(record string, key int64) error {
	return w.exec(`INSERT INTO temp.touched VALUES (?, ?, json_array(?))`, record, w.tenant, key)
}

const (
	intoImportedFacts = `imported_facts (order_id, tenant_id, line_reach, ` + factColumns + `,
		api_line_code, api_line_name, api_product, api_gtin, api_lot, api_expiry, api_quantity, api_extra_percent)`
)

// ofImportedFacts has facts of an earlier import replaced.
var ofImportedFacts = ` ON CONFLICT (order_id) DO UPDATE SET (line_reach, ` + factColumns + `) = (` +
	prefixed("excluded.", "line_reach, "+factColumns) + `)`

func (w *importWriter) factsOf(id packaging.OrderID, row importedRow) []any {
	return slices.Concat([]any{id, w.tenant, row.reach}, factFields(&row.given), factFields(&row.was.said))
}

// changesOf is what the import changes of an order, in JSON.
func changesOf(row importedRow) string {
	changes, _ := json.Marshal(append([]packaging.FactChange{}, row.Changes...)) // texts can always be written
	return string(changes)
}

// addEvents adds what the import did to an order to its timeline.
func (w *importWriter) addEvents(id packaging.OrderID, row importedRow, shown packaging.Facts) error {
	events := shown.ChangesFrom(row.was.shown)
	switch {
	case row.was.withdrawn:
		events = []packaging.OrderEvent{{Kind: packaging.OrderBack}}
	case row.New:
		events = []packaging.OrderEvent{{Kind: packaging.OrderSeen}}
	case row.line != row.was.line:
		line := packaging.OrderEvent{
			Kind: packaging.LineChanged, Old: lineLabel(w.lines, row.was.line, row.was.shown),
			New: lineLabel(w.lines, row.line, shown),
		}
		if line.Old != line.New {
			events = append(events, line)
		}
	}
	for _, e := range events {
		e.Source = packaging.ByImport
		if err := w.addEvent(w.tenant, id, e); err != nil {
			return err
		}
	}
	return nil
}
