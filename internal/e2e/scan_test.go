package e2e

import (
	"testing"

	"lineboard/internal/sandbox"
)

// A scanner types like a keyboard, wherever the focus is; the separator of fields comes as Ctrl+].
func TestAScannedPackIsLookedUpWithoutTouchingThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t, []sandbox.Order{{
		ID: "Scanned1", LineCode: "L1", LineName: "Blister line 1", Product: "Scanned tablets", GTIN: "09506000134352", Lot: "ABC123", Expiry: "2029-12-31",
		Quantity: 1, Status: sandbox.PendingRelease, Serials: []string{"4YSr5oYFKHwP"},
	}})
	s.releaseElsewhere(s.pathOf(t, "Scanned1"))
	p := signedIn(t, s, "operator1")
	p.visit("/lines/L1")
	p.In("main").Click("Scan a pack")
	p.See("Nothing is scanned yet.")
	p.whole() // with the script that listens for keys
	p.Eval("document.activeElement.blur()", nil)
	p.Type("010950600013435217291231" + "10ABC123\x1d" + "214YSr5oYFKHwP\n")
	p.See("Known: this pack is of Scanned1.")
	// The next one follows as soon as the page is there.
	p.whole()
	p.Type("010950600013435217291231" + "10OTHER\x1d" + "214YSr5oYFKHwP\n")
	p.See("Lot on the pack: OTHER. Of Scanned1: ABC123.")
}
