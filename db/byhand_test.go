package db

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

// aHand opens a database as somebody with any tool does.
func aHand(t *testing.T, d *DB) *sql.DB {
	t.Helper()
	hand, err := open(fileOf(d), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hand.Close() })
	return hand
}

func doByHand(t *testing.T, hand *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := hand.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// rewriteSchema changes the text of a part of the schema, and has connections read it anew. Only the file says so then.
func rewriteSchema(t *testing.T, hand *sql.DB, name, from, to string) {
	t.Helper()
	doByHand(t, hand, `PRAGMA writable_schema = ON`)
	result, err := hand.ExecContext(t.Context(),
		`UPDATE sqlite_schema SET sql = replace(sql, ?2, ?3) WHERE name = ?1 AND instr(sql, ?2)`, name, from, to)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		t.Fatalf("%s has no %q, %v", name, from, err)
	}
	readSchemaAnew(t, hand)
}

func readSchemaAnew(t *testing.T, hand *sql.DB) {
	t.Helper()
	var version int
	if err := hand.QueryRowContext(t.Context(), `PRAGMA schema_version`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	doByHand(t, hand, fmt.Sprint(`PRAGMA schema_version = `, version+1), `PRAGMA writable_schema = OFF`)
}

// What stands in quotes is no comment, and no name keeps a part of the schema from being looked at.
func TestASchemaThatWasChangedBehindAFormIsFound(t *testing.T) {
	d, _, _ := opened(t)
	hand := aHand(t, d)
	// As it is read without what looks like a comment, the trigger is what it was. It lets everything pass.
	rewriteSchema(t, hand, "signatures_are_never_changed", `'signatures are append-only')`,
		"'signatures --') WHERE 0; SELECT ('\n are append-only')")
	rewriteSchema(t, hand, "notes_never_change", `'notes are append-only'`, `'notes  are append-only'`)
	rewriteSchema(t, hand, "one_token_of_a_name", ` WHERE revoked_at IS NULL`, " --\x00\n WHERE revoked_at IS NULL")
	doByHand(t, hand, `PRAGMA writable_schema = ON`,
		`INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_evil', 'notes', 0,
			'CREATE TRIGGER sqlite_evil AFTER INSERT ON notes BEGIN SELECT 1; END')`)
	readSchemaAnew(t, hand)
	got, err := d.SchemaFaults(t.Context())
	want := []packaging.SchemaFault{
		{Kind: packaging.FaultChanged, Name: "index one_token_of_a_name"},
		{Kind: packaging.FaultChanged, Name: "trigger notes_never_change"},
		{Kind: packaging.FaultChanged, Name: "trigger signatures_are_never_changed"},
		{Kind: packaging.FaultAdded, Name: "trigger sqlite_evil"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// What SQLite counts for itself, where somebody has it do so, changes nothing that Lineboard made.
func TestWhatSQLiteCountsForItselfIsNoFault(t *testing.T) {
	d, _, _ := opened(t)
	doByHand(t, aHand(t, d), `ANALYZE`)
	if faults, err := d.SchemaFaults(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	if _, err := recordTables(t.Context(), d.read); err != nil {
		t.Errorf("the next start fails: %v", err)
	}
}

// A value of a kind that its column does not take is a change like any other, and one that was none before too.
func TestAValueOfAnotherKindIsFound(t *testing.T) {
	d, ghent, _ := opened(t)
	hand := aHand(t, d)
	const column, anything = `password_confirmed_by INTEGER`, `password_confirmed_by ANY`
	rewriteSchema(t, hand, "users", column, anything)
	doByHand(t, hand, `PRAGMA ignore_check_constraints = ON`,
		`UPDATE users SET password_confirmed_by = 1.5 WHERE username = 'ghent-boss'`)
	rewriteSchema(t, hand, "users", anything, column)
	faults, err := d.RecordFaults(t.Context(), ghent.Tenant.ID)
	if want := fmt.Sprintf("[users [%d] changed]", ghent.ID); fmt.Sprint(faults) != want || err != nil {
		t.Errorf("%v, %v, want %s", faults, err, want)
	}
}

// Only an upgrade logs records as it finds them, and one that was cut off goes on with that. Nothing that is written into
// the database by hand has a start do so.
func TestOnlyAnUpgradeLogsRecordsAsTheyAre(t *testing.T) {
	thorough.Once(t)
	file := filepath.Join(t.TempDir(), "lineboard.db")
	start := func() *DB {
		t.Helper()
		d, err := Open(t.Context(), file, box(t, 1), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := start()
	if err := d.Provision(t.Context(), Site{setup("ghent")}); err != nil {
		t.Fatal(err)
	}
	ghent := boss(t, d, "ghent")
	hand := aHand(t, d)
	doByHand(t, hand, `UPDATE lines SET name = 'Another line'`)
	faultsAfter := func(mark int32) []packaging.RecordFault {
		t.Helper()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		doByHand(t, hand, fmt.Sprint(`PRAGMA user_version = `, mark))
		d = start()
		faults, err := d.RecordFaults(t.Context(), ghent.Tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		return faults
	}
	for _, mark := range []int32{0, 1, -1} {
		if faults := fmt.Sprint(faultsAfter(mark)); faults != "[lines [1] changed]" {
			t.Errorf("after a start with mark %d: %s", mark, faults)
		}
	}
	entries, err := lastEntry(t.Context(), d.read)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := migrations(d.read.DB, nil)
	if err != nil {
		t.Fatal(err)
	}
	schema := newestSchema(provider)
	if faults := fmt.Sprint(faultsAfter(upgradeMark(box(t, 1), schema, entries-1))); faults != "[lines [1] changed]" {
		t.Errorf("with the mark of an earlier upgrade: %s", faults)
	}
	if faults := faultsAfter(upgradeMark(box(t, 1), schema, entries)); len(faults) > 0 {
		t.Errorf("an upgrade that was cut off did not go on: %v", faults)
	}
	if faults := fmt.Sprint(faultsAfter(0)); faults != "[]" {
		t.Errorf("the start after it: %s", faults)
	}
	// Who has a migration carried out again has records logged too. An entry tells of it.
	logged := func() (n int) {
		t.Helper()
		if err := d.read.QueryRowContext(
			t.Context(), `SELECT count(*) FROM history WHERE deed = ?`, packaging.RecordsLogged,
		).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := logged()
	doByHand(t, hand, `UPDATE lines SET name = 'A third line'; DELETE FROM goose_db_version WHERE version_id = 102`)
	if faults := faultsAfter(0); len(faults) > 0 || logged() != before+1 {
		t.Errorf("%d entries tell that records were logged, before %d; %v", logged(), before, faults)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// What the API said of a release when it was last asked decides what people may do: it is a record too.
func TestWhatTheAPISaidLastIsARecord(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID}); err != nil {
		t.Fatal(err)
	}
	doByHand(t, aHand(t, d), `DROP TRIGGER releases_only_go_forward; UPDATE releases SET asked_says = 'Pending release'`)
	faults, err := d.RecordFaults(t.Context(), ghent.Tenant.ID)
	if err != nil || fmt.Sprint(faults) != "[releases [1] changed]" {
		t.Errorf("%v, %v", faults, err)
	}
}

// hiddenFaults returns what is wrong with serial lists, indexes and what filters of the history find.
func hiddenFaults(t *testing.T, d *DB, tenant packaging.TenantID) []packaging.RecordFault {
	t.Helper()
	lists, err := d.ListFaults(t.Context(), tenant, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := d.IndexFaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return append(lists, indexes...)
}

// What is there and not found by what people and the program look it up by is named, be it by an index of a table or of
// the history.
func TestWhatHidesRecordsFromLookUpsIsFound(t *testing.T) {
	thorough.Once(t)
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID}); err != nil {
		t.Fatal(err)
	}
	faults := func() string {
		t.Helper()
		found := hiddenFaults(t, d, ghent.Tenant.ID)
		for _, f := range found {
			if f.Noun() != "index" {
				t.Errorf("people call %v %s", f, f.Noun())
			}
		}
		return fmt.Sprint(found)
	}
	if got := faults(); got != "[]" {
		t.Fatalf("before anything was done: %s", got)
	}
	hand := aHand(t, d)
	const unsettled = `WHERE outcome IN ('sending', 'unknown', 'released')`
	const plain = `urgency INTEGER NOT NULL DEFAULT 0`
	urgency := storedColumn.FindString(textOfTable(t, hand, "orders"))
	for _, c := range []struct {
		name, want string
		do, undo   func()
	}{
		{
			"an index lost a release that is under way", "[one_release_of_an_order [] hidden]",
			func() {
				rewriteSchema(t, hand, "one_release_of_an_order", unsettled, `WHERE 0`)
				doByHand(t, hand, `REINDEX one_release_of_an_order`)
				rewriteSchema(t, hand, "one_release_of_an_order", `WHERE 0`, unsettled)
			},
			func() { doByHand(t, hand, `REINDEX one_release_of_an_order`) },
		},
		{
			"no board finds an order by its urgency", fmt.Sprintf("[orders [%d] hidden]", o.ID),
			func() {
				rewriteSchema(t, hand, "orders", urgency, plain)
				doByHand(t, aHand(t, d), fmt.Sprint(`UPDATE orders SET urgency = 9 WHERE id = `, o.ID))
				rewriteSchema(t, hand, "orders", plain, urgency)
			},
			func() { doByHand(t, hand, `UPDATE orders SET status = status`) },
		},
		{
			"an entry has another number in the database", "[history [1] hidden]",
			func() {
				doByHand(t, hand, `DROP TRIGGER history_is_never_changed`, `UPDATE history SET id = -1 WHERE tenant_id = 1 AND seq = 1`)
			},
			func() { doByHand(t, hand, `UPDATE history SET id = 1 WHERE id = -1`) },
		},
		{
			"filters do not find an entry", "[history [2] hidden]",
			func() {
				doByHand(t, hand, `INSERT INTO history_index (history_index, rowid, keys, words)
					SELECT 'delete', f.id, f.keys, f.words FROM history h JOIN history_found_by f ON f.id = h.id WHERE tenant_id = 1 AND seq = 2`)
			},
			func() { doByHand(t, hand, `INSERT INTO history_index (history_index) VALUES ('rebuild')`) },
		},
		{
			"filters find an entry for another deed", "[history [2] hidden]",
			func() {
				doByHand(t, hand, `INSERT INTO history_index (rowid, keys, words)
					SELECT h.id, (SELECT keys FROM history_found_by WHERE id = 1), '' FROM history h WHERE tenant_id = 1 AND seq = 2`)
			},
			func() { doByHand(t, hand, `INSERT INTO history_index (history_index) VALUES ('rebuild')`) },
		},
	} {
		c.do()
		if got := faults(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		c.undo()
		if got := faults(); got != "[]" {
			t.Fatalf("%s, and taken back: %s", c.name, got)
		}
	}
}

func textOfTable(t *testing.T, q querier, table string) (text string) {
	t.Helper()
	err := q.QueryRowContext(t.Context(), `SELECT sql FROM sqlite_schema WHERE name = ?`, table).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Each column that SQLite makes of others, and stores, is known to be one by the text of its table.
func TestColumnsThatAreMadeOfOthersAreKnown(t *testing.T) {
	d, _, _ := opened(t)
	stored, err := collect(t.Context(), d.read, func(row scanner) (c [2]string, err error) {
		return c, row.Scan(&c[0], &c[1])
	}, `
		SELECT l.name, x.name FROM pragma_table_list l JOIN pragma_table_xinfo(l.name) x
		WHERE l.schema = 'main' AND l.type = 'table' AND x.hidden = 3 ORDER BY 1, 2`)
	if err != nil || len(stored) == 0 {
		t.Fatal(stored, err)
	}
	for _, c := range stored {
		known := storedColumn.FindAllStringSubmatch(textOfTable(t, d.read, c[0]), -1)
		if !slices.ContainsFunc(known, func(found []string) bool { return found[1] == c[1] }) ||
			!slices.Contains(indexedTables(d.tables), c[0]) {
			t.Errorf("%s: column %s is not looked at", c[0], c[1])
		}
	}
}

// What an earlier program wrote is found by all that today's filters and look-ups ask for.
func TestNothingOfAnUpgradedDatabaseIsHidden(t *testing.T) {
	thorough.Once(t)
	d, _ := everyTable(t)
	tenants, err := d.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range tenants {
		if faults := hiddenFaults(t, d, tenant.ID); len(faults) > 0 {
			t.Errorf("%s: %v", tenant.Slug, faults)
		}
	}
}
