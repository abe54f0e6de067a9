package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// waitFor waits until so many wait for the writer.
func waitFor(t *testing.T, d *DB, n int) {
	t.Helper()
	for until := time.Now().Add(60 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		d.turns.mu.Lock()
		waiting := 0
		for _, all := range d.turns.waiting {
			waiting += len(all)
		}
		d.turns.mu.Unlock()
		if waiting == n {
			return
		}
	}
	t.Fatalf("there are not %d that wait", n)
}

func TestAPressComesBeforeWhatWaitedLongerForTheWriter(t *testing.T) {
	d, _, _ := opened(t)
	give, err := d.turns.take(t.Context(), packaging.BackgroundTurn, nil)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	done := make(chan error)
	for i, one := range []struct {
		name string
		ctx  context.Context
	}{
		{"import", inBackground(t.Context())},
		{"note", t.Context()},
		{"press", asRelease(t.Context())},
		{"second import", inBackground(t.Context())},
		{"second press", asRelease(t.Context())},
	} {
		go func() {
			done <- d.tx(one.ctx, func(*tx) error {
				order = append(order, one.name)
				return nil
			})
		}()
		waitFor(t, d, i+1)
	}
	gone, leave := context.WithCancel(asRelease(t.Context()))
	go func() { done <- d.tx(gone, func(*tx) error { return errors.New("it was its turn") }) }()
	waitFor(t, d, 6)
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("one that left: %v", err)
	}
	give()
	for range 5 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if want := []string{"press", "second press", "note", "import", "second import"}; !slices.Equal(order, want) {
		t.Errorf("%v, not %v", order, want)
	}
	times := d.WriterTimes()
	if n := times[packaging.ReleaseTurn].Transactions; n != 2 {
		t.Errorf("%d presses", n)
	}
}

func TestTimesOfTheWriterSayWhatNearlyAllAreWithin(t *testing.T) {
	var h histogram
	for range 990 {
		h.add(1500 * time.Microsecond)
	}
	for range 10 {
		h.add(30 * time.Millisecond)
	}
	if s := h.spread(); s.Most != 2*time.Millisecond || s.Longest != 30*time.Millisecond {
		t.Errorf("%+v", s)
	}
	h.add(7 * time.Second)
	if s := h.spread(); s.Most != 50*time.Millisecond || s.Longest != 7*time.Second || h.count() != 1001 {
		t.Errorf("%+v of %d", s, h.count())
	}
	if s := new(histogram).spread(); s != (packaging.Spread{}) {
		t.Errorf("%+v", s)
	}
}

// A long import is undone for a press, begins again after it, and says that the order is being released.
func TestALongImportMakesWayForAPressAndThenSaysWhichOrderChanged(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("pressed"))
	orders := []packaging.Facts{{Key: "pressed", Lot: "another"}}
	for i := range 2 * shortImport {
		orders = append(orders, packaging.Facts{Key: fmt.Sprintf("new%d", i), LineCode: "L1"})
	}
	rows := numbered(orders)
	pressed := make(chan error, 1)
	var once sync.Once
	now := d.now
	d.now = func() time.Time { // the first look at it is the import's, once it has the writer
		once.Do(func() {
			go func() {
				_, err := d.Claim(context.WithoutCancel(t.Context()), ghent, packaging.Press{Order: o.ID})
				pressed <- err
			}()
			waitFor(t, d, 1)
		})
		return now()
	}
	done, err := d.Import(t.Context(), ghent, packaging.ImportRequest{FileName: "orders.csv", Rows: rows})
	if err := <-pressed; err != nil {
		t.Fatal(err)
	}
	if packaging.CodeOf(err) != packaging.Invalid || done.Faults.Count != 1 ||
		done.Faults.First[0].Code != packaging.FaultBeingReleased ||
		done.Faults.First[0].Value != "pressed" {
		t.Errorf("the import says %+v, %v", done.Faults, err)
	}
	page, err := d.SearchOrders(t.Context(), ghent.Scope(), packaging.OrderFilter{Limit: 10})
	if err != nil || len(page.Orders) != 1 {
		t.Errorf("%d orders are here after an import that did nothing, %v", len(page.Orders), err)
	}
	rows = numbered(orders[1:])
	if done, err = d.Import(
		t.Context(), ghent, packaging.ImportRequest{FileName: "orders.csv", Rows: rows},
	); err != nil || done.New != rows.Len() {
		t.Errorf("%d orders are new, %v", done.New, err)
	}
	if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}

// What is closed writes no more: another program may have the file by then.
func TestAnImportThatIsUnderWayEndsWithItsDatabase(t *testing.T) {
	d, ghent, _ := opened(t)
	var orders []packaging.Facts
	for i := range 2 * shortImport {
		orders = append(orders, packaging.Facts{Key: fmt.Sprintf("new%d", i), LineCode: "L1"})
	}
	closed := make(chan error, 1)
	var once sync.Once
	now := d.now
	d.now = func() time.Time { // the first look at it is the import's, once it has the writer
		once.Do(func() {
			go func() { closed <- d.Close() }()
			for is := false; !is && len(closed) == 0; time.Sleep(time.Millisecond) {
				d.bulk.mu.Lock()
				is = d.bulk.closed
				d.bulk.mu.Unlock()
			}
		})
		return now()
	}
	ask := packaging.ImportRequest{FileName: "orders.csv", Rows: numbered(orders)}
	if _, err := d.Import(t.Context(), ghent, ask); err == nil {
		t.Error("the import went on")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := d.Import(t.Context(), ghent, ask); packaging.CodeOf(err) != packaging.Unavailable {
		t.Errorf("another one: %v", err)
	}
}

// The press may come before the import has said how it is undone.
func TestWhatMakesWayDoesSoForAPressThatCameAtTheSameMoment(t *testing.T) {
	var q turns
	if _, err := q.take(t.Context(), packaging.PersonTurn, nil); err != nil {
		t.Fatal(err)
	}
	undone := make(chan struct{})
	go q.take(t.Context(), packaging.BackgroundTurn, func() { close(undone) }) //nolint:errcheck // it does not fail
	for waits := false; !waits; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		waits = len(q.waiting[packaging.BackgroundTurn]) > 0
		q.mu.Unlock()
	}
	q.mu.Lock()
	q.next() // the import is called, and a press comes before it goes on
	q.waiting[packaging.ReleaseTurn] = append(q.waiting[packaging.ReleaseTurn], make(chan struct{}))
	q.mu.Unlock()
	select {
	case <-undone:
	case <-time.After(60 * time.Second):
		t.Error("the press waits for all of the import")
	}
}

func TestWhatIsBeingWrittenCountsBeforeItIsCommitted(t *testing.T) {
	d, _, _ := opened(t)
	_, before := d.Written()
	err := d.tx(t.Context(), func(*tx) error {
		_, first := d.Written()
		for _, now := d.Written(); now == first; _, now = d.Written() { // the clock goes on
		}
		return errors.New("undone")
	})
	_, after := d.Written()
	if _, again := d.Written(); err == nil || after <= before || again != after {
		t.Errorf("%s, then %s, then %s: %v", before, after, again, err)
	}
}
