package orders_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// packs are orders whose lists have a few packs: Order143 on L1 and Order201 on L2.
func packs(t *testing.T) *site.Site {
	t.Helper()
	first := sandbox.Order{
		ID: "Order143", LineCode: "L1", LineName: "Blister line 1", Product: "A", GTIN: "09506000134352", Lot: "ABC123",
		Expiry:   "2026-12-31",
		Quantity: 2, Status: sandbox.PendingRelease, Serials: []string{"4YSr5oYFKHwP", "SN2"},
	}
	second := first
	second.ID, second.LineCode, second.LineName, second.GTIN, second.Serials = "Order201", "L2", "Bottle line 2", "9506000134369", []string{"XYZ1"}
	s := site.New(t, site.Options{Orders: []sandbox.Order{first, second}})
	for _, key := range []string{"Order143", "Order201"} {
		if a := s.SignIn("supervisor1").Post(
			handlerstest.OrderPath(s.Order(key), "/release"),
		); a.Status != http.StatusSeeOther || s.Order(key).Release.Outcome != packaging.Released {
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
		"known": {
			"", "]d2" + gtin + dates + "10ABC123\x1d214YSr5oYFKHwP", "released",
			[]string{"Known: this pack belongs to Order143", "Blister line 1"},
		},
		"at its line": {
			"L1", gtin + dates + "10ABC123\x1d21SN2", "released", []string{"Known: this pack belongs to Order143"},
		},
		"at another line": {
			"L2", gtin + dates + "10ABC123\x1d21SN2", "refused",
			[]string{"some details do not match", "Order143 is for another line: Blister line 1"},
		},
		"another lot": {
			"", gtin + dates + "10ABC124\x1d21SN2", "refused",
			[]string{"Lot on the pack: ABC124. Of Order143: ABC123."},
		},
		"another expiry": {
			"", gtin + "17271231" + "10ABC123\x1d21SN2", "refused",
			[]string{"Expiry on the pack: 2027-12-31. Of Order143: 2026-12-31."},
		},
		"no day of expiry": {"", gtin + "17261200" + "21SN2", "released", []string{"Known"}},
		"a GTIN of 13 digits": {
			"", "0109506000134369" + "21XYZ1", "released", []string{"Known: this pack belongs to Order201"},
		},
		"doubt": {
			"", gtin + "21SN3", "refused", []string{"This pack is not known here", "Set the pack aside"},
		},
		"of another product": {"", "0109506000134369" + "21SN2", "refused", []string{"This pack is not known here"}},
		"perhaps Caps Lock": {
			"", gtin + "214ysR5OyfkhWp", "doubt",
			[]string{"Not decided", "Perhaps it is 4YSr5oYFKHwP of Order143", "Caps Lock"},
		},
		"no separator": {
			"", gtin + dates + "10ABC123214YSr5oYFKHwP", "released",
			[]string{"Known: this pack belongs to Order143", "sends no separator"},
		},
		"no separator, no lot": {"", gtin + dates + "10ABC12321SN3", "doubt", []string{"no separator (GS)"}},
		"the product's":        {"", "4006381333931", "doubt", []string{"the barcode of the product"}},
		"rubbish": {
			"", "hello", "doubt", []string{"No field of GS1 begins like this", "At character 1"},
		},
		"a serial number alone": {"", "4YSr5oYFKHwP", "told", []string{"a serial number alone", "Order143"}},
		"the ID of an order":    {"", "Order143", "told", []string{"the ID of an order, not a pack"}},
		"a web address":         {"", "https://example.com/leaflet", "doubt", []string{"web address without a GTIN"}},
		"a wrong check digit": {
			"", "0109506000134353" + "21SN2", "doubt",
			[]string{"check digit is wrong", "Field (01), at character 16"},
		},
		"nothing": {"", "", "doubt", []string{"sent nothing"}},

		"a DataMatrix": {"", "]d2" + gtin + "21SN3", "refused", []string{"Kind of barcodeGS1 DataMatrix"}},
		"a GS1-128":    {"", "]C1" + gtin + "21SN3", "refused", []string{"Kind of barcodeGS1-128"}},
		"a DataBar":    {"", "]e0" + gtin + "21SN3", "refused", []string{"Kind of barcodeGS1 DataBar"}},
		"a QR code":    {"", "]Q3" + gtin + "21SN3", "refused", []string{"Kind of barcodeGS1 QR"}},
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

// The expiry of a pack is written as that of its order, in the reader's way.
func TestTheExpiryOfAPackIsWrittenAsThatOfItsOrder(t *testing.T) {
	t.Parallel()
	s := packs(t)
	b := s.SignIn("operator1")
	b.Post("/language", "language", "de")
	a := scanned(b, "", "0109506000134352"+"17271231"+"21SN2")
	if want := "Verfalldatum auf der Packung: 31.12.2027. Bei Order143: 31.12.2026."; !strings.Contains(
		a.Text(".result"), want,
	) {
		t.Errorf("the page does not say %q: %s", want, a.Text(".result"))
	}
	if got := a.Text("table.compare"); strings.Contains(got, "-12-31") || strings.Count(got, "31.12.202") != 2 {
		t.Errorf("the comparison says %s", got)
	}
	if got := scanned(b, "", "0109506000134352"+"17271231"+"21SN3").Text(".facts.big"); !strings.Contains(
		got, "31.12.2027",
	) {
		t.Errorf("of a pack that is not known the page says %s", got)
	}
}

// Packs of several products may have one serial number. Those that the page does not show are told.
func TestASerialNumberAloneIsShownWithAllItsProducts(t *testing.T) {
	t.Parallel()
	var orders []sandbox.Order
	for i := range 11 {
		o := sandbox.Order143(time.Now())
		o.ID, o.Serials = fmt.Sprintf("SHARED%02d", i), []string{"OneSerial"}
		o.GTIN = gs1.WithCheckDigit(fmt.Sprintf("0950600013%03d", i))
		orders = append(orders, o)
	}
	s := site.New(t, site.Options{Orders: orders})
	b := s.SignIn("supervisor1")
	release := func(o sandbox.Order) { b.Post(handlerstest.OrderPath(s.Order(o.ID), "/release")) }
	release(orders[0])
	release(orders[1])
	a := scanned(b, "", "OneSerial")
	for _, o := range orders[:2] {
		if !strings.Contains(a.Text("main"), o.GTIN) {
			t.Errorf("the page does not show %s: %s", o.GTIN, a.Text("main"))
		}
	}
	if strings.Contains(a.Text(".result"), "more orders") {
		t.Errorf("of two the page says %s", a.Text(".result"))
	}
	for _, o := range orders[2:] {
		release(o)
	}
	a = scanned(b, "", "OneSerial")
	if shown := len(a.All("main .card h2 a.key")); shown != 10 ||
		!strings.Contains(a.Text(".result"), "in the lists of more orders than the 10 newest below") {
		t.Errorf("%d of 11 are shown, and the page says %s", shown, a.Text(".result"))
	}
}

// A text may be the ID of one order, and a serial number in the list of another.
func TestAnOrderIDThatIsASerialNumberTooIsToldAsBoth(t *testing.T) {
	t.Parallel()
	listed := sandbox.Order143(time.Now())
	listed.Serials = []string{"000123"}
	named := listed
	named.ID, named.Serials = "000123", []string{"X"}
	s := site.New(t, site.Options{Orders: []sandbox.Order{listed, named}})
	b := s.SignIn("supervisor1")
	b.Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	a := scanned(b, "", "000123")
	if got := a.Text(".result"); !strings.Contains(got, "the ID of an order, and also a serial number") {
		t.Errorf("the page says %s", got)
	}
	if len(a.All("main .card h2 a.key")) != 2 || !strings.Contains(a.Text("main"), "Order143") {
		t.Errorf("the page shows %s", a.Text("main"))
	}
}

// Codes that people reported, and what is right about them.
func TestAScanThatAKeyboardOrAnotherSyntaxChangedIsToldRight(t *testing.T) {
	t.Parallel()
	first := sandbox.Order{
		ID: "ORD-1", LineCode: "L1", LineName: "Blister line 1", Product: "Sample 10 mg", GTIN: "09506000134352",
		Lot:    "ABC123",
		Expiry: "2028-12-31", Quantity: 5, Status: sandbox.PendingRelease,
		Serials: []string{"4YSr5oYFKHwP", "XZY10ABC", "AZ12qy-9", "1111111111111", "QWam88zz"},
	}
	third := sandbox.Order{
		ID: "ORD-3", LineCode: "L2", LineName: "Bottle line 2", Product: "Präparat 20 mg", GTIN: "04150123456782",
		Lot:    "12345ABCD",
		Expiry: "2027-02-28", Quantity: 3, Status: sandbox.PendingRelease,
		Serials: []string{"12345ABCDEF98765", "Z9Y8X7", "q1W2"},
	}
	s := site.New(t, site.Options{Orders: []sandbox.Order{first, third}})
	b := s.SignIn("supervisor1")
	for _, key := range []string{"ORD-1", "ORD-3"} {
		b.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	const head = "01095060001343521728123110"
	for scan, c := range map[string]struct {
		kind string
		says []string
	}{
		head + "abc123\x1d214ysR5OyfkhWp": {
			"released", []string{"Known: this pack belongs to ORD-1", "Lot abc123 was read as ABC123", "Caps Lock"},
		},
		"]D2" + head + "abc123\x1d214ysR5OyfkhWp": {
			"released", []string{"Known: this pack belongs to ORD-1", "Caps Lock"},
		},
		head + "ABC123\x1d214ZSr5oZFKHwP": {"doubt", []string{
			"Not decided", "Perhaps it is 4YSr5oYFKHwP of ORD-1", "Serial number 4ZSr5oZFKHwP was read as 4YSr5oYFKHwP",
			"German (QWERTZ)",
		}},
		`à&àç(à-ààà&"'"(éé&'YSr(oYFKHzP`: {
			"released", []string{"Known: this pack belongs to ORD-1", "French (AZERTY)"},
		},
		head + "ABC123[GS]214YSr5oYFKHwP": {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
		head + "ABC123^]214YSr5oYFKHwP": {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
		head + `ABC123\u001d214YSr5oYFKHwP`: {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
		head + "ABC123<GS>214YSr5oYFKHwP": {
			"released", []string{"Known: this pack belongs to ORD-1", "sends the separator as text"},
		},
		"https://id.example/01/09506000134352/10/ABC123/21/4YSr5oYFKHwP?17=281231": {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
		"[)>\x1e06\x1d9N110123456782\x1d1T12345ABCD\x1dD270228\x1dSZ9Y8X7\x1e\x04": {"doubt", []string{
			"a PPN code (IFA)", "110123456782", "Z9Y8X7", "12345ABCD", "2027-02-28",
		}},
		"[)>\x1e06\x1d9N111234567842\x1d1T12345ABCD\x1dD270228\x1dSZ9Y8X7\x1e\x04": {
			"released", []string{"Known: this pack belongs to ORD-3"},
		},
		"0109506000134352214YSr5oYFKHwP\x1d8030AAECAwQFBgcICQ": {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
		"0109506000134352214YSr5oYFKHwP\x1d7230EMAB12345": {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
		"0109506000134352214YSr5oYFKHwP\x1d7011281231": {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
		"010415012345678217270200\x1d1012345ABCD\x1d21Z9Y8X7": {
			"released", []string{"Known: this pack belongs to ORD-3"},
		},
		"0109506000134352211111111111111\x1d91EE06\x1d92abcdEFGH1234+/==": {
			"released", []string{"Known: this pack belongs to ORD-1"},
		},
	} {
		a := scanned(b, "", scan)
		if a.Status != http.StatusOK || a.Attr(".result", "class") != "result result-"+c.kind {
			t.Errorf("%q: %d, %q: %s", scan, a.Status, a.Attr(".result", "class"), a.Text(".scanned"))
		}
		for _, want := range c.says {
			if !strings.Contains(a.Text(".scanned"), want) {
				t.Errorf("%q: the page does not say %q: %s", scan, want, a.Text(".scanned"))
			}
		}
	}
	// The page has a code to test the scanner with.
	const testCode = "010200000000000817491231" + "10TEST\x1d21"
	if a := scanned(b, "", testCode+gs1.TestPack.Serial); !strings.Contains(
		a.Text(".result"), "Scanner and device agree",
	) {
		t.Errorf("the test code: %s", a.Text(".scanned"))
	}
	if a := scanned(b, "", testCode+"zyaqmwZYAQMWß?-`_/Ä"); !strings.Contains(a.Text(".scanned"), "do not agree") ||
		!strings.Contains(a.Text(".scanned"), "German") {
		t.Errorf("the test code on a German keyboard: %s", a.Text(".scanned"))
	}
	// What the page saw of the keyboard settles it.
	turned := url.Values{"code": {"0109506000134352214ysR5OyfkhWp"}, "caps": {"on"}}
	if a := b.Get("/scan?" + turned.Encode()); a.Attr(".result", "class") != "result result-released" {
		t.Errorf("with Caps Lock seen: %s", a.Text(".scanned"))
	}
}

// keyed is a scan as the page sends it: on a German keyboard, y stands where others have z.
func keyed(serial, keys string) string {
	const digits = "Digit0 Digit1 Digit0 Digit9 Digit5 Digit0 Digit6 Digit0 Digit0 Digit0 Digit1 Digit3 Digit4 Digit3 Digit5 Digit2 Digit2 Digit1 "
	return "/scan?" + url.Values{
		"code": {"0109506000134352" + "21" + serial}, "keys": {digits + keys}, "caps": {"off"}, "typed": {"keys"},
	}.Encode()
}

// scannedTestCode is the test code as a page that sees no keys sends it.
func scannedTestCode(serial string) string {
	return "/scan?" + url.Values{
		"code": {"010200000000000817491231" + "10TEST\x1d21" + serial}, "typed": {"unseen"},
	}.Encode()
}

func TestADeviceProvesItsKeyboardByTheTestCode(t *testing.T) {
	t.Parallel()
	o := sandbox.Order143(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC))
	o.GTIN, o.Serials = "09506000134352", []string{"yo", "bo"}
	s := site.New(t, site.Options{Orders: []sandbox.Order{o}})
	s.SignIn("supervisor1").Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	germanY, usY, noLetter := keyed("yo", "KeyZ KeyO"), keyed("yo", "KeyY KeyO"), keyed("bo", "KeyB KeyO")
	right, changed := scannedTestCode(gs1.TestPack.Serial), scannedTestCode("zyaqmwZYAQMWß?-`_/Ä")
	s.SetPIN("operator1", handlerstest.APIN)
	tablet := s.Tablet("Tablet 1", "L1")
	handlerstest.SignInByPIN(s, tablet, "operator1", handlerstest.APIN)
	for name, b := range map[string]*site.Browser{"a browser": s.SignIn("operator1"), "a station": tablet} {
		says := func(step, address, class, want string) {
			t.Helper()
			a := b.Get(address)
			if got := a.Attr(".result", "class"); got != "result result-"+class ||
				!strings.Contains(a.Text(".result"), want) {
				t.Errorf("%s, %s: %q, %s", name, step, got, a.Text(".scanned"))
			}
			if isOpen := len(
				a.All("details.test-code[open]"),
			) == 1; isOpen != strings.Contains(want, "test code on this page") {
				t.Errorf("%s, %s: the test code is open: %t", name, step, isOpen)
			}
		}
		says("US keys", usY, "released", "Known")
		says("German keys", germanY, "doubt", "Scan the test code on this page once")
		says("letters that keep their places", noLetter, "released", "Known")
		says("the test code", right, "told", "Scanner and device agree")
		says("German keys after it", germanY, "released", "Known")
		says(
			"no keys after it",
			"/scan?"+url.Values{"code": {"0109506000134352" + "21yo"}, "caps": {"off"}, "typed": {"unseen"}}.Encode(),
			"released", "Known",
		)
		says("the test code, changed", changed, "doubt", "do not agree")
		says("German keys after that", germanY, "doubt", "Scan the test code on this page once")
		b.Header.Set("Sec-Fetch-Site", "cross-site")
		says("the test code by a link of another site", right, "told", "Scanner and device agree")
		b.Header.Del("Sec-Fetch-Site")
		says("German keys after the link", germanY, "doubt", "Scan the test code on this page once")
		says("the test code again", right, "told", "Scanner and device agree")
	}
	// The station keeps it for each who works there, until it has another tablet.
	if a := tablet.Get(germanY); a.Attr(".result", "class") != "result result-released" {
		t.Errorf("at the station: %s", a.Text(".scanned"))
	}
	admin := s.Person("administrator1")
	stations, err := s.Store.Stations(t.Context(), admin.Tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, code, err := s.Store.MakeCode(t.Context(), admin, stations[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	other := s.Browser()
	other.Post("/station", "code", code)
	handlerstest.SignInByPIN(s, other, "operator1", handlerstest.APIN)
	if a := other.Get(germanY); a.Attr(".result", "class") != "result result-doubt" {
		t.Errorf("at another tablet: %s", a.Text(".scanned"))
	}
}

// The GTIN of an order may be known only after its list came.
func TestAPackOfAListFollowsTheGTINThatItsOrderGotLater(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	early := sandbox.Order{
		ID: "EARLY", LineCode: "L1", LineName: "Blister line 1", Product: "Sample 10 mg", Lot: "ABC123",
		Expiry:   "2028-12-31",
		Quantity: 2, Status: sandbox.PendingRelease, Serials: []string{"EARLY0001", "EARLY0002"},
	}
	later, again := early, early
	later.ID, later.Serials = "LATER", []string{"LATER0001", "LATER0002"}
	again.ID, again.Serials = "AGAIN", []string{"LATER0001", "AGAIN0002"}
	s := site.New(t, site.Options{Orders: []sandbox.Order{early, later, again}})
	b := s.SignIn("supervisor1")
	give := func(csv string) { handlerstest.ImportOrders(t, b, csv) }
	release := func(key string) { b.Post(handlerstest.OrderPath(s.Order(key), "/release")) }
	give("order_id,gtin\nEARLY,09506000134352\nAGAIN,09506000134352\n")
	release("EARLY")
	release("LATER")
	give("order_id,gtin\nLATER,09506000134352\n")
	release("AGAIN")
	if odd := s.Order("AGAIN").Release.Oddities; len(odd) != 1 || odd[0].Kind != packaging.SeenBefore ||
		odd[0].Count != 1 {
		t.Errorf("AGAIN: %+v", odd)
	}
	const pack = "010950600013435210ABC123\x1d21"
	if a := scanned(b, "", pack+"LATER0002"); !strings.Contains(
		a.Text(".result"), "Known: this pack belongs to LATER",
	) {
		t.Errorf("LATER0002: %s", a.Text(".scanned"))
	}
	if a := scanned(b, "", pack+"LATER0001"); !strings.Contains(a.Text(".result"), "in 2 places") {
		t.Errorf("LATER0001: %s", a.Text(".scanned"))
	}
	give("order_id,gtin\nLATER,09506000134369\n")
	for _, gtin := range []string{"09506000134352", "09506000134369"} {
		a := scanned(b, "", "01"+gtin+"21LATER0002")
		if a.Attr(".result", "class") != "result result-doubt" ||
			!strings.Contains(a.Text(".result"), "LATER has had another GTIN") ||
			strings.Contains(a.Text(".result"), "keyboard") {
			t.Errorf("%s: %s", gtin, a.Text(".scanned"))
		}
	}
}

// Where no keys were seen, a keyboard may have made rubbish of a pack. A code of another kind is told as what it is.
func TestAScanThatNoKeysExplainAsksForTheTestCode(t *testing.T) {
	t.Parallel()
	b := packs(t).SignIn("operator1")
	for code, asks := range map[string]bool{
		"hello": true, "]D\"=!=)%": true, "0109506000134352" + "21SN3": true, "SN2": false, "4006381333931": false,
		"https://example.com/leaflet": false,
	} {
		a := b.Get("/scan?" + url.Values{"code": {code}, "typed": {"unseen"}}.Encode())
		isAsked := strings.Contains(a.Text(".result"), "Scan the test code on this page once")
		if isOpen := len(a.All("details.test-code[open]")) == 1; isAsked != asks || isOpen != asks {
			t.Errorf("%q: the test code is open: %t, %s", code, isOpen, a.Text(".result"))
		}
	}
}

// The search sees no keys, and so decides nothing on a device that has not scanned the test code.
func TestAPackScannedIntoTheSearchForOrdersIsLookedUp(t *testing.T) {
	t.Parallel()
	b := packs(t).SignIn("operator1")
	a := b.Get("/orders?" + url.Values{"q": {"]d2010950600013435210ABC123\x1d21SN2"}}.Encode())
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	if page := b.Get(a.Header.Get("Location")); !strings.Contains(
		page.Text(".result"), "Perhaps it is SN2 of Order143.",
	) {
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
	if a := scanned(limited, "", ours); !strings.Contains(a.Text("main"), "Known: this pack belongs to Order143") {
		t.Errorf("their own line: %s", a.Text("main"))
	}
	if a := scanned(limited, "", theirs); !strings.Contains(a.Text("main"), "not known here") ||
		strings.Contains(a.Body, "Order201") {
		t.Errorf("another line: %s", a.Text("main"))
	}
	if a := scanned(limited, "L2", ours); a.Status != http.StatusNotFound {
		t.Errorf("at another line: %d", a.Status)
	}
	s.AddTenant("basel", "Plant Basel", "supervisor-2")
	if a := scanned(s.SignIn("supervisor-2"), "", ours); !strings.Contains(a.Text("main"), "not known here") ||
		strings.Contains(a.Body, "Order143") {
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

// A code that is read well and is no pack's is told as what it is, with what to scan instead.
func TestACodeThatNamesNoPackIsToldAsWhatItIs(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	const product, instead = "0109506000134352", "To check a pack, scan its square code"
	for code, wants := range map[string][]string{
		"]e0" + product:                   {"names no single pack", "GS1 DataBar", "no serial number", instead},
		"]C1" + product + "10ABC123":      {"names no single pack", "GS1-128", "no serial number", instead},
		"]d2" + product + "17281231":      {"names no single pack", "GS1 DataMatrix", "no serial number", instead},
		"]C1" + "00340123450000000000":    {"GS1-128", "of a case or a pallet", instead},
		"]C1" + "02095060001343523710":    {"GS1-128", "of a case or a pallet", instead},
		"]d2" + "10ABC123\x1d21A0001":     {"GS1 DataMatrix", "no GTIN", instead},
		"]d1" + "LOT ABC":                 {"DataMatrix", "not a GS1 DataMatrix", instead},
		"]A1" + "PALLET7":                 {"Code 39", "not a GS1 DataMatrix", instead},
		"]X9" + "PALLET7":                 {"not a GS1 DataMatrix", instead},
		"]E0" + "9506000134352":           {"EAN-13", "the same on each pack", instead},
		"]C0" + "+A99912345/$$52001510X3": {"Code 128", "HIBC", instead},
		"]Q1" + "https://example.com/a":   {"QR", "web address", instead},
		product + "17261231" + "21a\x1d" + "70032701312359": {
			"can't be read", "two expiry dates, 17 and 7003", "If the answer stays, set the pack aside",
		},
	} {
		a := scanned(b, "", code)
		for _, want := range wants {
			if !strings.Contains(a.Text(".result"), want) {
				t.Errorf("%q: %s, want %q", code, a.Text(".result"), want)
			}
		}
		if a.Attr(".result", "class") != "result result-doubt" {
			t.Errorf("%q is shown as %s", code, a.Attr(".result", "class"))
		}
	}
}
