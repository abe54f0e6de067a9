package e2e

import (
	"testing"

	"lineboard/internal/text"
)

func TestNoLanguageIsTooLongForAScreen(t *testing.T) {
	t.Parallel()
	e := newExhibition(t)
	p := signedIn(t, e.site, "supervisor1")
	order := e.order("Order146")
	for _, l := range languages() {
		p.visit("/")
		p.openOwnMenu()
		p.Click(l.Name())
		p.Holds(`document.documentElement.lang === "` + string(l) + `"`)
		for _, page := range []string{
			"/", "/lines/L1", "/lines/L1/queue", order, order + "?arm=1", "/orders", "/imports", "/history", "/shifts",
			"/account", "/account/pin", "/help",
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
