package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// tx is a write transaction. All that happens in it happens at one time.
type tx struct {
	*sql.Tx
	ctx     context.Context
	writer  *reader              // has the statements of earlier transactions
	bulk    bool                 // no trigger notes new rows of the tables that are written in bulk
	own     map[string]*sql.Stmt // the transaction's, by query
	fresh   []string             // queries that no earlier transaction had
	now     time.Time
	tables  map[string]recordTable
	before  querier                                // sees the database as it was; nil where that says nothing
	lists   map[packaging.ListID][sha256.Size]byte // digests of the serial lists that it stored
	known   map[touchedRecord][]byte               // digests of records, from what was stored
	byHand  map[touchedRecord]packaging.FaultKind  // what was done by hand to records that it writes again
	schema  int64                                  // SQLite's version of the schema, once it was looked at
	version int64                                  // SQLite's version of the data, once rights were looked at
	holders []holder                               // whose rights it has looked at
	foreign bool                                   // the history tells now of parts of the schema that are not ours
	entries []packaging.Entry                      // written at its end, when it is known what they cover
	settled []packaging.Change                     // to be told once they are committed

	releases   []packaging.Entry // entries about releases, once they are written
	unanchored error             // why they could not be kept outside the database, once they are committed
}

// tx runs do in a write transaction and commits what it did, or nothing where it fails.
func (d *DB) tx(ctx context.Context, do func(*tx) error) error {
	if err := d.files.inPlace(); err != nil {
		return err
	}
	var makeWay func()
	inside := ctx
	if ctx.Value(makesWayKey{}) != nil {
		var undo context.CancelCauseFunc
		inside, undo = context.WithCancelCause(ctx)
		defer undo(nil)
		makeWay = func() { undo(errMadeWay) }
	}
	give, err := d.turns.take(ctx, turnOf(ctx), makeWay)
	if err != nil {
		return coded(err)
	}
	began := time.Now()
	d.writing.Store(&writing{d.writingTook(), began})
	free := sync.OnceFunc(func() {
		d.writing.Store(&writing{took: d.writingTook()})
		give()
	})
	defer free()
	writer, bulk := d.writerOf(ctx)
	t, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return coded(err)
	}
	defer t.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	w := &tx{
		Tx: t, ctx: inside, writer: writer, bulk: bulk, own: map[string]*sql.Stmt{},
		now: d.now().UTC().Truncate(time.Millisecond), tables: d.tables,
		before: d.before, lists: map[packaging.ListID][sha256.Size]byte{}, byHand: map[touchedRecord]packaging.FaultKind{},
	}
	var changes []packaging.Change
	if err = w.watchSchema(); err == nil {
		err = do(w)
	}
	if err == nil {
		changes, err = w.finish()
	}
	if err != nil {
		_ = t.Rollback() // its error says no more
	}
	free()
	if err != nil && errors.Is(context.Cause(inside), errMadeWay) {
		return errMadeWay
	}
	if err = coded(err); err == nil {
		d.announce(ctx, w, changes)
	} else if packaging.CodeOf(err) == packaging.Unavailable { // until as much as a release needs was written
		d.failed.Store(true)
	}
	return err
}

// finish writes what is written at the end of a transaction, and commits. It returns what pages are to be told.
func (t *tx) finish() ([]packaging.Change, error) {
	if err := t.settle(); err != nil {
		return nil, err
	}
	if err := t.recordByHand(); err != nil {
		return nil, err
	}
	if err := t.writeEntries(); err != nil {
		return nil, err
	}
	if err := t.mustTellOfSchema(); err != nil {
		return nil, err
	}
	changes, err := t.changes()
	if err != nil {
		return nil, err
	}
	if err := t.Commit(); err != nil {
		return nil, err
	}
	t.writer.schema.Store(t.schema)
	if len(t.holders) > 0 {
		t.writer.rights.add(t.version, t.holders)
	}
	t.keepStatements()
	return append(t.settled, changes...), nil
}

// announce has releases of a transaction that is committed anchored, and then tells pages of it.
func (d *DB) announce(ctx context.Context, t *tx, changes []packaging.Change) {
	d.commits.Add(1)
	d.awaitIndex(changes)
	if anchor := d.anchor.Load(); anchor != nil && len(t.releases) > 0 {
		t.unanchored = anchor.keep(context.WithoutCancel(ctx), t.releases) // before anybody is told
	}
	if tell := d.notify.Load(); tell != nil && len(changes) > 0 {
		(*tell)(changes)
	}
}

// writing is how long writing took, and since when something is being written, zero for nothing.
type writing struct {
	took  time.Duration
	since time.Time
}

// Written returns how often something was committed since the database was opened, and how long writing took, with what
// is being written now and with what was undone.
func (d *DB) Written() (commits int64, took time.Duration) {
	return d.commits.Load(), d.writingTook()
}

func (d *DB) writingTook() time.Duration {
	w := d.writing.Load()
	switch {
	case w == nil:
		return 0
	case w.since.IsZero():
		return w.took
	}
	return w.took + time.Since(w.since)
}

// settle writes the records that were changed so far to the log, and notes of whom pages are told. Until then, what was
// changed is in memory: a transaction that changes many records settles them now and then.
func (t *tx) settle() error { return t.settleBut("") }

// settleBut settles all but one kind of record.
func (t *tx) settleBut(record string) error {
	if err := t.logTouched(record); err != nil {
		return err
	}
	changes, err := t.changes()
	t.settled = append(t.settled, changes...)
	return err
}

// stmt returns a statement of the transaction: preparing one takes longer than most of them run.
func (t *tx) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := t.own[query]; s != nil {
		return s, nil
	}
	if kept, ok := t.writer.prepared.Load(query); ok {
		t.own[query] = t.StmtContext(ctx, kept.(*sql.Stmt))
		return t.own[query], nil
	}
	s, err := t.PrepareContext(ctx, query)
	if err == nil {
		t.own[query], t.fresh = s, append(t.fresh, query)
	}
	return s, err
}

// keepStatements prepares what was new in the transaction for the next one, once it has ended. A query that can't be
// prepared now is prepared then.
func (t *tx) keepStatements() {
	for _, query := range t.fresh {
		_, _ = t.writer.stmt(t.ctx, query)
	}
}

// ExecContext is that of [sql.Tx].
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext is that of [sql.Tx].
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of [sql.Tx].
func (t *tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return t.Tx.QueryRowContext(ctx, query, args...) // fails the same way, and a row can carry that
	}
	return s.QueryRowContext(ctx, args...)
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// insertMany inserts rows into a table, given with its columns. end stands at the end of each statement.
func (t *tx) insertMany(into, end string, rows ...[]any) error {
	for _, n := range []int{50, 1} { // two statements serve any number of rows; longer ones gain nothing
		for ; len(rows) >= n; rows = rows[n:] {
			row := `(?` + strings.Repeat(`,?`, len(rows[0])-1) + `)`
			if err := t.exec(`INSERT INTO `+into+` VALUES `+row+strings.Repeat(`,`+row, n-1)+end,
				slices.Concat(rows[:n]...)...); err != nil {
				return err
			}
		}
	}
	return nil
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
