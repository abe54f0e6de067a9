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
	p.See("Known: this pack belongs to Scanned1.")
}

// Each scan has a verdict of its own, however fast scans come and however late an answer is.
func TestScansInARowAreAllAnswered(t *testing.T) {
	t.Parallel()
	s := newSite(t, []sandbox.Order{{
		ID: "Scanned2", LineCode: "L1", LineName: "Blister line 1", Product: "Scanned tablets", GTIN: "09506000134352", Lot: "ABC123", Expiry: "2029-12-31",
		Quantity: 2, Status: sandbox.PendingRelease, Serials: []string{"Row1", "Row2"},
	}})
	s.releaseElsewhere(s.pathOf(t, "Scanned2"))
	p := signedIn(t, s, "operator1")
	p.visit("/scan?line=L1")
	p.whole()
	// The answer to the first scan is held until that to the second is there.
	p.Eval(`(() => {
		const send = fetch;
		let held;
		window.fetch = (...asked) => new Promise(resolve => {
			const answer = () => resolve(send(...asked));
			if (!String(asked[0]).includes("Row")) return answer();
			if (held) return answer();
			held = window.letGo = answer;
		});
	})()`, nil)
	p.Type("01095060001343521729123110WRONG9\x1d21Row1\n" + "01095060001343521729123110ABC123\x1d21Row2\t")
	p.See("Known: this pack belongs to Scanned2.")
	p.See("Being checked…")
	p.Eval("letGo()", nil)
	p.See("Lot on the pack: WRONG9. Of Scanned2: ABC123.")
	p.Gone("Being checked…")
	if all := p.All("#scans h2"); len(all) < 2 || all[0] != "Scan 2" {
		t.Errorf("the scans are %q", all)
	}
	p.Type("01095060001343521729123110ABC123\x1d21Row1\n")
	p.See("Scan 3")
	p.See("Lot on the pack: WRONG9. Of Scanned2: ABC123.") // until somebody has acknowledged it
	p.In("main").Click("Acknowledge")
	p.Gone("WRONG9")
}
