package e2e

import (
	"testing"

	"lineboard/internal/text"
)

func TestNoLanguageIsTooLongForAScreen(t *testing.T) {
	t.Parallel()
	e := newExhibition(t)
	p := signedIn(t, e.site, "supervisor1")
	order, longest := e.order("Order146"), e.order(e.longest())
	for _, l := range languages() {
		p.visit("/")
		p.openOwnMenu()
		p.Click(l.Name())
		p.Holds(`document.documentElement.lang === "` + string(l) + `"`)
		for _, page := range []string{
			"/", "/?wall", "/lines/L1", "/lines/BL-07", "/lines/L6/queue", order, order + "?arm=1", longest, "/orders",
			"/imports", "/history", "/shifts", shiftPage, shiftPage + "/handover", "/scan", "/account", "/account/pin", "/help",
		} {
			p.visit(page)
			for _, size := range sizes[:3] {
				p.Viewport(size.width, size.height)
				p.settle()
				for _, wrong := range append(p.measured(size), p.cut()...) {
					t.Errorf("%s in %s at %s: %s", page, l, size, wrong)
				}
			}
		}
	}
}

// languages are all of them beside the race detector, which takes its time anyway, and otherwise those with the longest
// words.
func languages() []text.Language {
	if raced || all {
		return text.Languages
	}
	return []text.Language{"de", "hu"}
}
