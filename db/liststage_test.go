package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

// longList is longer than what one transaction stores.
func longList(prefix string) []string {
	list := make([]string, maxUnstaged+10_000)
	for i := range list {
		list[i] = fmt.Sprintf("%s%08d", prefix, i)
	}
	return list
}

func claim(t *testing.T, d *DB, by packaging.Person, key string) packaging.Order {
	t.Helper()
	o, err := d.Claim(t.Context(), by, packaging.Press{Order: order(t, d, by.Tenant.ID, key).ID})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func stored(t *testing.T, d *DB, by packaging.Person, list packaging.ListID) (all []string) {
	t.Helper()
	if err := d.EachSerial(t.Context(), by.Scope(), list, func(s packaging.Serial) error {
		if all = append(all, s.Value); s.Seq != int64(len(all)) {
			t.Fatalf("%s is in place %d, not %d", s.Value, s.Seq, len(all))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func faultsOf(t *testing.T, d *DB, tenant packaging.TenantID) []packaging.RecordFault {
	t.Helper()
	records, err := d.RecordFaults(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return append(records, hiddenFaults(t, d, tenant)...)
}

func TestALongListIsKeptAsItCameAndFoundBeforeAndAfterItsMarksAreIndexed(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("long"))
	o := claim(t, d, ghent, "long")
	list := longList("a")
	list[7], list[8] = strings.Repeat("x", 5_000), "" // longer than a block, and empty
	if _, err := d.Settle(t.Context(), o, released(list...)); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, d, ghent, o.List()); !slices.Equal(got, list) {
		t.Errorf("%d serials are stored, and not as they came", len(got))
	}
	for _, indexed := range []bool{false, true} {
		for _, place := range []int{0, 7, 9, len(list) - 1} {
			found, err := d.FindPacks(
				t.Context(), ghent.Scope(), []packaging.PackID{{GTIN: o.GTIN, Serial: list[place]}},
			)
			if err != nil || len(found) != 1 || found[0].Place != int64(place)+1 {
				t.Errorf("with its marks in the index, %v: place %d is found at %v, %v", indexed, place, found, err)
			}
		}
		if err := d.IndexSerials(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}

func TestNoTransactionOfALongListStoresAllOfIt(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("long"))
	o := claim(t, d, ghent, "long")
	if _, err := d.Settle(t.Context(), o, released(longList("a")...)); err != nil {
		t.Fatal(err)
	}
	background := d.WriterTimes()[packaging.BackgroundTurn]
	if slices := int64((maxUnstaged + 10_000) * 10 / blockSize / slicedBlocks); background.Transactions < slices {
		t.Errorf("it took %d transactions", background.Transactions)
	}
}

func TestTwoLongListsThatComeAtOnceFindTheirDoubles(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("first"), facts("second"))
	ends := make(chan error)
	for _, key := range []string{"first", "second"} {
		list := longList(key[:1])
		list[100], list[len(list)-1] = "shared-1", "shared-2"
		o := claim(t, d, ghent, key)
		go func() {
			_, err := d.Settle(context.WithoutCancel(t.Context()), o, released(list...))
			ends <- err
		}()
	}
	if err := errors.Join(<-ends, <-ends); err != nil {
		t.Fatal(err)
	}
	var odd []string
	for _, key := range []string{"first", "second"} {
		odd = append(odd, fmt.Sprint(order(t, d, ghent.Tenant.ID, key).Release.Oddities))
	}
	slices.Sort(odd)
	if want := []string{
		"[{wrong_count 60000} {seen_again 2}]", "[{wrong_count 60000} {seen_before 2}]",
	}; !slices.Equal(odd, want) {
		t.Errorf("%v", odd)
	}
}

// A program that is killed while it stages leaves a part of a list. Nobody sees it, and the next start sweeps it.
func TestAPartOfAListThatAKilledProgramLeftIsNeverSeenAndSwept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lineboard.db")
	d := openTicking(t, file, start, time.Second)
	if err := d.Provision(t.Context(), Site{setup("ghent")}); err != nil {
		t.Fatal(err)
	}
	ghent := boss(t, d, "ghent")
	cache(t, d, ghent.Tenant.ID, facts("half"))
	o := claim(t, d, ghent, "half")
	list := longList("a")
	staged := &newList{of: o, serials: list, came: true}
	staged.pack(d)
	if _, err := d.stageSlices(t.Context(), staged, o.List()); err != nil {
		t.Fatal(err)
	}
	unseen := func(d *DB) {
		t.Helper()
		if got := stored(t, d, ghent, o.List()); len(got) > 0 {
			t.Errorf("%d serials of it are shown", len(got))
		}
		found, err := d.FindPacks(t.Context(), ghent.Scope(), []packaging.PackID{{GTIN: o.GTIN, Serial: list[5]}})
		if err != nil || len(found) > 0 {
			t.Errorf("a pack of it is found: %v, %v", found, err)
		}
		if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
			t.Errorf("%v", faults)
		}
	}
	unseen(d)
	if err := d.Close(); err != nil { // it never came to the last transaction
		t.Fatal(err)
	}
	d = openTicking(t, file, start.Add(time.Minute), time.Second)
	defer d.Close()
	unseen(d)
	var left int
	if err := d.read.QueryRowContext(t.Context(), `
		SELECT (SELECT count(*) FROM serial_blocks) + (SELECT count(*) FROM serial_runs) + (SELECT count(*) FROM staged_lists)`).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d rows of it are left, %v", left, err)
	}
	if _, err := d.Settle(t.Context(), o, released(list...)); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, d, ghent, o.List()); !slices.Equal(got, list) {
		t.Errorf("%d serials are stored after all", len(got))
	}
}

func TestNothingOfAListThatCountsIsDroppedAsStaged(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("long"))
	o := claim(t, d, ghent, "long")
	if _, err := d.Settle(t.Context(), o, released(longList("a")...)); err != nil {
		t.Fatal(err)
	}
	// What drops staged lists looked before the list counted.
	if err := d.tx(t.Context(), func(t *tx) error {
		n, err := t.dropSlice(o.List())
		if n > 0 {
			err = fmt.Errorf("%d rows are dropped", n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}

func TestAListWhoseReleaseIsSettledMeanwhileLeavesNothing(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("long"))
	o := claim(t, d, ghent, "long")
	if _, err := d.InterruptReleases(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), o, released(longList("a")...)); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("%v", err)
	}
	var left int
	if err := d.read.QueryRowContext(
		t.Context(), `SELECT (SELECT count(*) FROM serial_blocks) + (SELECT count(*) FROM staged_lists)`,
	).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d rows of it are left, %v", left, err)
	}
}

func TestALongListThatIsHereAlreadyIsAConflictAndNotStoredAgain(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("long"))
	o := claim(t, d, ghent, "long")
	list := longList("a")
	if _, err := d.Settle(t.Context(), o, released(list...)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), o, released(longList("b")...)); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("the answer once more: %v", err)
	}
	now := order(t, d, ghent.Tenant.ID, "long")
	if err := d.AddList(t.Context(), ghent, o.ID, 0, 0, longList("c")); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("a list that a person adds: %v", err)
	}
	if err := d.FillList(t.Context(), now, packaging.Facts{Serials: longList("d")}); err != nil {
		t.Errorf("a list of the order's details: %v", err)
	}
	if got := stored(t, d, ghent, o.List()); !slices.Equal(got, list) {
		t.Errorf("%d serials are stored, and not as they came", len(got))
	}
	if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}

// What was staged of a list and could not be dropped keeps no other list of the release out.
func TestAShortListIsStoredOverWhatWasStagedOfALongOne(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("half"))
	o := claim(t, d, ghent, "half")
	staged := &newList{of: o, serials: longList("a"), came: true}
	staged.pack(d)
	if _, err := d.stageSlices(t.Context(), staged, o.List()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), o, released("short")); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, d, ghent, o.List()); !slices.Equal(got, []string{"short"}) {
		t.Errorf("%d serials are stored", len(got))
	}
	if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}

// Who may begin an export gets all of it: half a list that looks whole is worse than none.
func TestAListWhoseOrderMovesToAnotherLineMeanwhileIsExportedWhole(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("moves"))
	o := claim(t, d, ghent, "moves")
	list := longList("a")[:12_000]
	if _, err := d.Settle(t.Context(), o, released(list...)); err != nil {
		t.Fatal(err)
	}
	limited := become(t, d, ghent, packaging.Operator, o.Line.ID)
	n := 0
	if err := d.EachSerial(t.Context(), limited.Scope(), o.List(), func(packaging.Serial) error {
		if n++; n > 1 {
			return nil
		}
		return d.tx(t.Context(), func(t *tx) error {
			return t.exec(`UPDATE orders SET line_id = NULL WHERE id = ?`, o.ID)
		})
	}); err != nil || n != len(list) {
		t.Errorf("%d of %d serials, %v", n, len(list), err)
	}
	if got := stored(t, d, limited, o.List()); len(got) > 0 {
		t.Errorf("a new export has %d serials", len(got))
	}
}

// While a list is staged, it is not the order's yet.
func TestAListIsOfNoGTINThatItsOrderGotBeforeItCame(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("late"))
	o := claim(t, d, ghent, "late")
	if _, err := d.InterruptReleases(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.SettleByStatus(
		t.Context(), o,
		packaging.Settlement{Outcome: packaging.Released, Proof: packaging.Done, Status: packaging.Done},
	); err != nil {
		t.Fatal(err)
	}
	o = order(t, d, ghent.Tenant.ID, "late")
	staged := &newList{of: o, serials: longList("a"), came: true}
	staged.pack(d)
	if _, err := d.stageSlices(t.Context(), staged, o.List()); err != nil {
		t.Fatal(err)
	}
	other := facts("late")
	other.GTIN, other.Status = "09506000134369", packaging.Done
	cache(t, d, ghent.Tenant.ID, other)
	if err := d.FillList(t.Context(), o, packaging.Facts{Serials: staged.serials}); err != nil {
		t.Fatal(err)
	}
	found, err := d.FindPacks(
		t.Context(), ghent.Scope(), []packaging.PackID{{GTIN: other.GTIN, Serial: staged.serials[3]}},
	)
	if err != nil || len(found) != 1 || found[0].GTINChanged {
		t.Errorf("%+v, %v", found, err)
	}
}

// A pack that no look-up finds would be taken for a stranger: verification finds what hides it.
func TestWhatHidesSerialsFromLookUpsIsFoundByVerification(t *testing.T) {
	thorough.Once(t)
	for name, statement := range map[string]string{
		"a mark is gone":         `DELETE FROM serial_marks WHERE mark = (SELECT max(mark) FROM serial_marks)`,
		"a mark is another one":  `UPDATE serial_marks SET mark = mark + (1 << 26) WHERE mark = (SELECT max(mark) FROM serial_marks)`,
		"a block's number is":    `UPDATE serial_blocks SET number = 9999 WHERE id = (SELECT min(id) FROM serial_blocks)`,
		"marks that wait are":    `UPDATE serial_runs SET marks = zeroblob(8) WHERE id = (SELECT min(id) FROM serial_runs)`,
		"marks that wait are no": `DELETE FROM serial_runs WHERE id = (SELECT max(id) FROM serial_runs)`,
	} {
		d, ghent, _ := opened(t)
		cache(t, d, ghent.Tenant.ID, facts("short"), facts("long"))
		short, long := claim(t, d, ghent, "short"), claim(t, d, ghent, "long")
		for o, list := range map[*packaging.Order][]string{&short: {"s1", "s2"}, &long: longList("a")[:5_000]} {
			if _, err := d.Settle(t.Context(), *o, released(list...)); err != nil {
				t.Fatal(err)
			}
		}
		if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) > 0 {
			t.Fatalf("%v", faults)
		}
		for _, one := range []string{`DROP TRIGGER serials_never_change`, statement} {
			if _, err := d.write.ExecContext(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		}
		if faults := faultsOf(t, d, ghent.Tenant.ID); len(faults) != 1 || faults[0].Record != marksOfLists {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// A block is read as a whole for one of its serials, so none is larger than its page, unless one serial is.
func TestAListIsPackedIntoBlocksOfAPage(t *testing.T) {
	long := strings.Repeat("x", blockSize+1)
	list := append(longList("a")[:2000], long, "", "end")
	place, got := int64(1), []string(nil)
	blocks := packBlocks(place, list)
	for _, b := range blocks {
		serials, err := UnpackSerials(b.packed)
		if err != nil || b.first != place || len(b.packed) > blockSize && len(serials) != 1 {
			t.Errorf("a block of %d bytes begins at %d with %d serials, %v", len(b.packed), b.first, len(serials), err)
		}
		place += int64(len(serials))
		got = append(got, serials...)
	}
	if !slices.Equal(got, list) {
		t.Errorf("%d serials are packed, and not as they came", len(got))
	}
	bytes := 0
	for _, s := range list {
		bytes += len(s) + 1
	}
	if full := bytes/blockSize + 3; len(blocks) > full { // two beside the long one may be short
		t.Errorf("%d blocks, want at most %d", len(blocks), full)
	}
}
