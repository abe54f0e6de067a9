package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/testkit/thorough"
	"lineboard/internal/text"
)

// states are lines of the plant by what has happened at them.
var states = map[string]string{
	"calm":                 "L1",
	"two troubles":         "L2",
	"a refusal":            "L3",
	"an unknown outcome":   "L4",
	"a running sequence":   "L5",
	"a stopped sequence":   "L6",
	"all of that together": "BL-07",
	"armed":                "L1?arm=2",
}

// frame measures the frame of a board as it stands.
const frame = `(() => {
	const wrong = [];
	const tablet = innerWidth >= 768;
	const box = element => element.getBoundingClientRect();
	const release = document.querySelector(".hero .release");
	const at = box(release);
	if (at.top < 0 || at.left < 0 || at.bottom > innerHeight + 0.5 || at.right > innerWidth + 0.5) wrong.push("Release to line is out of view: " + JSON.stringify(at));
	for (const [x, y] of [[at.left + 12, at.top + 4], [at.right - 12, at.top + 4], [at.left + 12, at.bottom - 4], [at.right - 12, at.bottom - 4]]) {
		const there = document.elementFromPoint(x, y);
		if (!release.contains(there) && !(release.disabled && there === release.form)) wrong.push("over Release to line lies " + there?.outerHTML.slice(0, 120));
	}
	const root = document.documentElement;
	if (tablet && root.scrollHeight > root.clientHeight) wrong.push("the page scrolls by " + (root.scrollHeight - root.clientHeight));
	const stale = document.querySelector(".bar .strip");
	const bar = box(document.querySelector(".bar")).height - (stale ? box(stale).height : 0);
	if (bar !== 64 && (tablet || !stale)) wrong.push("the bar is " + bar + " px high");
	const strips = [...document.querySelectorAll(".strips > * > .strip, .strips > .strip")];
	if (strips.length > 3) wrong.push(strips.length + " strips");
	if (stale && tablet) {
		strips.push(stale);
		if (stale.querySelector("p").scrollHeight > stale.querySelector("p").clientHeight + 1) wrong.push("the reason is cut: " + stale.innerText);
	}
	for (const strip of strips) if (box(strip).height < 56 || box(strip).height > 60) wrong.push("a strip of " + box(strip).height + ": " + strip.innerText);
	for (const row of document.querySelectorAll(".rows .row")) {
		if (box(row).height < 56 || box(row).height > 64) wrong.push("a row of " + box(row).height);
		const key = row.querySelector(".key");
		if (key.scrollWidth > key.clientWidth + 1) wrong.push("an ID is cut: " + key.innerText);
		if (row.querySelector(".product").getClientRects().length > 2) wrong.push("a product of more than two lines");
	}
	for (const tool of document.querySelectorAll(".board-tools > *")) if (tablet && box(tool).height !== 64) wrong.push("a tool of " + box(tool).height);
	const asks = document.querySelector(".release-execute h2");
	if (tablet && asks && asks.offsetHeight > 2.5 * parseFloat(getComputedStyle(asks).lineHeight)) wrong.push("what is asked has more than two lines: " + asks.innerText);
	const hero = document.querySelector(".hero-body");
	if (tablet && hero.scrollHeight > hero.clientHeight + 1) wrong.push("what is checked is cut by " + (hero.scrollHeight - hero.clientHeight));
	const product = hero.querySelector(".product");
	if (product.scrollHeight > product.clientHeight + 3) wrong.push("the product is cut: " + product.innerText);
	return wrong;
})()`

// The release is in reach whatever else the board has to say, in each state of a line, at each size, with real data.
func TestReleaseToLineIsInViewInEveryState(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newPlant(t)
	p := e.enter(t, "supervisor1")
	for _, language := range englishAndLong {
		status, _ := p.fetch("POST", "/language?language="+string(language))
		if status >= 400 {
			t.Fatalf("language: %d", status)
		}
		for name, line := range states {
			if language != text.English && line != "BL-07" && line != "L6" && name != "armed" {
				continue
			}
			p.visit("/lines/" + line)
			if name == "armed" {
				p.ready()
			}
			for _, size := range sizes {
				p.Viewport(size.width, size.height)
				p.settle()
				var wrong []string
				p.Eval(frame, &wrong)
				for _, what := range slices.Concat(wrong, p.measured(size), p.cut()) {
					t.Errorf("%s, %s, %s: %s", name, language, size, what)
				}
				p.picture(fmt.Sprintf("%s-%s-%d", line, language, size.width))
			}
		}
	}
	// With the strip of the bar, and the reason on the panel, there is the least room.
	e.outOfReach()
	for _, language := range languages() {
		p.fetch("POST", "/language?language="+string(language))
		for _, line := range []string{"BL-07", fmt.Sprint("BL-07?arm=", e.Order("PO-2026-119107").ID)} {
			p.visit("/lines/" + line)
			p.Text(".bar .fresh-stale")
			if strings.Contains(line, "arm") {
				p.Text(".hero .cloud-down")
			}
			for _, size := range tablets {
				p.Viewport(size.width, size.height)
				p.settle()
				var wrong []string
				p.Eval(frame, &wrong)
				for _, what := range wrong {
					t.Errorf("%s without the cloud, %s, %s: %s", line, language, size, what)
				}
				p.picture(fmt.Sprintf("%s-stale-%s-%d", strings.Replace(line, "?", "-", 1), language, size.width))
			}
		}
	}
}

// outOfReach cuts the site off from the cloud until Lineboard knows it, and its orders are stale.
func (e exhibition) outOfReach() {
	e.t.Helper()
	if err := e.Remote.Listener.Close(); err != nil {
		e.t.Fatal(err)
	}
	e.Remote.CloseClientConnections()
	for range 3 { // each asks several times, over more than a second
		e.Clock.Move(time.Minute)
		if err := e.Sync.Refresh(e.t.Context(), e.Tenant("ghent").ID); err == nil {
			e.t.Fatal("the cloud answers")
		}
	}
}

// The board arms on the card that is there: nothing jumps, and all that is checked stands on it.
func TestTheBoardArmsInPlace(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newPlant(t)
	p := e.enter(t, "supervisor1")
	const card = `(({x, y, width, height}) => [x, y, width, height].map(Math.round).join(" "))(document.querySelector(".hero").getBoundingClientRect())`
	for _, line := range []string{"L1", "L2", "L6"} {
		for _, size := range tablets {
			p.Viewport(size.width, size.height)
			p.visit("/lines/" + line)
			p.whole()
			p.settle()
			var before, after string
			p.Eval(card, &before)
			p.In("main").Click("Release to line")
			p.See("Check against the batch record")
			p.settle()
			p.Eval(card, &after)
			if before != after {
				t.Errorf("%s at %s: the card jumps from %s to %s", line, size, before, after)
			}
			for _, fact := range []string{"GTIN", "Lot", "Expiry", "Quantity", "Serials expected", "As of"} {
				p.In(".hero").See(fact)
			}
		}
	}
}

// A wall of a person has a way back, and says what is the matter; with twelve lines it turns its pages.
func TestTheWallOfAPersonIsWholeInView(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newPlant(t)
	p := e.enter(t, "supervisor1")
	for _, language := range englishAndLong {
		if status, _ := p.fetch("POST", "/language?language="+string(language)); status >= 400 {
			t.Fatalf("language: %d", status)
		}
		for _, size := range []size{{1920, 1080}, {1280, 800}} {
			p.Viewport(size.width, size.height)
			p.visit("/?wall")
			p.Holds(`/^1\/[2-9]$/.test(document.querySelector(".wall-page").textContent)`)
			p.settle()
			var wrong []string
			p.Eval(`(() => {
				const wrong = [];
				const cut = element => element.scrollHeight > element.clientHeight + 6 || element.scrollWidth > element.clientWidth + 1;
				const foot = document.querySelector(".leave-wall").getBoundingClientRect();
				if (foot.bottom > innerHeight) wrong.push("the way back ends at " + foot.bottom);
				for (const row of document.querySelectorAll(".wall-row:not([hidden])")) {
					if (row.getBoundingClientRect().bottom > innerHeight) wrong.push("out of view: " + row.innerText);
					for (const said of row.querySelectorAll("h2, .wall-order:not(:has(.product)) .label")) if (innerWidth > 1600 && cut(said)) wrong.push("cut: " + said.innerText);
				}
				return wrong;
			})()`, &wrong)
			for _, what := range wrong {
				t.Errorf("%s at %s: %s", language, size, what)
			}
			p.picture(fmt.Sprintf("wall-%s-%d", language, size.width))
		}
	}
}
