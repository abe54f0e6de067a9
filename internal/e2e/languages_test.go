package e2e

import (
	"testing"

	"lineboard/internal/text"
)

func TestNoLanguageIsTooLongForAScreen(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.open("Order143")
	order := p.path()
	for _, l := range text.Languages {
		p.visit("/")
		p.openOwnMenu()
		p.Click(l.Name())
		p.Holds(`document.documentElement.lang === "` + string(l) + `"`)
		for _, page := range []string{"/", "/lines/L1", "/lines/L1/queue", order, order + "?arm=1", "/orders", "/imports", "/history", "/shifts", "/account", "/account/pin", "/help"} {
			p.visit(page)
			for _, size := range sizes[:3] {
				p.Viewport(size.width, size.height)
				p.settle()
				for _, wrong := range p.measured(size) {
					t.Errorf("%s in %s at %s: %s", page, l, size, wrong)
				}
			}
		}
	}
}
