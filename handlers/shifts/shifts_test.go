package shifts_test

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
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// early is the shift that runs when the clock of a site begins, on a Monday at 07:00 of the site.
const early = "/shifts/2026-11-23/Early"

// working is a site with three shifts, in whose Early one an order was released, one was refused and one is unknown;
// and with a press that sent nothing, and a note.
func working(t *testing.T) *site.Site {
	t.Helper()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	b := s.SignIn("supervisor1")
	s.Clock.Move(10 * time.Minute)
	press := func(key string) {
		if a := b.Post(handlerstest.OrderPath(s.Order(key), "/release")); a.Status != http.StatusSeeOther &&
			a.Status != http.StatusConflict {
			t.Fatalf("release of %s: %d", key, a.Status)
		}
		s.Clock.Move(5 * time.Minute)
	}
	press("Order143")
	s.Box.SetStatus("Order144", sandbox.Suspended)
	press("Order144")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.HTML, Times: 1})
	press("Order145")
	press("Order143") // is out already: nothing is sent
	if a := b.Post("/lines/L1/notes", "words", "=1+1 is no formula"); a.Status != http.StatusSeeOther {
		t.Fatalf("note: %d %s", a.Status, a.Text("main"))
	}
	return s
}

// hash is what the form of a page says that it showed.
func hash(a site.Answer) string { return a.Attr("input[name=shown]", "value") }

// figures are the cells of the tables of figures that belong to a line, as the page shows them.
func figures(a site.Answer, line string) (cells []string) {
	for _, table := range []string{".scroll:has(.figures):not(.scroll + .scroll)", ".scroll + .scroll:has(.figures)"} {
		names, all := a.All(table+" tbody th"), a.All(table+" tbody td")
		if i := slices.Index(names, line); i >= 0 {
			n := len(all) / len(names)
			cells = append(cells, all[i*n:(i+1)*n]...)
		}
	}
	return cells
}

func TestAReportSaysTheSameOnThePageInCSVAndInXLSX(t *testing.T) {
	t.Parallel()
	s := working(t)
	b := s.SignIn("auditor1")
	page := b.Get(early)
	if page.Status != http.StatusOK {
		t.Fatalf("%d", page.Status)
	}
	// Sent, released, refused, unknown, unknown at first, by a person, elsewhere, pressed, waited, longest, settled,
	// serials, lists.
	got := figures(page, "Blister line 1")
	want := []string{"3", "1", "1", "1", "1", "0", "0", "1", "15 min 0 s", "20 min 0 s", "–", "11", "0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the page (-want +got)\n%s", diff)
	}
	rows, err := csv.NewReader(strings.NewReader(b.Get(early + "/report.csv?table=figures").Body)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	byName := map[string]string{}
	for i, name := range rows[0] {
		byName[name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"line": "L1", "requested": "3", "released": "1", "refused": "1", "unknown": "1", "unknown_at_first": "1",
		"settled": "0",
		"waits":   "3", "serials": "11", "lists_missing": "0", "nothing_sent": "1",
	} {
		if byName[name] != want {
			t.Errorf("CSV, %s: %q, want %q", name, byName[name], want)
		}
	}
	book, err := excelize.OpenReader(bytes.NewReader([]byte(b.Get(early + "/report.xlsx").Body)))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for _, table := range []string{"figures", "releases", "people", "notes", "signatures"} {
		asCSV, err := csv.NewReader(strings.NewReader(b.Get(early + "/report.csv?table=" + table).Body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if table == "people" { // the exports before this one are deeds too, of later files alone
			continue
		}
		sheet, err := book.GetRows(table, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for i := range sheet { // a sheet leaves out what is empty at the end of a row
			for len(sheet[i]) < len(asCSV[0]) {
				sheet[i] = append(sheet[i], "")
			}
		}
		if diff := cmp.Diff(asCSV, sheet); diff != "" {
			t.Errorf("%s (-CSV +XLSX)\n%s", table, diff)
		}
	}
	if notes := b.Get(early + "/report.csv?table=notes").Body; !strings.Contains(notes, "'=1+1 is no formula") {
		t.Errorf("a note that a spreadsheet takes for a formula: %s", notes)
	}
	if formula, err := book.GetCellFormula("notes", "H2"); err != nil || formula != "" {
		t.Errorf("a formula %q, %v", formula, err)
	}
	if e := s.History()[0]; e.Deed != packaging.Exported || e.By.Username != "auditor1" ||
		!strings.Contains(e.Object, "Early") {
		t.Errorf("the export is recorded as %+v", e)
	}
}

// content is the hash of the report of the Early shift as it is now.
func content(t *testing.T, s *site.Site) string {
	t.Helper()
	ctx, in := t.Context(), s.Person("auditor1").Scope()
	roster, err := s.Store.Roster(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := roster.Find("2026-11-23", "Early", s.Tenant("ghent").Location())
	report, err := s.Store.ShiftReport(ctx, in, o)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", report.Record().Digest())
}

func TestAShiftIsHandedOverByOnePersonAndTakenOverByAnother(t *testing.T) {
	t.Parallel()
	s := working(t)
	out, in := s.SignIn("supervisor1"), s.SignIn("manager1")
	late := strings.Replace(early, "Early", "Late", 1)
	if a := out.Post(
		late+"/handover", "shown", hash(out.Get(late+"/handover")), "password", site.Password,
	); a.Status != http.StatusConflict || !strings.Contains(a.Text(".problem"), "has not begun") {
		t.Errorf("a shift before its begin: %d %s", a.Status, a.Text(".problem"))
	}
	form := out.Get(early + "/handover")
	if a := in.Post(
		early+"/handover/take", "shown", hash(form), "password", site.Password,
	); a.Status != http.StatusNotFound {
		t.Errorf("taken over before it was handed over: %d", a.Status)
	}
	items := form.Text(".items")
	for _, want := range []string{
		"Outcome unknownOrder145", "SuspendedOrder144", "Blister line 1 1 order waits for release",
		"Bottle line 2 3 orders wait for release", "=1+1 is no formula",
	} {
		if !strings.Contains(items, want) {
			t.Errorf("%q is not among what is open: %s", want, items)
		}
	}
	if a := out.Post(
		early+"/handover", "shown", hash(form), "remarks", "x", "password", "wrong",
	); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("with a wrong password: %d", a.Status)
	}
	if e := s.History()[0]; e.Deed != packaging.SignDeclined || e.By.Username != "supervisor1" ||
		e.Object != "shift 2026-11-23 Early" {
		t.Errorf("the wrong password is recorded as %+v", e)
	}
	s.SignIn("operator1").Post("/lines/L2/notes", "words", "Something new")
	if a := out.Post(
		early+"/handover", "shown", hash(form), "password", site.Password,
	); a.Status != http.StatusConflict || !strings.Contains(a.Text(".problem"), "has changed since you looked") {
		t.Errorf("what was shown is not what is open: %d %s", a.Status, a.Text("main"))
	}
	if a := out.Post(
		early+"/handover", "shown", hash(out.Get(early+"/handover")), "remarks", "Line 2 runs slow", "password",
		site.Password,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("hand-over: %d %s", a.Status, a.Text(".problem"))
	}
	if e := s.History()[1]; e.Deed != packaging.ShiftHandedOver || e.By.Username != "supervisor1" ||
		e.Comment != "Line 2 runs slow" {
		t.Errorf("the hand-over is recorded as %+v", e)
	}
	if a := out.Post(
		early+"/handover", "shown", hash(form), "password", site.Password,
	); a.Status != http.StatusConflict || !strings.Contains(a.Text(".problem"), "handed over already") {
		t.Errorf("again: %d %s", a.Status, a.Text(".problem"))
	}
	if a := out.Post(
		early+"/handover/take", "shown", hash(in.Get(early+"/handover")), "password", site.Password,
	); a.Status != http.StatusForbidden {
		t.Errorf("the same person takes over: %d", a.Status)
	}
	if a := in.Get("/"); !strings.Contains(a.Text(".left"), "points of the hand-over of Early") {
		t.Errorf("nothing on the overview: %s", a.Text("main"))
	}
	page := in.Get(early + "/handover")
	ticks := page.Values("input[name=item]")
	if a := in.PostAll(
		early+"/handover/take", "shown", hash(page), "item", "1", "item", "1", "password", site.Password,
	); a.Status != http.StatusBadRequest {
		t.Errorf("an item twice: %d", a.Status)
	}
	if a := in.Post(
		early+"/handover/take", "shown", strings.Repeat("0", 64), "password", site.Password,
	); a.Status != http.StatusConflict {
		t.Errorf("taken over under what was not shown: %d", a.Status)
	}
	pairs := []string{"shown", hash(page), "password", site.Password}
	for _, tick := range ticks[1:] { // all but the first
		pairs = append(pairs, "item", tick)
	}
	if a := in.PostAll(early+"/handover/take", pairs...); a.Status != http.StatusSeeOther {
		t.Fatalf("take-over: %d %s", a.Status, a.Text(".problem"))
	}
	if e := s.History()[1]; e.Deed != packaging.ShiftTakenOver || e.By.Username != "manager1" {
		t.Errorf("the take-over is recorded as %+v", e)
	}
	if a := in.PostAll(early+"/handover/take", pairs...); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text(".problem"), "taken over already") {
		t.Errorf("taken over again: %d %s", a.Status, a.Text(".problem"))
	}
	page = in.Get(early + "/handover")
	signed := page.Text(".signatures")
	for _, want := range []string{
		"Person supervisor1", "Handed over", "Person manager1", "Taken over", "2026-11-23 07:30:0", "+01:00",
	} {
		if !strings.Contains(signed, want) {
			t.Errorf("%q is not in the signatures: %s", want, signed)
		}
	}
	exportSaysWhoSigned(t, in, "handover", "Person supervisor1", "Handed over", "Line 2 runs slow", "2026-11-23T07:30:0")
	exportSaysWhoSigned(t, in, "takeover", "| manager1 | Person manager1 | manager |", "Taken over", "2026-11-23T07:30:0", "+01:00")
	if left := in.Get("/").Text(".left"); !strings.Contains(left, "1 point of the hand-over of Early") {
		t.Errorf("what is left: %q", left)
	}
	// It is carried into the next hand-over, and then stands there alone.
	s.Clock.Move(8 * time.Hour)
	next := s.SignIn("supervisor1").Get(late + "/handover")
	if !strings.Contains(next.Text(".items"), "not acknowledged in an earlier hand-over") {
		t.Errorf("the next hand-over: %s", next.Text(".items"))
	}
	b := s.SignIn("supervisor1")
	if a := b.Post(
		late+"/handover", "shown", hash(b.Get(late+"/handover")), "password", site.Password,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("the next hand-over: %d %s", a.Status, a.Text(".problem"))
	}
	if left := s.SignIn("manager1").Get("/").All(".left"); len(left) != 1 || !strings.Contains(left[0], "Late") {
		t.Errorf("what is left: %q", left)
	}
}

func TestWhoIsLimitedToSomeLinesIsToldWhoHandsOver(t *testing.T) {
	t.Parallel()
	s := working(t)
	s.Limit("supervisor1", "L1")
	limited, other := s.SignIn("supervisor1"), s.SignIn("manager1")
	const says = "A hand-over covers all lines. Only a person who is not limited to some lines can hand over"
	told := func(when string) {
		t.Helper()
		page := limited.Get(early + "/handover")
		if !strings.Contains(page.Text(".not-now"), says) || len(page.All("main form:not(.hint form)")) > 0 {
			t.Errorf(
				"%s: it says %q and has %d forms", when, page.Text(".not-now"),
				len(page.All("main form:not(.hint form)")),
			)
		}
	}
	told("before")
	shown := hash(other.Get(early + "/handover"))
	if a := limited.Post(
		early+"/handover", "shown", shown, "password", site.Password,
	); a.Status != http.StatusNotFound {
		t.Errorf("hand-over: %d", a.Status)
	}
	if a := other.Post(early+"/handover", "shown", shown, "password", site.Password); a.Status != http.StatusSeeOther {
		t.Fatalf("hand-over by another: %d %s", a.Status, a.Text(".problem"))
	}
	told("after")
	if a := limited.Post(
		early+"/handover/take", "shown", hash(s.SignIn("manager1").Get(early+"/handover")), "password", site.Password,
	); a.Status != http.StatusNotFound {
		t.Errorf("take-over: %d", a.Status)
	}
	for _, username := range []string{"manager1", "auditor1"} {
		if page := s.SignIn(username).Get(early + "/handover"); strings.Contains(page.Text("main"), says) {
			t.Errorf("%s is told that they are limited", username)
		}
	}
}

func TestAReviewIsSignedUnderWhatItShowsAndShowsWhatChangedSince(t *testing.T) {
	t.Parallel()
	s := working(t)
	b := s.SignIn("manager1")
	if a := b.Get(early + "/sign"); !strings.Contains(a.Text(".sign"), "The shift has not ended") {
		t.Errorf("while it runs: %s", a.Text(".sign"))
	}
	if a := b.Post(
		early+"/sign", "shown", content(t, s), "meaning", "deviations", "comment", "x", "password", site.Password,
	); a.Status != http.StatusConflict {
		t.Errorf("while it runs: %d", a.Status)
	}
	if err := s.Settler.AskDue(t.Context()); err != nil { // sees the unknown outcome, and has nothing to ask yet
		t.Fatal(err)
	}
	s.Clock.Move(8 * time.Hour)
	b = s.SignIn("manager1")
	if digest := b.Get("/").Text(".digest"); !strings.Contains(digest, "Ended, no signature recorded: Early") ||
		!strings.Contains(digest, "Ended, no hand-over recorded: Early") {
		t.Errorf("the overview says %q", digest)
	}
	shown := hash(b.Get(early + "/sign"))
	for name, test := range map[string]struct{ meaning, comment, password, says string }{
		"without a meaning":              {"", "Ticket 4711", site.Password, "Choose what your signature means"},
		"another meaning than there are": {"approved", "Ticket 4711", site.Password, "Choose what your signature means"},
		"without a password":             {"reviewed", "Ticket 4711", "", "password is not right"},
		"deviations without a comment":   {"deviations", "", site.Password, "Nothing was written"},
		"open, without a comment":        {"reviewed", "", site.Password, "Say in the comment who follows it up"},
	} {
		a := b.Post(
			early+"/sign", "shown", shown, "meaning", test.meaning, "comment", test.comment, "password", test.password,
		)
		if said := a.Text(".sign .problem"); a.Status != http.StatusUnprocessableEntity ||
			!strings.Contains(said, test.says) {
			t.Errorf("%s: %d %q", name, a.Status, said)
		}
	}
	if a := b.Post(
		early+"/sign", "shown", strings.Repeat("0", 64), "meaning", "reviewed", "password", site.Password,
	); a.Status != http.StatusConflict {
		t.Errorf("under what was not shown: %d", a.Status)
	}
	if a := b.Post(
		early+"/sign", "shown", shown, "meaning", "deviations", "comment", "Ticket 4711", "password", site.Password,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text(".problem"))
	}
	deeds := []packaging.Deed{s.History()[0].Deed, s.History()[1].Deed}
	if !slices.Equal(deeds, []packaging.Deed{packaging.Signed, packaging.ShiftReviewed}) ||
		!strings.Contains(s.History()[1].New, "entries ") {
		t.Errorf("the review is recorded as %q: %q", deeds, s.History()[1].New)
	}
	page := b.Get(early)
	if page.Text(".changed") != "" {
		t.Errorf("changed: %q", page.Text(".changed"))
	}
	for _, want := range []string{
		"Person manager1", "Manager", "Reviewed; the deviations in the comment are followed up", "2026-11-23 15:30:0",
		"+01:00",
	} {
		if signed := page.Text(".signatures"); !strings.Contains(signed, want) {
			t.Errorf("%q is not in the signature: %s", want, signed)
		}
	}
	exportSaysWhoSigned(t, b, "shift", "| manager1 | Person manager1 | manager |", "Ticket 4711",
		"Reviewed; the deviations in the comment are followed up", "2026-11-23T15:30:0", "+01:00")
	// Looking, exporting and what happens in other shifts change nothing of it.
	b.Get(early + "/report.xlsx")
	b.Post("/lines/L1/notes", "words", "In the next shift")
	if changed := b.Get(early).Text(".changed"); changed != "" {
		t.Errorf("changed: %q", changed)
	}
	// A release that is settled afterwards does.
	for range 2 { // Pending release is wanted at both ends of the doubt
		if a := b.Post(handlerstest.OrderPath(s.Order("Order145"), "/ask")); a.Status != http.StatusSeeOther {
			t.Fatalf("ask: %d", a.Status)
		}
		s.Clock.Move(16 * time.Second)
	}
	changed := b.Get(early).Text(".changed")
	for _, want := range []string{"Changed since it was signed", "outcome unknown → said_pending"} {
		if !strings.Contains(changed, want) {
			t.Errorf("%q is not told: %s", want, changed)
		}
	}
	if digest := b.Get("/").Text(".digest"); !strings.Contains(digest, "Changed since signed: Early") {
		t.Errorf("the overview says %q", digest)
	}
	if a := b.Post(
		early+"/sign", "shown", hash(b.Get(early+"/sign")), "meaning", "reviewed", "password", site.Password,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("again: %d", a.Status)
	}
	page = b.Get(early)
	if page.Text(".changed") != "" || !strings.Contains(page.Text(".report-state"), "Signed, version 2") ||
		!strings.Contains(page.Text(".earlier"), "Ticket 4711") {
		t.Errorf("the second version: %s", page.Text(".report-state"))
	}
}

// exportSaysWhoSigned fails unless the files of the report have a signature of a kind with all of what it must say.
func exportSaysWhoSigned(t *testing.T, b *site.Browser, kind string, says ...string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(b.Get(early + "/report.csv?table=signatures").Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(strings.NewReader(b.Get(early + "/report.xlsx").Body))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	sheet, err := book.GetRows("signatures")
	if err != nil {
		t.Fatal(err)
	}
	for file, rows := range map[string][][]string{"CSV": rows, "XLSX": sheet} {
		i := slices.IndexFunc(rows, func(row []string) bool { return row[1] == kind })
		if i < 0 {
			t.Errorf("%s has no signature of a %s", file, kind)
			continue
		}
		signature := strings.Join(rows[i], " | ")
		for _, want := range says {
			if !strings.Contains(signature, want) {
				t.Errorf("%s has not %q in the signature of a %s: %s", file, want, kind, signature)
			}
		}
	}
}

func TestASiteCanWantSomebodyElseToSign(t *testing.T) {
	t.Parallel()
	s := working(t)
	if a := s.SignIn("administrator1").Post("/admin/shifts/signing", "other", "yes"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	s.SignIn("manager1").Post("/lines/L1/notes", "words", "I was here")
	s.Clock.Move(8 * time.Hour)
	b := s.SignIn("manager1")
	page := b.Get(early + "/sign")
	if !strings.Contains(page.Text(".sign"), "Somebody who did nothing in the shift has to sign it.") {
		t.Errorf("the page says %q", page.Text(".sign"))
	}
	if a := b.Post(
		early+"/sign", "shown", content(t, s), "meaning", "deviations", "comment", "x", "password", site.Password,
	); a.Status != http.StatusForbidden {
		t.Errorf("%d", a.Status)
	}
}

func TestAShiftIsReviewedByAnotherHumanThanWhoWorkedItWhicheverAccount(t *testing.T) {
	t.Parallel()
	s := working(t)
	boss := s.Person("administrator1")
	if err := s.Store.SetOtherReviewer(t.Context(), boss, true); err != nil {
		t.Fatal(err)
	}
	s.SignIn("manager1").Post("/lines/L1/notes", "words", "I was here")
	s.AddPerson("manager2")
	s.AddPerson("manager3")
	if err := s.Store.SetHuman(t.Context(), boss, s.Person("manager2").ID, s.Person("manager1").ID); err != nil {
		t.Fatal(err)
	}
	s.Clock.Move(8 * time.Hour)
	shown := hash(s.SignIn("manager3").Get(early + "/sign"))
	for _, reviewer := range []struct {
		username string
		status   int
	}{{"manager2", http.StatusForbidden}, {"manager3", http.StatusSeeOther}} {
		b := s.SignIn(reviewer.username)
		refused := strings.Contains(
			b.Get(early+"/sign").Text(".sign"), "Somebody who did nothing in the shift has to sign it.",
		)
		if refused != (reviewer.status == http.StatusForbidden) {
			t.Errorf("the page refuses %s: %t", reviewer.username, refused)
		}
		a := b.Post(
			early+"/sign", "shown", shown, "meaning", "reviewed", "comment", "Ticket 4711", "password", site.Password,
		)
		if a.Status != reviewer.status {
			t.Errorf("%s: %d %s", reviewer.username, a.Status, a.Text("[role=alert]"))
		}
	}
}

func TestTheSecondSignerOfAReleaseDidSomethingInTheShift(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, true, handlerstest.RemoteOrders("Order143", "Pending release")...)
	s.ThreeShifts("ghent")
	if err := s.Store.SetOtherReviewer(t.Context(), s.Person("administrator1"), true); err != nil {
		t.Fatal(err)
	}
	if a := handlerstest.Sign(
		s.SignIn("supervisor1"), s.Order("Order143"), "username", "manager1", "meaning2", "approved", "secret2",
		site.Password,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text(".problem"))
	}
	exportSaysWhoSigned(
		t, s.SignIn("auditor1"), "release", "Order143", "Person supervisor1", "I checked order, product, lot and line",
	)
	s.Clock.Move(9 * time.Hour)
	if page := s.SignIn("manager1").Get("/shifts/2026-11-23/Early/sign"); !strings.Contains(
		page.Text(".sign"), "Somebody who did nothing in the shift has to sign it.",
	) {
		t.Errorf("the page says %q", page.Text(".sign"))
	}
	s.AddPerson("manager2")
	other := s.SignIn("manager2")
	for range 2 { // having signed a shift is no work in it
		page := other.Get("/shifts/2026-11-23/Early/sign")
		if a := other.Post(
			"/shifts/2026-11-23/Early/sign", "shown", hash(page), "meaning", "reviewed", "password", site.Password,
		); a.Status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.Status, a.Text(".problem"))
		}
	}
}

func TestANoteAfterTheHandOverIsInTheNextOne(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("Order143", "In progress")})
	s.ThreeShifts("ghent")
	s.SignIn("supervisor1").Post("/lines/L1/notes", "words", "before the hand-over")
	s.Clock.Move(6*time.Hour + 50*time.Minute) // 13:50 at the site
	b := s.SignIn("supervisor1")
	handOver := func(shift string) string {
		page := b.Get("/shifts/2026-11-23/" + shift + "/handover")
		if a := b.Post(
			"/shifts/2026-11-23/"+shift+"/handover", "shown", hash(page), "password", site.Password,
		); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", shift, a.Status, a.Text(".problem"))
		}
		return page.Text("main")
	}
	if said := handOver("Early"); !strings.Contains(said, "before the hand-over") {
		t.Errorf("Early hands over %s", said)
	}
	s.Clock.Move(5 * time.Minute)
	b.Post("/lines/L1/notes", "words", "the pump leaks")
	s.Clock.Move(2 * time.Hour)
	b = s.SignIn("supervisor1")
	if said := handOver("Late"); !strings.Contains(said, "the pump leaks") {
		t.Errorf("Late hands over %s", said)
	}
}

func TestANoteStaysAndItsWriterAloneCanWithdrawIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	writer, other := s.SignIn("operator1"), s.SignIn("supervisor1")
	if writer.Get("/lines/L1").Attr("#notes", "open") != "" || len(writer.Get("/lines/L1").All(".note-list li")) != 0 {
		t.Error("notes are not folded while there are none")
	}
	if a := writer.Post(
		handlerstest.OrderPath(o, "/notes"), "words", "Wrong <b>lot</b> on the screen",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	for _, where := range []string{"/lines/L1", handlerstest.OrderPath(o, "")} {
		if words := other.Get(where).All(".note-list .words"); !slices.Equal(
			words, []string{"Wrong <b>lot</b> on the screen"},
		) {
			t.Errorf("%s shows %q", where, words)
		}
	}
	if e := s.History()[0]; e.Deed != packaging.NoteWritten || e.New != "Wrong <b>lot</b> on the screen" ||
		e.OrderKey != "Order143" || e.By.Username != "operator1" {
		t.Errorf("history %+v", e)
	}
	if a := other.Post("/notes/1/withdraw", "why", "no"); a.Status != http.StatusForbidden {
		t.Errorf("another person withdraws it: %d", a.Status)
	}
	if a := writer.Post("/notes/1/withdraw", "why", " "); a.Status != http.StatusBadRequest {
		t.Errorf("without a reason: %d", a.Status)
	}
	if a := writer.Post("/notes/1/withdraw", "why", "The lot is right"); a.Status != http.StatusSeeOther {
		t.Fatalf("withdraw: %d", a.Status)
	}
	if e := s.History()[0]; e.Deed != packaging.NoteWithdrawn || e.Old != "Wrong <b>lot</b> on the screen" ||
		e.Comment != "The lot is right" || e.By.Username != "operator1" {
		t.Errorf("history %+v", e)
	}
	if a := writer.Post("/notes/1/withdraw", "why", "again"); a.Status != http.StatusConflict {
		t.Errorf("again: %d", a.Status)
	}
	page := other.Get(handlerstest.OrderPath(o, ""))
	if page.Text(".note-list del") != "Wrong <b>lot</b> on the screen" ||
		!strings.Contains(page.Text(".note-list"), "The lot is right") {
		t.Errorf("withdrawn it shows as %s", page.Text(".note-list"))
	}
	for _, words := range []string{"", "  \n ", strings.Repeat("x", 501), "a\x00b"} {
		if a := writer.Post(handlerstest.OrderPath(o, "/notes"), "words", words); a.Status != http.StatusBadRequest {
			t.Errorf("%q: %d", words, a.Status)
		}
	}
}

func TestShiftsAreSetForDaysToComeAndOfOneSiteAlone(t *testing.T) {
	t.Parallel()
	s := working(t)
	s.AddTenant("basel", "Plant Basel", "manager-2")
	b := s.SignIn("administrator1")
	set := func(from string, more ...string) site.Answer {
		return b.PostAll("/admin/shifts", append([]string{
			"from", from, "name", "Day", "start", "06:00", "end", "18:00", "days-0", "mon", "days-0", "tue",
			"name", "", "start", "", "end", "",
		}, more...)...)
	}
	if a := set("2026-11-23"); a.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(a.Text(".problem"), "tomorrow at the earliest") {
		t.Errorf("from today: %d %s", a.Status, a.Text(".problem"))
	}
	if a := set(
		"2026-11-24", "name", "Night", "start", "17:00", "end", "05:00", "days-2", "mon",
	); a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Text(".problem"), "Day and Night overlap") {
		t.Errorf("overlapping: %d %s", a.Status, a.Text(".problem"))
	}
	for _, far := range []string{"9999-12-31", "3000-01-01", "0001-01-01"} {
		if a := set(far); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("from %s: %d", far, a.Status)
		}
	}
	if a := set("2026-11-24"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text(".problem"))
	}
	if e := s.History()[0]; e.Deed != packaging.ShiftsSet || !strings.Contains(e.Old, "Early") ||
		!strings.Contains(e.New, "Day 06:00–18:00 mon tue") {
		t.Errorf("history %+v", e)
	}
	m := s.SignIn("manager1")
	if a := m.Get(early); a.Status != http.StatusOK || figures(a, "Blister line 1") == nil {
		t.Errorf("the report of the day before: %d", a.Status)
	}
	for where, want := range map[string]int{
		"/shifts/2026-11-24/Day": 200, "/shifts/2026-11-24/day": 200, "/shifts/2026-11-24/Early": 404,
		"/shifts/2026-11-25/Day": 404,
		"/shifts/2026-13-01/Day": 404, "/shifts/x/Early": 404, "/shifts?before=x": 400,
	} {
		if a := m.Get(where); a.Status != want {
			t.Errorf("%s: %d, want %d", where, a.Status, want)
		}
	}
	theirs := s.SignIn("manager-2")
	if a := theirs.Get(early); a.Status != http.StatusNotFound {
		t.Errorf("another site's shift: %d", a.Status)
	}
	if a := theirs.Get("/shifts"); strings.Contains(a.Body, "Early") {
		t.Error("another site's shifts are listed")
	}
	s.ThreeShifts("basel")
	if a := theirs.Get(early); a.Status != http.StatusOK || figures(a, "Blister line 1") != nil ||
		strings.Contains(a.Body, "Order143") {
		t.Errorf("another site's shift of the same name and day shows what was done here: %d", a.Status)
	}
}

func TestBetweenShiftsIsShownAsThat(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	if err := s.Store.SetShifts(t.Context(), s.Person("administrator1"), packaging.Plan{
		From: "2026-11-22",
		Shifts: []packaging.Shift{
			{Name: "Late", Start: 14 * 60, End: 22 * 60, Days: packaging.EveryDay},
		},
	}); err != nil {
		t.Fatal(err)
	}
	s.SignIn("supervisor1").Post(handlerstest.OrderPath(s.Order("Order143"), "/release")) // at 07:00
	page := s.SignIn("manager1").Get("/shifts")
	if gap := page.Text(".shift-gap"); !strings.Contains(gap, "Between shifts") ||
		!strings.Contains(gap, "1 order released") {
		t.Errorf("the list shows %q", gap)
	}
	if digest := s.SignIn("manager1").Get("/").Text(".digest"); digest != "" {
		t.Errorf("with nothing to look into, the overview says %q", digest)
	}
}
