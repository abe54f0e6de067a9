package shifts_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func TestAReportAndAHandOverSayWhereTheListsOfTheShiftAre(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	for _, name := range []string{"Line PC", "Printer"} {
		if a := s.SignIn("administrator1").PostAll("/admin/lines/L1/destinations",
			"kind", "pull", "name", name, "late_after", "5", "give_up", "72", "do",
			"save"); a.Status != http.StatusSeeOther {
			t.Fatalf("destination: %d %s", a.Status, a.Text("main"))
		}
	}
	b := s.SignIn("supervisor1")
	if a := b.Post(handlerstest.OrderPath(s.Order("Order143"), "/release")); a.Status != http.StatusSeeOther {
		t.Fatalf("release: %d", a.Status)
	}
	order := b.Get(handlerstest.OrderPath(s.Order("Order143"), ""))
	if a := b.Post(
		order.Attr("#deliveries form", "action"), "do", "carried", "why", "on a stick",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("carried: %d %s", a.Status, a.Text("main"))
	}
	if items := b.Get(early + "/handover").Text(".items"); strings.Contains(items, "→") {
		t.Errorf("a list that just came is handed over: %s", items)
	}
	s.Clock.Move(6 * time.Minute)
	page := b.Get(early)
	for _, want := range []string{"Line PCBlister line 1100010", "PrinterBlister line 1110000"} {
		if got := page.Text("table.report-brought tbody"); !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	csv := b.Get(early + "/report.csv?table=deliveries").Body
	for _, want := range []string{
		"line,line_name,destination,lists,waiting,held,taken,carried,stopped", "L1,Blister line 1,Line PC,1,0,0,0,1,0",
		"L1,Blister line 1,Printer,1,1,0,0,0,0",
	} {
		if !strings.Contains(csv, want) {
			t.Errorf("%q is not in %q", want, csv)
		}
	}
	items := b.Get(early + "/handover").Text(".items")
	if !strings.Contains(items, "Order143") || !strings.Contains(items, "→ Printer") ||
		strings.Contains(items, "Line PC") {
		t.Errorf("handed over is %s", items)
	}
}

// A release under way is told as one, wherever releases are counted or listed: its outcome is not unknown yet.
func TestAReleaseUnderWayIsNowhereCalledUnknown(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Patience: time.Millisecond})
	s.ThreeShifts("ghent")
	s.Box.Inject(sandbox.Fault{
		Call: sandbox.ReleaseToLine, Kind: sandbox.HTML, Times: 1, Delay: time.Hour,
	})
	t.Cleanup(s.Remote.CloseClientConnections)
	b := s.SignIn("supervisor1")
	if a := b.Post(handlerstest.OrderPath(s.Order("Order143"), "/release")); a.Status != http.StatusSeeOther {
		t.Fatalf("release: %d", a.Status)
	}
	for _, test := range []struct{ path, at, says string }{
		{early, ".tiles", "Outcome unknown0"},
		{early, ".tiles", "Releasing1"},
		{early, "table.figures thead", "Releasing"},
		{early, ".plot-key", "Releasing"},
		{early, "table.report-releases", "Releasing"},
		{"/shifts", ".shift-sums", "Releasing1"},
		{"/shifts/trends", "table.trends thead", "Releasing"},
		{"/shifts/trends", "svg desc", "Releasing 1"},
		{early + "/handover", ".items", "ReleasingOrder143"},
		{"/?wall", ".wall-totals", "1 releasing"},
		{"/?wall", ".wall-tile", "Releasing"},
		{"/", ".lane", "Releasing"},
		{"/lines/L1", ".strips", "Releasing"},
		{"/orders", "table.orders", "Releasing"},
	} {
		said := strings.Join(b.Get(test.path).All(test.at), " ")
		if !strings.Contains(said, test.says) {
			t.Errorf("%s: %q is not in %q", test.path, test.says, said)
		}
		if test.at != ".tiles" && !strings.Contains(test.at, "plot") && !strings.Contains(test.at, "thead") &&
			strings.Contains(strings.ToLower(said), "unknown") {
			t.Errorf("%s says of a release under way %q", test.path, said)
		}
	}
	// It is handed over as what it is, wants no tick, and keeps the shift from being found in order without a word.
	if a := b.Post(
		early+"/handover", "shown", hash(b.Get(early+"/handover")), "password", site.Password,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("hand-over: %d %s", a.Status, a.Text(".problem"))
	}
	taker := s.SignIn("manager1")
	page := taker.Get(early + "/handover")
	if items := page.Text(".items"); !strings.Contains(items, "ReleasingOrder143") ||
		len(page.All(".items li:contains(Order143) input")) != 0 {
		t.Errorf("taken over is %q", items)
	}
	s.Clock.Move(8 * time.Hour)
	if open := s.SignIn("manager1").Get(early + "/sign").Text(".still-open"); !strings.Contains(
		open, "Releasing: Order143",
	) {
		t.Errorf("still open: %q", open)
	}
}

func TestTheBarNamesAShiftInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	b := s.SignIn("supervisor1")
	b.Post("/language?language=de")
	for path, want := range map[string]string{
		early: "Early Mo 23.11.2026 ·", early + "/handover": "Schichtübergabe Early · Mo 23.11.2026 ·",
	} {
		if bar := b.Get(path).Text("header.bar .place"); !strings.HasPrefix(bar, want) {
			t.Errorf("%s: the bar says %q, want %q", path, bar, want)
		}
	}
}
