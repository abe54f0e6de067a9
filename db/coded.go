package db

import (
	"database/sql"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lineboard/internal/packaging"
)

// coded returns errors that a person can do something about their code; others stay as they are.
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
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
			sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return packaging.Fail(packaging.Unavailable, "error.database_broken").Because(err)
		}
	}
	return err
}
