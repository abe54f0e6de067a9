package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	house "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// newWorkplace is a Lineboard in this process, whose clock can be moved: a shift ends while a test runs. It is Monday,
// 07:00.
func newWorkplace(t *testing.T) (*house.Site, *site) {
	t.Helper()
	h := house.New(t, house.Options{})
	h.ThreeShifts("ghent")
	return h, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}
}

// shiftPage is where the shift that runs at 07:00 stands.
const shiftPage = "/shifts/2026-11-23/Early"

// signs gives the password again, presses the button, and waits for what then stands there.
func (p person) signs(button, then string) {
	p.t.Helper()
	p.Fill("Your password, again", p.site.password)
	p.Click(button)
	p.See(then)
}

// accessible checks the page with axe.
func (p person) accessible() {
	p.t.Helper()
	for _, v := range p.Axe() {
		p.t.Errorf("%s: %v", p.path(), v)
	}
}

func TestAShiftIsWorkedHandedOverReviewedAndSigned(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	h, s := newWorkplace(t)

	// A supervisor works: one order is released, one refused, one unknown and settled later.
	out := signedIn(t, s, "supervisor1")
	h.Clock.Move(10 * time.Minute)
	out.open("Order143")
	out.release("Order143")
	h.Box.SetStatus("Order144", sandbox.Suspended)
	h.Box.Inject(sandbox.Fault{Call: sandbox.Details, Kind: sandbox.HTML})
	for _, order := range []struct{ key, says string }{
		{"Order144", "Order144 was not released."}, {"Order145", "It is not known whether Order145 was released."},
	} {
		if order.key == "Order145" {
			h.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.HTML, Times: 1})
		}
		h.Clock.Move(20 * time.Minute)
		out.open(order.key)
		out.arm()
		out.execute(order.key)
		out.See(order.says)
	}
	out.visit("/lines/L1")
	out.Click("Notes")
	out.Fill("Write a note about Blister line 1", "Printer cleaned at 10:20")
	out.Click("Save the note")
	out.See("Printer cleaned at 10:20")

	// They hand over what is open.
	out.visit("/shifts")
	out.Click("Early 06:00–14:00 1 order released 11 serial numbers Not released 1 Outcome unknown 1 Runs")
	out.See("No hand-over of the shift is recorded.")
	out.accessible()
	out.Click("Hand-over")
	out.See("Order145")
	out.accessible()
	out.Fill("Remarks", "Line 1 waits for maintenance")
	out.signs("Hand over Early · Mon 2026-11-23", "Another person has to take it over.")

	// Another supervisor takes over, and leaves one point open.
	in := signedIn(t, s, "manager1")
	in.visit("/")
	in.Click("See them")
	in.See("Line 1 waits for maintenance")
	in.Eval(`document.querySelectorAll("input[name=item]").forEach((box, i) => { if (i) box.click() })`, nil)
	in.signs("Take over Early · Mon 2026-11-23", "Acknowledge what is ticked")
	in.accessible()
	in.visit("/")
	in.See("1 point of the hand-over of Early")
	in.clean()

	// When the shift has ended, a third person reviews and signs it. What is settled afterwards shows.
	if err := h.Settler.AskDue(t.Context()); err != nil { // sees the unknown outcome, and has nothing to ask yet
		t.Fatal(err)
	}
	h.Clock.Move(8 * time.Hour)
	h.AddPerson("manager3")
	boss := signedIn(t, s, "manager3")
	boss.visit("/")
	job := counted{person: boss}
	job.tap(".digest", "Early · Mon 2026-11-23")
	job.tap("main", "Review and sign")
	boss.See("Still open:")
	job.tap("main", "Reviewed and found in order")
	job.write("Comment", "Sven asks at the line")
	boss.accessible()
	job.write("Your password, again", s.password)
	job.tap("main", "Sign Early · Mon 2026-11-23")
	boss.See("Signed, version 1")
	job.tookAtMost(7)
	h.Box.ClearFaults()
	boss.open("Order145")
	boss.ready()
	boss.Click("Ask now")
	for range 3 { // Pending release is wanted at both ends of the doubt
		h.Clock.Move(5 * time.Minute)
		if err := h.Settler.AskDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	boss.reload()
	boss.See("It is not proven whether Order145 was released.")
	boss.visit(shiftPage)
	boss.See("Changed since it was signed:")
	boss.See("outcome unknown → said_pending")
	boss.accessible()
	boss.clean()

	// An auditor reads and exports all of it, and can change nothing.
	auditor := signedIn(t, s, "auditor1")
	auditor.visit(shiftPage)
	auditor.See("Person manager3")
	auditor.See("Reviewed and found in order")
	for path, says := range map[string]string{
		"/report.csv?table=figures": "line,line_name,requested", "/report.csv?table=notes": "Printer cleaned",
		"/report.xlsx": "PK", "/handover": "Line 1 waits for maintenance",
	} {
		if status, body := auditor.fetch("GET", shiftPage+path); status != http.StatusOK ||
			!strings.Contains(body, says) {
			t.Errorf("%s: %d, without %q", path, status, says)
		}
	}
	for _, path := range []string{
		shiftPage + "/handover", shiftPage + "/handover/take", shiftPage + "/handover/acknowledge", shiftPage + "/sign",
		"/lines/L1/notes", "/notes/1/withdraw", "/admin/shifts",
	} {
		if status, _ := auditor.fetch("POST", path); status != http.StatusForbidden {
			t.Errorf("an auditor's POST of %s is answered with %d", path, status)
		}
	}
	for _, button := range []string{"Review and sign", "Save the note", "Acknowledge what is ticked"} {
		if auditor.offers(button) {
			t.Errorf("an auditor is offered %q", button)
		}
	}
}

func TestWhatIsWrittenIntoAFormIsKeptWhenOthersChangeThePage(t *testing.T) {
	t.Parallel()
	h, s := newWorkplace(t)
	p := signedIn(t, s, "supervisor1")
	other := h.SignIn("operator1")

	p.visit(shiftPage + "/handover")
	p.told("stream")
	p.Fill("Remarks", "Line 1 waits for maintenance")
	before := p.rowKeys()
	other.Post("/lines/L2/notes", "words", "Something new")
	p.See("1 update")
	if after := p.rowKeys(); !slices.Equal(before, after) {
		t.Errorf("the list moved by itself: %q, it was %q", after, before)
	}
	p.Click("1 update")
	p.See("Something new")
	p.signs("Hand over Early · Mon 2026-11-23", "Another person has to take it over.")
	p.See("Line 1 waits for maintenance")

	// A note that is being written, on the page of an order that changes.
	p.visit(s.pathOf(t, "Order146"))
	p.told("stream")
	p.Click("Notes")
	p.Fill("Write a note about Order146", "The label is torn")
	other.Post(s.pathOf(t, "Order146")+"/notes", "words", "The printer is out of ribbon")
	p.See("1 update")
	p.Click("1 update")
	p.See("The printer is out of ribbon")
	p.Click("Save the note")
	p.See("The label is torn")
	p.clean()

	// The list of shifts says what others did.
	list := signedIn(t, s, "auditor1")
	list.visit("/shifts")
	list.told("stream")
	list.See("No take-over recorded")
	taker := h.SignIn("manager1")
	page := taker.Get(shiftPage + "/handover")
	if a := taker.Post(
		shiftPage+"/handover/take", "shown", page.Attr("input[name=shown]", "value"), "password", house.Password,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("take-over: %d %s", a.Status, a.Text(".problem"))
	}
	list.See("Handed over")
	list.clean()
}

func TestRecordsAreClearOnPaper(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	h, s := newWorkplace(t)
	rules := packaging.DefaultRules
	rules.SignReleases, rules.SecondSigner = true, true
	h.SetRules(rules)
	b := h.SignIn("supervisor1")
	order := s.pathOf(t, "Order143")
	changed := changed(t, "Order143", func(o *sandbox.Order) { o.Lot = "CHANGED1" })
	lot := h.Order("Order143").Lot
	h.Box.Put(changed)
	h.Refresh()
	post := func(b *house.Browser, to string, page house.Answer, pairs ...string) {
		t.Helper()
		for _, field := range []string{"shown", "content", "revision"} {
			pairs = append(pairs, field, page.Attr("input[name="+field+"]", "value"))
		}
		if a := b.Post(to, pairs...); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", to, a.Status, a.Text(".problem"))
		}
	}
	post(b, order+"/release", b.Get(order+"?arm=1"), "meaning", "checked", "secret", house.Password,
		"username", "manager1", "meaning2", "verified", "secret2", house.Password)
	post(b, shiftPage+"/handover", b.Get(shiftPage+"/handover"), "remarks", "All quiet", "password", house.Password)
	h.Clock.Move(8 * time.Hour)
	boss := h.SignIn("manager1")
	post(boss, shiftPage+"/sign", boss.Get(shiftPage+"/sign"), "meaning", "deviations", "comment", "Ticket 4711",
		"password", house.Password)

	p := signedIn(t, s, "auditor1")
	p.Viewport(794, 1123) // A4 at 96 dpi
	p.Paper()
	for path, want := range map[string][]string{
		order: {
			"Order143", "CHANGED1", "Changed since it was first seen. At first it was:", lot,
			"Order143 is released to Blister line 1.", "11 serial numbers received",
			"Person supervisor1", "I checked order, product, lot and line", "Person manager1", "+01:00",
		},
		order + "/story": {"Lot changed: " + lot + " → CHANGED1", "Release requested"},
		shiftPage: {
			"Early", "Blister line 1", "Order143", "Person supervisor1", "11", "Person manager1", "Signed, version 1",
			"Reviewed; the deviations in the comment are followed up", "Ticket 4711", "+01:00",
		},
		shiftPage + "/handover":   {"Handed over", "Person supervisor1", "+01:00", "All quiet"},
		"/history?order=Order143": {"Release requested", "11 serial numbers received", "Person supervisor1", "+01:00"},
		order + "/serials":        {"Order143", "CHANGED1"},
	} {
		p.visit(path)
		var paper bool
		if p.Eval(`matchMedia("print").matches`, &paper); !paper {
			t.Fatal("the page is not laid out for paper")
		}
		for _, words := range want {
			p.See(words)
		}
		var controls []string
		p.Eval(
			`[...document.querySelectorAll("main button, main input:not([type=hidden]), main select, nav, .updates, .news")].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 80))`,
			&controls,
		)
		if len(controls) > 0 {
			t.Errorf("%s prints %q", path, controls)
		}
		if p.Overflow() {
			t.Errorf("%s is wider than its paper: %v", path, p.tooWide())
		}
	}
}

func TestAShiftIsHandedOverWithoutScripts(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	_, s := newWorkplace(t)
	p := signedIn(t, s, "supervisor1", scripts(false))
	p.visit(shiftPage + "/handover")
	p.Fill("Remarks", "All calm")
	p.signs("Hand over Early · Mon 2026-11-23", "Another person has to take it over.")
	p.visit(shiftPage)
	p.See("Person supervisor1 handed the shift over on")
	p.clean()
}
