package imports_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"lineboard/internal/testkit/site"
)

func TestWhatLooksLikeAMistakeIsAskedAboutBeforeItIsImported(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	preview, address := shown(t, b, "order_id;line;lot\nORDER 143;L1;A\nORD-2;L1;10.Dez\nTotal;;\n")
	says(
		t, preview, "main", "To be confirmed3", "Is Order143 meant?", "made a date", "last row of a report",
		"I have checked the 3 values",
	)
	if a := apply(b, preview, address); a.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(a.Text("main"), "Nothing was imported") {
		t.Errorf("without a tick: %d %s", a.Status, a.Text("main"))
	}
	a := b.Post(address, "digest", preview.Attr("input[name=digest]", "value"), "confirm", "true")
	if a.Status != http.StatusSeeOther {
		t.Fatalf("confirmed: %d %s", a.Status, a.Text("main"))
	}
	if e := s.History()[0]; !strings.HasSuffix(e.New, ", 3 questions confirmed") {
		t.Errorf("history %+v", e)
	}
	if got := s.Order("ORD-2"); got.Lot != "10.Dez" {
		t.Errorf("order %+v", got)
	}
	preview, _ = shown(t, b, "order_id;lot\nOrder143;X1\n")
	if strings.Contains(preview.Text("main"), "To be confirmed") {
		t.Error("a known order is asked about")
	}
}

func TestAnOrderIDThatLostItsZerosIsAskedAbout(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	imported(t, b, "order_id,lot\n000123,0077\n")
	preview, _ := shown(t, b, "order_id;line;lot;quantity\r\n123;L2;12345;5\r\n")
	says(t, preview, "main", "Is 000123 meant?")
	preview, _ = shown(t, b, "order_id;lot\r\n000123;77\r\n")
	says(t, preview, "main", "Is 0077 meant?")
}

func TestAWorkbookIsImportedAsItIs(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	f := excelize.NewFile()
	defer f.Close()
	for at, v := range map[string]any{"A1": "order_id", "B1": "lot", "A2": "000777", "B2": "46752"} {
		if err := f.SetCellValue("Sheet1", at, v); err != nil {
			t.Fatal(err)
		}
	}
	var content bytes.Buffer
	if err := f.Write(&content); err != nil {
		t.Fatal(err)
	}
	imported(t, b, content.String())
	if got := s.Order("000777"); got.Lot != "46752" {
		t.Errorf("order %+v", got)
	}
}

func TestAProgramConfirmsWhatLooksLikeAMistake(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	key, doc := token(t, s, "SAP Ghent"), described(t, s)
	send := func(query string) site.Answer {
		a := putTo(t, s, "/api/v1/orders"+query, key, "text/csv", "order_id,lot\norder-143,A\nNEW1,Mar-26\n")
		fits(t, doc, http.MethodPut, "/api/v1/orders", query, a)
		return a
	}
	a := send("")
	for _, want := range []string{
		`"code":"questions"`, `"question_count":2`, `"similar_order_id"`, `"looks_like_date"`, "Order143",
	} {
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, want) {
			t.Errorf("%d %s, want %s", a.Status, a.Body, want)
		}
	}
	if a := send("?confirm=true"); a.Status != http.StatusOK || !strings.Contains(a.Body, `"new":2`) {
		t.Errorf("confirmed: %d %s", a.Status, a.Body)
	}
	if a := send(""); a.Status != http.StatusOK || !strings.Contains(a.Body, `"unchanged":2`) {
		t.Errorf("what changes nothing is asked about: %d %s", a.Status, a.Body)
	}
}
