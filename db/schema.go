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

	"github.com/pressly/goose/v3"

	"lineboard/internal/secret"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

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
	if _, err = provider.Up(ctx); err != nil {
		return 0, nil, coded(err)
	}
	records, err = recordTables(ctx, w)
	return version, records, coded(err)
}

// migrations need a box only to carry out what seals.
func migrations(pool *sql.DB, box *secret.Box) (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithGoMigrations(sealedPINs(box)))
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
		return fmt.Errorf("the database has schema %d and this Lineboard reads schema %d: use the one that it belongs to", has, newest)
	}
	return nil
}
