package db

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

// imports imports rows as somebody, and must come through.
func imports(t *testing.T, d *DB, by packaging.Person, rows ...packaging.Facts) packaging.Import {
	t.Helper()
	done, err := d.Import(t.Context(), by, packaging.ImportRequest{FileName: "orders.csv", Rows: numbered(rows)})
	if err != nil {
		t.Fatalf("%v %+v", err, done.Faults)
	}
	return done
}

func numbered(facts []packaging.Facts) (rows packaging.ImportRows) {
	for n, f := range facts {
		rows.Add(packaging.ImportRow{Row: n + 2, Facts: f})
	}
	return rows
}

func TestWhatAnImportGaveStandsOverTheAPIAndWhatItLeftOutDoesNot(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	o := cache(t, d, tenant, facts("a"))
	imports(t, d, ghent, packaging.Facts{Key: "a", Lot: "MINE"})
	api := facts("a")
	api.Lot, api.Quantity, api.Status = "THEIRS", "3", packaging.Suspended
	if !refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{api}}) {
		t.Error("a change of the API is not shown")
	}
	if got := order(t, d, tenant, "a"); got.Lot != "MINE" || got.Quantity != "3" || got.Status != packaging.Suspended {
		t.Errorf("%+v", got.Facts)
	}
	silent := packaging.Facts{Key: "a", Status: packaging.Suspended}
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{silent}})
	given, err := importedFacts(t, d, ghent.Scope(), o.ID)
	if err != nil || len(given) != 1 || given[0].Value != "MINE" || given[0].API != "THEIRS" ||
		given[0].By.Username != ghent.Username || !given[0].Differs() {
		t.Errorf("%+v %v", given, err)
	}
	writes := orderWrites(t, d)
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{silent}})
	if n := writes(); n != 0 {
		t.Errorf("a refresh without changes wrote %d orders", n)
	}
}

func TestEachFactNamesTheImportThatGaveIt(t *testing.T) {
	d, ghent, basel := opened(t)
	first := imports(t, d, ghent, packaging.Facts{Key: "a", Lot: "L", Quantity: "1"})
	second := imports(t, d, ghent, packaging.Facts{Key: "a", Lot: "L", Quantity: "2"})
	given, err := importedFacts(t, d, ghent.Scope(), order(t, d, ghent.Tenant.ID, "a").ID)
	if err != nil || len(given) != 2 || given[0].Import != first.ID || given[1].Import != second.ID ||
		given[1].Value != "2" {
		t.Errorf("%+v %v", given, err)
	}
	third := imports(t, d, ghent, packaging.Facts{Key: "b", Lot: "L"}, packaging.Facts{Key: "not asked for", Lot: "L"})
	a, b := order(t, d, ghent.Tenant.ID, "a").ID, order(t, d, ghent.Tenant.ID, "b").ID
	all, err := d.ImportedFactsOf(t.Context(), ghent.Scope(), []packaging.OrderID{a, b, 999})
	if err != nil || len(all) != 2 || len(all[a]) != 2 || all[a][1].Import != second.ID || len(all[b]) != 1 ||
		all[b][0].Import != third.ID {
		t.Errorf("%+v %v", all, err)
	}
	if all, err := d.ImportedFactsOf(t.Context(), basel.Scope(), []packaging.OrderID{a, b}); err != nil ||
		len(all) != 0 {
		t.Errorf("another tenant's: %+v %v", all, err)
	}
}

func TestAFileIsImportedWholeOrNotAtAll(t *testing.T) {
	d, ghent, _ := opened(t)
	entries := len(history(t, d, ghent))
	done, err := d.Import(
		t.Context(), ghent,
		packaging.ImportRequest{
			FileName: "x", Rows: numbered([]packaging.Facts{{Key: "a", Lot: "L"}, {Key: "b", LineCode: "L9"}}),
		},
	)
	if packaging.CodeOf(err) != packaging.Invalid || done.Faults.Count != 1 ||
		done.Faults.First[0].Code != packaging.FaultNoLine {
		t.Errorf("%v %+v", err, done.Faults)
	}
	page, err := d.SearchOrders(t.Context(), ghent.Scope(), packaging.OrderFilter{Limit: 10})
	if err != nil || len(page.Orders) != 0 || len(history(t, d, ghent)) != entries {
		t.Errorf("%d orders, %v", len(page.Orders), err)
	}
	if done := imports(t, d, ghent, packaging.Facts{Key: "a"}); done.ID == 0 {
		t.Error("a new order is nothing")
	}
	entries = len(history(t, d, ghent))
	if done := imports(t, d, ghent, packaging.Facts{Key: "a"}); done.ID != 0 || done.Unchanged != 1 ||
		len(history(t, d, ghent)) != entries {
		t.Errorf("the same again: %+v", done)
	}
}

func history(t *testing.T, d *DB, p packaging.Person) []packaging.Entry {
	t.Helper()
	page, err := d.History(t.Context(), p.Scope(), packaging.HistoryFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Entries
}

func TestWhoIsLimitedToLinesImportsForThemAlone(t *testing.T) {
	d, ghent, _ := opened(t)
	more := setup("ghent")
	more.Lines = append(more.Lines, packaging.Line{Code: "L2", Name: "Bottle line 2"})
	if err := d.Provision(t.Context(), Site{more}); err != nil {
		t.Fatal(err)
	}
	cache(t, d, ghent.Tenant.ID, facts("a"))
	lines, err := d.Lines(t.Context(), ghent.Scope())
	if err != nil {
		t.Fatal(err)
	}
	ghent = become(t, d, ghent, ghent.Role, lines[1].ID)
	for name, f := range map[string]packaging.Facts{
		"an order of another line": {Key: "a", Lot: "X"}, "taken to their line": {Key: "a", LineCode: "L2"},
		"for another line": {Key: "b", LineCode: "L1"}, "without a line": {Key: "b"},
	} {
		done, err := d.Import(
			t.Context(), ghent, packaging.ImportRequest{FileName: "x", Rows: numbered([]packaging.Facts{f})},
		)
		if packaging.CodeOf(err) != packaging.Invalid || !done.Faults.Forbidden() {
			t.Errorf("%s: %v", name, err)
		}
	}
	imports(t, d, ghent, packaging.Facts{Key: "b", LineCode: "bottle LINE 2"})
}

func TestTheSchemaKeepsImportsFromDoingHarm(t *testing.T) {
	d, ghent, basel := opened(t)
	imports(t, d, ghent, packaging.Facts{Key: "a", Lot: "L"})
	o := order(t, d, ghent.Tenant.ID, "a")
	b := cache(t, d, ghent.Tenant.ID, facts("b"))
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: b.ID}); err != nil {
		t.Fatal(err)
	}
	for name, statement := range map[string]string{
		"a release of an order that the API has not told of": fmt.Sprintf(`INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, outcome)
			VALUES (%d, %d, %d, 'x', 'x', 'x', '', '', 1, 'sending')`, ghent.Tenant.ID, o.ID, ghent.ID),
		"a status that nobody told": fmt.Sprintf(
			`UPDATE orders SET status = 'Pending release' WHERE id = %d`, o.ID,
		),
		"forgetting an order": fmt.Sprintf(
			`UPDATE orders SET known = 0, status = '', listed = 0 WHERE id = %d`, b.ID,
		),
		"a change while it is released": fmt.Sprintf(
			`INSERT INTO import_changes VALUES (1, %d, %d, 0, '[]')`, b.ID, ghent.Tenant.ID,
		),
		"another tenant's order": fmt.Sprintf(
			`INSERT INTO import_changes VALUES (1, %d, %d, 0, '[]')`, o.ID, basel.Tenant.ID,
		),
		"rewriting what was imported": `UPDATE imports SET new_orders = 2`,
		"deleting what was imported":  `DELETE FROM import_changes`,
		"forgetting an import":        `DELETE FROM imports`,
		"a GTIN that is none":         `UPDATE imported_facts SET gtin = '123'`,
		"a second preview of a person": fmt.Sprintf(
			`INSERT INTO import_previews (tenant_id, user_id, expires_at, file_name, outline) VALUES (%[1]d, %[2]d, 1, 'x', x''), (%[1]d, %[2]d, 1, 'y', x'')`,
			ghent.Tenant.ID, ghent.ID,
		),
		"a preview of somebody from abroad": fmt.Sprintf(
			`INSERT INTO import_previews (tenant_id, user_id, expires_at, file_name, outline) VALUES (%d, %d, 1, 'x', x'')`,
			basel.Tenant.ID, ghent.ID,
		),
	} {
		refusedBySchema(t, d, name, statement)
	}
}

func TestAKeptFileIsSealedForItsPersonAndForgotten(t *testing.T) {
	d, ghent, basel := opened(t)
	const canary = "canary-lot-in-a-preview"
	kept := packaging.ImportFile{Name: "x.csv", Questions: packaging.ImportFaults{
		First: []packaging.ImportFault{{Row: 2, Code: packaging.QuestionDate, Value: canary}}, Count: 1,
	}}
	for i := range 1000 { // more than one part
		kept.Rows.Add(packaging.ImportRow{Row: i + 2, Facts: packaging.Facts{
			Key: fmt.Sprintf("%s-%d", canary, i), Product: strings.Repeat("x", 150),
		}})
	}
	id, err := d.KeepPreview(t.Context(), ghent, kept, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := d.Preview(t.Context(), ghent, id); err != nil || f.Name != "x.csv" ||
		!cmp.Equal(slices.Collect(f.Rows.All()), slices.Collect(kept.Rows.All())) ||
		!cmp.Equal(f.Questions, kept.Questions) {
		t.Errorf("%d rows, %+v %v", f.Rows.Len(), f.Questions, err)
	}
	var path string
	if err := d.write.QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list`).Scan(&path); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal"} {
		if content, err := os.ReadFile(file); err != nil || bytes.Contains(content, []byte(canary)) {
			t.Errorf("%s has the file in clear, or: %v", file, err)
		}
	}
	// With its parts in another order, or with one less, it does not open; nor does it once moved to another person.
	for _, statement := range []string{
		`UPDATE import_preview_parts SET part = part + 10 WHERE part = 0`,
		`DELETE FROM import_preview_parts WHERE part = 1`,
		fmt.Sprintf(`UPDATE import_previews SET user_id = %d, tenant_id = %d`, basel.ID, basel.Tenant.ID),
	} {
		if _, err := d.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		for _, p := range []packaging.Person{ghent, basel} {
			if f, err := d.Preview(t.Context(), p, id); err == nil {
				t.Errorf("after %s, it opens: %+v", statement, f)
			}
		}
	}
	now := d.now
	d.now = func() time.Time { return now().Add(2 * time.Hour) }
	if err := d.DropPreviews(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := d.write.QueryRowContext(t.Context(),
		`SELECT (SELECT count(*) FROM import_previews) + (SELECT count(*) FROM import_preview_parts)`).
		Scan(&left); err != nil || left != 0 {
		t.Errorf("%d are left, %v", left, err)
	}
}

// A release that is pressed meanwhile waits for a few parts of a large file, and not for all of it.
func TestALargeFileIsKeptAndForgottenAFewPartsAtATime(t *testing.T) {
	d, ghent, _ := opened(t)
	large := packaging.ImportFile{Name: "x.csv"}
	for i := range 20_000 {
		large.Rows.Add(packaging.ImportRow{Row: i + 2, Facts: packaging.Facts{
			Key: fmt.Sprintf("Order%d", i), Product: fmt.Sprint(strings.Repeat("x", 250), i),
		}})
	}
	transactions := func() (all int64) {
		for _, turn := range d.WriterTimes() {
			all += turn.Transactions
		}
		return all
	}
	parts := len(large.Rows.Parts())
	least := int64(parts / partsAtOnce)
	if least < 3 {
		t.Fatalf("the file has %d parts: too few to show anything", parts)
	}
	var id packaging.PreviewID
	for _, step := range []struct {
		what  string
		least int64
		do    func() (err error)
	}{
		{"kept", least, func() (err error) { id, err = d.KeepPreview(t.Context(), ghent, large, time.Hour); return err }},
		{"replaced", 2 * least, func() (err error) {
			id, err = d.KeepPreview(t.Context(), ghent, large, time.Hour)
			return err
		}},
		{"forgotten", least, func() error {
			now := d.now
			d.now = func() time.Time { return now().Add(2 * time.Hour) }
			return d.DropPreviews(t.Context())
		}},
	} {
		before := transactions()
		if err := step.do(); err != nil {
			t.Fatal(step.what, err)
		}
		if n := transactions() - before; n < step.least {
			t.Errorf("%d parts are %s in %d transactions", parts, step.what, n)
		}
		f, err := d.Preview(t.Context(), ghent, id)
		if gone := packaging.CodeOf(err) == packaging.NotFound; gone != (step.what == "forgotten") ||
			!gone && f.Rows.Len() != large.Rows.Len() {
			t.Errorf("once it is %s: %d rows, %v", step.what, f.Rows.Len(), err)
		}
	}
}

// Where two are kept for one person at once, the later one counts, and the other one ends.
func TestAFileWhosePlaceAnotherOneTookIsNotKept(t *testing.T) {
	d, ghent, _ := opened(t)
	file := packaging.ImportFile{Name: "x.csv", Rows: numbered([]packaging.Facts{{Key: "a"}})}
	first, err := d.beginPreview(t.Context(), ghent, "first.csv", outline{Parts: 1}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.KeepPreview(t.Context(), ghent, file, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.keepParts(
		t.Context(), ghent, first, 0, file.Rows.Parts(),
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("the first goes on: %v", err)
	}
	if f, err := d.Preview(t.Context(), ghent, second); err != nil || f.Rows.Len() != 1 {
		t.Errorf("the second has %d rows, %v", f.Rows.Len(), err)
	}
}

func TestAKeptFileIsForgottenWithTheKeyThatItWasSealedWith(t *testing.T) {
	d, ghent, _ := opened(t)
	id, err := d.KeepPreview(t.Context(), ghent, packaging.ImportFile{Name: "x.csv", Rows: numbered([]packaging.Facts{{Key: "a"}})}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Rotate(t.Context(), box(t, 9)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Preview(t.Context(), ghent, id); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("%v", err)
	}
}

func TestWhatAnImportDidComesInPages(t *testing.T) {
	d, ghent, basel := opened(t)
	var rows []packaging.Facts
	for i := range 2500 { // more than are read at once
		rows = append(rows, packaging.Facts{Key: fmt.Sprintf("a%d", i), Lot: "L"})
	}
	done := imports(t, d, ghent, rows...)
	var keys []string
	for after := packaging.OrderID(0); ; {
		page, err := d.ImportedOrders(t.Context(), ghent.Scope(), done.ID, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Orders {
			keys = append(keys, o.Key)
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	if len(keys) != len(rows) || slices.IndexFunc(rows, func(f packaging.Facts) bool {
		return f.Key == keys[2499]
	}) != 2499 {
		t.Errorf("%d orders", len(keys))
	}
	if page, err := d.ImportedOrders(t.Context(), basel.Scope(), done.ID, 0, 10); err != nil || len(page.Orders) != 0 {
		t.Errorf("another tenant sees %d, %v", len(page.Orders), err)
	}
}

// importedFacts are those of one order.
func importedFacts(t *testing.T, d *DB, in packaging.Scope, id packaging.OrderID) ([]packaging.ImportedFact, error) {
	t.Helper()
	facts, err := d.ImportedFactsOf(t.Context(), in, []packaging.OrderID{id})
	return facts[id], err
}

// A site may have a million orders: of those that an import compares its new ones with, it keeps no texts.
func TestAnImportKeepsLittleOfTheOrdersThatAreHere(t *testing.T) {
	d, ghent, _ := opened(t)
	const orders, most = 20_000, 48 // bytes of an order
	if _, err := d.write.ExecContext(t.Context(), `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
		INSERT INTO orders (tenant_id, order_key, line_code, line_name, product, gtin, lot, expiry, quantity, extra_percent,
			status, raw, listed, known, first_seen_at, confirmed_at)
		SELECT ?1, 'Packaging order of the plant ' || i, '', '', '', '', '', '', '', '', '', '', 0, 0, 1, 1 FROM n`,
		ghent.Tenant.ID, orders); err != nil {
		t.Fatal(err)
	}
	i, err := newImporting(t.Context(), d.read, ghent, func(importedRow) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	inUse := func() int64 {
		var m runtime.MemStats
		for range 3 { // what pools and finalizers hold goes later
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := inUse()
	if err := i.readKeys(); err != nil {
		t.Fatal(err)
	}
	if each := (inUse() - before) / orders; each > most {
		t.Errorf("%d bytes of each order", each)
	}
	if like, err := i.alikeTo(packaging.LookOf("packaging-order of the plant 0O07")); err != nil ||
		like != "Packaging order of the plant 7" {
		t.Errorf("like it is %q, %v", like, err)
	}
}
