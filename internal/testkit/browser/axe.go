package browser

import (
	_ "embed"
	"fmt"
	"strings"
)

// axe-core 4.14.1, dist file axe.min.js of the npm package axe-core, under the Mozilla Public License 2.0. It is part
// of tests only, never of the program.
//
//go:embed axe.min.js
var axe string

// Violation is one rule of accessibility that a page breaks.
type Violation struct {
	Rule     string    `json:"id"`     // axe's name for it: "color-contrast"
	Impact   string    `json:"impact"` // minor, moderate, serious or critical
	Help     string    `json:"help"`   // the rule in a sentence
	Elements []Element `json:"nodes"`
}

// Element is one place where a rule is broken.
type Element struct {
	HTML string `json:"html"`
	Why  string `json:"failureSummary"`
}

// String tells all of it, for a test to print.
func (v Violation) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%s): %s", v.Rule, v.Impact, v.Help)
	for _, element := range v.Elements {
		fmt.Fprintf(&text, "\n  %s\n    %s", element.HTML, strings.ReplaceAll(element.Why, "\n", "\n    "))
	}
	return text.String()
}

// Axe gives the rules of accessibility that the page breaks as it stands: WCAG 2.2 A and AA and axe's best practices,
// for what a program can judge.
func (p *Page) Axe() []Violation {
	p.t.Helper()
	// The size of targets is a rule of WCAG 2.2 that axe leaves out unless asked.
	return p.axe(`rules: {"target-size": {enabled: true}}`)
}

// AxeColours is Axe for what colours alone decide: for a page that was looked at already, in another light.
func (p *Page) AxeColours() []Violation {
	p.t.Helper()
	return p.axe(`runOnly: ["color-contrast", "link-in-text-block"]`)
}

func (p *Page) axe(options string) []Violation {
	p.t.Helper()
	if p.state.noScript {
		// axe works with promises, which need the page's scripts.
		if err := p.scripts(true); err != nil {
			p.fail("run axe: %v", err)
		}
		defer func() {
			if err := p.scripts(false); err != nil {
				p.fail("run axe: %v", err)
			}
		}()
	}
	var loaded bool
	p.Eval("!!window.axe", &loaded)
	if !loaded {
		p.Eval(axe+"\n;void 0", nil)
	}
	var report struct {
		Violations []Violation `json:"violations"`
	}
	p.Eval(
		`axe.run(`+p.root()+`, {resultTypes: ["violations"], preload: false, selectors: false, `+options+
			`}).then(({violations}) => ({violations}))`,
		&report,
	)
	return report.Violations
}
