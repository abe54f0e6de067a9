package imports_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// uploadOrders gives a file to be checked.
func uploadOrders(t *testing.T, b *site.Browser, name, content string) site.Answer {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = form.Close()
	return b.Send(http.MethodPost, "/imports", form.FormDataContentType(), &body)
}

// shown uploads a file and gives its preview, with the address of it.
func shown(t *testing.T, b *site.Browser, content string) (preview site.Answer, address string) {
	t.Helper()
	a := uploadOrders(t, b, "orders.csv", content)
	address = a.Header.Get("Location")
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(address, "/imports/previews/") {
		t.Fatalf("upload: %d to %q: %s", a.Status, address, a.Text("main"))
	}
	return b.Get(address), address
}

// apply presses the button of a preview.
func apply(b *site.Browser, preview site.Answer, address string) site.Answer {
	return b.Post(address, "digest", preview.Attr("input[name=digest]", "value"))
}

// imported uploads a file and applies it.
func imported(t *testing.T, b *site.Browser, content string) {
	t.Helper()
	preview, address := shown(t, b, content)
	if a := apply(b, preview, address); a.Status != http.StatusSeeOther {
		t.Fatalf("apply: %d %s", a.Status, a.Text("main"))
	}
}

func says(t *testing.T, a site.Answer, selector string, sentences ...string) {
	t.Helper()
	for _, sentence := range sentences {
		if !strings.Contains(a.Text(selector), sentence) {
			t.Errorf("%s does not say %q but %q", selector, sentence, a.Text(selector))
		}
	}
}

func TestAFileIsShownThenImportedAndStandsInTheHistoryAndOnItsOrders(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	was := s.Order("Order143")
	preview, address := shown(
		t, b, "order_id;lot;line;expiry\nOrder143;NEW-1;;31.05.2029\nNext1;N1;Bottle line 2;\nOrder144;;;\n",
	)
	says(t, preview, "dl.facts", "New1", "Changed1", "Unchanged1", "Wrong0")
	says(
		t, preview, "main", "orders.csv", "Lot "+was.Lot+" becomes NEW-1", "Expiry "+was.Expiry+" becomes 2029-05-31",
		"Next1", "Line L2", "Import 2 orders",
	)
	if got := s.Order("Order143"); got.Lot != was.Lot || got.Revision != was.Revision {
		t.Error("a preview changes an order")
	}
	a := apply(b, preview, address)
	done := b.Get(a.Header.Get("Location"))
	says(t, done, "main", "orders.csv", "New1", "Changed1", "Person supervisor1", "NEW-1")
	got := s.Order("Order143")
	if got.Lot != "NEW-1" || got.Expiry != "2029-05-31" || got.Status != was.Status || got.Product != was.Product ||
		got.Revision == was.Revision {
		t.Errorf("order %+v", got)
	}
	e := s.History()[0]
	if e.Deed != packaging.OrdersImported || e.Object != "orders.csv" ||
		!strings.HasPrefix(e.New, "1 new, 1 changed, 1 unchanged, SHA-256 ") || e.By.Username != "supervisor1" {
		t.Errorf("history %+v", e)
	}
	page := b.Get(handlerstest.OrderPath(got, ""))
	says(
		t, page, "main", "From imports", "NEW-1", "from the import of 2026-11-23 07:", "by Person supervisor1",
		"Movilitas.Cloud says: "+was.Lot,
	)
	says(
		t, b.Get(handlerstest.OrderPath(got, "?arm=1")), ".armed",
		"Lot is NEW-1 in the import, but "+was.Lot+" in Movilitas.Cloud",
	)
	says(t, b.Get("/imports"), "main", "1 new, 1 changed, 1 unchanged")
	if a := apply(b, preview, address); a.Status != http.StatusNotFound {
		t.Errorf("a second press: %d", a.Status)
	}
	again, _ := shown(t, b, "order_id;lot\nOrder143;NEW-1\n")
	says(t, again, "main", "All of it is here already.")
	if again.Attr("input[name=digest]", "value") != "" {
		t.Error("a file that changes nothing is offered")
	}
}

func TestAnImportedValueOutlivesRefreshesAndTheStatusIsTheAPIs(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	imported(t, b, "order_id,quantity\nOrder143,77\n")
	s.Box.Put(
		sandbox.Order{
			ID: "Order143", LineCode: "L1", Product: "Renamed", Quantity: 12, Status: string(packaging.Suspended),
		},
	)
	s.Refresh()
	got := s.Order("Order143")
	if got.Quantity != "77" || got.Product != "Renamed" || got.Status != packaging.Suspended {
		t.Errorf("after a refresh: %+v", got.Facts)
	}
	says(t, b.Get(handlerstest.OrderPath(got, "")), "main", "Movilitas.Cloud says: 12")
}

func TestAPressIsWarnedOfWhatMovilitasCloudHasOtherwise(t *testing.T) {
	t.Parallel()
	s := site.New(
		t,
		site.Options{Orders: handlerstest.RemoteOrders("Order143", "Pending release", "Order145", "Pending release")},
	)
	b := s.SignIn("supervisor1")
	imported(t, b, "order_id,lot\nOrder145,OTHER1\n")
	armed := b.Get(handlerstest.PickOrders(t, b, "Order143", "Order145").Attr("a.release", "href"))
	for where, a := range map[string]site.Answer{
		"an order": b.Get(handlerstest.OrderPath(s.Order("Order145"), "?arm=1")), "a queue": armed,
	} {
		if odd := a.All(".release-execute .odd"); len(odd) != 1 || !strings.Contains(odd[0], "OTHER1") ||
			!strings.Contains(odd[0], sandbox.Order143(s.Clock.Now()).Lot) {
			t.Errorf("%s: the press is warned of %q", where, odd)
		}
	}
}

func TestAnOrderThatOnlyAnImportKnowsCanNotBeReleasedUntilTheAPIListsIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	imported(t, b, "order_id,line,lot\nNext1,L1,N1\n")
	o := s.Order("Next1")
	page := b.Get(handlerstest.OrderPath(o, ""))
	says(t, page, "main", "Not yet known to Movilitas.Cloud", "Movilitas.Cloud does not know this order yet.")
	if page.Text("form.arm") != "" {
		t.Error("a release is offered")
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision),
	); a.Status != http.StatusConflict {
		t.Errorf("release: %d", a.Status)
	}
	s.Refresh()
	if o = s.Order("Next1"); !o.NotYetKnown || o.Gone {
		t.Errorf("after a refresh without it: %+v", o)
	}
	says(t, b.Get("/lines/L1"), "main", "Next1")
	s.Box.Put(sandbox.Order{ID: "Next1", LineCode: "L2", Lot: "API", Quantity: 3, Status: "Pending release"})
	s.Refresh()
	o = s.Order("Next1")
	if o.NotYetKnown || o.Status != packaging.PendingRelease || o.Lot != "N1" || o.Line.Code != "L1" ||
		o.Quantity != "3" {
		t.Errorf("once it is listed: %+v", o)
	}
	if b.Get(handlerstest.OrderPath(o, "")).Text("form.arm") == "" {
		t.Error("no release is offered")
	}
}

func TestOrdersThatChangedSinceThePreviewAreShownAgain(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	preview, address := shown(t, b, "order_id,lot\nOrder143,MINE\n")
	imported(t, s.SignIn("manager1"), "order_id,lot\nOrder143,THEIRS\n")
	a := apply(b, preview, address)
	if a.Status != http.StatusConflict || s.Order("Order143").Lot != "THEIRS" {
		t.Fatalf("%d, lot %s", a.Status, s.Order("Order143").Lot)
	}
	says(t, a, "main", "The orders have changed since you looked. Nothing was imported.", "Lot THEIRS becomes MINE")
	if a = apply(b, a, address); a.Status != http.StatusSeeOther || s.Order("Order143").Lot != "MINE" {
		t.Errorf("after looking again: %d, lot %s", a.Status, s.Order("Order143").Lot)
	}
}

func TestAPreviewIsForItsPersonAndNotForLong(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "supervisor2")
	b := s.SignIn("supervisor1")
	preview, address := shown(t, b, "order_id,lot\nOrder143,MINE\n")
	for _, other := range []string{"manager1", "supervisor2"} {
		o := s.SignIn(other)
		if a := o.Get(address); a.Status != http.StatusNotFound {
			t.Errorf("%s sees it: %d", other, a.Status)
		}
		if a := apply(o, preview, address); a.Status != http.StatusNotFound {
			t.Errorf("%s applies it: %d", other, a.Status)
		}
	}
	if a := b.Post(address, "digest", strings.Repeat("0", 64)); a.Status != http.StatusConflict {
		t.Errorf("with another digest: %d", a.Status)
	}
	s.Clock.Move(16 * time.Minute)
	a := apply(b, preview, address)
	if a.Status != http.StatusNotFound || s.Order("Order143").Lot == "MINE" {
		t.Errorf("after 16 minutes: %d", a.Status)
	}
	says(t, a, "main", "This file is no longer kept for you.")
}

func TestAFileWithAFaultIsToldRowByRowAndNothingOfItIsImported(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	a := uploadOrders(
		t, b, `C:\plans\"week".csv`,
		"order_id,line,gtin,quantity\nOrder143,L1,,5\nNext1,L9,09506000134353,\nNext2,,,\"1.234,5\"\n",
	)
	if a.Status != http.StatusUnprocessableEntity {
		t.Fatal(a.Status)
	}
	says(t, a, "main", `week`, "2 errors in the file", "Changed1")
	says(t, a, ".faults", "gtin", "09506000134353", "right check digit", "1.234,5", "without points, commas or spaces")
	if a.Text("form.apply") != "" {
		t.Error("it can be applied")
	}
	a = uploadOrders(t, b, "x.csv", "order_id,line\nNext1,L9\n")
	says(t, a, ".faults", "2", "line", "L9", "A line of this site: L1, L2.")
	for name, test := range map[string]struct {
		content string
		status  int
		says    string
	}{
		"nothing":   {"", 422, "Nothing was entered."},
		"Latin-1":   {"order_id,product\nA,Pr\xe4parat\n", 422, "save as “CSV UTF-8 (comma delimited)”"},
		"too large": {strings.Repeat("x", orderfile.MaxBytes+2<<20), 413, "The file is larger than 32 MiB."},
	} {
		a := uploadOrders(t, b, "x.csv", test.content)
		if a.Status != test.status || !strings.Contains(a.Text("main"), test.says) {
			t.Errorf("%s: %d %s", name, a.Status, a.Text("main"))
		}
	}
	pasted := b.Post("/imports", "orders", "order_id\tlot\nOrder143\tP1\n")
	says(t, b.Get(pasted.Header.Get("Location")), "main", "pasted text", "P1")
}

func TestAnOrderWhoseReleaseIsNotSettledIsNotTouched(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	preview, address := shown(t, b, "order_id,lot\nOrder143,MINE\n")
	o := s.Order("Order143")
	if _, err := s.Store.Claim(t.Context(), s.Person("supervisor1"), packaging.Press{Order: o.ID}); err != nil {
		t.Fatal(err)
	}
	a := apply(b, preview, address)
	if a.Status != http.StatusConflict || s.Order("Order143").Lot != o.Lot {
		t.Fatalf("%d, lot %s", a.Status, s.Order("Order143").Lot)
	}
	says(t, a, ".faults", "Order143", "An order that is not being released at this moment.")
	same, _ := shown(t, b, "order_id,line\nOrder144,\n")
	says(t, same, "main", "All of it is here already.")
}

func TestWhatIsExportedIsImportedBackAsItWas(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	imported(t, b, "order_id,product,lot\n'=1+1,'+SUM(A1),'-7\n'@x,''quoted,\n")
	if o := s.Order("=1+1"); o.Product != "+SUM(A1)" || o.Lot != "-7" {
		t.Errorf("%+v", o.Facts)
	}
	file := b.Get("/imports/orders.csv")
	rows, err := csv.NewReader(strings.NewReader(file.Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	preview, _ := shown(t, b, file.Body)
	says(t, preview, "dl.facts", "New0")
	if strings.Contains(preview.Text("main"), "becomes") {
		t.Errorf("what was exported changes something: %s", preview.Text("main"))
	}
	template, _ := shown(t, b, b.Get("/imports/template.csv").Body)
	says(t, template, "dl.facts", "Wrong0")
}

func TestWhoMayNotImportIsRefused(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, username := range []string{"operator1", "auditor1", "administrator1"} {
		b := s.SignIn(username)
		for _, where := range []string{
			"/imports", "/imports/template.csv", "/imports/orders.csv", "/imports/previews/1",
		} {
			if a := b.Get(where); a.Status != http.StatusForbidden {
				t.Errorf("%s %s: %d", username, where, a.Status)
			}
		}
		if a := uploadOrders(t, b, "x.csv", "order_id\nNext1\n"); a.Status != http.StatusForbidden {
			t.Errorf("%s uploads: %d", username, a.Status)
		}
		if strings.Contains(b.Get("/orders").Text("main"), "Import orders") {
			t.Errorf("%s is offered it", username)
		}
	}
	s.AddTenant("basel", "Plant Basel", "manager2")
	imported(t, s.SignIn("supervisor1"), "order_id\nNext1\n")
	if a := s.SignIn("manager2").Get("/imports/1"); a.Status != http.StatusNotFound {
		t.Errorf("another tenant's import: %d", a.Status)
	}
}

func TestSomebodyOfOneLineImportsNoOrderOfAnotherToTheirOwn(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("Order143", "Pending release")})
	s.Limit("supervisor1", "L1")
	s.Limit("supervisor2", "L2")
	imported(t, s.SignIn("supervisor1"), "order_id,line\nOrder0815,L1\n")
	other := sandbox.Order143(s.Clock.Now())
	other.ID, other.LineCode, other.LineName = "Order0815", "L2", ""
	s.Box.Put(other)
	s.Refresh()
	o := s.Order("Order0815")
	if a := s.SignIn("supervisor1").Get(handlerstest.OrderPath(o, "?arm=1")); a.Status != http.StatusNotFound {
		t.Errorf("who imported it for their own line gets %d", a.Status)
	}
	says(
		t, s.SignIn("supervisor2").Get(handlerstest.OrderPath(o, "?arm=1")), ".release-execute .odd",
		"An import said L1. L2 counts",
	)
}

func TestAPressNamesBothLinesWhereSomebodySetAnotherOne(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	o := s.Order("Order143")
	b.Post(handlerstest.OrderPath(o, "/line"), "was", fmt.Sprint(int64(o.Line.ID)), "line", "L2")
	says(
		t, b.Get(handlerstest.OrderPath(o, "?arm=1")), ".release-execute .odd", "was set here. Movilitas.Cloud says L1",
	)
}
