package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"lineboard/internal/secret"
)

// OpenToRead opens a database that another process may have open, to read it and nothing else. It must have this
// program's schema.
func OpenToRead(ctx context.Context, path string) (*DB, error) {
	if err := mustBeFile(path); err != nil {
		return nil, err
	}
	pool, err := open(path, 1, url.Values{
		"mode": {"ro"}, "_busy_timeout": {"5000"}, "_query_only": {"1"}, "_dqs": {"0"},
		"_pragma": {"cache_size(-16384)", "temp_store(MEMORY)", "trusted_schema(0)"},
	})
	if err != nil {
		return nil, err
	}
	one := &reader{DB: pool}
	d := &DB{read: one, slow: one} // nobody else waits for it here
	if err = mustBeSame(ctx, pool); err == nil {
		d.tables, err = recordTables(ctx, d.read)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.Close())
	}
	return d, nil
}

// mustBeFile fails unless a file is there where a database is to be.
func mustBeFile(path string) error {
	switch info, err := os.Stat(path); {
	case err != nil:
		return fmt.Errorf("there is no database: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("there is no database: %s is no file", path)
	}
	return nil
}

// OpenSealed lets d, which was opened to read, open what is sealed with a box.
func (d *DB) OpenSealed(box *secret.Box) { d.box = box }

// Backup writes one state of a database to a new file, whether another process has it open and writes to it or not. An
// error leaves no file.
func Backup(ctx context.Context, path, to string) error {
	if err := mustBeFile(path); err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already; a backup overwrites nothing", to)
	}
	pool, err := open(path, 1, url.Values{"mode": {"ro"}, "_busy_timeout": {"5000"}})
	if err != nil {
		return err
	}
	defer pool.Close()
	if has, err := versionOf(ctx, pool); err != nil || has == 0 {
		return fmt.Errorf("%s: %w", path, cmp.Or(err, errNothingBegun))
	}
	// Under its name it stands only when it is complete and on the disk.
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// SQLite takes an empty file, and leaves who may read it
	file, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, `VACUUM INTO ?`, part)
	if err = coded(err); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(part, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}

// EndAllSessions ends all sessions of a database that nobody has open.
func EndAllSessions(ctx context.Context, path string) error {
	pool, err := open(path, 1, url.Values{"_foreign_keys": {"1"}})
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, `DELETE FROM sessions`)
	return errors.Join(coded(err), pool.Close())
}
