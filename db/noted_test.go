package db

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lineboard/internal/testkit/thorough"
)

// Whatever a statement does to a record that is there, the writer notes it, or a trigger of the schema refuses it.
func TestEachChangeOfARecordIsNotedOrRefused(t *testing.T) {
	thorough.Once(t)
	d := everyTableWithTriggers(t)
	refused := 0
	for name, table := range d.tables {
		if name == blocksOfLists {
			continue // addSerials notes a whole list
		}
		one := fmt.Sprintf(" WHERE (%s) = (SELECT %[1]s FROM %[2]s LIMIT 1)", strings.Join(table.primary, ", "), name)
		for _, statement := range handiwork(t, d.read, table, one) {
			if strings.HasPrefix(statement, "INSERT") {
				continue
			}
			noted, err := notedBy(t, d, name, statement)
			var ended *sqlite.Error
			switch {
			case errors.As(err, &ended) && ended.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
				refused++
			case err != nil:
				t.Errorf("%s: %v", statement, err)
			case !noted:
				t.Errorf("nobody notes: %s", statement)
			}
		}
	}
	if refused == 0 {
		t.Error("nothing is refused")
	}
}

// everyTableWithTriggers is everyTable with the triggers that the schema has, and a writer that checks nothing else.
func everyTableWithTriggers(t *testing.T) *DB {
	t.Helper()
	file, _ := schema20(t)
	opened := func() *DB {
		d, err := Open(t.Context(), file, box(t, 2), func() time.Time { return start.Add(time.Hour) })
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := opened()
	triggers := collected(t, d.read, `SELECT sql FROM sqlite_schema WHERE type = 'trigger'`)
	hand := freeHand(t, file)
	for _, table := range d.tables {
		fill(t, d, table)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	doByHand(t, hand, triggers...)
	d = opened()
	t.Cleanup(func() { d.Close() })
	for _, pragma := range []string{"PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"} {
		if _, err := d.write.ExecContext(t.Context(), pragma); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// notedBy reports whether a statement of the writer, which is taken back, notes a record of a table.
func notedBy(t *testing.T, d *DB, table, statement string) (noted bool, err error) {
	t.Helper()
	w, err := d.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Rollback() //nolint:errcheck // it is taken back
	if _, err := w.ExecContext(t.Context(), statement); err != nil {
		return false, err
	}
	err = w.QueryRowContext(
		t.Context(), `SELECT EXISTS (SELECT 1 FROM temp.touched WHERE record = ?)`, table,
	).Scan(&noted)
	return noted, err
}
