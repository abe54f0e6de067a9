package e2e

import (
	"fmt"
	"slices"
	"testing"

	"lineboard/internal/testkit/thorough"
)

// lists are pages with rows: the selector of a row, and how many must be in view on a tablet and on a phone.
var lists = map[string]struct {
	rows          string
	tablet, phone int
}{
	"/orders":               {".orders tbody tr", 8, 4},
	"/orders?line=L1":       {".orders tbody tr", 8, 4},
	shiftPage + "/handover": {".items li:has(.key), .waits li", 8, 8},
	"/lines/L2/queue":       {".queue-rows li", 2, 2},
	"/lines/L6/queue":       {".queue-rows li", 3, 3}, // stopped, its orders with their marks
}

// rowsAs measures the rows at a selector, of which as many as said are wholly in view.
const rowsAs = `(selector => least => {
	const wrong = [];
	const box = element => element.getBoundingClientRect();
	const rows = [...document.querySelectorAll(selector)];
	for (const row of rows) {
		if (box(row).height < 56 || box(row).height > 64) wrong.push("a row of " + box(row).height + " px: " + row.innerText.slice(0, 60));
		const key = row.querySelector(".key");
		if (key && (key.scrollWidth > key.clientWidth + 1 || key.getClientRects().length > 1)) wrong.push("an ID is broken or cut: " + key.innerText);
		for (const name of row.querySelectorAll(".row-name")) {
			const lines = Math.round(box(name).height / parseFloat(getComputedStyle(name).lineHeight));
			if (lines > 2) wrong.push(lines + " lines of a name: " + name.innerText);
		}
		const time = row.querySelector(".row-time");
		if (time && time.getClientRects().length > 1) wrong.push("a time of two lines: " + time.innerText);
	}
	const seen = rows.filter(row => box(row).top >= 0 && box(row).bottom <= innerHeight).length;
	if (seen < least) wrong.push(seen + " rows in view, and not " + least);
	return wrong;
})`

// Rows have one height, IDs of up to 20 characters are whole, and a screen has enough of them, with real data.
func TestRowsAreEvenAndEnoughOfThemAreInView(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newPlant(t)
	e.ThreeShifts("ghent")
	p := e.enter(t, "supervisor1")
	for _, language := range englishAndLong {
		if status, _ := p.fetch("POST", "/language?language="+string(language)); status >= 400 {
			t.Fatalf("language: %d", status)
		}
		for path, list := range lists {
			p.visit(path)
			for _, size := range sizes {
				p.Viewport(size.width, size.height)
				p.Eval(`scrollTo({top: 0, behavior: "instant"})`, nil)
				p.settle()
				least := list.tablet
				if size.width < 768 {
					least = list.phone
				}
				var wrong []string
				p.Eval(fmt.Sprintf("%s(%q)(%d)", rowsAs, list.rows, least), &wrong)
				for _, what := range slices.Concat(wrong, p.measured(size), p.cut()) {
					t.Errorf("%s, %s, %s: %s", path, language, size, what)
				}
				p.picture(fmt.Sprintf("%s-%s-%d", path, language, size.width))
			}
		}
	}
}
