package db

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

func storyOf(t *testing.T, d *DB, o packaging.Order) []packaging.OrderEvent {
	t.Helper()
	events, err := timelineOf(t.Context(), d.read, packaging.Everything(o.TenantID), o.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// saidOf are the events of an order, the oldest first.
func saidOf(t *testing.T, d *DB, tenant packaging.TenantID, key string) (all []string) {
	t.Helper()
	for _, e := range storyOf(t, d, order(t, d, tenant, key)) {
		all = append([]string{fmt.Sprintf("%s %s %s→%s %s", e.Kind, e.Field, e.Old, e.New, e.Source)}, all...)
	}
	return all
}

func TestATimelineTellsAllThatTheCacheSaw(t *testing.T) {
	d, ghent, basel := opened(t)
	tenant := ghent.Tenant.ID
	f := facts("a")
	f.Status = packaging.Open
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{f}})
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{f}})
	f.Status, f.Lot, f.Quantity = packaging.PendingRelease, "NEW", "3"
	f.Product, f.GTIN, f.Expiry, f.ExtraPercent, f.LineCode = "Ibuprofen", "09506000134369", "2029-12-31", "5", "L2"
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{f}})
	refresh(t, d, tenant, packaging.Refresh{Gone: []string{"a"}})
	refresh(t, d, tenant, packaging.Refresh{Gone: []string{"a"}})
	refresh(t, d, tenant, packaging.Refresh{Listed: []packaging.Facts{f}})
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, tenant, "a").ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), claimed, released("x", "y", "z")); err != nil {
		t.Fatal(err)
	}
	f.Status = packaging.Done
	refresh(t, d, tenant, packaging.Refresh{Unlisted: []packaging.Facts{f}, Asked: []string{"a"}})
	if diff := cmp.Diff([]string{
		"seen  →Open list",
		"status  Open→Pending release list", "facts product Paracetamol→Ibuprofen list",
		"facts gtin 09506000134352→09506000134369 list", "facts lot ABC123→NEW list",
		"facts expiry 2028-12-31→2029-12-31 list", "facts quantity 2→3 list", "facts extra 0→5 list",
		"line  Blister line 1→L2 list",
		"gone  → details", "back  → list",
		"status  Pending release→In progress answer",
		"status  In progress→Done details",
	}, saidOf(t, d, tenant, "a")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if theirs, err := timelineOf(t.Context(), d.read, basel.Scope(), claimed.ID, 100); err != nil || len(theirs) != 0 {
		t.Errorf("another tenant sees %v, %v", theirs, err)
	}
}

func TestATimelineTellsWhatALostReleaseCameTo(t *testing.T) {
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
	if err := d.SettleByStatus(
		t.Context(), claimed, packaging.Settlement{Outcome: packaging.Released, Status: packaging.InProgress},
	); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(
		[]string{"seen  →Pending release list", "status  Pending release→In progress settlement"},
		saidOf(t, d, tenant, "a"),
	); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnUnchangedPollOfTwoThousandOrdersWritesNothingOfThem(t *testing.T) {
	thorough.Once(t)
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	var all []packaging.Facts
	for i := range 2000 {
		all = append(all, facts(fmt.Sprintf("Order%04d", i)))
	}
	refresh(t, d, tenant, packaging.Refresh{Listed: all})
	moments := 0
	if err := d.read.QueryRowContext(t.Context(), `SELECT count(DISTINCT at) FROM order_events`).
		Scan(&moments); err != nil {
		t.Fatal(err)
	}
	if moments != 2000/ordersPerTx {
		t.Errorf("2,000 new orders are written in %d transactions", moments)
	}
	// All that the database holds of orders; what is only about a refresh is left out.
	held := func() (rows map[string]bool) {
		t.Helper()
		all, err := collect(t.Context(), d.read, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `
			SELECT 'order ' || id || ' ' || revision || ' ' || confirmed_at || ' ' || listed || ' ' || lot FROM orders
			UNION ALL SELECT 'event ' || id FROM order_events
			UNION ALL SELECT 'check ' || order_id || ' ' || asked_at || ' ' || confirmed_at FROM order_checks`)
		if err != nil {
			t.Fatal(err)
		}
		rows = map[string]bool{}
		for _, row := range all {
			rows[row] = true
		}
		return rows
	}
	added := func(before, after map[string]bool) (n int) {
		for row := range after {
			if !before[row] {
				n++
			}
		}
		return n
	}
	before := held()
	if refresh(t, d, tenant, packaging.Refresh{Listed: all}) || added(before, held()) != 0 {
		t.Errorf("an unchanged poll writes %d rows", added(before, held()))
	}
	for i := range 20 {
		all[i*100].Lot = "ANOTHER"
	}
	if !refresh(t, d, tenant, packaging.Refresh{Listed: all}) || added(before, held()) != 20+20 {
		t.Errorf("20 changes write %d rows", added(before, held()))
	}
	if fresh, err := d.Freshness(t.Context(), tenant); err != nil || fresh.Changes != 20 {
		t.Errorf("the refresh says that %d orders have changed, %v", fresh.Changes, err)
	}
}

func TestDetailsThatSayNothingNewDoNotTouchTheOrder(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	refresh(t, d, tenant, packaging.Refresh{Started: start, Listed: []packaging.Facts{facts("a")}})
	refresh(t, d, tenant, packaging.Refresh{Started: start.Add(time.Hour)})
	was, writes := order(t, d, tenant, "a"), orderWrites(t, d)
	asked := start.Add(2 * time.Hour)
	if refresh(
		t, d, tenant, packaging.Refresh{Started: asked, Unlisted: []packaging.Facts{facts("a")}, Asked: []string{"a"}},
	) || writes() != 0 {
		t.Error("the order is written")
	}
	if now := order(t, d, tenant, "a"); !now.AsOf.Equal(asked) || now.Revision != was.Revision {
		t.Errorf("as of %v, revision %d then %d", now.AsOf, was.Revision, now.Revision)
	}
	cached, err := d.CachedOrders(t.Context(), tenant)
	if err != nil || !cached["a"].Asked.Equal(asked) {
		t.Errorf("%+v, %v", cached, err)
	}
}

func TestAnOrderThatIsGoneIsAskedAboutForAWeek(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	done := facts("done")
	done.Status = packaging.Done
	refresh(t, d, tenant, packaging.Refresh{Started: start, Listed: []packaging.Facts{facts("a"), facts("b"), done}})
	refresh(t, d, tenant, packaging.Refresh{Started: start.Add(-goneFor), Gone: []string{"a"}})
	refresh(t, d, tenant, packaging.Refresh{Started: start, Gone: []string{"b"}})
	cached, err := d.CachedOrders(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	if _, has := cached["a"]; has || !cached["b"].Gone || len(cached) != 1 {
		t.Errorf("%+v", cached)
	}
}

func TestATimelineTellsWhatAFileBroughtAndWhenTheAPIFirstKnewTheOrder(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	imports(t, d, ghent, packaging.Facts{Key: "a", Lot: "FIRST", LineCode: "L1"})
	imports(t, d, ghent, packaging.Facts{Key: "a", Lot: "SECOND"})
	refresh(
		t, d, tenant,
		packaging.Refresh{Listed: []packaging.Facts{{Key: "a", Status: packaging.Open, Quantity: "5", Lot: "THEIRS"}}},
	)
	if diff := cmp.Diff([]string{
		"seen  → import", "facts lot FIRST→SECOND import", "status  →Open list", "facts quantity →5 list",
	}, saidOf(t, d, tenant, "a")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
