package db

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

var viewLimits = packaging.OrderViewLimits{Serials: 2, Events: 3, Entries: 2, Notes: 1, AnswerBytes: 4}

func TestAnOrdersViewIsWhatItsPartsSay(t *testing.T) {
	d, ghent, basel := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"), facts("Order144"))
	imports(t, d, ghent, packaging.Facts{Key: "Order143", Lot: "MINE"})
	for _, words := range []string{"first", "second"} {
		if err := d.NoteOrder(t.Context(), ghent, o.ID, words); err != nil {
			t.Fatal(err)
		}
	}
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), claimed, released("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	v, err := d.OrderView(t.Context(), ghent, o.ID, viewLimits)
	if err != nil {
		t.Fatal(err)
	}
	in := ghent.Scope()
	want := packaging.OrderView{Raw: `{"order_id":"Order143"}`}
	var failed [8]error
	want.Order, failed[0] = d.Order(t.Context(), in, o.ID)
	want.Serials, failed[1] = d.Serials(t.Context(), in, o.List(), 0, 2)
	want.Events, failed[2] = timelineOf(t.Context(), d.read, in, o.ID, 3)
	want.History, failed[3] = d.History(t.Context(), in, packaging.HistoryFilter{OrderKey: o.Key, Limit: 2})
	want.FirstChanges, failed[4] = firstChangesOf(t.Context(), d.read, in, o.ID)
	imported, err := d.ImportedFactsOf(t.Context(), in, []packaging.OrderID{o.ID})
	want.Imported, failed[5] = imported[o.ID], err
	want.Notes, failed[6] = d.OrderNotes(t.Context(), in, o.ID, 1)
	want.Lines, failed[7] = d.Lines(t.Context(), in)
	for _, err := range failed {
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(v.Serials) != 2 || len(v.Imported) != 1 || len(v.Notes) != 1 || len(v.History.Entries) != 2 ||
		len(v.Lines) != 1 {
		t.Errorf("%+v", v)
	}
	if _, err := d.OrderView(t.Context(), basel, o.ID, viewLimits); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("another tenant's: %v", err)
	}
}

func TestAnOrdersViewHoldsWhatTheViewerMaySeeAlone(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	// While its release is under way, nobody sets its line.
	if v, err := d.OrderView(t.Context(), ghent, o.ID, viewLimits); err != nil || v.Lines != nil ||
		v.History.Entries == nil {
		t.Errorf("%d lines, %d entries, %v", len(v.Lines), len(v.History.Entries), err)
	}
	answer := packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut, Body: []byte("half an answer")}
	if _, err := d.Settle(t.Context(), claimed, answer); err != nil {
		t.Fatal(err)
	}
	operator := become(t, d, ghent, packaging.Operator)
	v, err := d.OrderView(t.Context(), operator, o.ID, viewLimits)
	if err != nil || v.History.Entries != nil || v.Lines != nil || string(v.Answer) != "half" {
		t.Errorf("%d entries, %d lines, answer %q, %v", len(v.History.Entries), len(v.Lines), v.Answer, err)
	}
}

func TestASnapshotShowsOneStateOfTheDatabase(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // unprepared, then prepared
		if err := d.read.snapshot(t.Context(), func(q querier) error {
			before, err := orderOf(t.Context(), q, ghent.Scope(), o.ID)
			if err != nil {
				return err
			}
			if before.Release.Outcome == packaging.Sending {
				if _, err := d.Settle(t.Context(), claimed, released("a", "b")); err != nil {
					return err
				}
			}
			serials, err := serialsOf(t.Context(), q, ghent.Scope(), o.List(), "", 0, 10)
			if int64(len(serials)) != before.Release.Serials {
				t.Errorf("%d serials of a release with %d", len(serials), before.Release.Serials)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Each holds a connection: none may wait for another one to prepare its queries.
func TestMoreSnapshotsThanConnectionsFinish(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	var all sync.WaitGroup
	failed := make([]error, 5*readers)
	for i := range failed {
		all.Go(func() { _, failed[i] = d.OrderView(t.Context(), ghent, o.ID, viewLimits) })
	}
	all.Wait()
	if i := slices.IndexFunc(failed, func(err error) bool { return err != nil }); i >= 0 {
		t.Error(failed[i])
	}
}

func TestASearchForOpenOrdersLeavesOutWhatIsDoneOrGone(t *testing.T) {
	d, ghent, _ := opened(t)
	done := facts("done")
	done.Status = packaging.Done
	cache(t, d, ghent.Tenant.ID, facts("gone"), facts("open"))
	refresh(
		t, d, ghent.Tenant.ID,
		packaging.Refresh{
			Listed: []packaging.Facts{facts("open")}, Unlisted: []packaging.Facts{done}, Gone: []string{"gone"},
		},
	)
	page, err := d.SearchOrders(t.Context(), ghent.Scope(), packaging.OrderFilter{Open: true, Limit: 10})
	if err != nil || len(page.Orders) != 1 || page.Orders[0].Key != "open" {
		t.Errorf("%d orders, %v", len(page.Orders), err)
	}
}
