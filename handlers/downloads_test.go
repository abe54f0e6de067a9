package handlers_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// downloading is a site with a released list whose serial numbers a spreadsheet would alter, and words with accents.
func downloading(t *testing.T) (*site.Site, *site.Browser, packaging.Order) {
	t.Helper()
	o := sandbox.Order143(time.Now())
	o.Product, o.Serials = "Präparat; =1+1", []string{
		"=1+1", "000123", "12345678901234567890", "1E5", "_x0041_", `"q,;`, "+1-1", "Z9Y8X7W6V5", "a", "b", "c",
	}
	s := site.New(
		t, site.Options{Orders: append([]sandbox.Order{o}, handlerstest.RemoteOrders("000123", "Pending release")...)},
	)
	s.ThreeShifts("ghent")
	b := s.SignIn("supervisor1")
	released := s.Order(o.ID)
	if a := b.Post(
		handlerstest.OrderPath(released, "/release"), "revision", fmt.Sprint(released.Revision),
	); a.Status != http.StatusSeeOther {
		t.Fatalf("release: %d", a.Status)
	}
	return s, b, released
}

// read reads CSV as a spreadsheet does that parts cells at the separator.
func read(t *testing.T, file string, separator rune) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(file))
	r.Comma = separator
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestCSVForPeopleOpensInTheSpreadsheetOfTheirLanguage(t *testing.T) {
	t.Parallel()
	_, b, o := downloading(t)
	for language, separator := range map[string]rune{"de": ';', "fr": ';', "es": ';', "hu": ';', "en": ','} {
		b.Post("/language", "language", language)
		for _, address := range []string{
			handlerstest.OrderPath(o, "/serials.csv"), "/imports/orders.csv", "/imports/template.csv", "/history.csv",
			"/shifts/2026-11-23/Early/report.csv?table=releases",
		} {
			forPrograms := b.Get(address)
			parted := "?"
			if strings.Contains(address, "?") {
				parted = "&"
			}
			a := b.Get(address + parted + "for=people")
			text, marked := strings.CutPrefix(a.Body, "\ufeff")
			if a.Status != http.StatusOK || !marked {
				t.Errorf("%s, %s: %d, byte order mark %v", language, address, a.Status, marked)
				continue
			}
			if strings.HasPrefix(forPrograms.Body, "\ufeff") ||
				!strings.Contains(strings.Split(forPrograms.Body, "\n")[0], ",") {
				t.Errorf("%s, %s: the form for programs has changed: %.60q", language, address, forPrograms.Body)
			}
			if columns := read(t, forPrograms.Body, ',')[0]; !cmp.Equal(columns, read(t, text, separator)[0]) {
				t.Errorf("%s, %s: the columns are not parted by %q: %.60q", language, address, separator, text)
			}
			if !strings.Contains(address, "serials") {
				noFormulas(t, language+" "+address, text)
				noFormulas(t, "for programs, "+address, forPrograms.Body)
			}
		}
		file := b.Get("/imports/orders.csv?for=people").Body
		if !strings.Contains(file, "Präparat") {
			t.Errorf("%s: %q", language, file)
		}
		parsed, err := orderfile.Read(strings.NewReader(file), orderfile.FormatOf(file))
		if err != nil || parsed.Faults.Count > 0 {
			t.Errorf("%s: what was downloaded can't be imported: %v %+v", language, err, parsed.Faults)
		}
		if !slices.ContainsFunc(slices.Collect(parsed.Rows.All()), func(r packaging.ImportRow) bool {
			return r.Facts.Product == "Präparat; =1+1"
		}) {
			t.Errorf("%s: what was downloaded is read as %+v", language, parsed)
		}
		if template := b.Get(
			"/imports/template.csv?for=people",
		).Body; (language != "en") != strings.Contains(template, "2,5") {
			t.Errorf("%s: a decimal that a spreadsheet takes for a day: %q", language, template)
		}
	}
}

// noFormulas fails where a spreadsheet of any country would take a cell for a formula.
func noFormulas(t *testing.T, what, file string) {
	t.Helper()
	for _, separator := range ",;\t|" {
		r := csv.NewReader(strings.NewReader(file))
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = separator, true, -1
		rows, _ := r.ReadAll()
		for _, row := range rows {
			for _, cell := range row {
				for line := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == '\n' || r == '\r' }) {
					if line = strings.TrimLeft(line, `" `); line != "" && strings.ContainsRune("=+-@", rune(line[0])) {
						t.Errorf("%s, parted at %q: the cell %q is a formula", what, separator, cell)
					}
				}
			}
		}
	}
}

// Whatever people, the API or a file can name begins as a formula here, and stands in some cell of an export.
func TestNothingThatCanBeNamedIsAFormulaInAnyExport(t *testing.T) {
	t.Parallel()
	o := sandbox.Order143(time.Now())
	o.ID, o.LineCode, o.LineName, o.Product, o.Lot, o.Serials = "=O1", "+L1", "=Line 1", "@Product", "-LOT", nil
	s := site.New(t, site.Options{Orders: []sandbox.Order{o}, Handler: func(box *sandbox.Sandbox) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/release_to_line") {
				box.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"success":false,"message":"=message","code":"=code"}`))
		})
	}})
	s.ThreeShifts("ghent")
	done := func(a site.Answer) {
		t.Helper()
		if a.Status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.Status, a.Text("main"))
		}
	}
	administrator := s.SignIn("administrator1")
	done(s.SignIn("supervisor1").Post("/adopt", "code", "+L1", "name", "=Line 1")) // as the API names it
	supervisor := s.Person("supervisor1")
	for _, name := range []string{"=Person", "@Person"} {
		done(administrator.Post(
			fmt.Sprint("/admin/people/", supervisor.ID), "full_name", name, "role", "supervisor",
		))
	}
	s.Refresh()
	s.SetPIN("supervisor1", handlerstest.APIN)
	tablet := s.Tablet("@Tablet", "+L1")
	done(handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN))
	released := s.Order("=O1")
	done(tablet.Post(handlerstest.OrderPath(released, "/release"), "revision", fmt.Sprint(released.Revision)))
	done(tablet.Post(handlerstest.OrderPath(released, "/notes"), "words", "=note"))
	done(tablet.Post("/lines/+L1/notes", "words", "x;=note"))
	handlerstest.ImportFile(t, s.SignIn("manager1"), "=orders.csv", "order_id,product,lot\n'=O2,'=P,'=L\n")
	done(s.SignIn("manager1").Post(handlerstest.OrderPath(s.Order("=O2"), "/withdraw"), "why", "=why"))
	b := s.SignIn("supervisor1")
	for _, address := range []string{
		"/imports/orders.csv", "/imports/template.csv", "/history.csv",
		early + "?table=figures", early + "?table=releases", early + "?table=deliveries", early + "?table=people",
		early + "?table=notes", early + "?table=exceptions",
	} {
		a := b.Get(address)
		if a.Status != http.StatusOK || !strings.Contains(a.Body, "'") && !strings.HasSuffix(address, "deliveries") {
			t.Errorf("%s: %d, and nothing in it began as a formula: %s", address, a.Status, a.Body)
		}
		noFormulas(t, address, a.Body)
	}
	// Each column of the history that can hold what somebody named held it.
	rows := read(t, b.Get("/history.csv").Body, ',')
	for _, column := range []string{
		"full_name", "order_id", "line", "line_name", "message", "code", "object", "old", "new", "station",
		"comment",
	} {
		at := slices.Index(rows[0], column)
		if at < 0 || !slices.ContainsFunc(rows, func(row []string) bool { return strings.Contains(row[at], "'") }) {
			t.Errorf("no cell of %s began as a formula: %q", column, rows[0])
		}
	}
}

const early = "/shifts/2026-11-23/Early/report.csv"

func TestSerialNumbersAreAlteredInNoForm(t *testing.T) {
	t.Parallel()
	s, b, o := downloading(t)
	var want [][]string
	for i, serial := range b.Get(handlerstest.OrderPath(o, "/serials")).All("code.serial") {
		want = append(want, []string{fmt.Sprint(i + 1), serial})
	}
	if len(want) != 11 || want[0][1] != "=1+1" {
		t.Fatalf("the page shows %q", want)
	}
	if diff := cmp.Diff(want, read(t, b.Get(handlerstest.OrderPath(o, "/serials.csv")).Body, ',')[1:]); diff != "" {
		t.Errorf("for programs (-want +got)\n%s", diff)
	}
	b.Post("/language", "language", "de")
	people := strings.TrimPrefix(b.Get(handlerstest.OrderPath(o, "/serials.csv?for=people")).Body, "\ufeff")
	if diff := cmp.Diff(want, read(t, people, ';')[1:]); diff != "" {
		t.Errorf("for people (-want +got)\n%s", diff)
	}
	sheet := texts(t, b.Get(handlerstest.OrderPath(o, "/serials.xlsx")), "serials")
	if diff := cmp.Diff(want, sheet[1:]); diff != "" {
		t.Errorf("XLSX (-want +got)\n%s", diff)
	}
	if e := s.History()[0]; e.Deed != packaging.Exported || e.Object != "serials.xlsx" || e.OrderKey != o.Key {
		t.Errorf("the download is recorded as %+v", e)
	}
}

// texts returns the rows of a sheet, whose cells must all be texts.
func texts(t *testing.T, a site.Answer, name string) [][]string {
	t.Helper()
	if a.Status != http.StatusOK || !strings.Contains(a.Header.Get("Content-Type"), "spreadsheetml") {
		t.Fatalf("%s: %d %s", name, a.Status, a.Header.Get("Content-Type"))
	}
	book, err := excelize.OpenReader(bytes.NewReader([]byte(a.Body)))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows(name)
	if err != nil {
		t.Fatal(err)
	}
	for y, row := range rows {
		for x := range row {
			at, _ := excelize.CoordinatesToCellName(x+1, y+1)
			if kind, err := book.GetCellType(name, at); err != nil || row[x] != "" &&
				kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
				t.Errorf("%s %s: %q is no text but %v, %v", name, at, row[x], kind, err)
			}
		}
	}
	return rows
}

func TestEveryExportIsAWorkbookOfTextsToo(t *testing.T) {
	t.Parallel()
	s, b, _ := downloading(t)
	orders := texts(t, b.Get("/imports/orders.xlsx"), "orders")
	if e := s.History()[0]; e.Deed != packaging.Exported || e.Object != "orders.xlsx" {
		t.Errorf("the export of orders is recorded as %+v", e)
	}
	if len(orders) != 3 || !strings.Contains(fmt.Sprint(orders), "000123") {
		t.Errorf("orders: %q", orders)
	}
	if template := texts(t, b.Get("/imports/template.xlsx"), "template"); len(template) != 2 ||
		template[1][3] != "09506000134352" || template[1][7] != "2.5" {
		t.Errorf("template: %q", template)
	}
	if history := texts(t, b.Get("/history.xlsx?deed=release_ended"), "history"); len(history) != 2 {
		t.Errorf("history: %q", history)
	}
	book := b.Get("/imports/orders.xlsx").Body
	parsed, err := orderfile.Read(strings.NewReader(book), orderfile.FormatOf(book))
	if err != nil || parsed.Faults.Count > 0 || parsed.Rows.Len() != 2 {
		t.Errorf("what was downloaded can't be imported: %v %+v", err, parsed.Faults)
	}
}

func TestThePagesOfferTheFormsForPeople(t *testing.T) {
	t.Parallel()
	_, b, o := downloading(t)
	for page, want := range map[string][]string{
		handlerstest.OrderPath(o, "/serials"): {
			handlerstest.OrderPath(o, "/serials.xlsx"), handlerstest.OrderPath(o, "/serials.csv?for=people"),
			handlerstest.OrderPath(o, "/serials.json"),
		},
		"/history?line=L1": {"/history.xlsx?line=L1", "/history.csv?line=L1&for=people"},
		"/imports": {
			"/imports/template.xlsx", "/imports/template.csv?for=people", "/imports/orders.xlsx",
			"/imports/orders.csv?for=people",
		},
	} {
		for _, address := range want {
			if got := b.Get(page).Attr(`a[download][href="`+address+`"]`, "href"); got != address {
				t.Errorf("%s does not offer %s", page, address)
			}
		}
	}
	if got := b.Get("/shifts/2026-11-23/Early").Attr(`a[href$="for=people"]`, "href"); !strings.HasSuffix(
		got, "report.csv?table=figures&for=people",
	) {
		t.Errorf("the report offers %q", got)
	}
}

func TestAPrintedListSaysHowMuchOfItItIs(t *testing.T) {
	t.Parallel()
	o := sandbox.Order143(time.Now())
	o.Quantity, o.ExtraPercent, o.Serials = 1200, 0, nil
	for i := range 1200 {
		o.Serials = append(o.Serials, fmt.Sprintf("P%06d", i))
	}
	s := site.New(t, site.Options{Orders: []sandbox.Order{o}})
	b := s.SignIn("supervisor1")
	released := s.Order(o.ID)
	b.Post(handlerstest.OrderPath(released, "/release"), "revision", fmt.Sprint(released.Revision))
	page := b.Get(handlerstest.OrderPath(released, "/serials"))
	if got := page.Text(".serial-range"); got != "1 to 100 of 1,200" {
		t.Errorf("the first page says %q", got)
	}
	if got := b.Get(
		handlerstest.OrderPath(released, "/serials?after=1100"),
	).Text(".serial-range"); got != "1,101 to 1,200 of 1,200" {
		t.Errorf("the last page says %q", got)
	}
	if got := b.Get(handlerstest.OrderPath(released, "/serials?q=P0000")).Text(".serial-range"); got != "" {
		t.Errorf("a page of all that was found says %q", got)
	}
	if got := b.Get(
		handlerstest.OrderPath(released, "/serials?q=P000"),
	).Text(".serial-range"); got != "100 of those that were found, at places 1 to 100 of the list." {
		t.Errorf("a page of a part of what was found says %q", got)
	}
	all := b.Get(page.Attr(`nav.pages a[href$="all=1"]`, "href"))
	if n := len(all.All("code.serial")); n != 1200 || all.Text(".serial-range") != "" {
		t.Errorf("the page to print has %d, and says %q", n, all.Text(".serial-range"))
	}
	if got := b.Get(handlerstest.OrderPath(released, "")).Text(".serial-range"); got != "1 to 5 of 1,200" {
		t.Errorf("the order says %q", got)
	}
	if got := b.Get("/history?deed=release_ended").Text(".history-part"); got != "All of it: 1 entry." {
		t.Errorf("the whole history says %q", got)
	}
	for range 60 {
		b.Post("/lines/L1/notes", "words", "A note.")
	}
	if got := b.Get("/history").Text(".history-part"); !strings.HasPrefix(got, "A part: 50 entries, numbers ") {
		t.Errorf("a page of the history says %q", got)
	}
}
