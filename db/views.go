package db

import (
	"context"
	"database/sql"
	"errors"

	"lineboard/internal/packaging"
)

// maxViews is how many views a person keeps: more than a list is read with.
const maxViews = 50

// HistoryViews returns the views of the history that a person sees: their own, and those that others share.
func (d *DB) HistoryViews(ctx context.Context, p packaging.Person) ([]packaging.HistoryView, error) {
	return collect(ctx, d.read, func(row scanner) (v packaging.HistoryView, err error) {
		return v, row.Scan(&v.ID, &v.Name, &v.Query, &v.Shared, &v.Own, &v.By)
	}, `
		SELECT v.id, v.name, v.query, v.shared, v.user_id = ?2, u.full_name FROM history_views v JOIN users u ON u.id = v.user_id
		WHERE v.tenant_id = ?1 AND (v.user_id = ?2 OR v.shared)
		ORDER BY v.user_id <> ?2, v.name COLLATE naturally, v.id`, p.Tenant.ID,
		p.ID)
}

// SaveHistoryView keeps a view under its name, in the place of one that the person had under it. Only who reviews
// shifts shares one with others.
func (d *DB) SaveHistoryView(ctx context.Context, by packaging.Person, v packaging.HistoryView) error {
	return d.authorizedTx(ctx, by, packaging.ViewHistory, func(t *tx, by packaging.Person) error {
		if v.Shared && !by.May(packaging.ReviewShifts) {
			return packaging.Fail(packaging.Forbidden, "error.forbidden")
		}
		var others int
		if err := t.row(`SELECT count(*) FROM history_views WHERE tenant_id = ? AND user_id = ? AND name <> ?`,
			by.Tenant.ID, by.ID, v.Name).Scan(&others); err != nil {
			return err
		}
		if others >= maxViews {
			return packaging.Fail(packaging.Conflict, "error.too_many_views")
		}
		if err := t.exec(`
			INSERT INTO history_views (tenant_id, user_id, name, query, shared) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (tenant_id, user_id, name) DO UPDATE SET query = excluded.query, shared = excluded.shared`,
			by.Tenant.ID, by.ID, v.Name, v.Query, v.Shared); err != nil {
			return err
		}
		return t.record(viewEntry(packaging.ViewSaved, by, v))
	})
}

// RemoveHistoryView forgets a view of the person's own. One that is gone already, or another's, is left alone.
func (d *DB) RemoveHistoryView(ctx context.Context, by packaging.Person, id int64) error {
	return d.authorizedTx(ctx, by, packaging.ViewHistory, func(t *tx, by packaging.Person) error {
		var v packaging.HistoryView
		err := t.row(`DELETE FROM history_views WHERE id = ? AND tenant_id = ? AND user_id = ? RETURNING name, query, shared`,
			id, by.Tenant.ID, by.ID).Scan(&v.Name, &v.Query, &v.Shared)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		e := viewEntry(packaging.ViewRemoved, by, v)
		e.Old, e.New = e.New, ""
		return t.record(e)
	})
}

func viewEntry(deed packaging.Deed, by packaging.Person, v packaging.HistoryView) packaging.Entry {
	e := packaging.Entry{TenantID: by.Tenant.ID, By: by.Author, Deed: deed, Object: v.Name, New: v.Query}
	if v.Shared {
		e.New += " (shared)"
	}
	return e
}
