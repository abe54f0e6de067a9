package db

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/semaphore"

	"lineboard/internal/packaging"
)

// compared says which serials of the lists of orders are repeated, once they are compared. All that is odd about them
// is in the history, and they need a look.
func compared(t *testing.T, d *DB, tenant packaging.TenantID, keys ...string) (repeated []string) {
	t.Helper()
	if err := d.CompareLists(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := map[string]int64{}
	for _, e := range entries(t, d, tenant) {
		if e.Deed != packaging.ListOdd {
			continue
		}
		for one := range strings.SplitSeq(e.New, ", ") {
			kind, count, _ := strings.Cut(one, " ")
			n, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				t.Errorf("%s: %q", e.OrderKey, e.New)
			}
			told[e.OrderKey+" "+kind] += n
		}
	}
	for _, key := range keys {
		o := order(t, d, tenant, key)
		if o.NeedsLook() != (len(o.Release.Oddities) > 0) {
			t.Errorf("%s, odd by %v, needs a look: %t", key, o.Release.Oddities, o.NeedsLook())
		}
		var seen []packaging.Oddity
		for _, one := range o.Release.Oddities {
			if n := told[key+" "+string(one.Kind)]; n != one.Count {
				t.Errorf("%s is odd by %v, and the history tells %d", key, one, n)
			}
			if one.Kind == packaging.SeenBefore || one.Kind == packaging.SeenAgain {
				seen = append(seen, one)
			}
		}
		repeated = append(repeated, fmt.Sprint(seen))
	}
	return repeated
}

func releaseWith(t *testing.T, d *DB, by packaging.Person, key string, serials ...string) {
	t.Helper()
	o, err := d.Claim(t.Context(), by, packaging.Press{Order: order(t, d, by.Tenant.ID, key).ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), o, released(serials...)); err != nil {
		t.Fatal(err)
	}
}

// A pack that two orders have is told with both, whatever comes last: a list, or what one of them is of.
func TestADoubledSerialIsFlaggedWithBothOrdersWhateverCameLast(t *testing.T) {
	d, ghent, _ := opened(t)
	steps := []string{"list a", "list b", "gtin a", "gtin b"}
	var orders []packaging.Facts
	for i, way := range permutations(steps) {
		gtin := fmt.Sprintf("0950600%06d", i)
		a, b := fmt.Sprintf("A%d", i), fmt.Sprintf("B%d", i)
		first := len(orders)
		for _, key := range []string{a, b} {
			f := facts(key)
			f.GTIN = ""
			orders = append(orders, f)
		}
		cache(t, d, ghent.Tenant.ID, orders...)
		for n, step := range way {
			switch step {
			case "list a":
				releaseWith(t, d, ghent, a, "shared", "a")
			case "list b":
				releaseWith(t, d, ghent, b, "b", "shared")
			case "gtin a":
				orders[first].GTIN = gtin
				cache(t, d, ghent.Tenant.ID, orders...)
			case "gtin b": // as another program spells it
				orders[first+1].GTIN = "0" + gtin
				cache(t, d, ghent.Tenant.ID, orders...)
			}
			var listed []string
			for _, key := range []string{a, b} {
				if order(t, d, ghent.Tenant.ID, key).Release != nil {
					listed = append(listed, key)
				}
			}
			want := slices.Repeat([]string{"[]"}, len(listed))
			if n == 3 {
				want = []string{"[{seen_again 1}]", "[{seen_before 1}]"}
				if slices.Index(way, "list a") > slices.Index(way, "list b") {
					slices.Reverse(want)
				}
			}
			if got := compared(t, d, ghent.Tenant.ID, listed...); !slices.Equal(got, want) {
				t.Errorf("%v, after the %s: %v, want %v", way, step, got, want)
			}
		}
	}
}

func permutations(of []string) (all [][]string) {
	if len(of) == 0 {
		return [][]string{nil}
	}
	for i, first := range of {
		for _, rest := range permutations(slices.Concat(of[:i], of[i+1:])) {
			all = append(all, append([]string{first}, rest...))
		}
	}
	return all
}

func TestListsThatBecomeOfOneProductAtOnceAreComparedEachWithEach(t *testing.T) {
	d, ghent, basel := opened(t)
	known, one, two, three, four := facts("known"), facts("one"), facts("two"), facts("three"), facts("four")
	one.GTIN, two.GTIN, three.GTIN, four.GTIN = "", "", "", "09506000134369"
	all := []*packaging.Facts{&known, &one, &two, &three, &four}
	refresh := func() {
		var listed []packaging.Facts
		for _, f := range all {
			listed = append(listed, *f)
		}
		cache(t, d, ghent.Tenant.ID, listed...)
	}
	refresh()
	theirs := facts("theirs")
	cache(t, d, basel.Tenant.ID, theirs)
	releaseWith(t, d, basel, "theirs", "k1", "x")
	releaseWith(t, d, ghent, "known", "k1", "k2")
	releaseWith(t, d, ghent, "one", "x", "k1")
	releaseWith(t, d, ghent, "two", "x", "y", "k1", "k1")
	releaseWith(t, d, ghent, "three", "y", "z")
	releaseWith(t, d, ghent, "four", "z")
	keys := []string{"known", "one", "two", "three", "four"}
	says := func(step string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, compared(t, d, ghent.Tenant.ID, keys...)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step, diff)
		}
	}
	says("nobody knows what three of them are of", "[]", "[]", "[]", "[]", "[]")
	one.GTIN, two.GTIN, three.GTIN = known.GTIN, known.GTIN, known.GTIN
	refresh()
	says("the GTINs came", "[{seen_again 2}]", "[{seen_before 1} {seen_again 2}]",
		"[{seen_before 3} {seen_again 1}]", "[{seen_before 1}]", "[]")
	three.GTIN = four.GTIN
	refresh()
	says("a GTIN changed", "[{seen_again 2}]", "[{seen_before 1} {seen_again 2}]",
		"[{seen_before 3} {seen_again 1}]", "[{seen_before 1} {seen_again 1}]", "[{seen_before 1}]")
	if o := order(t, d, basel.Tenant.ID, "theirs"); len(o.Release.Oddities) != 0 {
		t.Errorf("another tenant's order is flagged: %v", o.Release.Oddities)
	}
}

// Who looked at a list while nothing was odd about it looks again once its serials came with another order too.
func TestAListThatIsFoundOddLaterNeedsAnotherLook(t *testing.T) {
	d, ghent, _ := opened(t)
	early, late := facts("early"), facts("late")
	late.GTIN = ""
	cache(t, d, ghent.Tenant.ID, early, late)
	releaseWith(t, d, ghent, "late", "shared", "l")
	releaseWith(t, d, ghent, "early", "shared", "e")
	look := func(key, comment string) {
		t.Helper()
		o := order(t, d, ghent.Tenant.ID, key)
		if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, comment); err != nil {
			t.Error(err)
		}
		if o := order(t, d, ghent.Tenant.ID, key); o.NeedsLook() || !o.Release.Seen.Given() {
			t.Errorf("%s after a look: %+v", key, o.Release)
		}
	}
	look("late", "")
	look("early", "")
	late.GTIN = early.GTIN
	cache(t, d, ghent.Tenant.ID, early, late)
	want := []string{"[{seen_again 1}]", "[{seen_before 1}]"}
	if diff := cmp.Diff(want, compared(t, d, ghent.Tenant.ID, "late", "early")); diff != "" {
		t.Error(diff)
	}
	look("late", "set aside")
	look("early", "set aside")
	if err := d.CompareLists(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := order(t, d, ghent.Tenant.ID, "late"); o.NeedsLook() {
		t.Error("another comparison that finds nothing more wants another look")
	}
}

// A list waits for the writer while the GTIN of another order comes.
func TestAListThatComesWhileAGTINDoesIsComparedWithItToo(t *testing.T) {
	d, ghent, _ := opened(t)
	early, late := facts("early"), facts("late")
	early.GTIN = ""
	cache(t, d, ghent.Tenant.ID, early, late)
	releaseWith(t, d, ghent, "early", "shared", "e")
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, ghent.Tenant.ID, "late").ID})
	if err != nil {
		t.Fatal(err)
	}
	gtinComes := func(tx *tx) error {
		if err := tx.exec(`UPDATE orders SET gtin = ? WHERE order_key = 'early'`, late.GTIN); err != nil {
			return err
		}
		return tx.exec(`DELETE FROM lists_to_compare`) // compared already, without the list that waits
	}
	ended := meanwhile(t, d, gtinComes, func() error {
		_, err := d.Settle(t.Context(), claimed, released("shared", "l"))
		return err
	})
	if ended[0] != nil {
		t.Fatal(ended[0])
	}
	want := []string{"[{seen_again 1}]", "[{seen_before 1}]"}
	if diff := cmp.Diff(want, compared(t, d, ghent.Tenant.ID, "early", "late")); diff != "" {
		t.Error(diff)
	}
}

// A list comes while another one is compared with what there was.
func TestAListThatComesDuringAComparisonIsCountedOnce(t *testing.T) {
	d, ghent, _ := opened(t)
	one, two, three := facts("one"), facts("two"), facts("three")
	one.GTIN = ""
	cache(t, d, ghent.Tenant.ID, one, two, three)
	releaseWith(t, d, ghent, "one", "a", "b")
	releaseWith(t, d, ghent, "two", "a")
	one.GTIN = two.GTIN
	cache(t, d, ghent.Tenant.ID, one, two, three)
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, ghent.Tenant.ID, "three").ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range meanwhile(t, d, nothing, func() error {
		_, err := d.Settle(t.Context(), claimed, released("b"))
		return err
	}, func() error { return d.CompareLists(t.Context()) }) {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"[{seen_again 2}]", "[{seen_before 1}]", "[{seen_before 1}]"}
	if diff := cmp.Diff(want, compared(t, d, ghent.Tenant.ID, "one", "two", "three")); diff != "" {
		t.Error(diff)
	}
}

func TestTwoListsOfOneOrderAreComparedEvenIfNobodyKnowsWhatItIsOf(t *testing.T) {
	d, ghent, _ := opened(t)
	f := facts("a")
	f.GTIN = ""
	cache(t, d, ghent.Tenant.ID, f)
	releaseWith(t, d, ghent, "a", "s1", "s2")
	for _, f.Status = range []packaging.Status{packaging.InProgress, packaging.PendingRelease} {
		cache(t, d, ghent.Tenant.ID, f)
	}
	o := order(t, d, ghent.Tenant.ID, "a")
	if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, ""); err != nil {
		t.Fatal(err)
	}
	o = order(t, d, ghent.Tenant.ID, "a")
	claimed, err := d.Claim(t.Context(), ghent, again(o))
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Settle(t.Context(), claimed, released("s2", "s3"))
	if err != nil {
		t.Fatal(err)
	}
	earlier, err := d.EarlierReleases(t.Context(), ghent.Scope(), o.ID)
	if err != nil || len(earlier) != 1 || fmt.Sprint(earlier[0].Oddities, r.Oddities) !=
		"[{seen_again 1}] [{seen_before 1}]" {
		t.Errorf("earlier %+v, later %v, %v", earlier, r.Oddities, err)
	}
}

// A release's answer with a long list can't wait for one that waits for an import.
func TestNoLongListWaitsForAComparisonThatWaitsForTheWriter(t *testing.T) {
	d, ghent, _ := opened(t)
	d.longLists = semaphore.NewWeighted(1)
	f := facts("long")
	f.GTIN = ""
	cache(t, d, ghent.Tenant.ID, f)
	serials := make([]string, maxUnstaged+1)
	for i := range serials {
		serials[i] = strconv.Itoa(i)
	}
	releaseWith(t, d, ghent, "long", serials...)
	f.GTIN = "09506000134352"
	cache(t, d, ghent.Tenant.ID, f)
	if err := meanwhile(t, d, func(*tx) error {
		if !d.longLists.TryAcquire(1) {
			return errors.New("a long list that comes now waits for the comparison")
		}
		d.longLists.Release(1)
		return nil
	}, func() error { return d.CompareLists(t.Context()) })[0]; err != nil {
		t.Error(err)
	}
}

// An import may have thousands of lists wait.
func TestWhatWaitsForAListIsForgottenWithoutReadingAllThatWaits(t *testing.T) {
	d, _, _ := opened(t)
	plan, err := collect(t.Context(), d.read, func(row scanner) (step string, err error) {
		var ignored int
		return step, row.Scan(&ignored, &ignored, &ignored, &step)
	}, `EXPLAIN QUERY PLAN `+forgetCompared, 1, 1)
	if err != nil || len(plan) != 1 || !strings.Contains(plan[0], "(list=?") {
		t.Errorf("%q, %v", plan, err)
	}
}
