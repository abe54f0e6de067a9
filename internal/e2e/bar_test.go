package e2e

import (
	"testing"

	"lineboard/internal/testkit/thorough"
)

// The bar stays one row of 64 px, whatever the width and the language, and nothing of it is cut off at its side.
func TestTheBarIsOneRowOf64PixelsAtEveryWidthAndLanguage(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newExhibition(t)
	e.Refresh() // data that is not fresh has a strip of its own under the bar
	p := e.enter(t, "manager1")
	for _, language := range thorough.Some(2, "English", "Deutsch", "Magyar") {
		p.visit("/lines/L1")
		p.openOwnMenu()
		p.leaveBy(func() { p.In(".bar .who").Click(language) })
		for _, size := range sizes {
			p.Viewport(size.width, size.height)
			p.settle()
			var height float64
			p.Eval(`document.querySelector(".bar").getBoundingClientRect().height`, &height)
			if height != 64 {
				t.Errorf("%s, %s: the bar is %v px high", language, size, height)
			}
			if p.Overflow() {
				t.Errorf("%s, %s: the page is too wide: %v", language, size, p.tooWide())
			}
		}
		p.Viewport(sizes[0].width, sizes[0].height)
	}
}

func TestTheBarOfAStationIsOneRowOf64Pixels(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newExhibition(t)
	e.Refresh()
	p := e.entrance()
	p.visit("/login")
	p.send("/station", "code="+e.StationCode("Serialisation tablet 7, hall B", "L1"))
	p.send("/login", "username=supervisor1&password="+p.site.password)
	for _, language := range englishAndLong {
		p.send("/language?language="+string(language), "")
		for _, page := range []string{"/lines/L1", "/orders", e.order("Order146") + "?arm=1"} {
			p.visit(page)
			for _, size := range sizes {
				p.Viewport(size.width, size.height)
				p.settle()
				var height float64
				p.Eval(`document.querySelector(".bar").getBoundingClientRect().height`, &height)
				if height != 64 || p.Overflow() {
					t.Errorf("%s in %s at %s: the bar is %v px high; too wide: %v", page, language, size, height, p.tooWide())
				}
			}
		}
	}
}
