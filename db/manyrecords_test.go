package db

import (
	"database/sql"
	"fmt"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

// importMany imports so many new orders that one line of the log is about many of them, and changes one that is here.
func importMany(t *testing.T, d *DB, by packaging.Person) {
	t.Helper()
	cache(t, d, by.Tenant.ID, facts("here"))
	orders := []packaging.Facts{{Key: "here", Lot: "MINE"}}
	for i := range shortImport + 100 {
		orders = append(orders, packaging.Facts{Key: fmt.Sprintf("new %d", i), LineCode: "L1", Lot: fmt.Sprint(i)})
	}
	orders[100] = packaging.Facts{Key: "nothing but its ID"}
	orders[101] = packaging.Facts{
		Key: "Ünï \x00 €", LineCode: "l1", Product: "a 'b' \"c\"", GTIN: "09506000134352", Lot: "é",
		Expiry: "2028-12-31", Quantity: "1", ExtraPercent: "2.5",
	}
	if done := imports(t, d, by, orders...); done.New != len(orders)-1 || done.Changed != 1 {
		t.Fatalf("%+v", done.ImportSum)
	}
}

// The log has a line for many new records. What is done to one of them is found as if each had its own, also after
// some of them were changed by the program.
func TestWhatIsDoneByHandToOneOfManyRecordsOfALineIsFound(t *testing.T) {
	thorough.Once(t)
	d, ghent, basel := opened(t)
	importMany(t, d, ghent)
	tenant := ghent.Tenant.ID
	count := func(of string) (n int) {
		t.Helper()
		if err := d.read.QueryRowContext(t.Context(), `SELECT count(*) FROM `+of).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var more []packaging.Facts
	for i := range shortImport + 1 {
		more = append(more, packaging.Facts{Key: fmt.Sprintf("more %d", i), Product: fmt.Sprint(i)})
	}
	imports(t, d, ghent, more...) // new ones alone
	if n := count(`record_log WHERE record = 'orders'`); n > 8 {
		t.Errorf("%d lines are about orders", n)
	}
	listed := facts("new 300")
	listed.Lot = "THEIRS"
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{listed, facts("here")}})
	imports(t, d, ghent, packaging.Facts{Key: "new 301", Lot: "ANOTHER"})
	cache(t, d, basel.Tenant.ID, facts("new 300"))
	if faults := faultsOf(t, d, tenant); len(faults) > 0 {
		t.Fatalf("before anything was done: %v", faults)
	}
	lines := count(`record_log`)
	if err := d.tx(t.Context(), func(t *tx) error { return t.touchAll(tenant) }); err != nil {
		t.Fatal(err)
	}
	if n := count(`record_log`) - lines; n > 0 {
		t.Errorf("%d records are not as they were logged", n)
	}
	hand := freeHand(t, fileOf(d))
	for _, key := range []string{
		"new 0", "new 98", "Ünï \x00 €", "new 300", "new 301", fmt.Sprint("new ", shortImport+99),
	} {
		id := int64(order(t, d, tenant, key).ID)
		for _, done := range []struct {
			statement, table string
			kind             packaging.FaultKind
			key              int64
		}{
			{`UPDATE orders SET lot = 'x' WHERE id = %d`, "orders", packaging.FaultChanged, id},
			{`DELETE FROM orders WHERE id = %d`, "orders", packaging.FaultMissing, id},
			{`UPDATE orders SET id = 99999 WHERE id = %d`, "orders", packaging.FaultAdded, 99999},
			{`UPDATE imported_facts SET line_reach = '[1]' WHERE order_id = %d`, "imported_facts", packaging.FaultChanged, id},
			{`DELETE FROM imported_facts WHERE order_id = %d`, "imported_facts", packaging.FaultMissing, id},
			{`UPDATE order_events SET at = at + 1 WHERE order_id = %d`, "order_events", packaging.FaultChanged, id},
			{`DELETE FROM order_events WHERE order_id = %d`, "order_events", packaging.FaultMissing, id},
			{`INSERT INTO order_events (tenant_id, order_id, at, kind, source)
				SELECT tenant_id, id, 1, 'seen', 'import' FROM orders WHERE id = %d`, "order_events", packaging.FaultChanged, id},
			{`UPDATE import_changes SET changes = '[]' WHERE order_id = %d`, "import_changes", packaging.FaultChanged, 1},
		} {
			statement := fmt.Sprintf(done.statement, id)
			byHand(t, hand, statement, func(tx *sql.Tx) {
				want := packaging.RecordFault{Kind: done.kind, Record: done.table, Key: fmt.Sprintf("[%d]", done.key)}
				found := faultsIn(t, tx, d.tables[done.table])
				for _, f := range found {
					covered := f.Seq > 0 // by an entry: what nobody recorded is covered by none
					if f.Kind == want.Kind && f.Record == want.Record && (f.Key == want.Key || done.key == 1) &&
						covered == (f.Kind != packaging.FaultAdded) {
						return
					}
				}
				t.Errorf("%s: %v, want %v", statement, found, want)
			})
		}
	}
}

// The line of many records is proven by the history as others are.
func TestALineOfManyRecordsIsProvenByTheHistory(t *testing.T) {
	d, ghent, _ := opened(t)
	importMany(t, d, ghent)
	hand := freeHand(t, fileOf(d))
	broken := func(tx *sql.Tx) bool {
		c := &recordCheck{ctx: t.Context(), q: tx, tenant: ghent.Tenant.ID}
		if err := c.log(); err != nil {
			t.Fatal(err)
		}
		return len(c.faults) > 0
	}
	const many = ` WHERE number = (SELECT max(number) FROM record_log WHERE digests IS NOT NULL)`
	for _, statement := range []string{
		`UPDATE record_log SET digests = CAST(zeroblob(32) || substr(digests, 33) AS BLOB)` + many,
		`UPDATE record_log SET digests = substr(digests, 33)` + many,
		`UPDATE record_log SET key = '[[1,2]]'` + many,
		`UPDATE record_log SET digest = zeroblob(32)` + many,
		`DELETE FROM record_log` + many,
	} {
		byHand(t, hand, statement, func(tx *sql.Tx) {
			if !broken(tx) {
				t.Errorf("nobody finds: %s", statement)
			}
		})
	}
	byHand(t, hand, `UPDATE record_log SET digests = NULL`+many, func(tx *sql.Tx) {
		if faults := faultsIn(t, tx, d.tables["order_events"]); len(faults) == 0 {
			t.Error("nobody misses the digests of a line")
		}
	})
	for _, statement := range []string{
		`UPDATE record_log SET digests = NULL` + many,
		`UPDATE record_log SET digests = substr(digests, 33)` + many,
		`UPDATE record_log SET digests = x'00'` + many,
		`INSERT INTO record_log (tenant_id, number, record, key, digest, digests)
			SELECT tenant_id, number + 1000, record, key, digest, digests FROM record_log` + many,
		`INSERT INTO record_log (tenant_id, number, record, key, digest, digests)
			SELECT tenant_id, number + 1000, record, '[7]', digest, digests FROM record_log` + many,
	} {
		checked := aHand(t, d)
		if _, err := checked.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the schema allows: %s", statement)
		}
	}
}

// A new order takes no ID of one that was deleted by hand, whichever way that one came.
func TestAnImportHidesNoOrderThatWasDeletedByHand(t *testing.T) {
	for name, last := range map[string]int{"that came by itself": 1, "that came among many": shortImport + 1} {
		t.Run(name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			cache(t, d, ghent.Tenant.ID, facts("here"))
			several := func(name string, n int) (orders []packaging.Facts) {
				for i := range n {
					orders = append(orders, packaging.Facts{Key: fmt.Sprint(name, i), LineCode: "L1"})
				}
				return orders
			}
			imports(t, d, ghent, several("old", last)...)
			gone := order(t, d, ghent.Tenant.ID, fmt.Sprint("old", last-1))
			tamperedWith.Store(d, true)
			hand := freeHand(t, fileOf(d))
			for _, table := range []string{"order_events", "imported_facts", "import_changes", "orders"} {
				column := "order_id"
				if table == "orders" {
					column = "id"
				}
				doByHand(t, hand, fmt.Sprintf(`DELETE FROM %s WHERE %s = %d`, table, column, gone.ID))
			}
			imports(t, d, ghent, several("new", shortImport+1)...)
			missing := false
			for _, f := range faultsOf(t, d, ghent.Tenant.ID) {
				missing = missing ||
					f.Record == "orders" && f.Kind == packaging.FaultMissing && f.Key == fmt.Sprintf("[%d]", gone.ID)
			}
			if !missing {
				t.Errorf("nobody misses order %d", gone.ID)
			}
		})
	}
}

// Capital and small letters are the same where names are compared, and not where records are.
func TestANameInOtherCaseIsLogged(t *testing.T) {
	d, ghent, _ := opened(t)
	d.letAllAdminister(t)
	if _, err := d.AddDestination(t.Context(), ghent, webhookOn("L1"), secret.New("whsec_canary")); err != nil {
		t.Fatal(err)
	}
	if err := d.tx(t.Context(), func(t *tx) error {
		return t.exec(`UPDATE destinations SET name = lower(name)`)
	}); err != nil {
		t.Fatal(err)
	}
	if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
		t.Error(faults)
	}
}
