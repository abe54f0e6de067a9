package e2e

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lineboard/internal/testkit/thorough"
)

// The sizes of a tablet in both directions, a phone, and a screen on the wall.
var (
	wide, upright = size{1280, 800}, size{800, 1280}
	phone, onWall = size{390, 844}, size{1920, 1080}

	everySize = []size{wide, phone, upright, onWall}

	sizes   = thorough.Some(1, everySize...)
	inHand  = thorough.Some(1, wide, phone, upright)
	tablets = thorough.Some(1, wide, upright)
)

// all looks again at what `make test` has looked at, and has axe look at every size, in the dark as well. Without it
// axe looks at a tablet and a phone in the light: what changes with size and light (targets, type, contrast, what lies
// on or beside what) we measure ourselves in each of them.
var all = os.Getenv("LINEBOARD_LOOK") == "all"

type size struct{ width, height int }

func (s size) String() string { return fmt.Sprintf("%d×%d", s.width, s.height) }

//go:embed measure.js
var measure string

// measured gives what of the page is not as a screen at a packaging line must be. Targets are 48 px and type is 20 px
// on a tablet and larger; key data (order, line, serials) is 26 px.
func (p person) measured(at size) (wrong []string) {
	p.t.Helper()
	rules := `{target: 48, body: 20, key: 26}`
	if at.width < 768 {
		rules = `{target: 44, body: 15, key: 20}`
	}
	p.Eval("("+measure+")("+rules+")", &wrong)
	return wrong
}

// coloured gives what of the page can't be read well in the light that the window shows now.
func (p person) coloured() (wrong []string) {
	p.t.Helper()
	p.finish()
	p.Eval("("+measure+")({colours: true})", &wrong)
	return wrong
}

//go:embed cuts.js
var cuts string

// cut gives what of the page is cut, stands too close, or looks like an unknown outcome.
func (p person) cut() (wrong []string) {
	p.t.Helper()
	p.Eval(cuts, &wrong)
	return wrong
}

// inEverySizeAndLight checks the page that the window shows, with all that can be unfolded on it but menus, which lie
// over the page. What is wrong in the same way everywhere is told once. `make test` looks at a tablet in the light, and
// `make race` at all else.
func (p person) inEverySizeAndLight() {
	p.t.Helper()
	thorough.NeedsMark(p.t)
	said := map[string]bool{}
	tell := func(at size, dark bool, wrong []string) {
		p.t.Helper()
		for _, text := range wrong {
			if !said[text] {
				said[text] = true
				p.t.Errorf("%s, dark %v: %s", at, dark, text)
			}
		}
		p.picture(fmt.Sprintf("%d-%v", at.width, dark))
	}
	p.Eval(
		`document.querySelectorAll("details:not([open], .menu)").forEach(d => { d.open = true; d.dataset.shut = "" })`,
		nil,
	)
	// What keeps to the foot of the window lies half over something wherever the page stands.
	p.Eval(`document.querySelectorAll(".review-foot").forEach(foot => { foot.style.position = "static" })`, nil)
	for _, size := range sizes {
		p.Viewport(size.width, size.height)
		p.settle()
		if all || size != sizes[0] || !thorough.HadPart(p.t) {
			tell(size, false, slices.Concat(p.measured(size), p.cut(), p.axed(size, false)))
		}
		if thorough.On { // light changes colours, and nothing else
			p.Dark(true)
			tell(size, true, slices.Concat(p.coloured(), p.axed(size, true)))
			p.Dark(false)
		}
	}
	p.Viewport(sizes[0].width, sizes[0].height)
	p.Eval(
		`document.querySelectorAll("details[data-shut]").forEach(d => { d.open = false; delete d.dataset.shut })`, nil,
	)
}

// axed gives what axe finds, where it looks. What it looks at beside colours is the same in the dark.
func (p person) axed(at size, dark bool) (wrong []string) {
	p.t.Helper()
	look := p.Axe
	switch {
	case !all && (dark || at != wide && at != phone):
		return nil
	case dark:
		look = p.AxeColours
	}
	for _, v := range look() {
		wrong = append(wrong, v.String())
	}
	return wrong
}

// picture keeps what the window shows, where somebody wants to look at it.
func (p person) picture(name string) {
	p.t.Helper()
	if folder := os.Getenv("LINEBOARD_PICTURES"); folder != "" {
		p.Screenshot(filepath.Join(folder, strings.NewReplacer("/", "_", " ", "-").Replace(p.t.Name())+"-"+name+".png"))
	}
}

// settle waits until the page has taken the colours and the size that the window has now. Its transitions end at once.
func (p person) settle() {
	p.t.Helper()
	p.Eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))", nil)
	p.finish()
}

// finish ends the page's transitions.
func (p person) finish() {
	p.t.Helper()
	p.Eval("for (const change of document.getAnimations()) if (change instanceof CSSTransition) change.finish()", nil)
}

// tooWide names what sticks out of the window on the right.
func (p person) tooWide() (elements []string) {
	p.t.Helper()
	p.Eval(`[...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
		.slice(0, 8).map(e => e.cloneNode().outerHTML)`, &elements)
	return elements
}

// still checks that nothing moved on the page since it began to load. A busy machine draws a page in pieces now and
// then, and its rows move; what moves for people moves each time. So a page that moved is loaded again, three times.
func (p person) still() {
	p.t.Helper()
	moved := p.moved()
	for again := 0; len(moved) > 0 && again < 3; again++ {
		p.reload()
		moved = p.moved()
	}
	for _, what := range moved {
		p.t.Errorf("%s moves while it loads: %s", p.path(), what)
	}
}

// moved says what moved on the page while it loaded, in pixels from where to where.
func (p person) moved() (moved []string) {
	p.t.Helper()
	p.whole()
	p.settle()
	p.Eval(`(() => {
		const shifts = new PerformanceObserver(() => {});
		shifts.observe({type: "layout-shift", buffered: true});
		return shifts.takeRecords().filter(e => !e.hadRecentInput && e.value > 0.0001).map(e =>
			e.value.toFixed(4) + " " + e.sources.map(s => [s.previousRect, s.currentRect].map(r => [r.x, r.y, r.width, r.height].map(Math.round)).join(" to ") + " " +
				(s.node?.innerText ?? s.node?.data ?? "").slice(0, 60)).join(" | "));
	})()`, &moved)
	return moved
}
