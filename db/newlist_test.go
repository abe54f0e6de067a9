package db

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

// queued returns how many transactions wait for the writer.
func (t *turns) queued() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, waiting := range t.waiting {
		n += len(waiting)
	}
	return n
}

// meanwhile changes something in a transaction that the others wait for: each has begun, and read what it reads outside
// the writer, before the change is committed. It returns how each of them ended.
func meanwhile(t *testing.T, d *DB, change func(*tx) error, others ...func() error) []error {
	t.Helper()
	ends := make([]chan error, len(others))
	if err := d.tx(t.Context(), func(tx *tx) error {
		for i, other := range others {
			ends[i] = make(chan error, 1)
			go func() { ends[i] <- other() }()
			for d.turns.queued() <= i {
				select {
				case err := <-ends[i]:
					return fmt.Errorf("number %d did not wait for the writer: %w", i, err)
				default:
					runtime.Gosched()
				}
			}
		}
		return change(tx)
	}); err != nil {
		t.Fatal(err)
	}
	ended := make([]error, len(others))
	for i, end := range ends {
		ended[i] = <-end
	}
	return ended
}

func nothing(*tx) error { return nil }

func TestASerialThatTwoLinesGetAtTheSameTimeIsFlaggedWithBothOrders(t *testing.T) {
	d, ghent, basel := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("first"), facts("second"))
	cache(t, d, basel.Tenant.ID, facts("theirs"))
	claim := func(p packaging.Person, key string) packaging.Order {
		o, err := d.Claim(t.Context(), p, packaging.Press{Order: order(t, d, p.Tenant.ID, key).ID})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	first, second, theirs := claim(ghent, "first"), claim(ghent, "second"), claim(basel, "theirs")
	settle := func(o packaging.Order, serials ...string) func() error {
		return func() error {
			_, err := d.Settle(t.Context(), o, released(serials...))
			return err
		}
	}
	if err := errors.Join(
		meanwhile(
			t, d, nothing, settle(first, "shared", "a"), settle(theirs, "shared", "x"), settle(second, "b", "shared"),
		)...,
	); err != nil {
		t.Fatal(err)
	}
	earlier, later := "first", "second"
	answered := func(key string) time.Time { return order(t, d, ghent.Tenant.ID, key).Release.Answered }
	if answered(later).Before(answered(earlier)) {
		earlier, later = later, earlier
	}
	for key, want := range map[string][]packaging.Oddity{
		earlier: {{Kind: packaging.SeenAgain, Count: 1}}, later: {{Kind: packaging.SeenBefore, Count: 1}},
	} {
		o := order(t, d, ghent.Tenant.ID, key)
		if diff := cmp.Diff(want, o.Release.Oddities); diff != "" || !o.NeedsLook() {
			t.Errorf("%s needs a look: %v (-want +got)\n%s", key, o.NeedsLook(), diff)
		}
		recorded := slices.ContainsFunc(entries(t, d, ghent.Tenant.ID), func(e packaging.Entry) bool {
			return e.Deed == packaging.ListOdd && e.OrderKey == key && e.New == fmt.Sprintf("%s 1", want[0].Kind)
		})
		if !recorded {
			t.Errorf("the history does not tell what is odd about %s", key)
		}
	}
	if o := order(t, d, basel.Tenant.ID, "theirs"); len(o.Release.Oddities) != 0 {
		t.Errorf("another tenant's order is flagged: %v", o.Release.Oddities)
	}
}

func TestSerialsThatCameBeforeAreFlaggedOfTheSameProductAlone(t *testing.T) {
	d, ghent, _ := opened(t)
	other := facts("other product")
	other.GTIN = "09506000134369"
	cache(t, d, ghent.Tenant.ID, facts("first"), facts("second"), facts("third"), other)
	for _, step := range []struct {
		key  string
		list []string
		odd  map[string]string // of each order by then
	}{
		{"first", []string{"a", "b"}, map[string]string{"first": "[]"}},
		{"other product", []string{"a", "b"}, map[string]string{"first": "[]", "other product": "[]"}},
		{"second", []string{"a", "c"}, map[string]string{"first": "[{seen_again 1}]", "second": "[{seen_before 1}]"}},
		{"third", []string{"a", "c"}, map[string]string{
			"first": "[{seen_again 2}]", "second": "[{seen_before 1} {seen_again 2}]", "third": "[{seen_before 2}]",
			"other product": "[]",
		}},
	} {
		o, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, ghent.Tenant.ID, step.key).ID})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Settle(t.Context(), o, released(step.list...)); err != nil {
			t.Fatal(err)
		}
		for key, want := range step.odd {
			if o := order(t, d, ghent.Tenant.ID, key); fmt.Sprint(o.Release.Oddities) != want {
				t.Errorf("after %s, %s has %v, want %s", step.key, key, o.Release.Oddities, want)
			}
		}
	}
	for name, statement := range map[string]string{
		"an oddity forgotten":                `UPDATE releases SET oddities = '[]', flagged_at = 1 WHERE oddities LIKE '%seen_before%'`,
		"an oddity that nobody flagged":      `UPDATE releases SET oddities = '[{"Kind":"seen_again","Count":1}]' WHERE oddities = '[]'`,
		"a list that is another's by a flag": `UPDATE releases SET list_source = 'details', flagged_at = 1`,
		"a list that grows by a flag":        `UPDATE releases SET serials_received = 3, flagged_at = 1`,
	} {
		refusedBySchema(t, d, name, statement)
	}
}

func TestAnOddListIsRecordedWhereverItCameFrom(t *testing.T) {
	d, ghent, _ := opened(t)
	elsewhere := facts("by a person")
	elsewhere.Status = packaging.InProgress
	cache(t, d, ghent.Tenant.ID, elsewhere, facts("by a status"))
	if err := d.AddList(
		t.Context(), ghent, order(t, d, ghent.Tenant.ID, "by a person").ID, 0, 0, []string{"a", "a", "b"},
	); err != nil {
		t.Fatal(err)
	}
	o, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, ghent.Tenant.ID, "by a status").ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(
		t.Context(), o, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut},
	); err != nil {
		t.Fatal(err)
	}
	settled := packaging.Settlement{Outcome: packaging.Released, Status: packaging.InProgress, Serials: []string{"c"}}
	if err := d.SettleByStatus(t.Context(), order(t, d, ghent.Tenant.ID, "by a status"), settled); err != nil {
		t.Fatal(err)
	}
	type recorded struct{ order, by, says string }
	var got []recorded
	for _, e := range entries(t, d, ghent.Tenant.ID) {
		if e.Deed == packaging.ListOdd {
			got = append(got, recorded{e.OrderKey, e.By.Username, e.New})
		}
	}
	want := []recorded{
		{"by a status", "lineboard", "wrong_count 1"},
		{"by a person", "ghent-boss", "wrong_count 3, duplicates 1"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(recorded{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAReleaseIsSettledByItsAnswerOnce(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	settle := func() error {
		_, err := d.Settle(t.Context(), claimed, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut})
		return err
	}
	if err := settle(); err != nil {
		t.Fatal(err)
	}
	if err := settle(); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("settled twice: %v", err)
	}
	if _, err := d.Settle(t.Context(), claimed, released("a", "b")); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("an unknown release is settled by a late answer: %v", err)
	}
}

// The list is of the product that the order has when it comes.
func TestAListIsOfTheProductThatTheOrderHasByThen(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("first"), facts("second"))
	claim := func(key string) packaging.Order {
		o, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, ghent.Tenant.ID, key).ID})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	first, second := claim("first"), claim("second")
	if _, err := d.Settle(t.Context(), first, released("a", "b")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(meanwhile(t, d, func(tx *tx) error {
		return tx.exec(`UPDATE orders SET gtin = '09506000134369' WHERE order_key = 'second'`)
	}, func() error {
		_, err := d.Settle(t.Context(), second, released("a", "b"))
		return err
	})...); err != nil {
		t.Fatal(err)
	}
	if odd := order(t, d, ghent.Tenant.ID, "second").Release.Oddities; len(odd) > 0 {
		t.Errorf("serials of another product are flagged: %v", odd)
	}
	found, err := d.FindPacks(t.Context(), ghent.Scope(), []packaging.PackID{{GTIN: "09506000134369", Serial: "a"}})
	if err != nil || len(found) != 1 || found[0].Order != second.ID {
		t.Errorf("found %v, %v", found, err)
	}
}

// A person adds the list of one release, while the GTIN of its order changes: the list is prepared anew, of that release.
func TestAListThatIsAddedWhileItsOrderChangesIsThatOfItsRelease(t *testing.T) {
	d, ghent, _ := opened(t)
	first := unknownRelease(t, d, ghent, "twice")
	out := packaging.Settlement{Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress}
	if err := d.SettleByStatus(t.Context(), first, out); err != nil {
		t.Fatal(err)
	}
	if err := d.Acknowledge(t.Context(), ghent, first.ID, first.Release.ID, "counted"); err != nil {
		t.Fatal(err)
	}
	second, err := d.Claim(t.Context(), ghent, again(becomes(t, d, first, packaging.PendingRelease)))
	if err == nil {
		_, err = d.Settle(t.Context(), second, released("s3", "s4"))
	}
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := facts("elsewhere")
	elsewhere.Status = packaging.InProgress
	never := cache(t, d, ghent.Tenant.ID, elsewhere)
	for name, c := range map[string]struct {
		of     packaging.Order
		number int
		list   packaging.ListID
	}{
		"of the first of two releases":            {first, 1, packaging.ListOf(first.ID, 0)},
		"of an order that was released elsewhere": {never, 0, packaging.ListOf(never.ID, 0)},
	} {
		if err := errors.Join(meanwhile(t, d, func(tx *tx) error {
			return tx.exec(`UPDATE orders SET gtin = '09506000134369' WHERE id = ?`, c.of.ID)
		}, func() error {
			return d.AddList(t.Context(), ghent, c.of.ID, c.number, 0, []string{"s1", "s2"})
		})...); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list, err := d.Serials(t.Context(), ghent.Scope(), c.list, 0, 10)
		if err != nil || len(list) != 2 || list[0].Value != "s1" || list[1].Value != "s2" {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
}

// What an order is of can become known, or be corrected, after its list came.
func TestAListFollowsTheGTINOfItsOrder(t *testing.T) {
	d, ghent, _ := opened(t)
	early, late, again := facts("early"), facts("late"), facts("again")
	late.GTIN = ""
	cache(t, d, ghent.Tenant.ID, early, late, again)
	release := func(key string, serials ...string) packaging.Release {
		o, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, ghent.Tenant.ID, key).ID})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Settle(t.Context(), o, released(serials...))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	found := func(gtin, serial string) (all []packaging.PackFound) {
		all, err := d.FindPacks(t.Context(), ghent.Scope(), []packaging.PackID{{GTIN: gtin, Serial: serial}})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	release("early", "e1")
	release("late", "l1", "l2", "e1")
	if all := found("09506000134352", "l2"); len(all) != 0 {
		t.Errorf("before the GTIN is known: %v", all)
	}
	late.GTIN = "9506000134352" // as the API spells it
	cache(t, d, ghent.Tenant.ID, early, late, again)
	lateID := order(t, d, ghent.Tenant.ID, "late").ID
	want := packaging.PackFound{PackID: packaging.PackID{GTIN: "9506000134352", Serial: "l2"}, Order: lateID, Place: 2}
	if diff := cmp.Diff([]packaging.PackFound{want}, found("9506000134352", "l2")); diff != "" {
		t.Error(diff)
	}
	r := release("again", "l1", "e1", "new")
	if i := slices.IndexFunc(r.Oddities, func(odd packaging.Oddity) bool {
		return odd.Kind == packaging.SeenBefore
	}); i < 0 || r.Oddities[i].Count != 2 {
		t.Errorf("serials of a list whose GTIN came late: %v", r.Oddities)
	}
	late.GTIN = "09506000134369"
	cache(t, d, ghent.Tenant.ID, early, late, again)
	for _, gtin := range []string{"9506000134352", "09506000134369"} {
		if all := found(gtin, "l2"); len(all) != 1 || all[0].Order != lateID || !all[0].GTINChanged {
			t.Errorf("%s: %v", gtin, all)
		}
	}
	if all := found("09506000134369", "new"); len(all) != 0 {
		t.Errorf("a list of another order follows too: %v", all)
	}
	for _, statement := range []string{`UPDATE list_gtins SET gtin = 'other'`, `DELETE FROM list_gtins`} {
		if err := d.tx(t.Context(), func(tx *tx) error { return tx.exec(statement) }); err == nil {
			t.Errorf("%s is possible", statement)
		}
	}
}

// A site has millions of entries after years, and a release with a list asks this while it holds the writer.
func TestAListLooksForNewOnesInTheNewestEntriesAlone(t *testing.T) {
	d, ghent, _ := opened(t)
	plan, err := collect(t.Context(), d.read, func(row scanner) (step string, err error) {
		var ignored int
		return step, row.Scan(&ignored, &ignored, &ignored, &step)
	}, `EXPLAIN QUERY PLAN `+newLists, 0, ghent.Tenant.ID, "[]", 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(plan, func(step string) bool {
		return strings.HasPrefix(step, "SEARCH h ") && strings.Contains(step, "rowid>?")
	}) {
		t.Errorf("reads other entries:\n%s", strings.Join(plan, "\n"))
	}
	for _, step := range plan {
		if strings.HasPrefix(step, "SEARCH e ") && !strings.Contains(step, "order_key=?") ||
			strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "json_each") {
			t.Errorf("reads all entries or releases: %s", step)
		}
	}
}
