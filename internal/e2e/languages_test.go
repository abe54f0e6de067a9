package e2e

import (
	"testing"

	"lineboard/internal/testkit/thorough"
	"lineboard/internal/text"
)

func TestNoLanguageIsTooLongForAScreen(t *testing.T) {
	thorough.Rest(t)
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
			for _, size := range inHand {
				p.Viewport(size.width, size.height)
				p.settle()
				for _, wrong := range append(p.measured(size), p.cut()...) {
					t.Errorf("%s in %s at %s: %s", page, l, size, wrong)
				}
			}
		}
	}
}

// long are languages that say in more letters what English does, and englishAndLong that one beside them.
var (
	long           = thorough.Some[text.Language](1, "de", "hu")
	englishAndLong = append([]text.Language{text.English}, long...)
)

// languages are all of them, the one that says most first. `make test` looks at that.
func languages() []text.Language { return thorough.Some(1, "de", "hu", "fr", "es", text.English) }
