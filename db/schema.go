package db

import (
	"context"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lineboard/internal/secret"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// newestTables is what the migrations make of an empty database. A new one gets it at once: that takes a tenth of the
// time. `make schema` writes the file.
//
//go:embed schema.sql
var newestTables string

// firstSchema is the version of the schema that the first release has.
const firstSchema = 20

// migrate brings the schema up to this program's version. It refuses a database of a newer program, since it would not
// keep the promises of the newer schema, and one from before the first release. It uses a connection of its own: the
// writer watches tables that are created here.
func migrate(ctx context.Context, path string, settings url.Values, box *secret.Box) (of migrated, err error) {
	settings = maps.Clone(settings)
	// What a migration seals must not stay in free pages.
	settings["_pragma"] = append([]string{"secure_delete(1)"}, settings["_pragma"]...)
	w, err := open(path, 1, settings)
	if err != nil {
		return of, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	provider, err := migrations(w, box)
	if err != nil {
		return of, err
	}
	of.version = newestSchema(provider)
	has, err := versionOf(ctx, w)
	if err != nil {
		return of, err
	}
	if has > 0 {
		if _, err := mustUpgrade(ctx, w, provider); err != nil {
			return of, err
		}
	} else if has, err = provider.GetDBVersion(ctx); err != nil { // it makes the table of versions
		return of, coded(err)
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return of, coded(err)
	}
	if has > 0 && pending {
		to := fmt.Sprintf("%s.schema%d-%s", path, has, time.Now().UTC().Format("20060102T150405Z"))
		if err := Backup(ctx, path, to); err != nil {
			return of, fmt.Errorf("no copy could be made before the upgrade, so it was not begun: %w", err)
		}
	}
	if pending {
		err = beginUpgrade(ctx, w, box, of.version, has > 0)
	}
	switch {
	case err != nil:
	case has == 0:
		err = create(ctx, w, provider)
	default:
		_, err = provider.Up(ctx)
	}
	if err != nil {
		return of, coded(err)
	}
	err = of.read(ctx, w)
	return of, err
}

// migrated is a database with this program's schema.
type migrated struct {
	version  int64
	records  map[string]recordTable
	triggers []trigger // of who writes
}

func (m *migrated) read(ctx context.Context, q querier) error {
	columns, err := columnsIn(ctx, q)
	if err != nil {
		return err
	}
	if m.records, err = recordTablesAmong(ctx, q, columns); err != nil {
		return coded(err)
	}
	m.triggers, err = triggersOf(m.records, columns)
	return err
}

// beginUpgrade notes in the file that an upgrade is under way, until its records are logged. A start that finds the note
// goes on where one was cut off.
func beginUpgrade(ctx context.Context, w *sql.DB, box *secret.Box, to int64, hasHistory bool) error {
	entries := int64(0)
	if hasHistory {
		var err error
		if entries, err = lastEntry(ctx, w); err != nil {
			return err
		}
	}
	_, err := w.ExecContext(ctx, fmt.Sprint("PRAGMA user_version = ", upgradeMark(box, to, entries)))
	return err
}

// upgradeMark is the user version of a database whose upgrade is under way. It takes the key to make: the next start
// does not log a record as it is because somebody has set a number. Who takes a migration from the list of those that
// were carried out can have it carried out anew, and the entry that all records were logged tells of that.
func upgradeMark(box *secret.Box, to, entries int64) int32 {
	if box == nil {
		return 0
	}
	mark := box.Mark(secret.New(fmt.Sprint("schema ", to, " after entry ", entries)), "upgrade")
	return int32(binary.BigEndian.Uint32(mark)) | 1 // 0 is that of a database without an upgrade under way
}

func lastEntry(ctx context.Context, q querier) (id int64, err error) {
	return id, q.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM history`).Scan(&id)
}

// create gives an empty database the newest schema, and has it know that no migration is left to do.
func create(ctx context.Context, w *sql.DB, provider *goose.Provider) error {
	t, err := w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() //nolint:errcheck // nothing to undo once it is committed
	if _, err := t.ExecContext(ctx, newestTables); err != nil {
		return err
	}
	for _, s := range provider.ListSources() {
		if _, err := t.ExecContext(
			ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)`, s.Version,
		); err != nil {
			return err
		}
	}
	return t.Commit()
}

// migrations need a box only to carry out what seals.
func migrations(pool *sql.DB, box *secret.Box) (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(
		goose.DialectSQLite3, pool, files, goose.WithGoMigrations(sealedPINs(box), serialsInBlocks()),
		goose.WithAllowOutofOrder(true), // one with a lower number may come later than others
	)
}

func newestSchema(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// versionOf returns the version of the schema that a database file has, 0 for one that nothing was begun in yet. It fails
// with what the file is, if that is no database of Lineboard.
func versionOf(ctx context.Context, q querier) (version int64, err error) {
	names, err := collect(ctx, q, func(row scanner) (name string, err error) { return name, row.Scan(&name) }, `
		SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'`)
	if isNoDatabase(err) {
		return 0, errors.New("the file is no SQLite database")
	}
	if err != nil {
		return 0, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return madeByOthers["table "+name] != "" })
	const versions = "goose_db_version"
	switch {
	case len(names) == 0, len(names) == 1 && names[0] == versions:
		return 0, nil
	case !slices.Contains(names, versions), !slices.Contains(names, "history"):
		return 0, errors.New("the file is a database of another program than Lineboard")
	}
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+versions).Scan(&version)
	return version, coded(err)
}

// isNoDatabase reports whether SQLite has read a file and found that it is none of its own.
func isNoDatabase(err error) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_NOTADB
}

// errNothingBegun is why a file is of no use in which versionOf finds no schema.
var errNothingBegun = errors.New("nothing is in the database: Lineboard was stopped before it had begun it. " +
	"Start Lineboard once, or restore a backup")

// mustUpgrade fails unless this program reads or upgrades a database: it must know all of its migrations, whose numbers
// have gaps that a later migration may fill. It returns those of its own that the database lacks. The error says what a
// person can do.
func mustUpgrade(ctx context.Context, q querier, provider *goose.Provider) (lacks []int64, err error) {
	has, err := versionOf(ctx, q)
	newest := newestSchema(provider)
	switch {
	case err != nil:
		return nil, err
	case has == 0:
		return nil, errNothingBegun
	case has > newest:
		return nil, fmt.Errorf(
			"the database was made by a newer Lineboard (schema %d, this program knows up to %d); start that one",
			has, newest)
	case has < firstSchema:
		return nil, fmt.Errorf(
			"the database is from before the first release of Lineboard (schema %d, this program reads %d and later); "+
				"start the last build from before that release once, which brings it to schema %[2]d", has, firstSchema)
	}
	applied, err := collect(ctx, q, func(row scanner) (n int64, err error) { return n, row.Scan(&n) }, `
		SELECT DISTINCT version_id FROM goose_db_version WHERE version_id >= ? ORDER BY version_id`, firstSchema)
	if err != nil {
		return nil, err
	}
	for _, s := range provider.ListSources() {
		i := slices.Index(applied, s.Version)
		if i < 0 {
			lacks = append(lacks, s.Version)
			continue
		}
		applied = slices.Delete(applied, i, i+1)
	}
	if len(applied) > 0 {
		return nil, fmt.Errorf("the database was made by another Lineboard (this program does not know schema %d); "+
			"start that one", applied[0])
	}
	return lacks, nil
}

// mustBeSame fails unless a database has just this program's schema. The error says what a person can do.
func mustBeSame(ctx context.Context, pool *sql.DB) error {
	provider, err := migrations(pool, nil)
	if err != nil {
		return err
	}
	lacks, err := mustUpgrade(ctx, pool, provider)
	if err != nil {
		return err
	}
	if len(lacks) > 0 {
		return fmt.Errorf("the database is of an earlier Lineboard (it lacks schema %d): "+
			"start this one once, which upgrades it, or use the one that it belongs to", lacks[0])
	}
	return nil
}

// Damage returns what SQLite finds to be damaged in the file, and nothing if all is well. It reads the whole file.
func (d *DB) Damage(ctx context.Context) ([]string, error) {
	found, err := collect(
		ctx, d.slow.DB, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `PRAGMA quick_check(10)`,
	)
	return slices.DeleteFunc(found, func(s string) bool { return s == "ok" }), err
}

// Readable fails unless a file is a whole database of this program or of an earlier one. It returns whether it has just
// this program's schema.
func Readable(ctx context.Context, path string) (current bool, err error) {
	if err := mustBeFile(path); err != nil {
		return false, err
	}
	pool, err := open(path, 1, url.Values{"mode": {"ro"}, "_busy_timeout": {"5000"}, "_query_only": {"1"}})
	if err != nil {
		return false, err
	}
	one := &reader{DB: pool}
	d := &DB{read: one, slow: one}
	defer d.Close() //nolint:errcheck // nothing was written
	if _, err := versionOf(ctx, pool); err != nil {
		return false, err
	}
	damage, err := d.Damage(ctx)
	if err != nil {
		return false, err
	}
	if len(damage) > 0 {
		return false, fmt.Errorf("it is damaged: %s", damage[0])
	}
	provider, err := migrations(pool, nil)
	if err != nil {
		return false, err
	}
	lacks, err := mustUpgrade(ctx, pool, provider)
	return err == nil && len(lacks) == 0, err
}
