package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lineboard/internal/testkit/thorough"
)

// mainPages are those that people spend their time on.
func (e exhibition) mainPages() []string {
	return []string{
		"/", "/lines/L1", "/lines/L2/queue", "/orders", e.order("Order143"), e.order("Order144"), e.order("Order145"),
		e.order("Order146") + "?arm=1", e.order("Order143") + "/serials", "/history", "/shifts", shiftPage,
		shiftPage + "/handover", "/help",
	}
}

// enter signs somebody in in a window of their own.
func (e exhibition) enter(t *testing.T, who string) person {
	t.Helper()
	p := e.entrance().as(t)
	p.visit("/login")
	p.signIn(who)
	return p
}

// onPaper gives what of a page can't be printed so, and is measured at the width that A4 leaves between its margins.
const onPaper = `(() => {
	const wrong = [], root = document.documentElement;
	const light = colour => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return a === 0 ? 1 : (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255; };
	const name = e => e.cloneNode().outerHTML.slice(0, 100) + " «" + e.innerText?.trim().slice(0, 40) + "»";
	for (const e of document.body.querySelectorAll("*")) {
		if (!e.checkVisibility({visibilityProperty: true}) || e.closest("svg")) continue;
		if (e.matches("button, a.button:not(.back .button), nav, input, select, textarea, summary, .foot, .hint, #link")) wrong.push("printed: " + name(e));
		if (e.matches(".hidden-text, .hidden-text *")) continue;
		const style = getComputedStyle(e);
		if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && light(style.color) > 0.3) wrong.push("not black: " + style.color + " " + name(e));
		if (light(style.backgroundColor) < 0.8) wrong.push("not on white: " + style.backgroundColor + " " + name(e));
		if (e.matches(".serial, .key, h1, td, dd") && e.getBoundingClientRect().right > root.clientWidth + 1) wrong.push("cut: " + name(e));
	}
	if (root.scrollWidth > root.clientWidth) wrong.push("wider than the paper by " + (root.scrollWidth - root.clientWidth) + " px");
	return [...new Set(wrong)].slice(0, 12);
})()`

func TestWhatIsPrintedIsWholeAndBlackOnWhite(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newExhibition(t)
	p := e.enter(t, "manager1")
	for _, page := range []string{
		e.order("Order143"), e.order("Order145"), e.order("Order143") + "/serials", shiftPage, shiftPage + "/handover",
		"/history", "/history/9", "/help", "/lines/L1",
	} {
		t.Run(page, func(t *testing.T) {
			p := p.as(t)
			p.visit(page)
			for _, dark := range thorough.Some(1, true, false) {
				p.Viewport(680, 1009)
				p.Dark(dark)
				p.Paper()
				p.settle()
				var wrong []string
				p.Eval(onPaper, &wrong)
				for _, what := range wrong {
					t.Errorf("dark %v: %s", dark, what)
				}
			}
			printed := p.PDF()
			if !bytes.HasPrefix(printed, []byte("%PDF-")) || !bytes.Contains(printed, []byte("/Type /Page")) {
				t.Errorf("what is printed is no PDF: %.40q", printed)
			}
			p.Viewport(680, 1009)
			p.picture("paper")
			if folder := os.Getenv("LINEBOARD_PICTURES"); folder != "" {
				if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%x.pdf", page)), printed, 0o600); err != nil {
					t.Error(err)
				}
			}
			p.Dark(false)
		})
	}
}

// At 200 % a tablet has half its pixels in both directions.
func TestEveryMainPageCanBeReadAtTwiceItsSize(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newExhibition(t)
	p := e.enter(t, "supervisor1")
	for _, page := range e.mainPages() {
		p.visit(page)
		for _, size := range tablets {
			p.Zoom(size.width, size.height, 2)
			p.settle()
			for _, wrong := range p.measured(size2(size)) {
				t.Errorf("%s at 200 %% of %s: %s", page, size, wrong)
			}
		}
	}
	p.picture("zoomed")
}

func size2(s size) size { return size{s.width / 2, s.height / 2} }

// Marks keep their word, their icon and their shape where a machine sets the colours, and where it asks for more
// contrast.
func TestMarksCanBeToldApartWhateverTheMachineAsksFor(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newExhibition(t)
	p := e.enter(t, "supervisor1")
	for feature, value := range map[string]string{"forced-colors": "active", "prefers-contrast": "more"} {
		for _, dark := range thorough.Some(1, value == "more", value != "more") {
			p.Dark(dark)
			p.Prefers(feature, value)
			for _, page := range []string{"/", "/lines/L1", "/help", e.order("Order144"), e.order("Order145")} {
				p.visit(page)
				p.settle()
				p.picture(fmt.Sprintf("%s-%v-%x", feature, dark, page))
				var wrong []string
				p.Eval(`[...document.querySelectorAll("main .mark, main .result")].filter(m => m.checkVisibility()).flatMap(mark => {
					const wrong = [], style = getComputedStyle(mark), icon = getComputedStyle(mark.querySelector(".icon"));
					const shape = [style.borderTopStyle, style.borderTopWidth, style.borderInlineStartWidth, style.borderTopLeftRadius].join(" ");
					if (!mark.matches(".mark-calm, .result-released") && style.borderTopStyle === "none") wrong.push("no shape");
					if (mark.matches(".mark-unknown, .result-unknown") && style.borderTopStyle !== "dashed") wrong.push("shaped as any other: " + shape);
					if (icon.stroke === style.backgroundColor || icon.color === style.backgroundColor) wrong.push("an icon that can't be seen");
					if (!mark.innerText.trim()) wrong.push("no word");
					return wrong.map(w => mark.className + ": " + w);
				})`, &wrong)
				if feature != "forced-colors" { // whose colours are the machine's own
					for _, v := range p.AxeColours() {
						wrong = append(wrong, v.String())
					}
				}
				for _, what := range wrong {
					t.Errorf("%s with %s, dark %v: %s", page, feature, dark, what)
				}
			}
		}
	}
}

func TestNothingMovesForWhoeverAsksForStillness(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newExhibition(t)
	p := e.enter(t, "supervisor1")
	p.Prefers("prefers-reduced-motion", "reduce")
	for _, page := range e.mainPages() {
		p.visit(page)
		var moving []string
		// What has just appeared takes no press for a moment, which is drawn by an animation that moves nothing.
		p.Eval(`document.getAnimations().filter(a => a.playState === "running" && a.animationName !== "not-yet")
			.map(a => a.animationName ?? a.transitionProperty)`, &moving)
		if len(moving) > 0 {
			t.Errorf("%s: %q", page, moving)
		}
	}
}
