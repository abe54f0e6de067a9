package db

import (
	"fmt"
	"strings"
	"testing"

	"lineboard/internal/packaging"
)

// boards returns what boards show of a tenant's orders.
func boards(t *testing.T, d *DB, p packaging.Person) string {
	t.Helper()
	lanes, err := d.Lanes(t.Context(), p.Scope())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, lane := range lanes {
		orders, err := d.LineOrders(t.Context(), p.Scope(), lane.Line.ID, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range orders {
			all = append(all, o.Key)
		}
		if lane.Counts.Other > 0 {
			all = append(all, fmt.Sprintf("%d more on %s", lane.Counts.Other, lane.Line.Code))
		}
	}
	return strings.Join(all, ", ")
}

func find(t *testing.T, d *DB, p packaging.Person, f packaging.OrderFilter) (keys string) {
	t.Helper()
	f.Limit = 100
	page, err := d.SearchOrders(t.Context(), p.Scope(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Orders {
		keys += o.Key + " "
	}
	return strings.TrimSpace(keys)
}

func TestAnImportedOrderIsWithdrawnAndComesBackByTheAPIOrAnotherImport(t *testing.T) {
	d, ghent, basel := opened(t)
	tenant := ghent.Tenant.ID
	imports(
		t, d, ghent, packaging.Facts{Key: "123", LineCode: "L1", Lot: "12345", GTIN: "09506000134352"},
		packaging.Facts{Key: "Total", LineCode: "L1"},
	)
	lost, total := order(t, d, tenant, "123"), order(t, d, tenant, "Total")
	if err := d.WithdrawOrder(t.Context(), basel, lost.ID, "no"); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("another tenant's: %v", err)
	}
	for _, o := range []packaging.Order{lost, total} {
		if err := d.WithdrawOrder(t.Context(), ghent, o.ID, "A footer row."); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.WithdrawOrder(t.Context(), ghent, lost.ID, "again"); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("withdrawn twice: %v", err)
	}
	if shown := boards(t, d, ghent); shown != "" {
		t.Errorf("boards show %s", shown)
	}
	if all, withdrawn, text := find(t, d, ghent, packaging.OrderFilter{}), find(
		t, d, ghent, packaging.OrderFilter{Withdrawn: true},
	), find(t, d, ghent, packaging.OrderFilter{Text: "Tot"}); all != "" || withdrawn != "Total 123" || text != "Total" {
		t.Errorf("found: %q, %q by the filter, %q by its ID", all, withdrawn, text)
	}
	e := history(t, d, ghent)[0]
	if e.Deed != packaging.OrderWithdrawn || e.OrderKey != "Total" || e.Comment != "A footer row." ||
		e.By.Username != ghent.Username {
		t.Errorf("%+v", e)
	}
	if o := order(t, d, tenant, "123"); o.Withdrawn.Why != "A footer row." || o.Withdrawn.By != ghent.FullName ||
		o.Lot != "12345" {
		t.Errorf("%+v", o)
	}

	// The API lists the one after all: what the mistaken import gave is no more.
	f := facts("123")
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{f}})
	if o := order(t, d, tenant, "123"); o.Withdrawn.Given() || o.NotYetKnown || o.Lot != f.Lot ||
		o.Status != packaging.PendingRelease {
		t.Errorf("listed after all: %+v", o)
	}
	if given, err := importedFacts(t, d, ghent.Scope(), lost.ID); err != nil || len(given) != 0 {
		t.Errorf("what was withdrawn still counts: %+v %v", given, err)
	}
	// The other one is imported again, without the line that it had.
	if done := imports(t, d, ghent, packaging.Facts{Key: "Total", Lot: "B"}); done.New != 1 {
		t.Errorf("%+v", done.ImportSum)
	}
	if o := order(t, d, tenant, "Total"); o.Withdrawn.Given() || o.Lot != "B" || o.Line.ID != 0 || o.ID != total.ID {
		t.Errorf("imported again: %+v", o)
	}
	if faults, err := d.RecordFaults(t.Context(), tenant); err != nil || len(faults) > 0 {
		t.Errorf("%+v %v", faults, err)
	}
}

func TestTheSchemaLetsNoOrderOnItsWayBeWithdrawn(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	known := cache(t, d, tenant, facts("a"), facts("b"))
	imports(t, d, ghent, packaging.Facts{Key: "new", LineCode: "L1"})
	fresh := order(t, d, tenant, "new")
	const withdraw = `UPDATE orders SET withdrawn_at = 1, withdrawn_by = 'a', withdrawn_why = 'a' WHERE id = %d`
	refusedBySchema(t, d, "one that the API listed", fmt.Sprintf(withdraw, known.ID))
	refusedBySchema(
		t, d, "without a reason",
		fmt.Sprintf(`UPDATE orders SET withdrawn_at = 1, withdrawn_by = 'a' WHERE id = %d`, fresh.ID),
	)
	refusedBySchema(t, d, "from the beginning", fmt.Sprintf(`
		INSERT INTO orders (tenant_id, order_key, line_code, line_name, product, gtin, lot, expiry, quantity, extra_percent, status, raw,
			listed, known, first_seen_at, confirmed_at, withdrawn_at, withdrawn_by, withdrawn_why)
		VALUES (%d, 'x', '', '', '', '', '', '', '', '', '', '', 0, 0, 1, 1, 1, 'a', 'a')`, tenant))
	q, err := d.StartQueue(
		t.Context(), ghent, known.Line.ID, []packaging.QueuePick{{Order: known.ID, Revision: known.Revision}},
	)
	if err != nil {
		t.Fatal(err)
	}
	const queue = `INSERT INTO queue_orders (queue_id, tenant_id, place, order_id, content) VALUES (%d, %d, 5, %d, zeroblob(32))`
	if err := d.WithdrawOrder(t.Context(), ghent, fresh.ID, "A mistake."); err != nil {
		t.Fatal(err)
	}
	refusedBySchema(t, d, "a withdrawn one in a sequence", fmt.Sprintf(queue, q.ID, tenant, fresh.ID))
	refusedBySchema(t, d, "a release of a withdrawn one", fmt.Sprintf(`
		INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, outcome, reason)
		VALUES (%d, %d, %d, 'a', 'a', 'a', '', '', 1, 'sending', '')`, tenant, fresh.ID, ghent.ID))
	imports(t, d, ghent, packaging.Facts{Key: "queued", LineCode: "L1"})
	queued := order(t, d, tenant, "queued")
	d.exec(t, fmt.Sprintf(queue, q.ID, tenant, queued.ID))
	refusedBySchema(t, d, "one with a place in a sequence", fmt.Sprintf(withdraw, queued.ID))

	imports(t, d, ghent, packaging.Facts{Key: "b", Lot: "MINE"})
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, tenant, "b").ID}); err != nil {
		t.Fatal(err)
	}
	refusedBySchema(
		t, d, "a value while a release is under way", `UPDATE imported_facts SET lot = '' WHERE lot = 'MINE'`,
	)
	refusedBySchema(t, d, "all values while a release is under way", `DELETE FROM imported_facts WHERE lot = 'MINE'`)
	if err := d.GiveValueBack(
		t.Context(), ghent, order(t, d, tenant, "b").ID, packaging.ColumnLot, "MINE", "x",
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("a value while a release is under way: %v", err)
	}
}

func TestAnImportedValueIsGivenBackToTheAPI(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	more := setup("ghent")
	more.Lines = append(more.Lines, packaging.Line{Code: "L2", Name: "Bottle line 2"})
	if err := d.Provision(t.Context(), Site{more}); err != nil {
		t.Fatal(err)
	}
	api := facts("a")
	o := cache(t, d, tenant, api)
	imports(t, d, ghent, packaging.Facts{Key: "a", Lot: "10.Dez", LineCode: "L2", Quantity: "7"})
	give := func(field packaging.ImportField, was string) error {
		return d.GiveValueBack(t.Context(), ghent, o.ID, field, was, "A spreadsheet made a date of it.")
	}
	if err := give(packaging.ColumnLot, "another"); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("a value that does not count: %v", err)
	}
	if err := give("status", "x"); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("no field: %v", err)
	}
	if err := give(packaging.ColumnLot, "10.Dez"); err != nil {
		t.Fatal(err)
	}
	if got := order(t, d, tenant, "a"); got.Lot != api.Lot || got.Quantity != "7" || got.Line.Code != "L2" ||
		got.Revision <= o.Revision {
		t.Errorf("%+v", got)
	}
	e := history(t, d, ghent)[0]
	if e.Deed != packaging.ValueGivenBack || e.Object != "lot" || e.Old != "10.Dez" || e.New != api.Lot ||
		e.Comment == "" || e.OrderKey != "a" {
		t.Errorf("%+v", e)
	}
	if err := give(packaging.ColumnLine, "L2"); err != nil {
		t.Fatal(err)
	}
	if got := order(t, d, tenant, "a"); got.Line.Code != "L1" {
		t.Errorf("the line is %+v", got.Line)
	}
	api.Lot = "LATER"
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{api}})
	if got := order(t, d, tenant, "a"); got.Lot != "LATER" || got.Quantity != "7" {
		t.Errorf("after a refresh: %+v", got.Facts)
	}
	limited := become(t, d, ghent, ghent.Role, order(t, d, tenant, "a").Line.ID)
	imports(t, d, limited, packaging.Facts{Key: "a", Lot: "X"})
	if err := d.GiveValueBack(t.Context(), limited, o.ID, packaging.ColumnLot, "X", "x"); err != nil {
		t.Errorf("on their line: %v", err)
	}
}

func TestALineThatAPersonSetStaysWhenTheImportedOneIsGivenBack(t *testing.T) {
	d, ghent, _ := opened(t)
	more := setup("ghent")
	more.Lines = append(more.Lines, packaging.Line{Code: "L2", Name: "Line 2"}, packaging.Line{Code: "L3", Name: "Line 3"})
	if err := d.Provision(t.Context(), Site{more}); err != nil {
		t.Fatal(err)
	}
	cache(t, d, ghent.Tenant.ID, facts("a")) // on L1
	imports(t, d, ghent, packaging.Facts{Key: "a", LineCode: "L2"})
	third, err := d.Line(t.Context(), ghent.Scope(), "L3")
	if err != nil {
		t.Fatal(err)
	}
	o := setLine(t, d, ghent, order(t, d, ghent.Tenant.ID, "a"), third.ID)
	if err := d.GiveValueBack(t.Context(), ghent, o.ID, packaging.ColumnLine, "L2", "It was another file."); err != nil {
		t.Fatal(err)
	}
	if o = order(t, d, ghent.Tenant.ID, "a"); o.Line.Code != "L3" || o.LineSetBy != ghent.FullName {
		t.Errorf("it is on %s, set by %q", o.Line.Code, o.LineSetBy)
	}
	if o = setLine(t, d, ghent, o, 0); o.Line.Code != "L1" {
		t.Errorf("once the person gives it back too, it is on %s", o.Line.Code)
	}
}

func TestAWholeImportIsGivenBackAsFarAsItStillCounts(t *testing.T) {
	d, ghent, basel := opened(t)
	tenant := ghent.Tenant.ID
	api := facts("a")
	cache(t, d, tenant, api, facts("b"), facts("c"))
	imports(t, d, ghent, packaging.Facts{Key: "twice", LineCode: "L1"})
	wrong := imports(t, d, ghent,
		packaging.Facts{Key: "a", Lot: "W1", Quantity: "1"}, packaging.Facts{Key: "b", Lot: "W2"},
		packaging.Facts{Key: "c", Lot: "W3"},
		packaging.Facts{Key: "new", LineCode: "L1", Lot: "W4"}, packaging.Facts{Key: "twice", Lot: "W5"})
	imports(t, d, ghent, packaging.Facts{Key: "a", Quantity: "2"}) // a later import said it again
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, tenant, "c").ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.GiveImportBack(t.Context(), basel, wrong.ID, "x"); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("another tenant's: %v", err)
	}
	done, err := d.GiveImportBack(t.Context(), ghent, wrong.ID, "The wrong file.")
	if want := (packaging.GivenBack{Values: 3, Withdrawn: 1, Kept: 1}); err != nil || done != want {
		t.Fatalf("%+v %v, want %+v", done, err, want)
	}
	if a, b, c := order(t, d, tenant, "a"), order(t, d, tenant, "b"), order(t, d, tenant, "c"); a.Lot != api.Lot ||
		a.Quantity != "2" || b.Lot != api.Lot || c.Lot != "W3" {
		t.Errorf("%+v %+v %+v", a.Facts, b.Facts, c.Facts)
	}
	if fresh, twice := order(t, d, tenant, "new"), order(t, d, tenant, "twice"); !fresh.Withdrawn.Given() ||
		twice.Withdrawn.Given() || twice.Lot != "" {
		t.Errorf("%+v %+v", fresh, twice)
	}
	e := history(t, d, ghent)[0]
	if e.Deed != packaging.ImportGivenBack || e.Object != "orders.csv" || e.Comment != "The wrong file." ||
		!strings.Contains(e.New, "3 values given back, 1 orders withdrawn, 1 orders kept") {
		t.Errorf("%+v", e)
	}
	if _, err := d.GiveImportBack(t.Context(), ghent, wrong.ID, "again"); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("what counts no more: %v", err)
	}
	if faults, err := d.RecordFaults(t.Context(), tenant); err != nil || len(faults) > 0 {
		t.Errorf("%+v %v", faults, err)
	}
}

func TestTheSchemaShowsNoSerialNumberOnceTheLineHasBegun(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	o := cache(t, d, tenant, facts("a"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), claimed, released("x", "y")); err != nil {
		t.Fatal(err)
	}
	const show = `INSERT INTO shown_serials (serial_id, tenant_id, order_id, at, user_id, username, full_name) VALUES (%d, %d, %d, 1, %d, 'a', 'a')`
	refusedBySchema(t, d, "one that is in no list", fmt.Sprintf(show, serialKey(o.List(), 3), tenant, o.ID, ghent.ID))
	refusedBySchema(
		t, d, "as one of another order", fmt.Sprintf(show, serialKey(o.List(), 1), tenant, o.ID+1, ghent.ID),
	)
	if err := d.ShowSerial(t.Context(), ghent, o.List(), 2); err != nil {
		t.Fatal(err)
	}
	refusedBySchema(t, d, "forgotten", `DELETE FROM shown_serials`)
	refusedBySchema(t, d, "at another time", `UPDATE shown_serials SET at = 5`)
	f := facts("a")
	for _, status := range []packaging.Status{packaging.Suspended, packaging.InProgress, packaging.Done} {
		f.Status = status
		refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{f}})
		refusedBySchema(
			t, d, "once it was "+string(status), fmt.Sprintf(show, serialKey(o.List(), 1), tenant, o.ID, ghent.ID),
		)
		if err := d.ShowSerial(t.Context(), ghent, o.List(), 1); packaging.CodeOf(err) != packaging.Conflict {
			t.Errorf("once it was %s: %v", status, err)
		}
	}
	found, err := d.FindPacks(t.Context(), ghent.Scope(), []packaging.PackID{{GTIN: facts("a").GTIN, Serial: "y"}})
	if err != nil || len(found) != 1 || found[0].ShownBy != ghent.FullName || found[0].ShownAt.IsZero() {
		t.Errorf("%+v %v", found, err)
	}
}
