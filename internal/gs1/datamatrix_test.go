package gs1_test

import (
	"strings"
	"testing"

	"lineboard/internal/gs1"
)

func TestATestCodeTellsWhatAKeyboardDoesToIt(t *testing.T) {
	t.Parallel()
	for _, device := range gs1.Layouts {
		for lock, capsLock := range map[string]bool{"off": false, "letters": true} {
			scan := gs1.Typing{Scanner: gs1.US, Device: device, Lock: lock}.Scan(testCode)
			got := gs1.Decide(gs1.Read(scan, now), nil)
			undone := got.Pack.Undone
			if got.Kind != gs1.Test || undone.CapsLock != capsLock ||
				undone.Device != undone.Scanner != (device != gs1.US) {
				t.Errorf("%s, Caps Lock %s: %s %+v of %q", device, lock, got.Kind, undone, scan.Text)
			}
		}
	}
	if got := gs1.Decide(
		gs1.Read(gs1.Scan{Text: strings.ReplaceAll(testCode, "\x1d", "")}, now), nil,
	); got.Kind != gs1.Test || !got.Pack.Split {
		t.Errorf("without separators: %s %+v", got.Kind, got.Pack)
	}
}

func TestWhatNoBarcodeCanHoldIsNotDrawn(t *testing.T) {
	t.Parallel()
	if s, err := gs1.Draw(gs1.TestPack); err != nil || len(s) != len(s[0]) ||
		!strings.HasPrefix(s.Path(), "M0 0h1v1h-1z") {
		t.Errorf("the test code: %v, %d rows", err, len(s))
	}
	for name, change := range map[string]func(*gs1.Pack){
		"a wrong check digit":  func(p *gs1.Pack) { p.GTIN = "09506000134353" },
		"no serial number":     func(p *gs1.Pack) { p.Serial = "" },
		"a long serial number": func(p *gs1.Pack) { p.Serial = strings.Repeat("A", 21) },
		"an umlaut":            func(p *gs1.Pack) { p.Serial = "Ä" },
		"no lot":               func(p *gs1.Pack) { p.Lot = "" },
		"no expiry":            func(p *gs1.Pack) { p.Expiry = "2028-12" },
	} {
		p := gs1.Pack{GTIN: "09506000134352", Expiry: "2026-12-31", Lot: "ABC123", Serial: "4YSr5oYFKHwP"}
		change(&p)
		if _, err := gs1.Draw(p); err == nil {
			t.Errorf("%s is drawn", name)
		}
	}
}
