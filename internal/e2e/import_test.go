package e2e

import (
	"testing"
)

const plan = "order_id;line;lot;expiry;quantity\r\nOrder146;;NEW-7;31.05.2029;\r\nWeek49-1;Bottle line 2;W49;2029-06-30;12000\r\n"

// give puts text into a file of the form, as the browser does once a person has chosen one.
func (p person) give(name, content string) {
	p.t.Helper()
	p.See("or paste it") // the page with the form is there
	p.Eval(`(() => {
		const chosen = new DataTransfer();
		chosen.items.add(new File([`+quote(content)+`], `+quote(name)+`, { type: "text/csv" }));
		document.querySelector("input[type=file]").files = chosen.files;
	})()`, nil)
}

func TestASupervisorImportsAFileOnATablet(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1", func(p person) {
		p.Viewport(1280, 800)
		p.Touch()
	})
	p.visit("/")
	p.In("nav").Click("Orders")
	p.Click("Import orders")
	p.At("/imports")
	p.give("week-49.csv", "order_id;quantity\nOrder146;1.234,5\n")
	p.Click("See what would change")
	p.See("nothing can be imported")
	p.See("without points, commas or spaces")
	p.Click("Another file")
	p.give("week-49.csv", plan)
	p.Click("See what would change")
	p.See("week-49.csv")
	p.See("NEW-7")
	p.See("Week49-1")
	p.Click("Import 2 orders")
	p.See("Imported")
	p.Click("Week49-1")
	p.See("Not yet known to Movilitas.Cloud")
	p.See("from the import of")
	p.In("nav").Click("History")
	p.See("Imported week-49.csv: 1 new, 1 changed, 0 unchanged")
	s.remote.releasedExactly()
}
