package orders_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/testkit/site"
)

func TestOrdersAreFoundByTextStatusAndLine(t *testing.T) {
	t.Parallel()
	all := handlerstest.RemoteOrders(
		"Order_1", "Open", "Order%2", "Pending release", "Xrder3", "Waiting for QA", "Order4", "Done",
	)
	all[2].Lot, all[3].LineCode, all[3].LineName = "LOT-Ü77", "L2", "Bottle line 2"
	s := site.New(t, site.Options{Orders: all})
	b := s.SignIn("auditor1")
	for query, want := range map[string][]string{
		"":                           {"Order%2", "Xrder3", "Order_1"}, // the sandbox does not list Done
		"q=rder":                     {"Xrder3", "Order%2", "Order_1"},
		"q=ORDER_1":                  {"Order_1"},
		"q=%25":                      {"Order%2"},
		"q=_":                        {"Order_1"},
		"q=LOT-":                     {"Xrder3"},
		"q=05412345101437":           {"Xrder3", "Order%2", "Order_1"},
		"status=Open":                {"Order_1"},
		"status=Waiting+for+QA":      {"Xrder3"},
		"line=l1":                    {"Order%2", "Xrder3", "Order_1"},
		"line=L2":                    {},
		"q=rder&status=Open&line=L1": {"Order_1"},
		"q='+OR+1=1+--":              {},
	} {
		if diff := cmp.Diff(want, b.Get("/orders?"+query).All("tbody .key")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", query, diff)
		}
	}
	if chips := b.Get("/orders").All(".status-chips .button"); !strings.Contains(
		strings.Join(chips, "|"), "Waiting for QA",
	) {
		t.Errorf("the statuses offered are %q", chips)
	}
}

func TestOrdersAreSortedByAnyColumn(t *testing.T) {
	t.Parallel()
	all := handlerstest.RemoteOrders("B", "Suspended", "C", "Pending release", "A", "Open", "D", "Pending release")
	for i, o := range []struct {
		lot, product, expiry string
		quantity             int
	}{
		{"4", "d", "2029-01-01", 9},
		{"3", "c", "2028-01-01", 10},
		{"2", "b", "2027-01-01", 100},
		{"1", "a", "2026-01-01", 1},
	} {
		all[i].Lot, all[i].Product, all[i].Expiry, all[i].Quantity = o.lot, o.product, o.expiry, o.quantity
	}
	all[0].LineCode, all[0].LineName = "L2", "Bottle line 2"
	s := site.New(t, site.Options{Orders: all})
	b := s.SignIn("auditor1")
	for sort, want := range map[string]string{
		"": "CDBA", "status": "CDBA", "-status": "ABDC", "newest": "DACB", "key": "ABCD", "-key": "DCBA",
		"line":    "CDAB",
		"product": "DACB", "-product": "BCAD", "lot": "DACB", "expiry": "DACB", "quantity": "DBCA", "-quantity": "ACBD",
	} {
		if got := strings.Join(b.Get("/orders?sort="+sort).All("tbody .key"), ""); got != want {
			t.Errorf("sorted by %q: %s, want %s", sort, got, want)
		}
	}
	if a := b.Get("/orders?sort=serials"); a.Status != http.StatusBadRequest {
		t.Errorf("a column that there is none of: %d", a.Status)
	}
	byLot := b.Get("/orders?q=&sort=lot")
	if way := byLot.Attr("th.cell-lot", "aria-sort"); way != "ascending" {
		t.Errorf("the head of the lots says %q", way)
	}
	if to := byLot.Attr("th.cell-lot a", "href"); to != "/orders?sort=-lot" {
		t.Errorf("a second press of a head leads to %q", to)
	}
	if to := byLot.Attr("th.cell-product a", "href"); to != "/orders?sort=product" {
		t.Errorf("a press of another head leads to %q", to)
	}
}

func TestStatusesAreCountedAndTheCountsOfALaneLeadToThem(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders(
		"A", "Pending release", "B", "Pending release", "C", "Suspended", "D", "Open",
	)})
	b := s.SignIn("operator1")
	want := []string{"All ", "Pending release 2", "Suspended 1", "Open 1", "Withdrawn "}
	if diff := cmp.Diff(want, b.Get("/orders").All(".status-chips .button")); diff != "" {
		t.Errorf("chips (-want +got)\n%s", diff)
	}
	overview := b.Get("/")
	to := overview.Attr(".lane .needs:has(.mark-pending)", "href")
	if to != "/orders?line=L1&status=Pending+release" {
		t.Fatalf("the count of what is pending leads to %q", to)
	}
	found := b.Get(to)
	if diff := cmp.Diff([]string{"A", "B"}, found.All("tbody .key")); diff != "" {
		t.Errorf("what it counts (-want +got)\n%s", diff)
	}
	if chip := found.Text(".status-chips [aria-current]"); chip != "Pending release 2" {
		t.Errorf("the chosen chip is %q", chip)
	}
	if none := b.Get("/orders?status=Done").Text(".status-chips [aria-current]"); strings.TrimSpace(none) != "Done" {
		t.Errorf("the chip of a status without orders is %q", none)
	}
}

func TestOrdersOfALineArePickedIntoASequence(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders(
		"A", "Pending release", "B", "Suspended", "C", "Pending release",
	)})
	b := s.SignIn("supervisor1")
	if n := len(b.Get("/orders").All("[name=pick]")); n != 0 {
		t.Errorf("%d orders can be picked for no line", n)
	}
	if n := len(s.SignIn("auditor1").Get("/orders?line=L1").All(".cell-pick")); n != 0 {
		t.Errorf("%d orders can be picked by somebody who releases none", n)
	}
	page := b.Get("/orders?line=L1")
	picks := page.Values("[name=pick]")
	if len(picks) != 2 {
		t.Fatalf("picks: %q", picks)
	}
	sequence := b.Get(page.Attr(".pick-orders", "action") + "?pick=" + picks[1] + "&pick=" + picks[0])
	if diff := cmp.Diff([]string{"C", "A"}, sequence.All(".card .queue-orders .key")); diff != "" {
		t.Errorf("the sequence (-want +got)\n%s", diff)
	}
}

func TestManyOrdersComeInPages(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 120 {
		pairs = append(pairs, "Order"+string(rune('A'+i/26))+string(rune('A'+i%26)), "Open")
	}
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders(pairs...)})
	b := s.SignIn("operator1")
	seen := map[string]bool{}
	for next := "/orders"; next != ""; {
		page := b.Get(next)
		for _, key := range page.All("tbody .key") {
			if seen[key] {
				t.Errorf("%s comes twice", key)
			}
			seen[key] = true
		}
		next = page.Attr("a[rel=next]", "href")
	}
	if len(seen) != 120 {
		t.Errorf("%d orders on all pages", len(seen))
	}
}

func TestASearchThatIsTooLongIsToldSo(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for text, want := range map[string]int{
		strings.Repeat("_", 26_000): http.StatusBadRequest, strings.Repeat("_", 1_001): http.StatusBadRequest,
		strings.Repeat("_", 1_000): http.StatusOK,
	} {
		if a := b.Get("/orders?q=" + text); a.Status != want {
			t.Errorf("%d characters: %d, want %d", len(text), a.Status, want)
		}
	}
}

func TestASearchIsKeptUpToDateAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	page := s.SignIn("operator1").Get("/orders?q=Order14&status=Pending+release")
	if at := page.Attr("[data-kind=list]", "data-live"); at != "/orders?q=Order14&status=Pending+release" {
		t.Errorf("it is asked for again at %q", at)
	}
	if topics := page.Attr("[data-kind=list]", "data-topics"); !strings.Contains(topics, "orders") {
		t.Errorf("it is told of %q", topics)
	}
	if rows := page.All("tbody tr[data-row]"); len(rows) == 0 {
		t.Error("no row can be told from another")
	}
}
