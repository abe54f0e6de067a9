package orderfile_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

func readFile(t *testing.T, content string) orderfile.Content {
	t.Helper()
	file, err := orderfile.Read(strings.NewReader(content), orderfile.FormatOf(content))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func first(file orderfile.Content) packaging.ImportRow {
	for row := range file.Rows.All() {
		return row
	}
	return packaging.ImportRow{}
}

func TestWhatASpreadsheetMayHaveChangedIsAskedAbout(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]string{
		"order_id;line;lot\r\nORD-2;L1;10.Dez\r\nWO-9;L1;Mar-26\r\n": {
			"2 lot looks_like_date", "3 lot looks_like_date",
		},
		"order_id,lot\nA,46752\nB,12345\nC,4675\nD,MAR26\n": {"2 lot looks_like_date"},
		"order_id,lot\nA,01.03.2026\nB,3/1/26\nC,2026-03-01\n": {
			"2 lot looks_like_date", "3 lot looks_like_date", "4 lot looks_like_date",
		},
		"order_id,lot\n10-Dec,x\n12. okt,y\n46752,z\n": {
			"2 order_id looks_like_date", "3 order_id looks_like_date",
		},
		"order_id;lot\n1.23E+12;x\nA;1E+05\nB;1E5\nC;\"1,2E+17\"\n": {
			"2 order_id scientific_notation", "3 lot scientific_notation", "5 lot scientific_notation",
		},
		"order_id,lot\n1234567890123450,x\nB,123456789012345000\nC,123456789012345\nD,1234567890123456\n": {
			"2 order_id digits_rounded", "3 lot digits_rounded",
		},
		"order_id,lot\n'000123,x\nB,'A1\nC,A'1\n": {"2 order_id leading_apostrophe", "3 lot leading_apostrophe"},
		"order_id,lot\n2026-12-10 00:30:00,x\n":   {"2 order_id looks_like_date"},
		"order_id,lot\n2026. 12. 10.,12:30\n":     {"2 order_id looks_like_date", "2 lot looks_like_date"},
		"order_id,lot\nA,WAHR\nB,true\nC,N/A\nD,NULL\nE,TRUE1\n": {
			"2 lot looks_like_no_value", "3 lot looks_like_no_value", "4 lot looks_like_no_value",
			"5 lot looks_like_no_value",
		},
		"order_id,lot\n\"=\"\"000123\"\"\",46752\n": {"2 lot looks_like_date"},
		"order_id,quantity\nA,5\nTotal:,7\n":        {"3 order_id footer_row"},
		"order_id,quantity\nA,5\nGesamt 1 Zeile,\n": {"3 order_id footer_row"},
		"order_id,quantity\nA,5\nB,7\nC,12\n":       {"4 order_id footer_row"},
		"order_id,quantity\nA,5\n2 rows,\n":         {"3 order_id footer_row"},
		"order_id,quantity\nA,5\n***,\n":            {"3 order_id footer_row"},
		"order_id\nORD\u00a01\nORD\u200b2\nO\u00adRD3\nORD 4\n": {
			"2 order_id invisible_characters", "3 order_id invisible_characters", "4 order_id invisible_characters",
		},
		"\u200border_id,lot\n\ufeffORD1\u200b,\u00a0L1\u2060\n": nil,
		`[{"order_id":"ORD\u200b1"}]`:                           {"1 order_id invisible_characters"},
		"order_id,quantity\nTotalin-7,5\nEndor1,1\n":            nil,
		`[{"order_id":"A","lot":"10.Dez"}]`:                     nil,
		"order_id,lot,expiry\nA,LT77A,2028-12-31\n":             nil,
	} {
		file := readFile(t, content)
		if diff := cmp.Diff(want, faultLines(file.Questions)); diff != "" || file.Faults.Count != 0 {
			t.Errorf("%q: %+v (-want +got):\n%s", content, file.Faults, diff)
		}
	}
}

func TestLineEndsAndSeparatorsOfOtherProgramsAreReadOrTold(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"CR only": strings.ReplaceAll(head+body, "\n", "\r"),
		"CR, quoted": strings.ReplaceAll(
			head+strings.Replace(body, "Paracetamol 500 mg", `"Paracetamol 500 mg"`, 1), "\n", "\r",
		),
		"vertical bars": strings.ReplaceAll(head+body, ",", "|"),
		"named bars":    "sep=|\r" + strings.ReplaceAll(strings.ReplaceAll(head+body, ",", "|"), "\n", "\r"),
	} {
		file := readFile(t, content)
		if file.Faults.Count != 0 || file.Rows.Len() != 1 || !cmp.Equal(first(file).Facts, whole) {
			t.Errorf("%s: %+v", name, file)
		}
	}
	for _, separator := range []string{"^", "~", ":", " "} {
		file := readFile(t, strings.ReplaceAll(head+body, ",", separator))
		if got := faultLines(file.Faults); len(got) != 1 || got[0] != "1 separator_unknown" {
			t.Errorf("%q: %v", separator, got)
		}
	}
}

// workbook returns a workbook that fill has filled.
func workbook(t *testing.T, fill func(f *excelize.File)) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// set sets cells of the first sheet, each with a format of its own if it has one.
func set(t *testing.T, f *excelize.File, cells map[string]any, formats map[string]string) {
	t.Helper()
	for at, value := range cells {
		if err := f.SetCellValue("Sheet1", at, value); err != nil {
			t.Fatal(err)
		}
		format, ok := formats[at]
		if !ok {
			continue
		}
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
		if err == nil {
			err = f.SetCellStyle("Sheet1", at, at, style)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWorkbookIsReadAsAPersonSeesIt(t *testing.T) {
	t.Parallel()
	expiry := time.Date(2028, 5, 31, 0, 0, 0, 0, time.UTC)
	for _, from1904 := range []bool{false, true} {
		content := workbook(t, func(f *excelize.File) {
			if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &from1904}); err != nil {
				t.Fatal(err)
			}
			set(t, f, map[string]any{
				"A2": "Order ID", "B2": "line", "C2": "product", "D2": "gtin", "E2": "lot", "F2": "expiry",
				"G2": "quantity", "H2": "extra_percent",
				"A3": "Order143", "B3": "L1", "C3": "Paracetamol 500 mg", "D3": 9506000134352, "E3": "ABC/12-3",
				"F3": expiry, "G3": 12000, "H3": 0.025,
				"A5": "000123", "E5": "46752", "F5": "31.05.2028",
				"A6": 124, "E6": "10.Dez",
			}, map[string]string{"H3": "0.0%", "A6": "000000", "G3": "#,##0", "F3": "dd/mm/yyyy"})
			if err := f.SetCellRichText(
				"Sheet1", "C5", []excelize.RichTextRun{{Text: "Ibu"}, {Text: " 400"}},
			); err != nil {
				t.Fatal(err)
			}
		})
		file := readFile(t, content)
		want := []packaging.ImportRow{
			{Row: 3, Facts: whole},
			{Row: 5, Facts: packaging.Facts{Key: "000123", Product: "Ibu 400", Lot: "46752", Expiry: "2028-05-31"}},
			{Row: 6, Facts: packaging.Facts{Key: "000124", Lot: "10.Dez"}},
		}
		if diff := cmp.Diff(want, slices.Collect(file.Rows.All())); diff != "" || file.Faults.Count+file.Questions.Count != 0 {
			t.Errorf("1904 %v: %+v %+v (-want +got):\n%s", from1904, file.Faults, file.Questions, diff)
		}
	}
}

func TestWhatAWorkbookDidToAValueIsAskedOrTold(t *testing.T) {
	t.Parallel()
	file := readFile(t, workbook(t, func(f *excelize.File) {
		set(t, f, map[string]any{
			"A1": "order_id", "B1": "lot", "C1": "quantity",
			"A2": "A", "B2": time.Date(2026, 12, 10, 0, 0, 0, 0, time.UTC),
			"A3": 1234567890123456789, "A4": "C", "B4": 46752, "A5": "D", "A6": "Total", "C6": 5,
		}, map[string]string{"B2": "dd-mmm"})
		if _, err := f.NewSheet("More"); err != nil {
			t.Fatal(err)
		}
		_ = f.SetCellValue("More", "A1", 7)
		if err := f.SetRowVisible("Sheet1", 2, false); err != nil {
			t.Fatal(err)
		}
	}))
	want := []string{
		"0 further_sheets", "2 hidden_row", "2 lot looks_like_date", "3 order_id digits_rounded",
		"4 lot looks_like_date", "6 order_id footer_row",
	}
	if diff := cmp.Diff(want, faultLines(file.Questions)); diff != "" {
		t.Errorf("%+v (-want +got):\n%s", file.Faults, diff)
	}
	file = readFile(t, workbook(t, func(f *excelize.File) {
		set(t, f, map[string]any{"A1": "order_id", "B1": "lot", "A2": "A"}, nil)
		_ = f.SetCellFormula("Sheet1", "B2", "A9")
	}))
	if got := faultLines(file.Faults); len(got) != 1 || got[0] != "2 cell_error" {
		t.Errorf("a formula without a value: %v", got)
	}
}

// A style may show a number with text around it, or as a power of ten.
func TestANumberIsReadWithTheTextThatItsStyleShows(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]packaging.Facts{
		`"WO-"000000`:     {Key: "WO-000123", Lot: "WO-046752", Quantity: "5"},
		`000\-000`:        {Key: "000-123", Lot: "046-752", Quantity: "5"},
		`"LT "0`:          {Key: "LT 123", Quantity: "5"}, // no lot has a space
		`"A"General"/26"`: {Key: "A123/26", Lot: "A46752/26", Quantity: "5"},
		`#-0`:             {Key: "12-3", Lot: "4675-2", Quantity: "5"},
		`0" packs";-0`:    {Key: "123 packs", Quantity: "5"},
		`[Red]_-0000`:     {Key: "0123", Lot: "46752", Quantity: "5"},
		`#,##0" kg"`:      {Key: "123", Lot: "46752", Quantity: "5"}, // shown in another way
	} {
		file := readFile(t, workbook(t, func(f *excelize.File) {
			cells := map[string]any{"A1": "order_id", "A2": 123, "C1": "quantity", "C2": 5}
			formats := map[string]string{"A2": format, "C2": format}
			if want.Lot != "" {
				cells["B1"], cells["B2"], formats["B2"] = "lot", 46752, format
			}
			set(t, f, cells, formats)
		}))
		if got := first(file).Facts; !cmp.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v, %+v", format, got, want, file.Faults)
		}
	}
	file := readFile(t, workbook(t, func(f *excelize.File) {
		set(t, f, map[string]any{
			"A1": "order_id", "A2": 1e5, "B1": "lot", "B2": 12e3, "C1": "quantity", "C2": 100,
		}, map[string]string{"A2": "0.00E+00", "B2": "##0.0E+0", "C2": "0.00E+00"})
		if err := f.SetColVisible("Sheet1", "C:D", false); err != nil {
			t.Fatal(err)
		}
	}))
	if diff := cmp.Diff([]string{
		"1 quantity hidden_column", "2 order_id scientific_notation", "2 lot scientific_notation",
	}, faultLines(file.Questions)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// repacked returns a workbook with other parts, each written by a function. Further ones are added.
func repacked(t *testing.T, plain string, parts map[string]func(w io.Writer)) string {
	t.Helper()
	from, err := zip.NewReader(strings.NewReader(plain), int64(len(plain)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	written := map[string]bool{}
	write := func(name string, content func(w io.Writer)) {
		w, err := to.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		content(w)
		written[name] = true
	}
	for _, part := range from.File {
		content, other := parts[part.Name]
		if !other {
			r, err := part.Open()
			if err != nil {
				t.Fatal(err)
			}
			content = func(w io.Writer) { _, _ = io.Copy(w, r) }
		}
		write(part.Name, content)
	}
	for name, content := range parts {
		if !written[name] {
			write(name, content)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const sheetPart, stringsPart = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"

func TestTheKindsOfAWorkbooksCellsAreToldApart(t *testing.T) {
	t.Parallel()
	plain := workbook(t, func(f *excelize.File) {
		set(t, f, map[string]any{"A1": "order_id", "B1": "product", "A2": "A"}, nil)
	})
	for cell, want := range map[string]string{
		`<c r="B2" t="s"><v>0</v></c>`:                                        "order_id",
		`<c r="B2" t="s"><v>3</v></c>`:                                        "2 cell_error",
		`<c r="B2" t="s"><v>-1</v></c>`:                                       "2 cell_error",
		`<c r="B2" t="s"><v>x</v></c>`:                                        "2 cell_error",
		`<c r="B2" t="b"><v>1</v></c>`:                                        "TRUE",
		`<c r="B2" t="b"><v>0</v></c>`:                                        "FALSE",
		`<c r="B2" t="e"><v>#REF!</v></c>`:                                    "2 cell_error",
		`<c r="B2" t="str"><f>A9</f><v>made by a formula</v></c>`:             "made by a formula",
		`<c r="B2" t="inlineStr"><is><t>A_x0041_B</t></is></c>`:               "AAB",
		`<c r="B2" t="inlineStr"><is><t>A_x0001_B</t></is></c>`:               "2 product control_character",
		`<c r="B2" t="d"><v>2028-05-31T00:00:00</v></c>`:                      "2028-05-31",
		`<c r="B2"><v>1e400</v></c>`:                                          "2 cell_error",
		`<c r="B2"><v>NaN</v></c>`:                                            "2 cell_error",
		`<c r="2B"><v>7</v></c>`:                                              "0 not_xlsx",
		`<c r="B2" s="99"><v>7</v></c>`:                                       "7",
		`<c r="B2" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>`: "ab",
	} {
		texts := func(w io.Writer) {
			_, _ = io.WriteString(w, "<sst><si><t>order_id</t></si><si><t>product</t></si><si><t>A</t></si></sst>")
		}
		file := readFile(t, repacked(t, plain, map[string]func(io.Writer){
			stringsPart: texts,
			sheetPart: func(w io.Writer) {
				_, _ = fmt.Fprintf(w,
					`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
				<row r="2"><c r="A2" t="s"><v>2</v></c>%s</row></sheetData></worksheet>`, cell)
			},
		}))
		got := strings.Join(faultLines(file.Faults), ", ")
		if got == "" && file.Rows.Len() == 1 {
			got = first(file).Facts.Product
		}
		if got != want {
			t.Errorf("%s: %q, want %q", cell, got, want)
		}
	}
}

func TestARowNumberThatNoSheetHasLosesNoRow(t *testing.T) {
	t.Parallel()
	plain := workbook(t, func(f *excelize.File) { set(t, f, map[string]any{"A1": "order_id", "A2": "A"}, nil) })
	for _, number := range []string{"300000000", "99999999999999999999", "-5", "0", "x"} {
		file := readFile(t, repacked(t, plain, map[string]func(io.Writer){sheetPart: func(w io.Writer) {
			_, _ = fmt.Fprintf(w, `<worksheet><sheetData><row><c t="inlineStr"><is><t>order_id</t></is></c></row>
				<row r="%s"><c t="inlineStr"><is><t>A</t></is></c></row></sheetData></worksheet>`, number)
		}}))
		rows, err := packaging.UnpackImportRows(file.Rows.Parts())
		if err != nil || rows.Len() != 1 || first(file).Row != 2 || first(file).Facts.Key != "A" {
			t.Errorf("row %s: %d rows, %v, %v", number, rows.Len(), first(file), err)
		}
	}
}

func TestTheFirstSheetThatCanBeSeenIsRead(t *testing.T) {
	t.Parallel()
	file := readFile(t, workbook(t, func(f *excelize.File) {
		set(t, f, map[string]any{"A1": "order_id", "A2": "hidden"}, nil)
		if _, err := f.NewSheet("Seen"); err != nil {
			t.Fatal(err)
		}
		_ = f.SetCellValue("Seen", "A1", "order_id")
		_ = f.SetCellValue("Seen", "A2", "seen")
		f.SetActiveSheet(1)
		if err := f.SetSheetVisible("Sheet1", false); err != nil {
			t.Fatal(err)
		}
	}))
	if file.Rows.Len() != 1 || first(file).Facts.Key != "seen" || file.Questions.Count != 0 {
		t.Errorf("%+v", file)
	}
}

func TestAWorkbookIsBoundedWhenItIsUnpacked(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	plain := workbook(t, func(f *excelize.File) { set(t, f, map[string]any{"A1": "order_id", "A2": "A"}, nil) })
	repack := func(sheet func(w io.Writer)) string {
		return repacked(t, plain, map[string]func(io.Writer){sheetPart: sheet})
	}
	with := func(name string, content func(w io.Writer)) string {
		return repacked(t, plain, map[string]func(io.Writer){name: content})
	}
	many := map[string]func(io.Writer){}
	for i := range 1000 {
		many[fmt.Sprintf("xl/media/%d.png", i)] = func(io.Writer) {}
	}
	for name, test := range map[string]struct{ content, want string }{
		"large": {repack(func(w io.Writer) { _, _ = w.Write(bytes.Repeat([]byte(" "), 129<<20)) }), "0 too_large"},
		"cut off": {repack(func(w io.Writer) {
			_, _ = io.WriteString(w, "<worksheet><sheetData><row><c>")
		}), "0 not_xlsx"},
		"far right": {repack(func(w io.Writer) {
			_, _ = io.WriteString(
				w, `<worksheet><sheetData><row r="1"><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>`,
			)
		}), "1 row_too_long"},
		"a hundred and one cells": {repack(func(w io.Writer) {
			_, _ = io.WriteString(
				w, `<worksheet><sheetData><row r="1"><c r="CW1"><v>1</v></c></row></sheetData></worksheet>`,
			)
		}), "1 row_too_long"},
		"a long cell": {repack(func(w io.Writer) {
			_, _ = fmt.Fprintf(
				w,
				`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>order_id</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>%4097s</t></is></c></row></sheetData></worksheet>`,
				"a",
			)
		}), "2 row_too_long"},
		"a cell without end": {repack(func(w io.Writer) {
			_, _ = io.WriteString(
				w,
				`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is>`+
					strings.Repeat("<r><t>x</t></r>", 3<<20),
			)
		}), "1 row_too_long"},
		"many parts": {repacked(t, plain, many), "0 too_large"},
		"long styles": {with("xl/styles.xml", func(w io.Writer) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), 3<<20))
		}), "0 too_large"},
		"many texts": {with(stringsPart, func(w io.Writer) {
			_, _ = io.WriteString(w, "<sst>"+strings.Repeat("<si/>", 1<<20+1)+"</sst>")
		}), "0 too_large"},
		"a long text": {with(stringsPart, func(w io.Writer) {
			_, _ = fmt.Fprint(w, "<sst>"+strings.Repeat("<si><t>"+strings.Repeat("x", 5<<10)+"</t></si>", 2)+"</sst>")
		}), "1 row_too_long"},
		"deep": {repack(func(w io.Writer) {
			_, _ = io.WriteString(w, "<worksheet>"+strings.Repeat("<x>", 1000)+strings.Repeat("</x>", 1000)+"</worksheet>")
		}), "0 not_xlsx"},
		"many rows": {repack(func(w io.Writer) {
			_, _ = io.WriteString(w, `<worksheet><sheetData><row><c t="inlineStr"><is><t>order_id</t></is></c></row>`)
			for i := range 100_001 {
				_, _ = fmt.Fprintf(w, "<row><c><v>%d</v></c></row>", 1000+i)
			}
			_, _ = io.WriteString(w, "</sheetData></worksheet>")
		}), "0 too_many_rows"},
		"no workbook": {"PK\x03\x04 and no more", "0 not_xlsx"},
		"encrypted":   {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "0 not_xlsx"},
		"nothing":     {workbook(t, func(*excelize.File) {}), "0 empty"},
	} {
		if got := faultLines(readFile(t, test.content).Faults); len(got) != 1 || got[0] != test.want {
			t.Errorf("%s: %v, want %s", name, got, test.want)
		}
	}
}

// A small file may name one sheet as many, each of which would be read to its end for a value that it does not have.
func TestASheetThatAWorkbookNamesManyTimesIsReadOnce(t *testing.T) {
	t.Parallel()
	plain := workbook(t, func(f *excelize.File) { set(t, f, map[string]any{"A1": "order_id", "A2": "A"}, nil) })
	content := repacked(t, plain, map[string]func(io.Writer){
		"xl/workbook.xml": func(w io.Writer) {
			_, _ = io.WriteString(w, `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
				xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
				<sheet name="Sheet1" sheetId="1" r:id="a"/>`)
			for i := range 20_000 {
				_, _ = fmt.Fprintf(w, `<sheet name="n%d" sheetId="%d" r:id="b"/>`, i, i+2)
			}
			_, _ = io.WriteString(w, `</sheets></workbook>`)
		},
		"xl/_rels/workbook.xml.rels": func(w io.Writer) {
			const sheet = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
			_, _ = fmt.Fprintf(w, `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
				<Relationship Id="a" Type="%s" Target="worksheets/sheet1.xml"/>
				<Relationship Id="b" Type="%[1]s" Target="/xl/worksheets/sheet2.xml"/></Relationships>`, sheet)
		},
		"xl/worksheets/sheet2.xml": func(w io.Writer) {
			_, _ = io.WriteString(w, "<worksheet>"+strings.Repeat("<a></a>", 10_000)+"</worksheet>")
		},
	})
	began := time.Now()
	file := readFile(t, content)
	if took := time.Since(began); took > 30*time.Second || file.Rows.Len() != 1 || file.Faults.Count > 0 {
		t.Errorf("%d rows, %v, after %s", file.Rows.Len(), file.Faults, took)
	}
}
