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
	all := handlerstest.RemoteOrders("Order_1", "Open", "Order%2", "Pending release", "Xrder3", "Waiting for QA", "Order4", "Done")
	all[2].Lot, all[3].LineCode, all[3].LineName = "LOT-Ü77", "L2", "Bottle line 2"
	s := site.New(t, site.Options{Orders: all})
	b := s.SignIn("auditor1")
	for query, want := range map[string][]string{
		"":                           {"Xrder3", "Order%2", "Order_1"}, // the sandbox does not list Done
		"q=rder":                     {"Xrder3", "Order%2", "Order_1"},
		"q=ORDER_1":                  {"Order_1"},
		"q=%25":                      {"Order%2"},
		"q=_":                        {"Order_1"},
		"q=LOT-":                     {"Xrder3"},
		"q=05412345101437":           {"Xrder3", "Order%2", "Order_1"},
		"status=Open":                {"Order_1"},
		"status=Waiting+for+QA":      {"Xrder3"},
		"line=l1":                    {"Xrder3", "Order%2", "Order_1"},
		"line=L2":                    {},
		"q=rder&status=Open&line=L1": {"Order_1"},
		"q='+OR+1=1+--":              {},
	} {
		if diff := cmp.Diff(want, b.Get("/orders?"+query).All("tbody .key")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", query, diff)
		}
	}
	if options := b.Get("/orders").All("#status option"); !strings.Contains(strings.Join(options, "|"), "Waiting for QA") {
		t.Errorf("the filter offers %q", options)
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
		strings.Repeat("_", 26_000): http.StatusBadRequest, strings.Repeat("_", 1_001): http.StatusBadRequest, strings.Repeat("_", 1_000): http.StatusOK,
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
