package e2e

import (
	"strings"
	"testing"
	"time"

	"lineboard/internal/testkit/browser"
	house "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// hand works on a page: with the mouse, or with the keyboard alone.
type hand interface {
	press(name string)
	pressInBar(name string)
	write(label, text string)
	choose(label, option string)
}

// mouse is a hand on a mouse, and on the keyboard where text is written.
type mouse struct{ person }

func (m mouse) press(name string)           { m.t.Helper(); m.In("main").Click(name) }
func (m mouse) pressInBar(name string)      { m.t.Helper(); m.In("header.bar").Click(name) }
func (m mouse) write(label, text string)    { m.t.Helper(); m.In("main").Fill(label, text) }
func (m mouse) choose(label, option string) { m.t.Helper(); m.In("main").Choose(label, option) }

// keys is a hand on the keyboard alone.
type keys struct{ person }

func (k keys) press(name string) {
	k.t.Helper()
	k.tabTo(name)
	var ticked bool
	k.Eval(`document.activeElement.matches("input[type=checkbox], input[type=radio]")`, &ticked)
	if ticked {
		k.Type(" ")
	} else {
		k.Type("\n")
	}
	k.whole()
}

func (k keys) pressInBar(name string) { k.t.Helper(); k.press(name) }

// write types over what is in the field: a field that Tab comes to has its text selected.
func (k keys) write(label, text string) { k.t.Helper(); k.tabTo(label); k.Type(text) }

// choose types how the option begins, as long as nothing else begins so.
func (k keys) choose(label, option string) {
	k.t.Helper()
	k.tabTo(label)
	k.Type(option)
	k.Holds(`document.activeElement.selectedOptions[0].label.trim() === ` + quote(option))
}

// jobs are those beside the main one, each from a page on.
var jobs = []struct {
	name, who, path string
	do              func(p person, h hand)
}{
	{"several orders are released from a queue", "supervisor1", "/lines/L2/queue", func(p person, h hand) {
		p.leaveBy(func() { h.press("Add Order148") })
		p.See("Remove")
		p.leaveBy(func() { h.press("Add Order149") })
		p.See("Release 2 orders")
		p.leaveBy(func() { h.press("Move up Order149") })
		p.Holds(`document.querySelector("main ol .key").innerText === "Order149"`)
		p.leaveBy(func() { h.press("Release 2 orders") })
		p.See("Release 2 orders to Bottle line 2, one at a time")
		p.ready()
		p.leaveBy(func() { h.press("Release 2 orders to Bottle line 2, one at a time") })
		for limit := time.Now().Add(browser.Patience); !strings.Contains(
			p.Text("main"), "All orders of the sequence are released.",
		); p.visit("/lines/L2/queue") {
			if time.Now().After(limit) {
				p.t.Fatal(p.Text("main"))
			}
		}
	}},
	{"a result is noted", "supervisor1", "/lines/L2", func(p person, h hand) {
		p.See("Order148 Released · 88 serials")
		p.leaveBy(func() { h.press("Acknowledge") })
		p.Gone("Order148 Released · 88 serials")
		p.See("Order149 Released")
	}},
	{"a note is written", "supervisor1", "/lines/L1", func(p person, h hand) {
		h.press("Notes")
		h.write("Write a note about Blister line 1", "Printer cleaned at 10:20")
		p.leaveBy(func() { h.press("Save the note") })
		p.visit("/lines/L1")
		h.press("Notes 1")
		p.See("Printer cleaned at 10:20")
	}},
	{"an order's line is set", "supervisor1", "/orders?q=Order154", func(p person, h hand) {
		p.leaveBy(func() { h.press("Order154") })
		p.onPageOf("Order154")
		h.press("Change the line")
		h.choose("Line of this order", "Bottle line 2")
		p.leaveBy(func() { h.press("Set the line") })
		p.See("Line set here by")
	}},
	{"orders are imported", "supervisor1", "/imports", func(p person, h hand) {
		h.write("or paste it", `[{"order_id": "Week49-1", "line": "L2", "lot": "W49"}]`)
		p.leaveBy(func() { h.press("See what would change") })
		p.See("Week49-1")
		p.leaveBy(func() { h.press("Import 1 order") })
		p.See("New 1")
	}},
	{"a shift is handed over", "supervisor1", shiftPage, func(p person, h hand) {
		p.leaveBy(func() { h.press("Hand-over") })
		p.See("Open now")
		h.write("Remarks", "All calm")
		h.write("Your password, again", house.Password)
		p.leaveBy(func() { h.press("Hand over Early · Mon 2026-11-23") })
		p.See("Another person has to take it over.")
	}},
	{"the history is searched", "auditor1", "/history", func(p person, h hand) {
		h.write("Search", "requested")
		h.choose("Line", "Bottle line 2")
		p.leaveBy(func() { h.press("Search") })
		p.See("Line: Bottle line 2")
		for _, row := range p.rows() {
			if !strings.Contains(row, "Release requested") {
				p.t.Errorf("found %q", row)
			}
		}
	}},
	{"a person is added", "administrator1", "/admin/people", func(p person, h hand) {
		p.leaveBy(func() { h.press("Add a person") })
		p.See("Full name")
		h.write("Full name", "Sofie Peeters")
		h.write("Username", "sofie")
		h.write("Password", "several words of hers")
		h.press("Supervisor releases and settles")
		p.leaveBy(func() { h.press("Add a person") })
		p.See("Saved.")
		p.See("Sofie Peeters")
	}},
	{"a station is added", "administrator1", "/admin/stations", func(p person, h hand) {
		h.write("Name", "Tablet 7")
		h.choose("Line", "Bottle line 2")
		p.leaveBy(func() { h.press("Add the station") })
		p.See("Code of Tablet 7")
	}},
	{"a hint is put away and another language is chosen", "manager1", "/orders", func(p person, h hand) {
		h.pressInBar("What is this page?")
		p.leaveBy(func() { h.pressInBar("Got it") })
		p.Gone("Touch an order to open it.")
		h.pressInBar("Person manager1")
		h.pressInBar("Deutsch")
		p.See("Aufträge")
	}},
}

func TestEveryJobIsDoneWithTheKeyboardAlone(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	work(t, func(p person) hand { return keys{p} })
}

func TestEveryJobIsDoneWithoutScripts(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	work(t, func(p person) hand {
		p.NoScript()
		return mouse{p}
	})
}

// work does all jobs at one site.
func work(t *testing.T, take func(person) hand) {
	t.Helper()
	_, s := newWorkplace(t)
	for _, job := range jobs {
		t.Run(job.name, func(t *testing.T) {
			p := visitor(t, s)
			h := take(p)
			p.visit("/login")
			p.signIn(job.who)
			p.visit(job.path)
			job.do(p, h)
			p.clean()
		})
	}
}

// The first stop of Tab leads past what stands on every page.
func TestTheContentIsOneStepAwayForTheKeyboard(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	_, s := newWorkplace(t)
	p := visitor(t, s)
	p.visit("/login")
	p.signIn("supervisor1")
	for _, page := range []string{"/", "/lines/L1", "/orders", "/history", "/shifts", "/account"} {
		p.visit(page)
		p.Type("\t")
		p.Holds(`document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`)
		p.Type("\n\t")
		p.Holds(`document.querySelector("main").contains(document.activeElement)`)
	}
}
