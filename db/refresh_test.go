package db

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// orderWrites counts the rows of orders that were written, by a trigger of the test.
func orderWrites(t *testing.T, d *DB) func() int {
	t.Helper()
	for _, statement := range []string{
		`CREATE TEMP TABLE writes (n)`,
		`CREATE TEMP TRIGGER count_updates AFTER UPDATE ON orders BEGIN INSERT INTO writes VALUES (1); END`,
		`CREATE TEMP TRIGGER count_inserts AFTER INSERT ON orders BEGIN INSERT INTO writes VALUES (1); END`,
	} {
		if _, err := d.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() (n int) {
		t.Helper()
		if err := d.write.QueryRowContext(t.Context(), `SELECT count(*) FROM writes`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if _, err := d.write.ExecContext(t.Context(), `DELETE FROM writes`); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func refresh(t *testing.T, d *DB, tenant packaging.TenantID, r packaging.Refresh) bool {
	t.Helper()
	if r.Started.IsZero() {
		r.Started = d.now()
	}
	changed, err := d.ApplyRefresh(t.Context(), tenant, r)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestARefreshWritesOnlyWhatChanged(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	writes := orderWrites(t, d)
	a, b := facts("a"), facts("b")
	if !refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{a, b}}) || writes() != 2 {
		t.Error("two new orders are not two writes")
	}
	was := order(t, d, tenant, "a")
	if refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{b, a}}) || writes() != 0 {
		t.Error("a refresh without changes writes orders")
	}
	now := order(t, d, tenant, "a")
	if !now.AsOf.After(was.AsOf) || now.Revision != was.Revision {
		t.Errorf("as of %v then %v, revision %d then %d", was.AsOf, now.AsOf, was.Revision, now.Revision)
	}
	a.Lot = "ANOTHER"
	if !refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{a, b}}) || writes() != 1 {
		t.Error("one changed order is not one write")
	}
	if o := order(t, d, tenant, "a"); o.Lot != "ANOTHER" || o.Revision != was.Revision+1 {
		t.Errorf("lot %s, revision %d", o.Lot, o.Revision)
	}
}

func TestAnAnswerThatLeavesAFieldOutSaysNothingAboutIt(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	full := facts("a")
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{full}})
	bare := packaging.Facts{Key: "a", Status: packaging.Suspended, Raw: []byte(`{}`)}
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{bare}})
	o := order(t, d, tenant, "a")
	if o.Status != packaging.Suspended || o.Lot != full.Lot || o.Product != full.Product || o.Line.Code != "L1" {
		t.Errorf("order %+v", o)
	}
}

func TestAnOrderThatIsNotListedKeepsTheTimeItWasLastConfirmed(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	refresh(t, d, tenant, packaging.Refresh{Started: start.Add(time.Hour), Listed: []packaging.Facts{facts("a")}})
	refresh(t, d, tenant, packaging.Refresh{Started: start.Add(2 * time.Hour)})
	refresh(t, d, tenant, packaging.Refresh{Started: start.Add(3 * time.Hour)})
	if o := order(t, d, tenant, "a"); !o.AsOf.Equal(start.Add(time.Hour)) {
		t.Errorf("as of %v", o.AsOf)
	}
	done := facts("a")
	done.Status = packaging.Done
	refresh(t, d, tenant, packaging.Refresh{Started: start.Add(4 * time.Hour), Unlisted: []packaging.Facts{done}})
	if o := order(t, d, tenant, "a"); !o.AsOf.Equal(start.Add(4*time.Hour)) || o.Status != packaging.Done {
		t.Errorf("as of %v, %s", o.AsOf, o.Status)
	}
}

func TestAnOrderThatTheAPIDoesNotKnowAnyMoreIsMarkedAndComesBack(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{facts("a")}})
	refresh(t, d, tenant, packaging.Refresh{Gone: []string{"a", "never seen"}})
	if o := order(t, d, tenant, "a"); !o.Gone || o.ReleaseObstacle() != packaging.OrderGone {
		t.Errorf("order %+v", o)
	}
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{facts("a")}})
	if o := order(t, d, tenant, "a"); o.Gone || o.ReleaseObstacle() != packaging.NoObstacle {
		t.Errorf("order %+v", o)
	}
}

// The list may have been made before a release and arrive after it: its "Pending release" is older than what we know.
func TestAListFromBeforeAReleaseDoesNotTakeItsStatusBack(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	o := cache(t, d, tenant, facts("a"))
	asked := d.now()
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	suspended := facts("a")
	suspended.Status = packaging.Suspended
	refresh(t, d, tenant, packaging.Refresh{Started: asked, Listed: []packaging.Facts{suspended}})
	if o := order(t, d, tenant, "a"); o.Status != packaging.PendingRelease {
		t.Errorf("while it is being released: %s", o.Status)
	}
	if _, err := d.Settle(t.Context(), claimed, released("x", "y")); err != nil {
		t.Fatal(err)
	}
	refresh(t, d, tenant, packaging.Refresh{Started: asked, Listed: []packaging.Facts{facts("a")}, Gone: []string{"a"}})
	if o := order(t, d, tenant, "a"); o.Status != packaging.InProgress || o.Gone {
		t.Errorf("after it was released: %s, gone %v", o.Status, o.Gone)
	}
	done := facts("a")
	done.Status = packaging.Done
	refresh(t, d, tenant, packaging.Refresh{Started: d.now(), Unlisted: []packaging.Facts{done}})
	if o := order(t, d, tenant, "a"); o.Status != packaging.Done {
		t.Errorf("what was asked after the release does not count: %s", o.Status)
	}
}

func TestALineIsKnownByCodeOrNameAndAnOrderGetsItWhenItIsSetUp(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	all := []packaging.Facts{facts("a"), facts("b"), facts("c"), facts("d"), facts("e")}
	all[0].LineCode = "l1"
	all[1].LineCode = "blister LINE 1"
	all[2].LineCode, all[2].LineName = "4711", "Blister line 1"
	all[3].LineCode = "L7"
	all[4].LineCode = ""
	refresh(t, d, tenant, packaging.Refresh{Listed: all})
	for key, known := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "e": false} {
		if o := order(t, d, tenant, key); o.Line.Known() != known {
			t.Errorf("%s: line %+v", key, o.Line)
		}
	}
	more := setup("ghent")
	more.Lines = append(more.Lines, packaging.Line{Code: "L7", Name: "A new line"})
	if err := d.Provision(t.Context(), Site{more}); err != nil {
		t.Fatal(err)
	}
	refresh(t, d, tenant, packaging.Refresh{Listed: all})
	if o := order(t, d, tenant, "d"); o.Line.Name != "A new line" {
		t.Errorf("line %+v", o.Line)
	}
}

func TestAListFromBeforeASettlementDoesNotTakeItsStatusBack(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, tenant, facts("a")).ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut},
	); err != nil {
		t.Fatal(err)
	}
	asked := d.now()
	if err := d.SettleByStatus(
		t.Context(), claimed, packaging.Settlement{Outcome: packaging.Released, Status: packaging.InProgress},
	); err != nil {
		t.Fatal(err)
	}
	refresh(t, d, tenant, packaging.Refresh{Started: asked, Listed: []packaging.Facts{facts("a")}})
	if o := order(t, d, tenant, "a"); o.Status != packaging.InProgress {
		t.Errorf("status %s", o.Status)
	}
}

func TestEveryFactIsStored(t *testing.T) {
	d, ghent, _ := opened(t)
	given, later := facts("a"), facts("a")
	for field := range reflect.TypeFor[packaging.Facts]().Fields() {
		if field.Type.Kind() == reflect.String && !slices.Contains([]string{"Key", "Status"}, field.Name) {
			reflect.ValueOf(&given).Elem().FieldByName(field.Name).SetString("first " + field.Name)
			reflect.ValueOf(&later).Elem().FieldByName(field.Name).SetString("later " + field.Name)
		}
	}
	for _, f := range []packaging.Facts{given, later} {
		refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{f}})
		stored := order(t, d, ghent.Tenant.ID, "a").Facts
		if stored.Raw = f.Raw; !reflect.DeepEqual(stored, f) {
			t.Errorf("stored %+v, given %+v", stored, f)
		}
	}
}
