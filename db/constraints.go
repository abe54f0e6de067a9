package db

import (
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// isTaken reports whether a row was refused because another one has what must be unique.
func isTaken(err error) bool { return isRefusedBy(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE) }

// isMissing reports whether a row was refused because it names one that is not there.
func isMissing(err error) bool { return isRefusedBy(err, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY) }

func isRefusedBy(err error, constraint int) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code() == constraint
}
