package orders_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// packs are orders whose lists have a few packs: Order143 on L1 and Order201 on L2.
func packs(t *testing.T) *site.Site {
	t.Helper()
	first := sandbox.Order{
		ID: "Order143", LineCode: "L1", LineName: "Blister line 1", Product: "A", GTIN: "09506000134352", Lot: "ABC123", Expiry: "2026-12-31",
		Quantity: 2, Status: sandbox.PendingRelease, Serials: []string{"4YSr5oYFKHwP", "SN2"},
	}
	second := first
	second.ID, second.LineCode, second.LineName, second.GTIN, second.Serials = "Order201", "L2", "Bottle line 2", "9506000134369", []string{"XYZ1"}
	s := site.New(t, site.Options{Orders: []sandbox.Order{first, second}})
	for _, key := range []string{"Order143", "Order201"} {
		if a := s.SignIn("supervisor1").Post(handlerstest.OrderPath(s.Order(key), "/release")); a.Status != http.StatusSeeOther || s.Order(key).Release.Outcome != packaging.Released {
			t.Fatalf("release of %s: %d", key, a.Status)
		}
	}
	return s
}

func scanned(b *site.Browser, line, code string) site.Answer {
	return b.Get("/scan?" + url.Values{"line": {line}, "code": {code}}.Encode())
}

func TestAScannedPackIsToldWithItsOrderAndWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	s := packs(t)
	const gtin, dates = "0109506000134352", "17261231"
	for name, c := range map[string]struct {
		line, code string
		kind       string
		says       []string
	}{
		"known":                {"", "]d2" + gtin + dates + "10ABC123\x1d214YSr5oYFKHwP", "released", []string{"Known: this pack is of Order143", "Blister line 1"}},
		"at its line":          {"L1", gtin + dates + "10ABC123\x1d21SN2", "released", []string{"Known: this pack is of Order143"}},
		"at another line":      {"L2", gtin + dates + "10ABC123\x1d21SN2", "refused", []string{"not all of it is right", "Order143 is for another line: Blister line 1"}},
		"another lot":          {"", gtin + dates + "10ABC124\x1d21SN2", "refused", []string{"Lot on the pack: ABC124. Of Order143: ABC123."}},
		"another expiry":       {"", gtin + "17271231" + "10ABC123\x1d21SN2", "refused", []string{"Expiry on the pack: 2027-12-31. Of Order143: 2026-12-31."}},
		"no day of expiry":     {"", gtin + "17261200" + "21SN2", "released", []string{"Known"}},
		"a GTIN of 13 digits":  {"", "0109506000134369" + "21XYZ1", "released", []string{"Known: this pack is of Order201"}},
		"unknown":              {"", gtin + "21SN3", "refused", []string{"This pack is not known here", "Set the pack aside"}},
		"of another product":   {"", "0109506000134369" + "21SN2", "refused", []string{"This pack is not known here"}},
		"Caps Lock":            {"", gtin + "214ysR5OyfkhWp", "released", []string{"Known", "the serial number is 4YSr5oYFKHwP"}},
		"no separator":         {"", gtin + dates + "10ABC123214YSr5oYFKHwP", "released", []string{"Known: this pack is of Order143", "sends no separator"}},
		"no separator, no lot": {"", gtin + dates + "10ABC12321SN3", "unknown", []string{"no separator (GS)"}},
		"the product's":        {"", "4006381333931", "unknown", []string{"the barcode of the product"}},
		"rubbish":              {"", "hello", "unknown", []string{"No field of GS1 begins like this", "At character 1"}},
		"a wrong check digit":  {"", "0109506000134353" + "21SN2", "unknown", []string{"check digit is wrong", "Field (01), at character 16"}},
		"nothing":              {"", "", "unknown", []string{"sent nothing"}},
	} {
		a := scanned(s.SignIn("operator1"), c.line, c.code)
		if a.Status != http.StatusOK || a.Attr(".result", "class") != "result result-"+c.kind {
			t.Errorf("%s: %d, %q", name, a.Status, a.Attr(".result", "class"))
		}
		for _, want := range c.says {
			if !strings.Contains(a.Text("main"), want) {
				t.Errorf("%s: the page does not say %q: %s", name, want, a.Text("main"))
			}
		}
	}
}

func TestAPackScannedIntoTheSearchForOrdersIsLookedUp(t *testing.T) {
	t.Parallel()
	b := packs(t).SignIn("operator1")
	a := b.Get("/orders?" + url.Values{"q": {"]d2010950600013435210ABC123\x1d21SN2"}}.Encode())
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	if page := b.Get(a.Header.Get("Location")); !strings.Contains(page.Text(".result"), "Known: this pack is of Order143") {
		t.Errorf("it leads to %s", page.Text("main"))
	}
	if a := b.Get("/orders?q=21SN2"); a.Status != http.StatusOK {
		t.Errorf("what is no pack: %d", a.Status)
	}
}

func TestAPackOfAnotherLineOrSiteIsNotKnownToWhoMayNotSeeIt(t *testing.T) {
	t.Parallel()
	s := packs(t)
	const ours, theirs = "0109506000134352" + "21SN2", "0109506000134369" + "21XYZ1"
	s.Limit("operator1", "L1")
	limited := s.SignIn("operator1")
	if a := scanned(limited, "", ours); !strings.Contains(a.Text("main"), "Known: this pack is of Order143") {
		t.Errorf("their own line: %s", a.Text("main"))
	}
	if a := scanned(limited, "", theirs); !strings.Contains(a.Text("main"), "not known here") || strings.Contains(a.Body, "Order201") {
		t.Errorf("another line: %s", a.Text("main"))
	}
	if a := scanned(limited, "L2", ours); a.Status != http.StatusNotFound {
		t.Errorf("at another line: %d", a.Status)
	}
	s.AddTenant("basel", "Plant Basel", "supervisor-2")
	if a := scanned(s.SignIn("supervisor-2"), "", ours); !strings.Contains(a.Text("main"), "not known here") || strings.Contains(a.Body, "Order143") {
		t.Errorf("another site: %d %s", a.Status, a.Text("main"))
	}
}

func TestAPackThatStandsInTwoListsIsToldAsADefect(t *testing.T) {
	t.Parallel()
	one := sandbox.Order143(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC))
	one.Serials = []string{"TWICE1", "B"}
	two := one
	two.ID, two.Serials = "Order144", []string{"TWICE1", "C"}
	s := site.New(t, site.Options{Orders: []sandbox.Order{one, two}})
	b := s.SignIn("supervisor1")
	b.Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	b.Post(handlerstest.OrderPath(s.Order("Order144"), "/release"))
	a := scanned(b, "", "01"+one.GTIN+"21TWICE1")
	if !strings.Contains(a.Text(".result"), "in 2 places") || len(a.All("main .card h2 a.key")) != 2 {
		t.Errorf("the page says %s", a.Text("main"))
	}
}
