package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"time"

	"lineboard/internal/packaging"
)

// tx is a write transaction. All that happens in it happens at one time.
type tx struct {
	*sql.Tx
	ctx     context.Context
	now     time.Time
	tables  map[string]recordTable
	lists   map[packaging.OrderID][sha256.Size]byte // digests of the serial lists that it stored
	entries []packaging.Entry                       // written at its end, when it is known what they cover

	releases   []packaging.Entry // entries about releases, once they are written
	unanchored error             // why they could not be kept outside the database, once they are committed
}

// tx runs do in a write transaction and commits what it did, or nothing where it fails.
func (d *DB) tx(ctx context.Context, do func(*tx) error) error {
	if err := d.files.inPlace(); err != nil {
		return err
	}
	t, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return coded(err)
	}
	defer t.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	w := &tx{
		Tx: t, ctx: ctx, now: d.now().UTC().Truncate(time.Millisecond), tables: d.tables,
		lists: map[packaging.OrderID][sha256.Size]byte{},
	}
	var changes []packaging.Change
	if err = do(w); err == nil {
		err = w.logTouched()
	}
	if err == nil {
		err = w.writeEntries()
	}
	if err == nil {
		changes, err = w.changes()
	}
	if err == nil {
		err = t.Commit()
	}
	err = coded(err)
	if anchor := d.anchor.Load(); err == nil && anchor != nil && len(w.releases) > 0 {
		w.unanchored = (*anchor)(context.WithoutCancel(ctx), w.releases) // before anybody is told
	}
	if tell := d.notify.Load(); err == nil && tell != nil && len(changes) > 0 {
		(*tell)(changes)
	}
	if packaging.CodeOf(err) == packaging.Unavailable { // until as much as a release needs was written
		d.failed.Store(true)
	}
	return err
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// insert runs an INSERT and gives the key of the new row.
func (t *tx) insert(query string, args ...any) (int64, error) {
	result, err := t.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (t *tx) row(query string, args ...any) *sql.Row { return t.QueryRowContext(t.ctx, query, args...) }
