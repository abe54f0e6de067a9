package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/pressly/goose/v3"

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
// writer watches tables that are created here. It returns the version, and the tables that hold records.
func migrate(
	ctx context.Context, path string, settings url.Values, box *secret.Box,
) (version int64, records map[string]recordTable, err error) {
	settings = maps.Clone(settings)
	// What a migration seals must not stay in free pages.
	settings["_pragma"] = append([]string{"secure_delete(1)"}, settings["_pragma"]...)
	w, err := open(path, 1, settings)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	provider, err := migrations(w, box)
	if err != nil {
		return 0, nil, err
	}
	has, err := provider.GetDBVersion(ctx)
	if err != nil {
		return 0, nil, coded(err)
	}
	version = newestSchema(provider)
	switch {
	case has > version:
		return 0, nil, fmt.Errorf("the database was made by a newer Lineboard (schema %d, this program knows up to %d); start that one",
			has, version)
	case has > 0 && has < firstSchema:
		return 0, nil, fmt.Errorf("the database is from before the first release of Lineboard (schema %d, this program reads %d and later); "+
			"start the last build from before that release once, which brings it to schema %[2]d", has, firstSchema)
	}
	if has > 0 && has < version {
		to := fmt.Sprintf("%s.schema%d-%s", path, has, time.Now().UTC().Format("20060102T150405Z"))
		if err := Backup(ctx, path, to); err != nil {
			return 0, nil, fmt.Errorf("no copy could be made before the upgrade, so it was not begun: %w", err)
		}
	}
	if has == 0 {
		err = create(ctx, w, provider)
	} else {
		_, err = provider.Up(ctx)
	}
	if err != nil {
		return 0, nil, coded(err)
	}
	records, err = recordTables(ctx, w)
	return version, records, coded(err)
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
	)
}

func newestSchema(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// sameSchema fails unless the database has just this program's schema.
func (d *DB) sameSchema(ctx context.Context) error {
	provider, err := migrations(d.read.DB, d.box)
	if err != nil {
		return err
	}
	newest, has := newestSchema(provider), int64(0)
	if err := d.read.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&has); err != nil {
		return coded(err)
	}
	if has != newest {
		return fmt.Errorf(
			"the database has schema %d and this Lineboard reads schema %d: use the one that it belongs to", has,
			newest,
		)
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
	pool, err := open(path, 1, url.Values{"mode": {"ro"}, "_busy_timeout": {"5000"}, "_query_only": {"1"}})
	if err != nil {
		return false, err
	}
	one := &reader{DB: pool}
	d := &DB{read: one, slow: one}
	defer d.Close() //nolint:errcheck // nothing was written
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
	var has int64
	if err := pool.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&has); err != nil {
		return false, fmt.Errorf("it is no database of Lineboard: %w", err)
	}
	newest := newestSchema(provider)
	if has > newest || has < firstSchema {
		return false, fmt.Errorf("it has schema %d, and this Lineboard reads %d to %d", has, firstSchema, newest)
	}
	return has == newest, nil
}
