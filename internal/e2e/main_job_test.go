package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/db"
	"lineboard/internal/testkit/thorough"
)

// walkToOrder143 goes the way of the start page: all lines, the line, the order.
func (p person) walkToOrder143() {
	p.t.Helper()
	p.visit("/")
	p.Click("Blister line 1 L1")
	p.At("/lines/L1")
	p.Click("Order143")
	p.Text("#release")
	p.See("PA26A07")
}

// seesAllOfIt checks what a released Order143 shows from its page on: the serials, the list, and the history.
func (p person) seesAllOfIt() (order string) {
	p.t.Helper()
	order = p.path()
	want := documented(p.t)
	p.See("11 serial numbers received.")
	if got := p.serials(); len(got) == 0 || !slices.Equal(got, want[:len(got)]) {
		p.t.Errorf("the order's page shows the serials %q, want the first of %q", got, want)
	}
	p.Click("See all 11 serial numbers")
	p.At(order + "/serials")
	if diff := cmp.Diff(want, p.serials()); diff != "" {
		p.t.Errorf("the list (-want +got):\n%s", diff)
	}
	p.See("as many as expected")
	return order
}

// seesBothEntries checks the history of a released Order143, as its page leads to it.
func (p person) seesBothEntries(order string) {
	p.t.Helper()
	p.visit(order)
	p.Click("In the history")
	p.At("/history?order=Order143")
	var requested, released int
	for _, row := range p.rows() {
		if strings.Contains(row, "Release requested") {
			requested++
		} else if strings.Contains(row, "Released") && strings.Contains(row, "11 serial numbers received") {
			released++
		} else {
			continue
		}
		for _, part := range []string{"Sofie Peeters", "Supervisor", "Order143", "Blister line 1"} {
			if !strings.Contains(row, part) {
				p.t.Errorf("the entry %q does not say %q", row, part)
			}
		}
	}
	if requested != 1 || released != 1 {
		p.t.Errorf("the history has the request %d times and the result %d times:\n%s",
			requested, released, strings.Join(p.rows(), "\n"))
	}
}

// checkFiles checks the two downloads of Order143.
func checkFiles(t *testing.T, asCSV, asJSON string) {
	t.Helper()
	want := [][]string{{"number", "serial"}}
	for i, serial := range documented(t) {
		want = append(want, []string{fmt.Sprint(i + 1), serial})
	}
	rows, err := csv.NewReader(strings.NewReader(asCSV)).ReadAll()
	if err != nil {
		t.Fatalf("the CSV file: %v", err)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("the CSV file (-want +got):\n%s", diff)
	}
	var file struct {
		OrderID string   `json:"order_id"`
		Lot     string   `json:"lot"`
		Count   int      `json:"count"`
		Serials []string `json:"serials"`
	}
	if err := json.Unmarshal([]byte(asJSON), &file); err != nil {
		t.Fatalf("the JSON file: %v", err)
	}
	if file.OrderID != "Order143" || file.Lot != "PA26A07" || file.Count != 11 {
		t.Errorf("the JSON file is of %q, lot %q, %d serials", file.OrderID, file.Lot, file.Count)
	}
	if diff := cmp.Diff(documented(t), file.Serials); diff != "" {
		t.Errorf("the JSON file (-want +got):\n%s", diff)
	}
}

// seesFiles gets both downloads where the page says that they are.
func (p person) seesFiles(t *testing.T) {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"CSV", "JSON"} {
		var path string
		p.Eval(
			`[...document.querySelectorAll("a")].find(a => a.innerText.trim() === `+quote(name)+
				`)?.getAttribute("href") ?? ""`,
			&path,
		)
		status, body := p.fetch("GET", path)
		if status != 200 {
			t.Fatalf("the file %s at %q: %d", name, path, status)
		}
		files[name] = body
	}
	checkFiles(t, files["CSV"], files["JSON"])
}

func TestASupervisorReleasesAnOrderInTheDemo(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	p := signedIn(t, newDemo(t), "supervisor1")
	p.walkToOrder143()
	p.release("Order143")
	order := p.seesAllOfIt()
	p.seesFiles(t)
	p.seesBothEntries(order)
	p.takesTheTour()
	p.clean()
}

// takesTheTour follows the way through the demo that the page of help shows: each step has something to show.
func (p person) takesTheTour() {
	p.t.Helper()
	p.visit("/help")
	var ways []string
	p.Eval(`[...document.querySelectorAll("#tour a")].map(a => a.getAttribute("href"))`, &ways)
	shows := []string{"Order143", "Order136", "Needs a look", "No take-over recorded", "", "Handed over"}
	if len(ways) != len(shows) {
		p.t.Fatalf("the tour leads to %q", ways)
	}
	for i, way := range ways {
		p.visit(way)
		p.In("main").See(shows[i])
		if shows[i] == "" {
			p.Holds(`document.querySelector("main svg desc").textContent.includes("Not released 1")`)
		}
	}
	p.visit(ways[3]) // the shift that ended last waits to be taken over, with few things to tick
	p.leaveBy(func() {
		p.Eval(
			`[...document.querySelectorAll("a.shift-row")].find(row => row.innerText.includes(`+quote(shows[3])+`)).click()`,
			nil,
		)
	})
	p.Click("Hand-over")
	p.See("What was handed over")
	var ticks int
	if p.Eval(`document.querySelectorAll("input[name=item]").length`, &ticks); ticks == 0 || ticks > 6 {
		p.t.Errorf("to take a shift over takes %d ticks", ticks)
	}
}

func TestASupervisorReleasesAnOrderAtASite(t *testing.T) {
	t.Parallel()
	s := newShippedSite(t)
	p := signedIn(t, s, "supervisor1")
	p.walkToOrder143()
	p.release("Order143")
	order := p.seesAllOfIt()
	p.seesFiles(t)
	p.seesBothEntries(order)
	p.clean()
	isStoredOnce(t, s)
}

// isStoredOnce looks into the database file and into the sandbox after the one release of Order143.
func isStoredOnce(t *testing.T, s *site) {
	t.Helper()
	released := s.remote.released()
	s.pressedOnce("Order143")
	if len(released) == 1 && !slices.Equal(released[0].Serials, documented(t)) {
		t.Errorf("the sandbox gave %q", released[0].Serials)
	}
	var stored []string
	for _, packed := range column[[]byte](t, s.database(), `SELECT packed FROM serial_blocks ORDER BY id`) {
		serials, err := db.UnpackSerials(packed)
		if err != nil {
			t.Error(err)
		}
		stored = append(stored, serials...)
	}
	if diff := cmp.Diff(documented(t), stored); diff != "" {
		t.Errorf("what is stored (-want +got):\n%s", diff)
	}
}

func TestASupervisorReleasesAnOrderWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1", scripts(false))
	p.walkToOrder143()
	p.release("Order143")
	order := p.seesAllOfIt()
	p.seesBothEntries(order)
	p.clean()

	c := newScript(t, s, "supervisor1")
	_, asCSV := c.do("GET", order+"/serials.csv", nil, nil)
	_, asJSON := c.do("GET", order+"/serials.json", nil, nil)
	checkFiles(t, asCSV, asJSON)
	isStoredOnce(t, s)
}

func TestASupervisorReleasesAnOrderWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := visitor(t, s)
	p.visit("/")
	p.Holds(`document.activeElement.id === "username"`) // nobody has to point at it
	p.Type("supervisor1\t" + sitePassword + "\n")
	p.isSignedIn()
	p.awaitOrders()
	p.tabTo("Blister line 1 L1")
	p.Type("\n")
	p.At("/lines/L1")
	p.tabTo("Order143")
	p.Type("\n")
	p.onPageOf("Order143")
	p.tabTo("Release to line")
	p.Type("\n")
	p.See("Check against the batch record")
	p.ready()
	p.tabTo("Release Order143 to Blister line 1")
	p.Type("\n")
	p.See("Order143 is released to Blister line 1.")
	p.tabTo("See all 11 serial numbers")
	p.Type("\n")
	p.See("as many as expected")
	if diff := cmp.Diff(documented(t), p.serials()); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	p.clean()
	isStoredOnce(t, s)
}

// tabTo presses Tab until the focus is on what is named so. Wherever it comes by, the focus can be seen, and nothing
// that stays at the window's edge covers it.
func (p person) tabTo(name string) {
	p.t.Helper()
	var passed []string
	for range 160 {
		p.Type("\t")
		var at struct{ Name, Wrong string }
		p.Eval(`(e => {
			const box = e.getBoundingClientRect();
			const hit = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, innerHeight / 4));
			const seen = ["outlineStyle", "boxShadow"].some(s => getComputedStyle(e)[s] !== "none");
			return {
				Name: (e.labels?.[0]?.innerText ?? e.ariaLabel ?? e.innerText ?? "").trim().split(/\s+/).join(" "),
				Wrong: e === document.body ? "" : !seen ? "nothing shows that the focus is there" : !hit || e.contains(hit) || hit.contains(e) || hit.closest("label")?.control === e ? "" :
					"it is covered by " + hit.cloneNode().outerHTML,
			};
		})(document.activeElement)`, &at)
		if at.Wrong != "" {
			p.t.Errorf("the focus is on %q: %s", at.Name, at.Wrong)
		}
		if at.Name == name {
			return
		}
		passed = append(passed, at.Name)
	}
	p.t.Fatalf("Tab does not come to %q, but to %q", name, passed)
}
