package e2e

import (
	"slices"
	"strings"
	"testing"

	"lineboard/internal/testkit/thorough"
)

// What our own measures find at the sizes and in the light where axe does not look.
func TestWhatIsSpoiltOnAPageIsFoundInEverySizeAndLight(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	_, s := newWorkplace(t)
	p := signedIn(t, s, "supervisor1")
	p.visit("/orders")
	for at, size := range sizes {
		p.Viewport(size.width, size.height)
		for _, dark := range thorough.Some(1, at%2 == 1, at%2 == 0) {
			p.Dark(dark)
			p.settle()
			if wrong := append(p.measured(size), p.cut()...); len(wrong) > 0 {
				t.Fatalf("%s, dark %v: before anything is spoilt, %q is found", size, dark, wrong)
			}
			for want, spoil := range map[string]string{
				"target of 20×20":        `add("button", {width: "20px", height: "20px", minHeight: 0, padding: 0})`,
				"text in ":               `add("p", {color: "#7f7f7f", background: "#8f8f8f"}, "Pale")`,
				"type of 9 px":           `add("p", {fontSize: "9px"}, "Small")`,
				"the page is 3":          `add("div", {width: "3000px", height: "10px"})`,
				"a table cut by":         `const box = add("div", {width: "80px", overflowX: "auto"}); box.className = "scroll"; box.innerHTML = "<table><tr><td>Longer than its box"; box.querySelector("td").style.whiteSpace = "nowrap"`,
				"a title that is cut":    `const bar = add("div", {display: "block"}); bar.className = "bar"; bar.innerHTML = "<div class=place><strong class=page-name>Longer than its bar</strong></div>"; bar.firstChild.style.width = "60px"`,
				"a choice that is cut":   `const list = add("select", {width: "80px"}); list.append(new Option("Longer than its list"))`,
				"out of its row":         `const row = add("div", {height: "40px"}); row.className = "row-line"; const part = document.createElement("p"); part.style.height = "90px"; row.append(part)`,
				"the form of a date":     `const field = add("span", {width: "60px"}); field.className = "date-field"; field.innerHTML = "<input placeholder=YYYY-MM-DD>"`,
				"an ID that is cut":      `const strip = add("div"); strip.className = "strip"; strip.innerHTML = "<p><strong class=key>PO-2026-110007</strong>"; Object.assign(strip.firstChild.firstChild.style, {display: "block", width: "40px", overflow: "hidden"})`,
				"0 px below":             `add("section", {margin: 0}, "Above").className = "card"; add("p", {margin: 0}, "Below")`,
				"a hole of":              `const grid = add("div", {display: "grid", gridTemplateColumns: "1fr 1fr", alignItems: "start"}); grid.innerHTML = "<p class=card>Short</p><p>Tall</p><p>Below</p>"; grid.children[1].style.height = "300px"`,
				"an icon at its text":    `add("p").innerHTML = "<svg class=icon width=24 height=24></svg><span>Text</span>"`,
				"beside a card, 20":      `const grid = add("div", {display: "grid", gridTemplateColumns: "1fr 1fr"}); grid.innerHTML = "<p class=card>One</p><p class=card>Other</p>"; grid.lastChild.style.marginTop = "20px"`,
				"a date in the form":     `add("input", {height: "60px"}).type = "date"`,
				"words without a space":  `add("p").innerHTML = "<b>Released</b><span>Out at the line</span>"`,
				"dashed amber":           `add("p", {border: "3px dashed var(--amber)"}, "No outcome")`,
				"cut at its side":        `add("p", {width: "50px", overflow: "hidden", whiteSpace: "nowrap"}, "Longer than its box")`,
				"text beside its button": `add("button", {width: "60px", height: "60px", padding: 0, whiteSpace: "nowrap"}, "Longer than its button")`,
				"0 px from ":             `add("a", {display: "inline-block", width: "60px", height: "60px"}, "One").href = "/elsewhere"; add("button", {margin: 0}, "Other")`,
				"lies on ":               `const row = add("div", {display: "flex"}); for (const word of ["Under", "Over"]) row.append(add("p", {width: "80px", flex: "none", marginInlineEnd: "-40px"}, word))`,
			} {
				p.Eval(`(() => {
					const spoilt = document.createElement("div");
					spoilt.id = "spoilt";
					document.querySelector("main").prepend(spoilt);
					const add = (tag, style, text = "") => {
						const element = document.createElement(tag);
						Object.assign(element.style, style);
						element.textContent = text;
						spoilt.append(element);
						return element;
					};
					`+spoil+`
				})()`, nil)
				if wrong := append(p.measured(size), p.cut()...); !slices.ContainsFunc(wrong, func(text string) bool {
					return strings.HasPrefix(text, want)
				}) {
					t.Errorf("%s, dark %v: %q is not found, but %q", size, dark, want, wrong)
				}
				p.Eval(`document.querySelector("#spoilt").remove()`, nil)
			}
		}
	}
}
