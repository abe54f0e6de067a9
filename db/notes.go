package db

import (
	"context"
	"database/sql"
	"time"

	"lineboard/internal/packaging"
)

const selectNote = `
SELECT n.id, n.tenant_id, n.line_id, n.line_code, n.line_name, n.order_id, n.order_key, n.at,
	n.user_id, n.username, n.full_name, n.role, n.station, n.words, coalesce(w.at, 0), coalesce(w.reason, '')
FROM notes n LEFT JOIN note_withdrawals w ON w.note_id = n.id
`

func scanNote(row scanner) (n packaging.Note, err error) {
	var line sql.Null[packaging.LineID]
	var order sql.Null[packaging.OrderID]
	var at, withdrawn int64
	err = row.Scan(&n.ID, &n.TenantID, &line, &n.Line.Code, &n.Line.Name, &order, &n.OrderKey, &at,
		&n.By.ID, &n.By.Username, &n.By.FullName, &n.By.Role, &n.By.Station, &n.Words, &withdrawn, &n.Why)
	n.Line.ID, n.OrderID, n.At, n.Withdrawn = line.V, order.V, moment(at), moment(withdrawn)
	return n, err
}

// LineNotes returns the notes about a line and its orders since a time, at most limit, the newest first.
func (d *DB) LineNotes(
	ctx context.Context, in packaging.Scope, line packaging.LineID, since time.Time, limit int,
) ([]packaging.Note, error) {
	w := inScope(in, "n.")
	w.and(true, "n.line_id = ? AND n.at >= ?", line, millis(since))
	return collect(
		ctx, d.read, scanNote, selectNote+`WHERE `+w.sql+` ORDER BY n.at DESC, n.id DESC LIMIT ?`,
		append(w.args, limit)...,
	)
}

// OrderNotes returns the latest notes about an order, at most limit, the newest first.
func (d *DB) OrderNotes(
	ctx context.Context, in packaging.Scope, order packaging.OrderID, limit int,
) ([]packaging.Note, error) {
	return orderNotes(ctx, d.read, in, order, limit)
}

func orderNotes(
	ctx context.Context, q querier, in packaging.Scope, order packaging.OrderID, limit int,
) ([]packaging.Note, error) {
	w := inScope(in, "n.")
	w.and(true, "n.order_id = ?", order)
	return collect(
		ctx, q, scanNote, selectNote+`WHERE `+w.sql+` ORDER BY n.at DESC, n.id DESC LIMIT ?`, append(w.args, limit)...,
	)
}

// Note returns one note of the tenant.
func (d *DB) Note(ctx context.Context, in packaging.Scope, id packaging.NoteID) (packaging.Note, error) {
	return noteOf(ctx, d.read, in, id)
}

func noteOf(ctx context.Context, q querier, in packaging.Scope, id packaging.NoteID) (packaging.Note, error) {
	w := inScope(in, "n.")
	w.and(true, "n.id = ?", id)
	n, err := scanNote(q.QueryRowContext(ctx, selectNote+`WHERE `+w.sql, w.args...))
	return n, coded(err)
}

// NoteLine adds a note about a line.
func (d *DB) NoteLine(ctx context.Context, by packaging.Person, line packaging.Line, words string) error {
	return d.authorizedTx(ctx, by, packaging.WriteNotes, func(t *tx, by packaging.Person) error {
		lines, err := linesOf(ctx, t, by.Scope())
		if err != nil {
			return err
		}
		now, known := lineByID(lines, line.ID)
		if !known {
			return packaging.Fail(packaging.NotFound, "error.not_found")
		}
		return t.addNote(by, packaging.Note{TenantID: by.Tenant.ID, Line: now, Words: words})
	})
}

// NoteOrder adds a note about an order.
func (d *DB) NoteOrder(ctx context.Context, by packaging.Person, id packaging.OrderID, words string) error {
	return d.authorizedTx(ctx, by, packaging.WriteNotes, func(t *tx, by packaging.Person) error {
		o, err := orderOf(ctx, t, by.Scope(), id)
		if err != nil {
			return err
		}
		return t.addNote(
			by, packaging.Note{TenantID: o.TenantID, Line: o.Line, OrderID: o.ID, OrderKey: o.Key, Words: words},
		)
	})
}

func (t *tx) addNote(by packaging.Person, n packaging.Note) error {
	if err := t.exec(`
		INSERT INTO notes (tenant_id, line_id, line_code, line_name, order_id, order_key, at, user_id, username, full_name, role, station, words)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		n.TenantID, nullable(n.Line.ID), n.Line.Code, n.Line.Name, nullable(n.OrderID), n.OrderKey, millis(t.now),
		by.ID, by.Username, by.FullName, by.Role, by.Station, n.Words); err != nil {
		return err
	}
	e := noteEntry(packaging.NoteWritten, by.Author, n)
	e.New = n.Words
	return t.record(e)
}

// WithdrawNote withdraws a note of the person's own, with the reason why. One that is withdrawn already is a Conflict.
func (d *DB) WithdrawNote(ctx context.Context, by packaging.Person, id packaging.NoteID, why string) error {
	return d.authorizedTx(ctx, by, packaging.WriteNotes, func(t *tx, by packaging.Person) error {
		n, err := noteOf(ctx, t, by.Scope(), id)
		switch {
		case err != nil:
			return err
		case !n.Stands():
			return packaging.Fail(packaging.Conflict, "error.note_withdrawn")
		case !n.MayWithdraw(by):
			return packaging.Fail(packaging.Forbidden, "error.not_your_note")
		}
		if err := t.exec(`INSERT INTO note_withdrawals (note_id, tenant_id, user_id, at, reason) VALUES (?,?,?,?,?)`,
			id, by.Tenant.ID, by.ID, millis(t.now), why); err != nil {
			return err
		}
		e := noteEntry(packaging.NoteWithdrawn, by.Author, n)
		e.Old, e.Comment = n.Words, why
		return t.record(e)
	})
}

func noteEntry(deed packaging.Deed, by packaging.Author, n packaging.Note) packaging.Entry {
	return packaging.Entry{
		TenantID: n.TenantID, By: by, Deed: deed, OrderID: n.OrderID, OrderKey: n.OrderKey,
		LineCode: n.Line.Code, LineName: n.Line.Name, Object: "note",
	}
}
