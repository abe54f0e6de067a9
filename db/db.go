// Package db is the one room that knows SQL: a SQLite file with one writer and several readers. Its methods speak the
// domain's words; each that changes something does so in one transaction, together with its entry in the history.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// readers is how many queries run side by side; more gain nothing on the small machines that this runs on.
const readers = 4

// slowReaders is how many queries that may take long run side by side. They have connections of their own, so that
// boards, releases and probes never wait for them.
const slowReaders = 3

// What a connection keeps of the file in memory, in KiB. Who looks at a few records as they were before a transaction
// needs little.
const (
	readerCache = 6 << 10
	beforeCache = 1 << 10
)

// DB is an open database. One process at a time has it open.
type DB struct {
	write  *sql.DB // one connection
	writer *reader // its statements
	// Opens a connection for one who writes much, and closes it then: its memory is given back.
	openBulk func() (*reader, error)
	bulk     bulkWriters
	turns    turns
	read     *reader
	before   *reader // for the writer: sees what stood before its transaction
	slow     *reader // for searches, reports, exports and verification
	places   places  // on it
	lock     *Lock
	box      *secret.Box
	now      func() time.Time
	// The last write failed for a reason of the machine, such as a full disk.
	failed    atomic.Bool
	probe     probe
	tables    map[string]recordTable // that hold records
	notify    atomic.Pointer[func([]packaging.Change)]
	anchor    atomic.Pointer[anchoring]
	files     files
	unindexed chan struct{} // has room for one
	indexed   atomic.Int64  // orders since the parts of their index were put together
	blocks    atomic.Int64  // number of the last block of serials
	staging   listLocks
	longLists *semaphore.Weighted // those that are prepared at once, so that presses find a processor
	commits   atomic.Int64
	writing   atomic.Pointer[writing]

	uncompared chan struct{} // has room for one

	checkpoints *checkpointer // nil where nothing is written
}

// Open opens the database file, makes it where it does not exist, and brings it to this program's schema. Errors say
// what a person can do: another process has it open, or a newer Lineboard made it.
func Open(ctx context.Context, path string, box *secret.Box, now func() time.Time) (*DB, error) {
	lock, err := LockData(path)
	if err != nil {
		return nil, err
	}
	d := &DB{
		lock: lock, box: box, now: now, unindexed: make(chan struct{}, 1), uncompared: make(chan struct{}, 1),
		longLists: semaphore.NewWeighted(max(1, int64(runtime.GOMAXPROCS(0)/2))),
	}
	if err = keepPrivate(path); err == nil {
		err = d.open(ctx, path)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// keepPrivate makes the database its owner's alone, whatever the umask. SQLite gives the files beside it the mode that
// the database has. A file of another owner stays as it is.
func keepPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = file.Close()
	for _, end := range []string{"", "-wal", "-shm", ".lock"} {
		mode := os.Chmod(path+end, 0o600)
		if !errors.Is(mode, fs.ErrNotExist) && !errors.Is(mode, fs.ErrPermission) {
			err = errors.Join(err, mode)
		}
	}
	return err
}

func (d *DB) open(ctx context.Context, path string) (err error) {
	// The writer first: it makes the file and sets the journal mode that readers then find.
	settings := url.Values{
		"_txlock": {"immediate"}, "_busy_timeout": {"5000"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
		"_foreign_keys": {"1"}, "_dqs": {"0"}, "_defensive": {"1"},
		"_pragma": {
			"cache_size(-32768)", "temp_store(MEMORY)", "journal_size_limit(67108864)",
			"trusted_schema(0)", "recursive_triggers(1)", "wal_autocheckpoint(4000)",
		},
	}
	box := d.box // before marks are kept of an older key
	schema, err := migrate(ctx, path, settings, box)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d.tables = schema.records
	if d.writer, err = openWatched(path, settings, schema.triggers); err != nil {
		return err
	}
	d.write = d.writer.DB
	d.openBulk = func() (*reader, error) {
		return openWatched(path, bulkSettings(settings), schema.triggers, writtenInBulk...)
	}
	if err := d.write.PingContext(ctx); err != nil {
		return coded(err)
	}
	if d.read, err = openReader(path, readers, readerCache); err != nil {
		return err
	}
	if d.slow, err = openReader(path, slowReaders, readerCache); err != nil {
		return err
	}
	d.slow.givesWay = true
	if d.before, err = openReader(path, 1, beforeCache); err != nil {
		return err
	}
	if d.files, err = openFiles(path); err != nil {
		return err
	}
	switch key, err := keptMarkKey(ctx, d.read, d.box); {
	case err == nil:
		d.box = d.box.WithMarkKey(key)
	case errors.Is(err, sql.ErrNoRows): // the first key is still in use
	case errors.Is(err, secret.ErrWrongKey): // CheckKey says so
	default:
		return fmt.Errorf("the key of marks can't be read: %w", coded(err))
	}
	if err := d.readLastBlock(ctx); err != nil {
		return err
	}
	if err := d.logUpgraded(ctx, box, schema.version); err != nil {
		return err
	}
	if err := d.sweep(ctx); err != nil {
		return err
	}
	return d.startCheckpoints(path)
}

func (d *DB) readLastBlock(ctx context.Context) error {
	var last int64
	err := d.read.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) FROM serial_blocks`).Scan(&last)
	d.blocks.Store(last)
	return coded(err)
}

func openReader(path string, connections, cacheKiB int) (*reader, error) {
	pool, err := open(path, connections, url.Values{
		"mode": {"ro"}, "_busy_timeout": {"5000"}, "_query_only": {"1"}, "_foreign_keys": {"1"}, "_dqs": {"0"},
		"_pragma": {fmt.Sprintf("cache_size(-%d)", cacheKiB), "temp_store(MEMORY)", "trusted_schema(0)"},
	})
	if err != nil {
		return nil, err
	}
	return &reader{DB: pool}, nil
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

// Unsynced runs do while no commit waits for the disk. A power cut meanwhile may damage the file, so this is only for
// data that can be made anew, such as the demo's. After it commits wait again, and the first one syncs all before it.
func (d *DB) Unsynced(ctx context.Context, do func() error) error {
	if _, err := d.write.ExecContext(ctx, `PRAGMA synchronous = OFF`); err != nil {
		return coded(err)
	}
	err := do()
	_, back := d.write.ExecContext(context.WithoutCancel(ctx), `PRAGMA synchronous = FULL`)
	return errors.Join(err, coded(back))
}

// Close closes the database and lets another process have it. Then all that was committed is in the one file.
func (d *DB) Close() error {
	var errs []error
	d.bulk.close()
	if d.checkpoints != nil {
		errs = append(errs, d.checkpoints.close())
	}
	for _, r := range []*reader{d.read, d.slow, d.before} {
		if r != nil {
			errs = append(errs, r.end())
		}
	}
	if d.write != nil { // last: it empties the write-ahead log
		errs = append(errs, d.write.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Unlock())
	}
	return errors.Join(errs...)
}
