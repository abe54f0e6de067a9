package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

// everyTable is an upgraded database in which every table has rows, and a hand in it: without triggers, foreign keys
// and checks.
func everyTable(t *testing.T) (*DB, *sql.DB) {
	t.Helper()
	file, _ := schema20(t)
	d, err := Open(t.Context(), file, box(t, 2), func() time.Time { return start.Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, freeHand(t, file)
}

// freeHand opens a database without triggers, foreign keys and checks.
func freeHand(t *testing.T, file string) *sql.DB {
	t.Helper()
	hand, err := open(file, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hand.Close() })
	for _, pragma := range []string{"PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"} {
		if _, err := hand.ExecContext(t.Context(), pragma); err != nil {
			t.Fatal(err)
		}
	}
	triggers, err := collect(t.Context(), hand,
		func(row scanner) (name string, err error) { return name, row.Scan(&name) },
		`SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range triggers {
		if _, err := hand.ExecContext(t.Context(), `DROP TRIGGER `+name); err != nil {
			t.Fatal(err)
		}
	}
	return hand
}

// byHand does something in a transaction, hands it to look, and takes it back.
func byHand(t *testing.T, hand *sql.DB, statement string, look func(*sql.Tx)) {
	t.Helper()
	tx, err := hand.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it is taken back
	result, err := tx.ExecContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
	look(tx)
}

// faultsIn compares a table with the histories of all tenants.
func faultsIn(t *testing.T, q querier, table recordTable) (faults []packaging.RecordFault) {
	t.Helper()
	tenants, err := collect(t.Context(), q,
		func(row scanner) (id packaging.TenantID, err error) { return id, row.Scan(&id) },
		`SELECT id FROM tenants`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range tenants {
		c := &recordCheck{ctx: t.Context(), q: q, tenant: tenant}
		var err error
		if table.name == blocksOfLists {
			err = c.lists(func(step func() error) error { return step() }, func(int, int) {})
		} else {
			err = c.table(table)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := c.lostTenants(); err != nil {
			t.Fatal(err)
		}
		faults = append(faults, c.faults...)
	}
	return faults
}

type tableColumn struct {
	name, kind string
	unique     bool
}

func tableColumns(t *testing.T, q querier, table string) []tableColumn {
	t.Helper()
	columns, err := collect(t.Context(), q,
		func(row scanner) (c tableColumn, err error) { return c, row.Scan(&c.name, &c.kind, &c.unique) }, `
		SELECT c.name, c.type, c.pk > 0 OR EXISTS (
			SELECT 1 FROM pragma_index_list(?1) l JOIN pragma_index_info(l.name) i WHERE l."unique" AND i.name = c.name)
		FROM pragma_table_info(?1) c ORDER BY c.cid`, table)
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

// another is another value than the one that a column has.
func (c tableColumn) another() string {
	switch c.kind {
	case "INTEGER":
		return "coalesce(" + c.name + ", 0) + 1000000"
	case "BLOB":
		return "CAST(coalesce(" + c.name + ", '') || 'x' AS BLOB)"
	}
	return "coalesce(" + c.name + ", '') || 'x'"
}

// fill has the program itself write a row of any content where a table has none: it is newer than the fixture.
func fill(t *testing.T, d *DB, table recordTable) {
	t.Helper()
	var filled bool
	if err := d.read.QueryRowContext(
		t.Context(), `SELECT EXISTS (SELECT 1 FROM `+table.name+`)`,
	).Scan(&filled); err != nil {
		t.Fatal(err)
	}
	if filled {
		return
	}
	var names, values []string
	for _, c := range tableColumns(t, d.read, table.name) {
		names = append(names, c.name)
		values = append(values, map[string]string{"INTEGER": "1", "BLOB": "x'01'", "TEXT": "'x'"}[c.kind])
	}
	for _, pragma := range []string{"PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"} {
		if _, err := d.write.ExecContext(t.Context(), pragma); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.tx(t.Context(), func(t *tx) error {
		if err := t.exec(
			"INSERT INTO " + table.name + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") +
				")",
		); err != nil {
			return err
		}
		return t.record(packaging.Entry{TenantID: 1, By: program, Deed: packaging.Exported, Object: table.name})
	}); err != nil {
		t.Fatalf("fill %s: %v", table.name, err)
	}
}

// Every table holds records or says why not. Whatever is changed, deleted or inserted by hand in a record is found, and
// named as what it is: changed, missing or added.
func TestWhatIsDoneToARecordByHandIsFoundInEveryTable(t *testing.T) {
	thorough.Once(t)
	d, hand := everyTable(t)
	names, err := collect(t.Context(), d.read,
		func(row scanner) (name string, err error) { return name, row.Scan(&name) },
		`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT GLOB 'sqlite_*'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		table, records := d.tables[name]
		if records == (notRecords[name] != "") {
			t.Errorf("%s is neither a table of records nor one that says why not", name)
		}
		if !records {
			continue
		}
		fill(t, d, table)
		byHand(t, hand, "UPDATE goose_db_version SET tstamp = tstamp", func(tx *sql.Tx) {
			if faults := faultsIn(t, tx, table); len(faults) > 0 {
				t.Fatalf("%s before anything was done: %v", name, faults)
			}
		})
		one := fmt.Sprintf(" WHERE (%s) = (SELECT %[1]s FROM %[2]s LIMIT 1)", strings.Join(table.primary, ", "), name)
		before := recordsIn(t, hand, table)
		for _, statement := range handiwork(t, hand, table, one) {
			byHand(t, hand, statement, func(tx *sql.Tx) {
				faults := faultsIn(t, tx, table)
				if len(faults) == 0 {
					t.Errorf("nobody finds: %s", statement)
				}
				var named []string
				for _, f := range faults {
					if f.Noun() == "other" {
						t.Errorf("%s: people have no word for the records of %s", statement, f.Record)
					}
					named = append(named, string(f.Kind)+" "+f.Key)
				}
				slices.Sort(named)
				if diff := cmp.Diff(whatWasDone(before, recordsIn(t, tx, table)), slices.Compact(named)); diff != "" {
					t.Errorf("%s is not named as what it is (-want +got):\n%s", statement, diff)
				}
			})
		}
	}
}

// handiwork is what a hand can do to one record of a table: change each of its columns, delete it, and insert another.
func handiwork(t *testing.T, q querier, table recordTable, one string) (statements []string) {
	t.Helper()
	var all, copied []string
	for _, c := range tableColumns(t, q, table.name) {
		all = append(all, c.name)
		if c.unique && (c.name != "tenant_id" || len(table.primary) == 1) {
			copied = append(copied, c.another())
		} else {
			copied = append(copied, c.name)
		}
		if !slices.Contains(quietColumns[table.name], c.name) {
			statements = append(statements, fmt.Sprintf("UPDATE %s SET %s = %s%s", table.name, c.name, c.another(), one))
		}
	}
	if table.name == blocksOfLists { // a list of no order
		statements = append(statements, `INSERT INTO serial_blocks (id, number, product_id, packed)
			SELECT (900000 << 24) + 1, max(number) + 1, product_id, packed FROM serial_blocks`)
	}
	return append(statements, "DELETE FROM "+table.name+one,
		"INSERT INTO "+table.name+" ("+strings.Join(all, ", ")+") SELECT "+strings.Join(copied, ", ")+" FROM "+
			table.name+one)
}

// recordsIn reads what the records of a table say, each tenant's by its key. Those of no tenant stand under 0.
func recordsIn(t *testing.T, q querier, table recordTable) map[string]string {
	t.Helper()
	var columns []string
	for _, c := range tableColumns(t, q, table.name) {
		if !slices.Contains(quietColumns[table.name], c.name) {
			columns = append(columns, "quote("+c.name+")")
		}
	}
	type row struct{ tenants, key, says string }
	rows, err := collect(t.Context(), q, func(from scanner) (r row, err error) {
		return r, from.Scan(&r.tenants, &r.key, &r.says)
	}, `SELECT coalesce((SELECT group_concat(tenant) FROM (`+of(table.owners, "r")+
		`) WHERE tenant IN (SELECT id FROM tenants)), '0'), `+table.keyOf("r")+`, json_array(`+
		strings.Join(columns, ", ")+`) FROM `+table.name+` r ORDER BY `+strings.Join(table.primary, ", "))
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]string{}
	for _, r := range rows {
		for tenant := range strings.SplitSeq(r.tenants, ",") {
			says[tenant+" "+r.key] += r.says
		}
	}
	return says
}

// whatWasDone names the records that were changed, are missing, or were added, by their keys.
func whatWasDone(before, after map[string]string) (done []string) {
	note := func(kind packaging.FaultKind, record string) {
		_, key, _ := strings.Cut(record, " ")
		done = append(done, string(kind)+" "+key)
	}
	for record, said := range before {
		switch says, there := after[record]; {
		case !there:
			note(packaging.FaultMissing, record)
		case says != said:
			note(packaging.FaultChanged, record)
		}
	}
	for record := range after {
		if _, known := before[record]; !known {
			note(packaging.FaultAdded, record)
		}
	}
	slices.Sort(done)
	return slices.Compact(done)
}

// What is done to the log of records itself is found too, and so is a record that was changed together with its line.
func TestTheLogOfRecordsIsProvenByTheHistory(t *testing.T) {
	d, hand := everyTable(t)
	tenants, err := d.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	faults := func(q querier) (faults []packaging.RecordFault) {
		for _, tenant := range tenants {
			c := &recordCheck{ctx: t.Context(), q: q, tenant: tenant.ID}
			if err := c.log(); err != nil {
				t.Fatal(err)
			}
			faults = append(faults, c.faults...)
		}
		return faults
	}
	byHand(t, hand, "UPDATE goose_db_version SET tstamp = tstamp", func(tx *sql.Tx) {
		if got := faults(tx); len(got) > 0 {
			t.Fatalf("before anything was done: %v", got)
		}
	})
	const one = ` WHERE tenant_id = (SELECT min(id) FROM tenants) AND number = 3`
	for _, statement := range []string{
		`UPDATE record_log SET digest = zeroblob(32)` + one,
		`UPDATE record_log SET key = '[999]'` + one,
		`UPDATE record_log SET record = 'notes2'` + one,
		`UPDATE record_log SET digest = NULL` + one,
		`DELETE FROM record_log` + one,
		`DELETE FROM record_log WHERE tenant_id = (SELECT min(id) FROM tenants)`,
		`UPDATE record_log SET number = number + 1000000` + one,
		`UPDATE history SET records = records - 1 WHERE format = 3`,
		`UPDATE history SET records_digest = zeroblob(32) WHERE format = 3`,
	} {
		byHand(t, hand, statement, func(tx *sql.Tx) {
			if len(faults(tx)) == 0 {
				t.Errorf("nobody finds: %s", statement)
			}
		})
	}
}

// What the program itself does leaves no fault, and the faults name the entry that has the digest.
func TestWhatTheProgramDoesIsAsTheHistorySays(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), claimed, released("S2", "S1")); err != nil {
		t.Fatal(err)
	}
	if err := d.NoteOrder(
		t.Context(), ghent, order(t, d, ghent.Tenant.ID, "Order143").ID, "The pump leaks.",
	); err != nil {
		t.Fatal(err)
	}
	look := func() (all []packaging.RecordFault) {
		t.Helper()
		for _, faults := range []func(context.Context) ([]packaging.RecordFault, error){
			func(ctx context.Context) ([]packaging.RecordFault, error) {
				return d.RecordFaults(ctx, ghent.Tenant.ID)
			},
			func(ctx context.Context) ([]packaging.RecordFault, error) {
				return d.ListFaults(ctx, ghent.Tenant.ID, func(int, int) {})
			},
			d.IndexFaults,
		} {
			found, err := faults(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, found...)
		}
		return all
	}
	if faults := look(); len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	for _, statement := range []string{
		`DROP TRIGGER serials_never_change`, `DROP TRIGGER releases_only_go_forward`,
		`DROP TRIGGER a_released_list_is_final`, `DROP TRIGGER notes_are_never_deleted`,
		// Two serial numbers change places, somebody else released, and a note is gone.
		`UPDATE serial_blocks SET packed = CAST(substr(packed, 4, 3) || substr(packed, 1, 3) AS BLOB)`,
		`UPDATE releases SET username = 'mallory'`,
	} {
		if _, err := d.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if _, err := d.write.ExecContext(t.Context(), `DELETE FROM notes`); err != nil {
		t.Fatal(err)
	}
	if faults := fmt.Sprint(look()); faults != "[notes [1] missing releases [1] changed serials [1] changed]" {
		t.Error(faults)
	}
}
