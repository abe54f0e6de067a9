package db

import (
	"encoding/json"
	"slices"

	"lineboard/internal/packaging"
)

// importWriter writes what an import does to each order. New orders are written many at a time: flush writes the rest.
type importWriter struct {
	*tx
	tenant packaging.TenantID
	lines  []packaging.Line
	id     packaging.ImportID
	order  packaging.OrderID // key of the last order
	fresh  []freshOrder      // that are not written yet

	written int // orders
}

// freshOrder is an order that was not here before.
type freshOrder struct {
	id    packaging.OrderID
	row   importedRow
	shown packaging.Facts
}

// freshAtOnce is how many new orders one statement writes; more gain nothing.
const freshAtOnce = 50

func (t *tx) startImport(by packaging.Person) (w *importWriter, err error) {
	w = &importWriter{tx: t, tenant: by.Tenant.ID}
	if w.lines, err = linesOf(t.ctx, t, packaging.Everything(w.tenant)); err != nil {
		return nil, err
	}
	err = t.row(`SELECT coalesce((SELECT max(id) FROM imports), 0) + 1, coalesce((SELECT max(id) FROM orders), 0)`).
		Scan(&w.id, &w.order)
	return w, err
}

func (w *importWriter) write(row importedRow) error {
	if !row.New && len(row.Changes) == 0 {
		return nil
	}
	row.was.said.Key = row.Key
	given := row.given
	if row.was.known && !row.reach.holds(lineFor(w.lines, row.was.said)) {
		given = withoutLine(given)
	}
	shown := overlay(given, row.was.said)
	if row.ID != 0 {
		return w.change(row, shown)
	}
	w.order++
	if w.fresh = append(w.fresh, freshOrder{w.order, row, shown}); len(w.fresh) < freshAtOnce {
		return nil
	}
	return w.flush()
}

// change writes what the import does to an order that is here.
func (w *importWriter) change(row importedRow, shown packaging.Facts) error {
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
	note, err := w.noteOf(row.ID, row)
	if err != nil {
		return err
	}
	if err := w.insertMany(intoImportChanges, "", note); err != nil {
		return err
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
	var orders, facts, events, notes [][]any
	for _, f := range w.fresh {
		orders = append(orders, slices.Concat(
			[]any{f.id, w.tenant, f.row.Key, nullable(f.row.line)}, factFields(&f.shown),
			[]any{"", "", 0, 0, millis(w.now), 0},
		))
		facts = append(facts, w.factsOf(f.id, f.row))
		events = append(events, []any{w.tenant, f.id, millis(w.now), packaging.OrderSeen, packaging.ByImport})
		note, err := w.noteOf(f.id, f.row)
		if err != nil {
			return err
		}
		notes = append(notes, note)
	}
	written := len(w.fresh)
	w.fresh = w.fresh[:0]
	for _, table := range []struct {
		into, end string
		rows      [][]any
	}{
		{
			`orders (id, tenant_id, order_key, line_id, ` + factColumns +
				`, status, raw, listed, known, first_seen_at, confirmed_at)`,
			"", orders,
		},
		{intoImportedFacts, ofImportedFacts, facts},
		{`order_events (tenant_id, order_id, at, kind, source)`, "", events},
		{intoImportChanges, "", notes},
	} {
		if err := w.insertMany(table.into, table.end, table.rows...); err != nil {
			return err
		}
	}
	return w.wrote(written)
}

const (
	intoImportedFacts = `imported_facts (order_id, tenant_id, line_reach, ` + factColumns + `,
		api_line_code, api_line_name, api_product, api_gtin, api_lot, api_expiry, api_quantity, api_extra_percent)`
	intoImportChanges = `import_changes (import_id, order_id, tenant_id, is_new, changes)`
)

// ofImportedFacts has facts of an earlier import replaced.
var ofImportedFacts = ` ON CONFLICT (order_id) DO UPDATE SET (line_reach, ` + factColumns + `) = (` +
	prefixed("excluded.", "line_reach, "+factColumns) + `)`

func (w *importWriter) factsOf(id packaging.OrderID, row importedRow) []any {
	return slices.Concat([]any{id, w.tenant, row.reach}, factFields(&row.given), factFields(&row.was.said))
}

func (w *importWriter) noteOf(id packaging.OrderID, row importedRow) ([]any, error) {
	changes, err := json.Marshal(append([]packaging.FactChange{}, row.Changes...))
	return []any{w.id, id, w.tenant, row.New, string(changes)}, err
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
