package db

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

// tamperedWith are the databases in which a test does something by hand.
var tamperedWith sync.Map

// nothingWasDoneByHand checks that the program takes nothing that it did itself for what a hand did.
func nothingWasDoneByHand(t *testing.T, d *DB) {
	t.Helper()
	if _, tampered := tamperedWith.LoadAndDelete(d); tampered || d.read.PingContext(context.Background()) != nil {
		return
	}
	all, err := collect(context.Background(), d.read, func(row scanner) (said string, err error) {
		return said, row.Scan(&said)
	}, `SELECT object || ' ' || new_value FROM history WHERE deed = ?`, packaging.RecordByHand)
	if err != nil || len(all) > 0 {
		t.Errorf("the history says that records were changed by hand: %q, %v", all, err)
	}
}

// tampered has a hand do something to records while Lineboard runs, without foreign keys, checks and triggers, and puts
// these back.
func tampered(t *testing.T, d *DB, statements ...string) {
	t.Helper()
	tamperedWith.Store(d, true)
	hand := aHand(t, d)
	type trigger struct{ name, sql string }
	triggers, err := collect(t.Context(), hand, func(row scanner) (r trigger, err error) {
		return r, row.Scan(&r.name, &r.sql)
	}, `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{`PRAGMA foreign_keys = OFF`, `PRAGMA ignore_check_constraints = ON`, `BEGIN IMMEDIATE`}
	for _, r := range triggers {
		all = append(all, `DROP TRIGGER `+r.name)
	}
	all = append(all, statements...)
	for _, r := range triggers {
		all = append(all, r.sql)
	}
	doByHand(t, hand, append(all, `COMMIT`)...)
	if err := hand.Close(); err != nil {
		t.Fatal(err)
	}
}

// wordsOn are the names of what the history says to have been done by hand, sorted.
func wordsOn(t *testing.T, d *DB, tenant packaging.TenantID) (all []string) {
	t.Helper()
	v := verdict(t, d, tenant)
	for _, f := range v.ByHand.Records {
		all = append(all, f.String())
		if e, _, err := d.Entry(t.Context(), packaging.Everything(tenant), f.Seq); err != nil ||
			e.Deed != packaging.RecordByHand || e.By != program {
			t.Errorf("entry %d is %s by %s, %v", f.Seq, e.Deed, e.By.Username, err)
		}
	}
	if int(v.ByHand.Count) != len(all) || v.Faulty() {
		t.Errorf("%d were done by hand: %v; faulty: %v", v.ByHand.Count, all, v.Faulty())
	}
	exceptions, err := d.History(
		t.Context(), packaging.Everything(tenant),
		packaging.HistoryFilter{Exceptions: true, Deed: packaging.RecordByHand, Limit: 200},
	)
	if err != nil || len(exceptions.Entries) != len(all) {
		t.Errorf("%d exceptions, want %d, %v", len(exceptions.Entries), len(all), err)
	}
	slices.Sort(all)
	return all
}

// writtenAgain is what is done by hand to records that the program writes again then.
type writtenAgain struct {
	name   string
	before func(t *testing.T, d *DB, ghent packaging.Person) (then func())
	byHand []string
	want   []string
}

func recordsWrittenAgain() []writtenAgain {
	lists := func(t *testing.T, d *DB, ghent packaging.Person, change func(*packaging.Facts)) func() {
		cache(t, d, ghent.Tenant.ID, facts("a"))
		return func() {
			listed := facts("a")
			change(&listed)
			refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{listed}})
		}
	}
	saysAnotherStatus := func(t *testing.T, d *DB, ghent packaging.Person) func() {
		return lists(t, d, ghent, func(f *packaging.Facts) { f.Status = "Done" })
	}
	comesAgain := func(t *testing.T, d *DB, ghent packaging.Person) func() {
		provide(t, d)
		id := comes("s1", "zoe", "")
		if _, err := d.SignInBy(t.Context(), ghent.Tenant, id); err != nil {
			t.Fatal(err)
		}
		return func() {
			id.FullName = "Zoe Two"
			if _, err := d.SignInBy(t.Context(), ghent.Tenant, id); err != nil {
				t.Fatal(err)
			}
		}
	}
	return []writtenAgain{
		{
			"who released, while the outcome was unknown",
			func(t *testing.T, d *DB, ghent packaging.Person) func() {
				cache(t, d, ghent.Tenant.ID, facts("a"))
				claimed := claim(t, d, ghent, "a")
				return func() {
					if _, err := d.Settle(t.Context(), claimed, released("S1", "S2")); err != nil {
						t.Fatal(err)
					}
				}
			},
			[]string{`UPDATE releases SET username = 'sup2', full_name = 'Sup Two'`},
			[]string{"releases [1] changed"},
		},
		{
			"an event of an order", saysAnotherStatus,
			[]string{`UPDATE order_events SET at = at - 3600000 WHERE kind = 'seen'`},
			[]string{"order_events [1] changed"},
		},
		{
			"all events of an order", saysAnotherStatus,
			[]string{`DELETE FROM order_events`},
			[]string{"order_events [1] missing"},
		},
		{
			"an order, and its imported facts",
			func(t *testing.T, d *DB, ghent packaging.Person) func() {
				imports(t, d, ghent, packaging.Facts{Key: "a", LineCode: "L1", Lot: "MINE"})
				return lists(t, d, ghent, func(f *packaging.Facts) { f.Lot, f.Product = "THEIRS", "Ibuprofen" })
			},
			[]string{`UPDATE orders SET lot = 'HAND'`, `UPDATE imported_facts SET lot = 'HAND'`},
			[]string{"imported_facts [1] changed", "orders [1] changed"},
		},
		{
			"of whose human an account is", comesAgain,
			[]string{`UPDATE users SET same_as = 1 WHERE username = 'zoe'`},
			[]string{"users [3] changed"},
		},
		{
			"a word on who somebody is",
			func(t *testing.T, d *DB, ghent packaging.Person) func() {
				provide(t, d)
				id := comes("v2", "ghent-boss", "")
				if _, err := d.SignInBy(t.Context(), ghent.Tenant, id); err == nil {
					t.Fatal("they do not wait for a word")
				}
				return func() {
					if _, err := d.SignInBy(t.Context(), ghent.Tenant, id); err != nil {
						t.Fatal(err)
					}
				}
			},
			[]string{`UPDATE sign_on_waits SET same = 0, decided_by = 2`},
			[]string{`sign_on_waits [1,"https://login.example","v2",1] changed`},
		},
		{
			"a list that was deleted",
			func(t *testing.T, d *DB, ghent packaging.Person) func() {
				cache(t, d, ghent.Tenant.ID, facts("a"))
				o := claim(t, d, ghent, "a")
				if _, err := d.Settle(t.Context(), o, released("S1", "S2")); err != nil {
					t.Fatal(err)
				}
				return func() {
					if err := d.AddList(t.Context(), ghent, o.ID, 0, 0, []string{"S3", "S4"}); err != nil {
						t.Fatal(err)
					}
				}
			},
			[]string{
				`DELETE FROM serial_blocks`, `DELETE FROM serial_marks`, `DELETE FROM serial_runs`,
				`UPDATE releases SET list_source = '', serials_received = 0`,
			},
			[]string{"releases [1] changed", "serials [1] missing"},
		},
		{
			"a provider that nobody set",
			func(t *testing.T, d *DB, ghent packaging.Person) func() {
				return func() {
					if err := d.Provision(t.Context(), Site{signOnSetup("ghent")}); err != nil {
						t.Fatal(err)
					}
				}
			},
			[]string{`INSERT INTO sso (tenant_id, enabled, label, home, issuer, client_id, scopes, hosts, claim)
				VALUES (1, 1, 'x', 'x', 'x', 'x', 'x', 'x', 'x')`},
			[]string{"sso [1] added"},
		},
	}
}

func provide(t *testing.T, d *DB) {
	t.Helper()
	if err := d.Provision(t.Context(), Site{signOnSetup("ghent")}); err != nil {
		t.Fatal(err)
	}
}

// What was done by hand to a record stays known once the program writes the record again: an entry of the history says
// so.
func TestWhatWasDoneByHandStaysKnownOnceTheProgramWritesItAgain(t *testing.T) {
	thorough.Once(t)
	for _, c := range recordsWrittenAgain() {
		t.Run(c.name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			then := c.before(t, d, ghent)
			if all := wordsOn(t, d, ghent.Tenant.ID); len(all) > 0 {
				t.Fatalf("before anything was done: %v", all)
			}
			tampered(t, d, c.byHand...)
			then()
			for range 2 {
				if diff := cmp.Diff(c.want, wordsOn(t, d, ghent.Tenant.ID)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if faults, err := d.RecordFaults(t.Context(), ghent.Tenant.ID); err != nil || len(faults) > 0 {
					t.Errorf("after it was written again: %v, %v", faults, err)
				}
				refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{facts("another")}})
			}
		})
	}
}

// A record of an import of many, of which no line is about it alone, is no exception.
func TestWhatWasDoneByHandToOneOfManyRecordsOfALineStaysKnown(t *testing.T) {
	d, ghent, _ := opened(t)
	importMany(t, d, ghent)
	tenant := ghent.Tenant.ID
	id := order(t, d, tenant, "new 300").ID
	tampered(t, d, fmt.Sprintf(`UPDATE orders SET lot = 'HAND' WHERE id = %d`, id))
	listed, other := facts("new 300"), facts("new 301")
	listed.Lot, other.Lot = "THEIRS", "THEIRS TOO"
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{listed, other}})
	want := []string{fmt.Sprintf("orders [%d] changed", id)}
	if diff := cmp.Diff(want, wordsOn(t, d, tenant)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An import of many gives no order the key of one that somebody has deleted by hand, also where that one had a key far
// beyond the others, without naming it.
func TestAnImportOfManyNamesAnOrderThatWasDeletedByHandWhoseKeyItGives(t *testing.T) {
	var before []packaging.Facts
	for i := range 95 {
		before = append(before, facts(fmt.Sprint("before ", i)))
	}
	t.Run("of as many digits", func(t *testing.T) { importGivesKeysOfTheDeleted(t) })
	t.Run("of a digit more", func(t *testing.T) { importGivesKeysOfTheDeleted(t, before...) })
}

// importGivesKeysOfTheDeleted tries it where some orders were cached before.
func importGivesKeysOfTheDeleted(t *testing.T, before ...packaging.Facts) {
	t.Helper()
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	cache(t, d, tenant, append(before, facts("first"))...)
	first := order(t, d, tenant, "first").ID
	far := first + 10
	var columns []string
	for _, c := range tableColumns(t, d.read, "orders") {
		if c.name != "id" && c.name != "order_key" {
			columns = append(columns, c.name)
		}
	}
	tampered(t, d, fmt.Sprintf(`INSERT INTO orders (id, order_key, %[1]s) SELECT %[2]d, 'by hand', %[1]s FROM orders
		WHERE id = %[3]d`, strings.Join(columns, ", "), far, first))
	cache(t, d, tenant, facts("second"))
	second := order(t, d, tenant, "second").ID
	tampered(t, d, fmt.Sprintf(`DELETE FROM orders WHERE id >= %d`, far),
		fmt.Sprintf(`DELETE FROM order_events WHERE order_id >= %d`, far))
	importMany(t, d, ghent)
	want := []string{
		fmt.Sprintf("order_events [%d] missing", second),
		fmt.Sprintf("orders [%d] added", far), // found by the refresh
		fmt.Sprintf("orders [%d] missing", far),
		fmt.Sprintf("orders [%d] missing", second),
	}
	if diff := cmp.Diff(want, wordsOn(t, d, tenant)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if faults, err := d.RecordFaults(t.Context(), tenant); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
}

// Where very much was done by hand, one transaction names the first, and counts the rest.
func TestVeryMuchThatWasDoneByHandIsCounted(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	var listed []packaging.Facts
	for i := range packaging.MaxFaults + 20 {
		listed = append(listed, facts(fmt.Sprint("order ", i)))
	}
	cache(t, d, tenant, listed...)
	tampered(t, d, `UPDATE orders SET lot = 'HAND'`)
	for i := range listed {
		listed[i].Lot = "THEIRS"
	}
	refresh(t, d, tenant, packaging.Refresh{Listed: listed})
	v := verdict(t, d, tenant)
	if v.ByHand.Count != int64(len(listed)) || len(v.ByHand.Records) != packaging.MaxFaults {
		t.Errorf("%d, of which %d are named, want %d", v.ByHand.Count, len(v.ByHand.Records), len(listed))
	}
	if said := v.String(); !strings.Contains(said, fmt.Sprint(len(listed), " records changed by hand")) {
		t.Error(said)
	}
}

// It holds for the records of every table.
func TestWhatWasDoneByHandStaysKnownInEveryTable(t *testing.T) {
	thorough.Once(t)
	d, hand := everyTable(t)
	// What became of the schema is told elsewhere.
	var version int64
	if err := hand.QueryRowContext(t.Context(), `PRAGMA schema_version`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	d.writer.schema.Store(version)
	named := func(table string) (all []string) {
		t.Helper()
		tenants, err := d.Tenants(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, tenant := range tenants {
			for _, f := range verdict(t, d, tenant.ID).ByHand.Records {
				if f.Record == table {
					all = append(all, f.String())
				}
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	for _, table := range d.tables {
		fill(t, d, table)
	}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(d.tables))) { // people before their membership
		table := d.tables[name]
		if name == blocksOfLists || name == "tenants" {
			continue
		}
		columns := tableColumns(t, hand, name)
		i := slices.IndexFunc(columns, func(c tableColumn) bool {
			return !c.unique && !slices.Contains(quietColumns[name], c.name) && !strings.HasSuffix(c.name, "_id")
		})
		statement := `DELETE FROM ` + name
		if i >= 0 {
			statement = fmt.Sprintf(`UPDATE %s SET %s = %s`, name, columns[i].name, columns[i].another())
		}
		one := fmt.Sprintf(" WHERE (%s) = (SELECT %[1]s FROM %[2]s LIMIT 1)", strings.Join(table.primary, ", "), name)
		before := recordsIn(t, hand, table)
		doByHand(t, hand, statement+one)
		done := whatWasDone(before, recordsIn(t, hand, table))
		if err := d.tx(t.Context(), func(t *tx) error {
			for record := range before {
				tenant, key, _ := strings.Cut(record, " ")
				if err := t.exec(`INSERT INTO temp.touched VALUES (?, CAST(? AS INTEGER), ?)`, name, tenant, key); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want []string
		for _, record := range done {
			kind, key, _ := strings.Cut(record, " ")
			want = append(want, name+" "+key+" "+kind)
		}
		if diff := cmp.Diff(want, named(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", statement+one, diff)
		}
	}
}

// What was found is not the last entry of what was done then: the last one can be cut off until it is anchored.
func TestWhatWasDoneByHandStandsBeforeWhatTheProgramDidThen(t *testing.T) {
	d, ghent, _ := opened(t)
	d.letAllAdminister(t)
	tampered(t, d, `UPDATE lines SET name = 'by hand' WHERE tenant_id = 1 AND code = 'L1'`)
	if err := d.SetLine(t.Context(), ghent, "L1", func(l *packaging.Line) { l.Name = "Blister line 9" }); err != nil {
		t.Fatal(err)
	}
	page, err := d.History(t.Context(), ghent.Scope(), packaging.HistoryFilter{Limit: 2})
	if err != nil || len(page.Entries) != 2 {
		t.Fatal(page, err)
	}
	got := []packaging.Deed{page.Entries[1].Deed, page.Entries[0].Deed}
	if want := []packaging.Deed{packaging.RecordByHand, packaging.LineSet}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A trigger that a hand puts into the schema for a while writes within the program's transactions. What it wrote passes
// for the program's, so that the history keeps that it was there, and a view or a table that was another one.
func TestWhatAHandMadeOfTheSchemaForAWhileStaysKnown(t *testing.T) {
	const evil = `CREATE TRIGGER evil AFTER UPDATE ON orders BEGIN
		INSERT OR IGNORE INTO member_roles (user_id, tenant_id, role) SELECT user_id, tenant_id, 'auditor' FROM members; END`
	const silent = `CREATE TRIGGER silent BEFORE INSERT ON history WHEN NEW.deed = 'record_by_hand' BEGIN
		SELECT RAISE(IGNORE); END`
	changed := func(t *testing.T, d *DB, ghent packaging.Person, lot string) error {
		t.Helper()
		f := facts("Order143")
		f.Lot = lot
		_, err := d.ApplyRefresh(t.Context(), ghent.Tenant.ID, packaging.Refresh{Started: d.now(), Listed: []packaging.Facts{f}})
		return err
	}
	d, ghent, _ := opened(t)
	tamperedWith.Store(d, true)
	cache(t, d, ghent.Tenant.ID, facts("Order143"))
	hand := aHand(t, d)
	for _, lot := range []string{"L1", "L2"} { // it is told once
		doByHand(t, hand, evil)
		if err := changed(t, d, ghent, lot); err != nil {
			t.Fatal(err)
		}
		doByHand(t, hand, `DROP TRIGGER evil`)
		if err := changed(t, d, ghent, lot+" again"); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{`sqlite_schema ["trigger evil"] added`}
	if diff := cmp.Diff(want, wordsOn(t, d, ghent.Tenant.ID)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	doByHand(t, hand, silent)
	if err := changed(t, d, ghent, "L3"); packaging.CodeOf(err) != packaging.Unavailable {
		t.Errorf("nothing is written while the history does not tell of the schema: %v", err)
	}
	doByHand(t, hand, `DROP TRIGGER silent`)
	if err := changed(t, d, ghent, "L3"); err != nil {
		t.Error(err)
	}
	// A connection that is opened later, for an import of many, reads the schema as it is then, whatever version it has.
	var version int
	if err := hand.QueryRowContext(t.Context(), `PRAGMA schema_version`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	doByHand(t, hand, strings.ReplaceAll(evil, "evil", "later"), fmt.Sprint(`PRAGMA schema_version = `, version))
	importMany(t, d, ghent)
	want = append(want, `sqlite_schema ["trigger later"] added`)
	if diff := cmp.Diff(want, wordsOn(t, d, ghent.Tenant.ID)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// renameLine is something that the program writes.
func renameLine(t *testing.T, d *DB, by packaging.Person, name string) {
	t.Helper()
	if err := d.SetLine(t.Context(), by, "L1", func(l *packaging.Line) { l.Name = name }); err != nil {
		t.Fatal(err)
	}
}

// A hand waits until something fails, which has SQLite read the schema with a trigger and tells nobody of it. Then it sets
// the version of the schema back to the one that was looked at.
func TestAVersionOfTheSchemaThatIsSetBackAfterAFailureHidesNoTrigger(t *testing.T) {
	d, ghent, _ := opened(t)
	d.letAllAdminister(t)
	tamperedWith.Store(d, true)
	hand := aHand(t, d)
	renameLine(t, d, ghent, "Blister line 8")
	var version int
	if err := hand.QueryRowContext(t.Context(), `PRAGMA schema_version`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	doByHand(t, hand, `CREATE TRIGGER evil AFTER UPDATE ON lines BEGIN SELECT 1; END`)
	failed := errors.New("failed")
	if err := d.tx(t.Context(), func(*tx) error { return failed }); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	doByHand(t, hand, fmt.Sprint(`PRAGMA schema_version = `, version))
	renameLine(t, d, ghent, "Blister line 9")
	want := []string{`sqlite_schema ["trigger evil"] added`}
	if diff := cmp.Diff(want, wordsOn(t, d, ghent.Tenant.ID)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestASiteThatComesLaterIsToldOfTheSchemaToo(t *testing.T) {
	d, ghent, _ := opened(t)
	d.letAllAdminister(t)
	tamperedWith.Store(d, true)
	hand := aHand(t, d)
	doByHand(t, hand, `CREATE INDEX own ON orders (lot)`)
	renameLine(t, d, ghent, "Blister line 8")
	if err := d.Provision(t.Context(), Site{setup("lyon")}); err != nil {
		t.Fatal(err)
	}
	renameLine(t, d, ghent, "Blister line 9")
	doByHand(t, hand, `DROP INDEX own`)
	want := []string{`sqlite_schema ["index own"] added`}
	for _, tenant := range []packaging.TenantID{ghent.Tenant.ID, 3} {
		if diff := cmp.Diff(want, wordsOn(t, d, tenant)); diff != "" {
			t.Errorf("tenant %d (-want +got):\n%s", tenant, diff)
		}
	}
}
