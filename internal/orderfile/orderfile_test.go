package orderfile_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
)

func read(t *testing.T, content string) ([]packaging.ImportRow, packaging.ImportFaults) {
	t.Helper()
	file, err := orderfile.Read(strings.NewReader(content), orderfile.FormatOf(content))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(file.Rows.All()), file.Faults
}

// whole is an order with every field, as it is kept.
var whole = packaging.Facts{
	Key: "Order143", LineCode: "L1", Product: "Paracetamol 500 mg", GTIN: "09506000134352", Lot: "ABC/12-3",
	Expiry:   "2028-05-31",
	Quantity: "12000", ExtraPercent: "2.5",
}

const (
	head = "order_id,line,product,gtin,lot,expiry,quantity,extra_percent\n"
	body = "Order143,L1,Paracetamol 500 mg,09506000134352,ABC/12-3,2028-05-31,12000,2.5\n"
)

func TestAnOrderIsReadHoweverItsFileIsWritten(t *testing.T) {
	t.Parallel()
	utf16 := func(order unicode.Endianness) string {
		text, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(strings.ReplaceAll(head+body, ",", "\t"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, content := range map[string]string{
		"plain":                    head + body,
		"byte order mark":          "\ufeff" + head + body,
		"CRLF":                     strings.ReplaceAll(head+body, "\n", "\r\n"),
		"no line end":              head + strings.TrimSuffix(body, "\n"),
		"semicolons":               strings.ReplaceAll(head+body, ",", ";"),
		"tabs":                     strings.ReplaceAll(head+body, ",", "\t"),
		"said separator":           "sep=;\r\n" + strings.ReplaceAll(head+body, ",", ";"),
		"UTF-16, little end first": utf16(unicode.LittleEndian),
		"UTF-16, big end first":    utf16(unicode.BigEndian),
		"everything quoted": `"` + strings.ReplaceAll(
			strings.ReplaceAll(strings.TrimSpace(head+body), ",", `","`), "\n", "\"\n\"",
		) + `"`,
		"other headings":           "Order ID, LINE ,Product,Gtin,LOT,Expiry,Quantity,Extra Percent\n" + body,
		"other order of columns":   "lot,extra-percent,orderid,line,product,gtin,expiry,quantity\nABC/12-3,2.50,Order143,L1,Paracetamol 500 mg,9506000134352,31.05.2028,012000\n",
		"a line break in a cell":   head + strings.Replace(body, "Paracetamol 500 mg", "\"Paracetamol\r\n500 mg\"", 1),
		"empty rows and columns":   "\n\n" + strings.ReplaceAll(head, "\n", ",,\n") + "\n,,,,,,,\n" + body + "\n , \n",
		"spaces around":            head + strings.ReplaceAll(body, ",", " , "),
		"guarded against formulas": head + strings.Replace(body, "L1", "L1", 1),
		"JSON":                     `[{"order_id":"Order143","line":"L1","product":"Paracetamol 500 mg","gtin":"9506000134352","lot":"ABC/12-3","expiry":"2028-05-31","quantity":"12000","extra_percent":"2.5"}]`,
		"JSON with numbers":        "\ufeff \n[{\"extra_percent\":2.50,\"order_id\":\"Order143\",\"line\":\"L1\",\"product\":\"Paracetamol 500 mg\",\"gtin\":9506000134352,\"lot\":\"ABC/12-3\",\"expiry\":\"31.05.2028\",\"quantity\":12000}]\n",
	} {
		rows, faults := read(t, content)
		if faults.Count != 0 || len(rows) != 1 {
			t.Errorf("%s: %d rows, %+v", name, len(rows), faults)
			continue
		}
		if diff := cmp.Diff(whole, rows[0].Facts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsLeftEmptySaysNothing(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"order_id,lot,quantity\nA,,\nB\n",
		`[{"order_id":"A","lot":null,"quantity":""},{"order_id":"B"}]`,
	} {
		rows, faults := read(t, content)
		if faults.Count != 0 || len(rows) != 2 || rows[0].Facts.Lot != "" || rows[1].Facts.Key != "B" ||
			rows[1].Facts.Quantity != "" {
			t.Errorf("%q: %+v %+v", content, rows, faults)
		}
	}
}

func TestTheApostropheAgainstFormulasIsNoPartOfATextAndNothingElseIsLost(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"'=1+1": "=1+1", "'+x": "+x", "'-x": "-x", "'@x": "@x", "''x": "'x", "'x": "'x", "'": "'", "=1+1": "=1+1",
	} {
		rows, faults := read(t, "order_id,lot\n"+given+",L\n")
		if faults.Count != 0 || rows[0].Facts.Key != want {
			t.Errorf("%q: %+v %+v, want %q", given, rows, faults, want)
		}
	}
}

// faultLines returns the faults of a file as "row field code".
func faultLines(faults packaging.ImportFaults) (all []string) {
	for _, f := range faults.First {
		all = append(all, strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", f.Row, f.Field, f.Code)), " "))
	}
	return all
}

func TestWhatIsWrongIsToldWithItsRowAndColumn(t *testing.T) {
	t.Parallel()
	cell := func(column, value string) string {
		return "order_id," + column + "\n\"two\nlines\"\nA,\"" + value + "\"\n"
	}
	for name, test := range map[string]struct {
		content string
		want    []string
	}{
		"nothing":                 {"", []string{"0 empty"}},
		"blank":                   {" \n \n", []string{"1 order_id no_order_id_column"}},
		"a heading alone":         {"order_id\n", []string{"0 empty"}},
		"an empty list":           {"[]", []string{"0 empty"}},
		"no order_id":             {"lot,gtin\nA,1\n", []string{"1 order_id no_order_id_column"}},
		"a name spelled wrong":    {"order_id,expirey\nA,2028-05-31\n", []string{"1 unknown_column"}},
		"a column twice":          {"order_id,lot,LOT\nA,B,C\n", []string{"1 lot column_twice"}},
		"too many fields":         {"order_id,lot\nA,B\nC,D,E\n", []string{"3 too_many_columns"}},
		"quotation marks":         {"order_id,lot\nA,\"B\nC,D\n", []string{"2 not_csv"}},
		"a bare quotation mark":   {"order_id,lot\nA,B\"C\n", []string{"2 not_csv"}},
		"Latin-1":                 {"order_id,product\nA,Pr\xe4parat\n", []string{"0 not_utf8"}},
		"UTF-16 without its mark": {"o\x00r\x00d\x00", []string{"0 not_utf8"}},
		"half a UTF-16 pair": {
			"\xff\xfeo\x00\x00\xd8", []string{"1 unknown_column", "1 order_id no_order_id_column"},
		},
		"an order twice": {"order_id\nA\nB\nA\n", []string{"4 order_id order_id_twice"}},
		"no order ID":    {"order_id,lot\n,B\n", []string{"2 order_id order_id_missing"}},
		"a long order ID": {
			"order_id\n" + strings.Repeat("é", 256) + "\n", []string{"2 order_id order_id_long"},
		},
		"rows after a long cell": {
			cell("lot", "a b"), []string{"2 order_id control_character", "4 lot lot_characters"},
		},
		"several in a row": {
			"order_id,gtin,expiry\nA,12,soon\n", []string{"2 gtin gtin_form", "2 expiry expiry_form"},
		},
		"cut off JSON":         {`[{"order_id":"A"},{"order`, []string{"2 not_json"}},
		"more after JSON":      {`[{"order_id":"A"}] x`, []string{"0 not_json"}},
		"an object":            {`{"order_id":"A"}`, []string{"0 not_json"}},
		"no objects":           {`["A"]`, []string{"1 wrong_type"}},
		"an unknown name":      {`[{"order_id":"A","status":"Done"}]`, []string{"1 unknown_field"}},
		"a name in capitals":   {`[{"Order_ID":"A"}]`, []string{"1 unknown_field"}},
		"a name twice":         {`[{"order_id":"A","order_id":"B"}]`, []string{"1 order_id field_twice"}},
		"a number for a lot":   {`[{"order_id":"A","lot":7}]`, []string{"1 lot wrong_type"}},
		"a list for a lot":     {`[{"order_id":"A","lot":["x"]}]`, []string{"1 lot wrong_type"}},
		"a line break in JSON": {`[{"order_id":"A\nB"}]`, []string{"1 order_id control_character"}},
	} {
		rows, faults := read(t, test.content)
		if diff := cmp.Diff(test.want, faultLines(faults)); diff != "" {
			t.Errorf("%s: %+v (-want +got):\n%s", name, rows, diff)
		}
	}
}

func TestAValueIsReadAsItIsMeantOrNotAtAll(t *testing.T) {
	t.Parallel()
	for column, values := range map[string]map[string]string{ // what comes of a value, or its fault
		"gtin": {
			"9506000134352": "09506000134352", "09506000134352": "09506000134352", "96385074": "00000096385074",
			"036000291452":   "00036000291452",
			"09506000134353": "gtin_check_digit", "9.506E+12": "gtin_form", "950600013435": "gtin_check_digit",
			"1234567": "gtin_form", "0950600013435２": "gtin_form",
		},
		"lot": {
			"A1": "A1", strings.Repeat("x", 20): strings.Repeat("x", 20), strings.Repeat("x", 21): "lot_long",
			"A B": "lot_characters", "Ä": "lot_characters", "#1": "lot_characters",
		},
		"expiry": {
			"2028-02-29": "2028-02-29", "29.02.2028": "2028-02-29", "2027-02-29": "expiry_no_date",
			"31.04.2028": "expiry_no_date", "1999-12-31": "expiry_no_date",
			"2028-05": "expiry_no_day", "05.2028": "expiry_no_day", "2028-05-00": "expiry_no_day",
			"00.05.2028": "expiry_no_day", "05/2028": "expiry_no_day",
			"05/31/2028": "expiry_form", "31/05/2028": "expiry_form", "280531": "expiry_form",
			"280500": "expiry_no_day", "31.5.2028": "expiry_form", "May 2028": "expiry_form",
			"2028-05-31 00:00": "expiry_form",
		},
		"quantity": {
			"1": "1", "0012": "12", "999999999999": "999999999999", "0": "quantity_form", "-1": "quantity_form",
			"1.234": "quantity_form", "1.234,5": "quantity_form",
			"1,234": "quantity_form", "1 234": "quantity_form", "1e3": "quantity_form",
			"1234567890123": "quantity_form", "१२": "quantity_form",
		},
		"extra_percent": {
			"0": "0", "5": "5", "05.50": "5.5", "2.5": "2.5", "100": "100", "100.0": "100",
			"100.1": "extra_percent_form", "2,5": "2.5", "2,500.0": "extra_percent_form",
			"1.234,5": "extra_percent_form",
			"5 %":     "extra_percent_form", ".5": "extra_percent_form", "-1": "extra_percent_form",
			"101": "extra_percent_form",
		},
		"product": {"  Ibu\n 400 ": "Ibu 400", strings.Repeat("é", 201): "product_long", "a\x07b": "control_character"},
	} {
		for value, want := range values {
			rows, faults := read(t, "order_id\t"+column+"\nA\t\""+value+"\"\n")
			got := ""
			if faults.Count == 1 {
				got = string(faults.First[0].Code)
			} else if len(rows) == 1 {
				got = *rows[0].Facts.Field(packaging.ImportField(column))
			}
			if got != want {
				t.Errorf("%s %q: %q, want %q", column, value, got, want)
			}
		}
	}
}

func TestManyFaultsAreCountedAndTheFirstTold(t *testing.T) {
	t.Parallel()
	_, faults := read(t, "order_id\n"+strings.Repeat("A\n", 5001))
	if faults.Count != 5000 || len(faults.First) != 200 || faults.First[0].Hint != "2" {
		t.Errorf("%d, %d told, first %+v", faults.Count, len(faults.First), faults.First[0])
	}
}

func TestAReaderThatFailsIsNoFaultOfTheFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line was cut")
	for _, format := range []orderfile.Format{orderfile.CSV, orderfile.JSON} {
		content := head + body
		if format == orderfile.JSON {
			content = `[{"order_id":"A"},`
		}
		_, err := orderfile.Read(io.MultiReader(strings.NewReader(content), iotest.ErrReader(broken)), format)
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// What is read must be as the rules say, and come back the same from the file that Lineboard itself would write of it.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		head + body, "\ufeff" + head + body, "sep=;\norder_id;lot\n'=1;'-2\n", "order_id\n\"a\nb\"\n",
		`[{"order_id":"A","quantity":1e3,"lot":null}]`,
		"\xff\xfeo\x00", "[[[[", "order_id,expiry\nA,05.2028\n", "order_id\t\nA\tB\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := orderfile.Read(bytes.NewReader(content), orderfile.FormatOf(string(content)))
		if err != nil {
			t.Fatal(err)
		}
		rows, faults := slices.Collect(file.Rows.All()), file.Faults
		if len(rows) == 0 && faults.Count == 0 {
			t.Fatal("nothing was read and nothing is wrong")
		}
		if len(rows) == 0 {
			return
		}
		var again bytes.Buffer
		w := csv.NewWriter(&again)
		_ = w.Write([]string{"order_id", "line", "product", "gtin", "lot", "expiry", "quantity", "extra_percent"})
		for _, row := range rows {
			var cells []string
			for _, field := range packaging.ImportFields {
				value := *row.Facts.Field(field)
				if value != strings.TrimSpace(value) {
					return // JSON keeps spaces, which CSV does not
				}
				if value != "" && strings.ContainsRune("=+-@'", rune(value[0])) {
					value = "'" + value
				}
				cells = append(cells, value)
			}
			_ = w.Write(cells)
		}
		w.Flush()
		copied, err := orderfile.Read(&again, orderfile.CSV)
		back := slices.Collect(copied.Rows.All())
		if err != nil || copied.Faults.Count != 0 || len(back) != len(rows) {
			t.Fatalf("%d rows came back of %d: %+v %v", len(back), len(rows), copied.Faults, err)
		}
		for i := range rows {
			if diff := cmp.Diff(rows[i].Facts, back[i].Facts); diff != "" {
				t.Fatalf("row %d (-was +came back):\n%s", i, diff)
			}
		}
	})
}
