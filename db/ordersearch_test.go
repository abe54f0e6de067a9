package db

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

// manyOrders caches more orders than a search sorts, in all statuses and on several lines, and gives them as they are.
func manyOrders(t *testing.T, d *DB, by packaging.Person) []packaging.Order {
	t.Helper()
	for _, code := range []string{"L3", "L4"} {
		if err := d.AddLine(
			t.Context(), become(t, d, by, packaging.Administrator), packaging.Line{Code: code, Name: "Line " + code},
		); err != nil {
			t.Fatal(err)
		}
	}
	statuses := append(slices.Clone(packaging.Statuses), "Frozen", "Aborted", packaging.Done, packaging.Done)
	lines := []string{"L1", "L3", "L4", "L8", "l9", "", "L1", "L1", "L1", "L1"}
	var listed []packaging.Facts
	for i := range maxCandidates + 600 {
		f := facts(fmt.Sprintf("PO-%05d", i*7919%100_000))
		f.Status, f.LineCode = statuses[i%len(statuses)], lines[i*31%len(lines)]
		f.Product, f.Lot = fmt.Sprintf("Paracetamol %d mg", 100*(i%20)), fmt.Sprintf("LOT%04d", i*37%1000)
		f.Expiry, f.Quantity = fmt.Sprintf("20%02d-05-31", 27+i%5), strconv.Itoa(i*13%997)
		listed = append(listed, f)
	}
	refresh(t, d, by.Tenant.ID, packaging.Refresh{Listed: listed})
	var gone []string
	for i := 5; i < len(listed); i += 50 {
		gone = append(gone, listed[i].Key)
	}
	refresh(t, d, by.Tenant.ID, packaging.Refresh{Gone: gone})
	all, err := collect(t.Context(), d.read, scanOrder, selectOrder+`WHERE o.tenant_id = ?`, by.Tenant.ID)
	if err != nil || len(all) != len(listed) {
		t.Fatal(len(all), err)
	}
	return all
}

var sortedBy = map[packaging.OrderColumn]func(a, b packaging.Order) int{
	packaging.SortByArrival: func(a, b packaging.Order) int { return cmp.Compare(b.ID, a.ID) },
	packaging.SortByStatus: func(a, b packaging.Order) int {
		return cmp.Or(cmp.Compare(a.Status.Urgency(), b.Status.Urgency()), cmp.Compare(a.Status, b.Status))
	},
	packaging.SortByKey:     func(a, b packaging.Order) int { return cmp.Compare(a.Key, b.Key) },
	packaging.SortByProduct: func(a, b packaging.Order) int { return cmp.Compare(a.Product, b.Product) },
	packaging.SortByLot:     func(a, b packaging.Order) int { return cmp.Compare(a.Lot, b.Lot) },
	packaging.SortByExpiry:  func(a, b packaging.Order) int { return cmp.Compare(a.Expiry, b.Expiry) },
	packaging.SortByQuantity: func(a, b packaging.Order) int {
		one, _ := strconv.ParseFloat(a.Quantity, 64)
		other, _ := strconv.ParseFloat(b.Quantity, 64)
		return cmp.Compare(one, other)
	},
	packaging.SortByLine: func(a, b packaging.Order) int {
		place := func(o packaging.Order) string {
			if o.Line.ID == 0 {
				return "~" + strings.ToLower(o.APILine())
			}
			return o.Line.Code + strconv.FormatBool(o.Gone) + strconv.Itoa(o.Status.Urgency())
		}
		return cmp.Compare(place(a), place(b))
	},
}

func TestSearchesForOrders(t *testing.T) {
	thorough.Once(t)
	d, ghent, _ := opened(t)
	all := manyOrders(t, d, ghent)
	t.Run("give what matches before it is indexed", func(t *testing.T) {
		searchInAnyOrder(t, d, ghent, all, packaging.SortByArrival)
	})
	if err := d.IndexOrders(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("give what matches in any order", func(t *testing.T) {
		searchInAnyOrder(t, d, ghent, all, slices.Collect(maps.Keys(sortedBy))...)
	})
	t.Run("count by status up to a thousand", func(t *testing.T) { countByStatus(t, d, ghent, all) })
	t.Run("read along an index", func(t *testing.T) { readAlongAnIndex(t, d, ghent, all) })
}

func searchInAnyOrder(
	t *testing.T, d *DB, ghent packaging.Person, all []packaging.Order, columns ...packaging.OrderColumn,
) {
	t.Helper()
	lines, err := d.Lines(t.Context(), ghent.Scope())
	if err != nil {
		t.Fatal(err)
	}
	id := map[string]packaging.LineID{}
	for _, l := range lines {
		id[l.Code] = l.ID
	}
	limited := packaging.Person{Tenant: ghent.Tenant, Lines: []packaging.LineID{id["L3"], id["L4"]}}
	has := func(o packaging.Order, text string) bool {
		for _, in := range []string{o.Key, o.Product, o.GTIN, o.Lot} {
			if strings.Contains(strings.ToLower(in), strings.ToLower(text)) {
				return true
			}
		}
		return false
	}
	for name, test := range map[string]struct {
		in     packaging.Scope
		filter packaging.OrderFilter
		is     func(packaging.Order) bool
	}{
		"all": {is: func(packaging.Order) bool { return true }},
		"a status": {
			filter: packaging.OrderFilter{Status: packaging.Suspended},
			is:     func(o packaging.Order) bool { return o.Status == packaging.Suspended },
		},
		"another one": {
			filter: packaging.OrderFilter{Status: "Frozen"},
			is:     func(o packaging.Order) bool { return o.Status == "Frozen" },
		},
		"open ones": {
			filter: packaging.OrderFilter{Open: true},
			is:     func(o packaging.Order) bool { return !o.Gone && o.Status != packaging.Done },
		},
		"a line": {
			filter: packaging.OrderFilter{LineID: id["L3"]},
			is:     func(o packaging.Order) bool { return o.Line.Code == "L3" },
		},
		"no line": {
			filter: packaging.OrderFilter{NoLine: true},
			is:     func(o packaging.Order) bool { return o.Line.ID == 0 && o.LineCode == "" },
		},
		"another line": {
			filter: packaging.OrderFilter{APILine: "L9"},
			is:     func(o packaging.Order) bool { return o.LineCode == "l9" },
		},
		"a common text": {
			filter: packaging.OrderFilter{Text: "CETAMOL"}, is: func(packaging.Order) bool { return true },
		},
		"a short text": {
			filter: packaging.OrderFilter{Text: "t7"}, is: func(o packaging.Order) bool { return has(o, "t7") },
		},
		"a part of an ID": {
			filter: packaging.OrderFilter{Text: "-0791"}, is: func(o packaging.Order) bool { return has(o, "-0791") },
		},
		"a text over two words": {
			filter: packaging.OrderFilter{Text: "mol 1700 M"},
			is:     func(o packaging.Order) bool { return has(o, "mol 1700 m") },
		},
		"two columns": {
			filter: packaging.OrderFilter{Text: "700 mg" + "\n" + "095"},
			is:     func(packaging.Order) bool { return false },
		},
		"signs": {filter: packaging.OrderFilter{Text: `"%_"`}, is: func(packaging.Order) bool { return false }},
		"a common text of a status": {
			filter: packaging.OrderFilter{Text: "para", Status: packaging.Open},
			is:     func(o packaging.Order) bool { return o.Status == packaging.Open },
		},
		"some lines": {in: limited.Scope(), is: func(o packaging.Order) bool {
			return o.Line.Code == "L3" ||
				o.Line.Code == "L4"
		}},
		"a text on some lines": {
			in: limited.Scope(), filter: packaging.OrderFilter{Text: "lot"},
			is: func(o packaging.Order) bool { return o.Line.Code == "L3" || o.Line.Code == "L4" },
		},
	} {
		var match []packaging.Order
		for _, o := range all {
			if test.is(o) {
				match = append(match, o)
			}
		}
		if test.in.Tenant() == 0 {
			test.in = packaging.Everything(ghent.Tenant.ID)
		}
		for _, by := range columns {
			compare := sortedBy[by]
			for _, descending := range []bool{false, true} {
				want := slices.Clone(match)
				slices.SortFunc(want, func(a, b packaging.Order) int {
					n := cmp.Or(compare(a, b), cmp.Compare(a.ID, b.ID))
					if descending {
						n = -n
					}
					return n
				})
				f := test.filter
				f.Sort, f.Limit = packaging.OrderSort{By: by, Descending: descending}, 60
				var got []string
				for range 3 {
					page, err := d.SearchOrders(t.Context(), test.in, f)
					if err != nil {
						t.Fatalf("%s by %q: %v", name, by, err)
					}
					got = append(got, keys(page.Orders)...)
					if f.Before = page.Next; f.Before == 0 {
						break
					}
				}
				if diff := gocmp.Diff(keys(want[:min(len(want), 180)]), got); diff != "" {
					t.Fatalf("%s by %q, descending %t (-want +got)\n%s", name, by, descending, diff)
				}
			}
		}
	}
}

func keys(orders []packaging.Order) (all []string) {
	for _, o := range orders {
		all = append(all, o.Key)
	}
	return all
}

func countByStatus(t *testing.T, d *DB, ghent packaging.Person, all []packaging.Order) {
	t.Helper()
	line := all[slices.IndexFunc(all, func(o packaging.Order) bool { return o.Line.Known() })].Line.ID
	limited := packaging.Person{Tenant: ghent.Tenant, Lines: []packaging.LineID{line}}
	for name, in := range map[string]packaging.Scope{
		"all": packaging.Everything(ghent.Tenant.ID), "a line": limited.Scope(),
	} {
		want, got := map[packaging.Status]int{}, map[packaging.Status]int{}
		for _, o := range all {
			if name == "all" || o.Line.ID == line {
				want[o.Status] = min(want[o.Status]+1, packaging.MaxCount+1)
			}
		}
		counts, err := d.CountOrders(t.Context(), in, packaging.OrderFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			got[c.Status] = c.Orders
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if all[0].Status.Urgency() != 1 {
		t.Error(all[0].Status)
	}
}

// planned asks how SQLite carries out each query before it does.
type planned struct {
	querier
	steps []string
}

func (p *planned) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	steps, err := collect(ctx, p.querier, func(row scanner) (detail string, err error) {
		var id, parent, unused int
		return detail, row.Scan(&id, &parent, &unused, &detail)
	}, `EXPLAIN QUERY PLAN `+query, args...)
	if err != nil {
		return nil, err
	}
	p.steps = append(p.steps, steps...)
	return p.querier.QueryContext(ctx, query, args...)
}

func (p *planned) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if rows, err := p.QueryContext(ctx, query, args...); err == nil {
		_ = rows.Close()
	}
	return p.querier.QueryRowContext(ctx, query, args...)
}

// allOrders is the step of a plan that reads all orders.
var allOrders = regexp.MustCompile(`SCAN o\b`)

// A page must take as long among a million orders as among a hundred.
func readAlongAnIndex(t *testing.T, d *DB, ghent packaging.Person, all []packaging.Order) {
	t.Helper()
	for by, s := range orderSorts {
		for _, before := range []packaging.OrderID{0, all[1000].ID} {
			p := &planned{querier: d.slow}
			if _, err := ordersAlong(t.Context(), p, s, where{}, ghent.Scope(),
				packaging.OrderFilter{Sort: packaging.OrderSort{By: by}, Before: before, Limit: 50}); err != nil {
				t.Fatal(err)
			}
			plan := strings.Join(p.steps, "\n")
			// The page itself is sorted again, and nothing else.
			if strings.Count(plan, "TEMP B-TREE") > 1 || allOrders.MatchString(plan) {
				t.Errorf("by %q before %d:\n%s", by, before, plan)
			}
		}
	}
	for _, f := range []packaging.OrderFilter{
		{Text: "para"},
		{Status: packaging.Done},
		{Text: "para", Before: all[1000].ID},
		{Status: packaging.Done, Before: all[1000].ID},
	} {
		p := &planned{querier: d.slow}
		f.Limit = 50
		if _, err := ordersAlong(t.Context(), p, byArrival, where{}, ghent.Scope(), f); err != nil {
			t.Fatal(err)
		}
		if plan := strings.Join(p.steps, "\n"); strings.Count(plan, "TEMP B-TREE") > 1 || allOrders.MatchString(plan) {
			t.Errorf("%+v:\n%s", f, plan)
		}
	}
}

// What comes bit by bit makes many parts of the index, and each search would look into all of them.
func TestTheIndexOfManyOrdersIsOfOnePart(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	parts := func() (n int) {
		t.Helper()
		if err := d.read.QueryRowContext(
			t.Context(), `SELECT count(DISTINCT segid) FROM orders_index_idx`,
		).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, key := range []string{"PO-1", "PO-2", "PO-3"} {
		d.indexed.Store(mergedAfter - maxIndexed) // one more is not yet many
		cache(t, d, tenant, facts(key))
		if err := d.IndexOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := parts(); n < 2 {
		t.Fatalf("the index has %d parts before", n)
	}
	d.indexed.Store(mergedAfter)
	cache(t, d, tenant, facts("PO-4"))
	if err := d.IndexOrders(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := parts(); n != 1 {
		t.Errorf("the index has %d parts", n)
	}
	page, err := d.SearchOrders(t.Context(), ghent.Scope(), packaging.OrderFilter{Text: "PO-", Limit: 5})
	if err != nil || len(page.Orders) != 4 {
		t.Errorf("found %d orders: %v", len(page.Orders), err)
	}
	if _, err := d.write.ExecContext(
		t.Context(), `INSERT INTO orders_index (orders_index) VALUES ('integrity-check')`,
	); err != nil {
		t.Error(err)
	}
}

func TestAnOrderThatIsRewordedIsFoundByItsNewWordsAlone(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	was, is := facts("a"), facts("a")
	was.Lot, is.Lot = "EARLY-1", "LATE-22"
	found := func(text string) int {
		page, err := d.SearchOrders(t.Context(), ghent.Scope(), packaging.OrderFilter{Text: text, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Orders)
	}
	for _, indexed := range []bool{false, true} {
		for _, one := range []struct {
			now, old packaging.Facts
		}{{was, is}, {is, was}} {
			cache(t, d, tenant, one.now)
			if indexed {
				if err := d.IndexOrders(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if found(one.now.Lot) != 1 || found(one.old.Lot) != 0 {
				t.Errorf(
					"indexed %t, %s: found %d, and %d by %s", indexed, one.now.Lot, found(one.now.Lot),
					found(one.old.Lot), one.old.Lot,
				)
			}
		}
	}
	if _, err := d.write.ExecContext(
		t.Context(), `INSERT INTO orders_index (orders_index) VALUES ('integrity-check')`,
	); err != nil {
		t.Error(err)
	}
}

// Words are indexed while lists are compared, which takes minutes after an import.
func TestAChangeOfAnOrderWakesThoseWhoIndexAndThoseWhoCompare(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("a"), facts("b"))
	for name, woken := range map[string]<-chan struct{}{"index": d.Unindexed(), "compare": d.Uncompared()} {
		select {
		case <-woken:
		default:
			t.Errorf("those who %s sleep", name)
		}
	}
}
