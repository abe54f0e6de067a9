package manufacturer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
)

func TestOpenAndDetailsGiveTheOrdersOfTheSandbox(t *testing.T) {
	c, _ := withSandbox(t, nil)
	orders, nameless, err := c.Open(t.Context())
	if err != nil || nameless != 0 {
		t.Fatal(nameless, err)
	}
	want := packaging.Facts{
		Key: "Order143", LineCode: "L1", LineName: "Blister line 1", Product: "Paracetamol 500 mg, 20 tablets",
		GTIN: "05412345101437",
		Lot:  "PA26A07", Expiry: "2028-05-31", Quantity: "10", ExtraPercent: "10", Status: packaging.PendingRelease,
		Raw: []byte(
			`{"order_id":"Order143","line_code":"L1","line_name":"Blister line 1","product":"Paracetamol 500 mg, 20 tablets","gtin":"05412345101437","lot":"PA26A07","expiry":"2028-05-31","quantity":10,"extra_percentage":10,"status":"Pending release"}`,
		),
	}
	if diff := cmp.Diff(want, orders[0]); diff != "" {
		t.Error(diff)
	}
	for _, o := range orders {
		details, err := c.Details(t.Context(), o.Key)
		if diff := cmp.Diff(o, details); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	_, err = c.Details(t.Context(), "No & such=order")
	if e := callError(t, err); e.Reason != packaging.OrderNotFound || e.HTTPStatus != 404 ||
		e.Message != "Packaging order not found" {
		t.Error(e)
	}
}

func TestOrdersAreReadUnderAllAssumedNames(t *testing.T) {
	full := packaging.Facts{
		Key: "O1", LineCode: "L1", LineName: "Blister", Product: "Pills", GTIN: "05412345101437", Lot: "A1",
		Expiry: "2027-05-31", Quantity: "10", ExtraPercent: "12.5", Status: packaging.InProgress,
	}
	for _, c := range []struct {
		name, element string
		want          packaging.Facts
	}{
		{
			"snake case",
			`{"order_id":"O1","line_code":"L1","line_name":"Blister","product_name":"Pills","gtin":"05412345101437","lot_number":"A1","expiry_date":"2027-05-31","quantity":10,"extra_percentage":12.5,"status":"in_progress"}`,
			full,
		},
		{
			"camel case",
			`{"orderId":"O1","lineCode":"L1","lineName":"Blister","productName":"Pills","GTIN":"05412345101437","batchNumber":"A1","expirationDate":"2027-05-31T23:30:00-10:00","orderQuantity":"10.0","extraPercentage":"12.5 %","orderStatus":"IN PROGRESS"}`,
			full,
		},
		{
			"objects",
			`{"packaging-order-id":"O1","line":{"code":"L1","name":"Blister"},"product":{"name":"Pills","gtin":"05412345101437"},"batch":{"number":"A1","expiry":"270531"},"qty":1e1,"extra":"12.50","status":{"code":7,"name":"In progress"}}`,
			full,
		},
		{
			"upper case, line by its ID",
			`{"ID":"O1","LINE":{"ID":"L1","DESCRIPTION":"Blister"},"PRODUCT":"Pills","GTIN":"05412345101437","BATCH":"A1","EXP_DATE":"270500","AMOUNT":"010","OVERAGE":12.5,"STATE":"In Progress"}`,
			full,
		},
		{
			"numbers as IDs keep their digits",
			`{"id":12345678901234567890,"line":7,"gtin":54123451014370000001,"lot":1.50,"status":null}`,
			packaging.Facts{Key: "12345678901234567890", LineCode: "7", GTIN: "54123451014370000001", Lot: "1.50"},
		},
		{"a name alone", `{"_id":"64ab","name":"O1","line":"L1"}`, packaging.Facts{Key: "O1", LineCode: "L1"}},
		{
			"line as text beside its code", `{"order_id":"O1","line":"Blister","line_code":"L1"}`,
			packaging.Facts{Key: "O1", LineCode: "L1", LineName: "Blister"},
		},
		{
			"blanks and nulls are passed over", `{"order_id":null,"id":" ","name":"O1","lot":"","batch":" A1 "}`,
			packaging.Facts{Key: "O1", Lot: "A1"},
		},
		{
			"what is not understood stays as it was",
			`{"order_id":" O 1 ","line":{"zone": [1, 2]},"product":{"x": 1},"expiry":"soon","quantity":"1,000","extra_percentage":-3,"status":"On Hold"}`,
			packaging.Facts{
				Key: " O 1 ", LineCode: `{"zone":[1,2]}`, Product: `{"x":1}`, Expiry: "soon", Quantity: "1,000",
				ExtraPercent: "-3", Status: "On Hold",
			},
		},
		{
			"broken text shows as such", "{\"order_id\":\"O1\",\"product\":\"Caf\xe9\",\"lot\":\"\\ud800\"}",
			packaging.Facts{Key: "O1", Product: "Caf\ufffd", Lot: "\ufffd"},
		},
		{
			"a long ID", `{"order_id":"` + strings.Repeat("x", 300) + `"}`,
			packaging.Facts{Key: strings.Repeat("x", 300)},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			want.Raw = []byte(c.element)
			orders, nameless, err := played(t, 200, `{"success":true,"data":[ `+c.element+` ]}`).Open(t.Context())
			if diff := cmp.Diff([]packaging.Facts{want}, orders); err != nil || nameless != 0 || diff != "" {
				t.Error(nameless, err, diff)
			}
		})
	}
}

func TestTheListOfOpenOrdersIsFoundWhereverItStands(t *testing.T) {
	const list = ` [{"order_id":"O1"}, {"order_id":"O2","lot":"old"}, 7, {"lot":"x"}, {"id":{}}, {"order_id":"\ud800"}, {"order_id":"O2","lot":"new"}] `
	for _, form := range []string{
		`%s`, `{"success":true,"data":%s}`, `{"success":true,"data":{"orders":%s}}`, `{"data":{"packagingOrders":%s}}`,
		`{"success":true,"data":{"items":%s,"total":3}}`, `{"orders":%s}`, `{"success":true,"packaging_orders":%s}`,
		`{"success":true,"data":[1],"result":%s}`,
	} {
		t.Run(form, func(t *testing.T) {
			orders, nameless, err := played(t, 200, fmt.Sprintf(form, list)).Open(t.Context())
			if err != nil || nameless != 4 || len(orders) != 2 || orders[0].Key != "O1" || orders[1].Lot != "new" {
				t.Errorf("%v, %d nameless, %v", orders, nameless, err)
			}
			orders, nameless, err = played(t, 200, fmt.Sprintf(form, "[]")).Open(t.Context())
			if strings.Contains(form, "[1]") {
				form = `{"success":true,"data":[1]}`
			}
			if err != nil || nameless != 0 || orders == nil || len(orders) != 0 {
				t.Errorf("empty: %v, %d nameless, %v", orders, nameless, err)
			}
		})
	}
}

func TestReadsThatDoNotWorkSayWhy(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   packaging.Reason
	}{
		{"a no in 200", 200, `{"success":false,"message":"Hm"}`, packaging.OtherRefusal},
		{
			"the channel", 400,
			`{"success":false,"message":"Channel ID is missing or it needs to be in correct format"}`,
			packaging.ChannelKey,
		},
		{"a documented no without success", 200, `{"message":"No token provided","code":"ERR0001"}`, packaging.NoToken},
		{"a page", 200, `<html>`, packaging.Unreadable},
		{"empty", 200, ``, packaging.Unreadable},
		{"numbers", 200, `[1,2]`, packaging.Unreadable},
		{"numbers in data", 200, `{"success":true,"data":[1]}`, packaging.Unreadable},
		{"success alone", 200, `{"success":true}`, packaging.Unreadable},
		{"data as null", 200, `{"success":true,"data":null}`, packaging.Unreadable},
		{"success as text", 200, `{"success":"yes","data":[]}`, packaging.Unreadable},
		{"an object", 200, `{"success":true,"data":{"a":1}}`, packaging.Unreadable},
		{"a list in a 404", 404, `[]`, packaging.Unreadable},
		{"a redirect", 302, `[]`, packaging.Unreadable},
		{"a server error", 503, `x`, packaging.ServerError},
		{"throttled", 429, `{}`, packaging.Throttled},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := played(t, c.status, c.body)
			_, _, err := client.Open(t.Context())
			if e := callError(t, err); e.Reason != c.want || e.HTTPStatus != c.status || e.Message == "" {
				t.Errorf("open: %v", e)
			}
			_, err = client.Details(t.Context(), "O1")
			if e := callError(t, err); e.Reason != c.want {
				t.Errorf("details: %v", e)
			}
		})
	}
}

func TestFaultsDuringReads(t *testing.T) {
	for kind, want := range map[sandbox.Kind]packaging.Reason{
		sandbox.CutBefore: packaging.Cut, sandbox.CutAfter: packaging.Cut, sandbox.ErrorBefore: packaging.ServerError,
		sandbox.ErrorAfter: packaging.ServerError,
		sandbox.CutJSON:    packaging.Unreadable, sandbox.CutBody: packaging.Cut, sandbox.HTML: packaging.Unreadable,
		sandbox.HTMLAfter: packaging.Unreadable,
		sandbox.Empty:     packaging.Unreadable, sandbox.WrongType: packaging.Unreadable,
		sandbox.Forbidden: packaging.Unreadable,
		sandbox.Throttle:  packaging.Throttled, sandbox.ExpiredToken: packaging.TokenRejected,
		sandbox.Delay: packaging.TimedOut,
	} {
		t.Run(string(kind), func(t *testing.T) {
			c, s := withSandbox(t, nil)
			if _, _, err := c.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			fault := sandbox.Fault{Kind: kind}
			if kind == sandbox.Delay {
				fault.Delay = time.Hour
				c.limits.Read = 50 * time.Millisecond
			}
			for _, call := range []string{sandbox.ListOpen, sandbox.Details} {
				fault.Call = call
				s.Inject(fault)
			}
			_, _, err := c.Open(t.Context())
			if e := callError(t, err); e.Reason != want {
				t.Errorf("open: %v", e)
			}
			_, err = c.Details(t.Context(), "Order143")
			if e := callError(t, err); e.Reason != want {
				t.Errorf("details: %v", e)
			}
		})
	}
}

func TestDetailsAreFoundWhereverTheyStandAndAreOfTheOrderAskedFor(t *testing.T) {
	for _, c := range []struct {
		name, body string
		found      bool
	}{
		{"in data", `{"success":true,"data":{"order_id":"O1","lot":"A1"}}`, true},
		{"in an order in data", `{"success":true,"data":{"order":{"id":"O1","lot":"A1"},"status":"Open"}}`, true},
		{"in a packaging order in data", `{"data":{"packagingOrder":{"id":"O1","lot":"A1"}}}`, true},
		{"in a list in data", `{"success":true,"data":[{"id":"O0","lot":"A0"},{"id":"O1","lot":"A1"}]}`, true},
		{"in an order", `{"success":true,"packaging_order":{"name":"O1","lot":"A1"}}`, true},
		{"as the answer itself", `{"order_id":"O1","lot":"A1"}`, true},
		{"in a list that is the answer itself", `[{"order_id":"O1","lot":"A1"}]`, true},
		{"without its ID", `{"success":true,"data":{"status":"Open","lot":"A1"}}`, true},
		{"of another order", `{"success":true,"data":{"order_id":"o1","lot":"A1","status":"Open"}}`, false},
		{"of nothing", `{"success":true,"data":{}}`, false},
		{"of a status alone", `{"success":true,"data":{"status":"ok"}}`, false},
		{"an answer that says nothing", `{"success":true,"status":"ok","lot":"A1"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts, err := played(t, 200, c.body).Details(t.Context(), "O1")
			want := "O1"
			if c.name == "without its ID" {
				want = ""
			}
			if c.found && (err != nil || facts.Key != want || facts.Lot != "A1") {
				t.Errorf("%+v, %v", facts, err)
			}
			if !c.found && callError(t, err).Reason != packaging.Unreadable {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestNumbersAndDatesTakeTheirPlainForm(t *testing.T) {
	for text, want := range map[string]string{
		"10": "10", "10.0": "10", "0": "0", "0.50": "0.5", "1e3": "1000", "1.25E1": "12.5", "007": "7",
		"999999999999":  "999999999999",
		"1000000000000": "1000000000000", "0.0000001": "0.0000001", "1e99": "1e99", "1e999999999": "1e999999999",
		"": "", "-1": "-1", "1/2": "1/2", "0x10": "0x10", "10 pcs": "10 pcs",
	} {
		if got := plainNumber(text); got != want {
			t.Errorf("number %q is %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"10 %": "10", "2.5%": "2.5", "%": "%", "many %": "many %", "10": "10"} {
		if got := withoutPercent(text); got != want {
			t.Errorf("percentage %q is %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"2027-05-31": "2027-05-31", "2027-05-31T22:00:00Z": "2027-05-31", "2027-05-31T00:30:00.123+02:00": "2027-05-31",
		"2027-05-31T00:00:00": "2027-05-31",
		"2027-05-31 10:00:00": "2027-05-31", "2027-02-29": "2027-02-29", "270531": "2027-05-31", "280200": "2028-02-29",
		"271200": "2027-12-31",
		"760101": "2076-01-01", "770101": "1977-01-01", "271301": "271301", "270230": "270230", "000229": "2000-02-29",
		"": "", "31/05/2027": "31/05/2027", "00": "00",
	} {
		if got := plainDate(text, noon); got != want {
			t.Errorf("date %q is %q, want %q", text, got, want)
		}
	}
	if got := plainDate("050101", time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)); got != "2105-01-01" {
		t.Errorf("a date of the next century is %q", got)
	}
}
