// Package db is the one room that knows SQL: a SQLite file with one writer and several readers. Its methods speak the
// domain's words; each that changes something does so in one transaction, together with its entry in the history.
package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// readers is how many queries run side by side; more gain nothing on the small machines that this runs on.
const readers = 4

// DB is an open database. One process at a time has it open.
type DB struct {
	write *sql.DB // one connection
	read  *reader
	lock  *flock.Flock
	box   *secret.Box
	now   func() time.Time
	// The last write failed for a reason of the machine, such as a full disk.
	failed atomic.Bool
	probe  probe
	tell   atomic.Pointer[func([]packaging.Change)]
}

// Open opens the database file, makes it where it does not exist, and brings it to this program's schema. Errors say what
// a person can do: another process has it open, or a newer Lineboard made it.
func Open(ctx context.Context, path string, box *secret.Box, now func() time.Time) (*DB, error) {
	lock := flock.New(path + ".lock")
	switch ours, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("%s can't be locked: %w", path, err)
	case !ours:
		return nil, fmt.Errorf("another Lineboard is running with the data in %s; stop it first", filepath.Dir(path))
	}
	d := &DB{lock: lock, box: box, now: now}
	if err := d.open(ctx, path); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) open(ctx context.Context, path string) (err error) {
	// The writer first: it makes the file and sets the journal mode that readers then find.
	settings := url.Values{
		"_txlock": {"immediate"}, "_busy_timeout": {"5000"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
		"_foreign_keys": {"1"}, "_dqs": {"0"}, "_defensive": {"1"},
		"_pragma": {
			"cache_size(-65536)", "temp_store(MEMORY)", "journal_size_limit(67108864)",
			"trusted_schema(0)", "recursive_triggers(1)",
		},
	}
	if err := migrate(ctx, path, settings); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d.write = openWatched(path, settings)
	if err := d.write.PingContext(ctx); err != nil {
		return coded(err)
	}
	pool, err := open(path, readers, url.Values{
		"mode": {"ro"}, "_busy_timeout": {"5000"}, "_query_only": {"1"}, "_foreign_keys": {"1"}, "_dqs": {"0"},
		"_pragma": {"cache_size(-16384)", "temp_store(MEMORY)", "trusted_schema(0)"},
	})
	if err != nil {
		return err
	}
	d.read = &reader{DB: pool}
	switch key, err := keptMarkKey(ctx, d.read, d.box); {
	case err == nil:
		d.box = d.box.WithMarkKey(key)
	case errors.Is(err, sql.ErrNoRows): // the first key is still in use
	case errors.Is(err, secret.ErrWrongKey): // CheckKey says so
	default:
		return fmt.Errorf("the key of marks can't be read: %w", coded(err))
	}
	return nil
}

// dsn names the file with its settings. Without "file:" they would be silently ignored.
func dsn(path string, settings url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings.Encode()
}

func open(path string, connections int, settings url.Values) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", dsn(path, settings))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool, nil
}

// Close closes the database and lets another process have it.
func (d *DB) Close() error {
	var errs []error
	if d.read != nil {
		errs = append(errs, d.read.Close())
	}
	if d.write != nil { // last: it empties the write-ahead log
		errs = append(errs, d.write.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Unlock())
	}
	return errors.Join(errs...)
}

// readyFor is how long an answer of [DB.Ready] counts: anybody may ask, as often as they like, and there is one writer.
const readyFor = time.Second

// probe is the last answer of [DB.Ready], and when it was given by a clock that nobody sets.
type probe struct {
	sync.Mutex
	at  time.Time
	err error
}

// Ready says whether the database answers to a reader and takes writes. It writes by itself only after a write has failed,
// to see whether the next one would. Whoever asks within a second of another is told the same.
func (d *DB) Ready(ctx context.Context) error {
	d.probe.Lock()
	defer d.probe.Unlock()
	if d.probe.at.IsZero() || time.Since(d.probe.at) >= readyFor {
		d.probe.err = d.ready(context.WithoutCancel(ctx)) // the answer is for others too
		d.probe.at = time.Now()
	}
	return d.probe.err
}

func (d *DB) ready(ctx context.Context) error {
	var tenants int
	if err := d.read.QueryRowContext(ctx, `SELECT count(*) FROM tenants`).Scan(&tenants); err != nil {
		return coded(err)
	}
	return d.tx(ctx, func(t *tx) error {
		if !d.failed.Load() {
			return nil
		}
		return t.exec(`UPDATE refreshes SET tried_at = tried_at`)
	})
}

// tx is a write transaction. All that happens in it happens at one time.
type tx struct {
	*sql.Tx
	ctx context.Context
	now time.Time
}

// tx runs do in a write transaction and commits what it did, or nothing where it fails.
func (d *DB) tx(ctx context.Context, do func(*tx) error) error {
	t, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return coded(err)
	}
	defer t.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	w := &tx{t, ctx, d.now().UTC().Truncate(time.Millisecond)}
	var changes []packaging.Change
	if err = do(w); err == nil {
		changes, err = w.changes()
	}
	if err == nil {
		err = t.Commit()
	}
	err = coded(err)
	if tell := d.tell.Load(); err == nil && tell != nil && len(changes) > 0 {
		(*tell)(changes)
	}
	if unavailable := packaging.CodeOf(err) == packaging.Unavailable; unavailable || err == nil {
		d.failed.Store(unavailable)
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

// querier is what a reader and a transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads all rows of a query with scan.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, coded(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, coded(err)
		}
		all = append(all, one)
	}
	return all, coded(rows.Err())
}

type scanner interface{ Scan(into ...any) error }

// where is a condition that grows.
type where struct {
	sql  string
	args []any
}

// within begins the condition of a query with the scope that it is asked in, for a table whose columns tenant_id and
// line_id stand after the prefix. Every query for people begins so.
func within(in packaging.Scope, prefix string) where {
	w := where{prefix + "tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), prefix+"line_id IN (SELECT value FROM json_each(?))", lineList(in))
	return w
}

// lineList is the lines of a scope as one parameter, so that a query is the same for any number of them.
func lineList(in packaging.Scope) string {
	list, _ := json.Marshal(in.Lines()) // numbers alone
	return string(list)
}

func (w *where) and(wanted bool, condition string, args ...any) {
	if wanted {
		w.sql += " AND " + condition
		w.args = append(w.args, args...)
	}
}

// coded gives errors that a person can do something about their code; others stay as they are.
func coded(err error) error {
	var already *packaging.Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff { // the primary result code
		case sqlite3.SQLITE_FULL:
			return packaging.Fail(packaging.Unavailable, "error.disk_full").Because(err)
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return packaging.Fail(packaging.Unavailable, "error.database_busy").Because(err)
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return packaging.Fail(packaging.Unavailable, "error.database_broken").Because(err)
		}
	}
	return err
}

// millis and moment are how times are stored: milliseconds since 1970 UTC, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// nullTime is nil where there is no time.
func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// nullable is nil where a key is 0, as foreign keys want it.
func nullable[T ~int64](key T) any {
	if key == 0 {
		return nil
	}
	return int64(key)
}
