package db

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"lineboard/internal/packaging"
)

// importWriter writes what an import does to each order.
type importWriter struct {
	*tx
	tenant                                packaging.TenantID
	lines                                 []packaging.Line
	id                                    packaging.ImportID
	addOrder, setOrder, setFacts, addNote *sql.Stmt
	written                               int // orders
}

func (t *tx) startImport(by packaging.Person) (w *importWriter, err error) {
	w = &importWriter{tx: t, tenant: by.Tenant.ID}
	if w.lines, err = linesOf(t.ctx, t, packaging.Everything(w.tenant)); err != nil {
		return nil, err
	}
	if err := t.row(`SELECT coalesce(max(id), 0) + 1 FROM imports`).Scan(&w.id); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&w.addOrder, `
			INSERT INTO orders (tenant_id, order_key, line_id, ` + factColumns + `, status, raw, listed, known, first_seen_at, confirmed_at)
			VALUES (?,?,?,?,?,?,?,?,?,?,?, '', '', 0, 0, ?, 0)`},
		{&w.setOrder, `UPDATE orders SET line_id = ?, (` + factColumns + `) = (?,?,?,?,?,?,?,?), revision = revision + 1 WHERE id = ?`},
		{&w.setFacts, `
			INSERT INTO imported_facts (order_id, tenant_id, line_reach, ` + factColumns + `, ` + prefixed("api_", factColumns) + `)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT (order_id) DO UPDATE SET (line_reach, ` + factColumns + `) = (` + prefixed("excluded.", "line_reach, "+factColumns) + `)`},
		{&w.addNote, `INSERT INTO import_changes (import_id, order_id, tenant_id, is_new, changes) VALUES (?,?,?,?,?)`},
	} {
		if *s.into, err = t.PrepareContext(t.ctx, s.query); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

func (w *importWriter) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{w.addOrder, w.setOrder, w.setFacts, w.addNote} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

func (w *importWriter) write(row importedRow) error {
	if !row.New && len(row.Changes) == 0 {
		return nil
	}
	row.was.said.Key = row.Key
	given, id := row.given, row.ID
	if row.was.known && !row.reach.holds(lineFor(w.lines, row.was.said)) {
		given = withoutLine(given)
	}
	shown := overlay(given, row.was.said)
	switch {
	case row.New && row.ID == 0:
		result, err := w.addOrder.ExecContext(
			w.ctx, slices.Concat([]any{w.tenant, row.Key, nullable(row.line)}, factFields(&shown), []any{millis(w.now)})...,
		)
		if err != nil {
			return err
		}
		key, err := result.LastInsertId()
		if err != nil {
			return err
		}
		id = packaging.OrderID(key)
	case row.was.withdrawn:
		if err := w.exec(`
			UPDATE orders SET withdrawn_at = NULL, withdrawn_by = '', withdrawn_why = '',
				line_set_at = NULL, line_set_by = '', line_set_reach = NULL WHERE id = ?`, id); err != nil {
			return err
		}
		fallthrough
	default:
		if _, err := w.setOrder.ExecContext(
			w.ctx, slices.Concat([]any{nullable(row.line)}, factFields(&shown), []any{id})...,
		); err != nil {
			return err
		}
	}
	if _, err := w.setFacts.ExecContext(
		w.ctx, slices.Concat([]any{id, w.tenant, row.reach}, factFields(&row.given), factFields(&row.was.said))...,
	); err != nil {
		return err
	}
	if err := w.addEvents(id, row, shown); err != nil {
		return err
	}
	changes, err := json.Marshal(append([]packaging.FactChange{}, row.Changes...))
	if err != nil {
		return err
	}
	if _, err = w.addNote.ExecContext(w.ctx, w.id, id, w.tenant, row.New, string(changes)); err != nil {
		return err
	}
	if w.written++; w.written%importChunk == 0 {
		return w.settle()
	}
	return nil
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
