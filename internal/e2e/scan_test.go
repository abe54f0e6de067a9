package e2e

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/gs1"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
)

// A scanner types like a keyboard, wherever the focus is; the separator of fields comes as Ctrl+].
func TestAScannedPackIsLookedUpWithoutTouchingThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t, []sandbox.Order{{
		ID: "Scanned1", LineCode: "L1", LineName: "Blister line 1", Product: "Scanned tablets", GTIN: "09506000134352",
		Lot: "ABC123", Expiry: "2029-12-31",
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
		ID: "Scanned2", LineCode: "L1", LineName: "Blister line 1", Product: "Scanned tablets", GTIN: "09506000134352",
		Lot: "ABC123", Expiry: "2029-12-31",
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

// Answers take 0.3 to 1.5 s, and scans follow each other faster.
func TestEachScanHasItsOwnVerdictHoweverLongAnswersTake(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, []sandbox.Order{{
		ID: "Timed", LineCode: "L1", LineName: "Blister line 1", Product: "Timed tablets", GTIN: "09506000134352",
		Lot: "ABC123", Expiry: "2029-12-31",
		Quantity: 4, Status: sandbox.PendingRelease, Serials: []string{"Time1", "Time2", "Time3", "Time4"},
	}})
	s.releaseElsewhere(s.pathOf(t, "Timed"))
	p := signedIn(t, s, "operator1")
	p.visit("/scan?line=L1")
	p.whole()
	p.Eval(`(() => {
		const send = fetch, delays = {Time1: 1500, Time2: 300, Time3: 800, Time4: 300};
		window.fetch = async (...asked) => {
			const serial = /Time\d/.exec(decodeURIComponent(String(asked[0])))?.[0];
			if (serial) await new Promise(done => setTimeout(done, delays[serial]));
			return send(...asked);
		};
	})()`, nil)
	for _, scan := range []string{
		"10WRONG1\x1d21Time1", "10ABC123\x1d21Time2", "10WRONG3\x1d21Time3", "10ABC123\x1d21Time4",
	} {
		p.Type("010950600013435217291231" + scan + "\n")
	}
	p.See("Lot on the pack: WRONG1. Of Timed: ABC123.")
	p.See("Lot on the pack: WRONG3. Of Timed: ABC123.")
	p.Gone("Being checked…")
	var verdicts []string
	p.Eval(`[...document.querySelectorAll("#scans > li")].map(scan => scan.querySelector("h2").textContent + ": " +
		(/WRONG\d|Known/.exec(scan.textContent)?.[0] ?? "none"))`, &verdicts)
	if diff := cmp.Diff(
		[]string{"Scan 4: Known", "Scan 3: WRONG3", "Scan 1: WRONG1", "Scan 2: Known"}, verdicts,
	); diff != "" {
		t.Errorf("the verdicts (-want +got)\n%s", diff)
	}
	p.Viewport(1280, 800)
	var isInView bool
	p.Eval(`document.querySelector("#scans > .bad").getBoundingClientRect().bottom <= innerHeight`, &isInView)
	if !isInView {
		t.Error("a good pack pushes the bad one out of view")
	}
}

// scanAt types what a scanner types on a tablet with a German keyboard, where y and z have changed places.
func (p person) scanAt(german map[rune]string, code string) {
	p.t.Helper()
	for _, letter := range code {
		key, isMoved := german[letter]
		switch {
		case letter == '\x1d' || letter == '\n':
			p.Type(string(letter))
			continue
		case isMoved:
		case letter >= '0' && letter <= '9':
			key = "Digit" + string(letter)
		case unicode.IsUpper(letter):
			key = "+Key" + string(letter)
		default:
			key = "Key" + strings.ToUpper(string(letter))
		}
		p.Strike(key, string(letter))
	}
}

// A German tablet shows y both for the y of a German scanner and for the z of a US one.
func TestATabletProvesItsKeyboardByTheTestCode(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, []sandbox.Order{{
		ID: "Proven", LineCode: "L1", LineName: "Blister line 1", Product: "Proven tablets", GTIN: "09506000134352",
		Lot: "123456", Expiry: "2029-12-31",
		Quantity: 1, Status: sandbox.PendingRelease, Serials: []string{"yoo"},
	}})
	s.releaseElsewhere(s.pathOf(t, "Proven"))
	p := signedIn(t, s, "operator1")
	p.visit("/scan?line=L1")
	p.whole()
	german := map[rune]string{
		'y': "KeyZ", 'z': "KeyY", 'Y': "+KeyZ", 'Z': "+KeyY", '-': "Slash", '_': "+Slash", '/': "+Digit7",
		'+': "BracketRight",
		'?': "+Minus", '&': "+Digit6", '"': "+Digit2",
	}
	const pack = "010950600013435210123456\x1d21yoo\n"
	p.scanAt(german, pack)
	p.See("Scan the test code on this page once. Then scan the pack again.")
	p.See("Test display, not for printing on packs.")
	p.scanAt(german, "010200000000000817491231"+"10TEST\x1d21"+gs1.TestPack.Serial+"\n")
	p.See("Scanner and device agree.")
	p.visit("/scan?line=L1") // the device remembers it
	p.whole()
	p.scanAt(german, pack)
	p.See("Known: this pack belongs to Proven.")
	p.Type(pack) // as on a device with a US keyboard
	p.Gone("Being checked…")
	p.scanAt(german, pack)
	p.See("Scan the test code on this page once. Then scan the pack again.")
}

// A bad scan is heard and felt, and is the biggest thing on the page; a device that is set to be silent is.
func TestABadScanSoundsAndVibratesUnlessTheDeviceIsSetNotTo(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	_, s := newWorkplace(t)
	p := visitor(t, s)
	p.visit("/login")
	p.signIn("operator1")
	for _, silent := range []bool{false, true} {
		p.visit("/scan?line=L1")
		p.whole()
		p.Eval(`window.shaken = 0; navigator.vibrate = () => ++shaken`, nil)
		p.Eval(countTones, nil)
		if silent {
			p.Choose("A bad scan", "on the screen only")
			p.Eval(`document.activeElement.blur()`, nil) // a scanner types wherever one is
		}
		p.Type("nonsense\n")
		p.See("What was scanned can't be read.")
		want := `tones >= 2 && shaken === 1`
		if silent {
			want = `tones === 0 && shaken === 0`
		}
		p.Holds(want)
		for _, size := range []size{wide, upright} {
			p.Viewport(size.width, size.height)
			var height float64
			p.Eval(`document.querySelector(".scan .result").getBoundingClientRect().height`, &height)
			if height < 160 {
				t.Errorf("at %s the verdict is %v px high", size, height)
			}
		}
	}
}

// scanned1 is an order on L1 whose list has a few packs.
func scanned1() sandbox.Order {
	return sandbox.Order{
		ID: "Scanned1", LineCode: "L1", LineName: "Blister line 1", Product: "Scanned tablets", GTIN: "09506000134352",
		Lot: "ABC123", Expiry: "2029-12-31",
		Quantity: 2, Status: sandbox.PendingRelease, Serials: []string{"Row1", "Row2"},
	}
}

// A scanner without a suffix: a scan ends after the pause that the device sets, and remembers.
func TestAScanEndsAfterThePauseThatTheDeviceSets(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, []sandbox.Order{scanned1()})
	s.releaseElsewhere(s.pathOf(t, "Scanned1"))
	p := signedIn(t, s, "operator1")
	p.visit("/scan?line=L1")
	p.whole()
	p.Choose("A scan ends", "after 0.2 s without a key")
	p.Eval(`document.querySelector("[data-scan-pause]").focus()`, nil) // a scan goes into the field all the same
	p.Type("01095060001343521729123110ABC123\x1d21Row1")
	p.See("Known: this pack belongs to Scanned1.")
	p.visit("/scan?line=L1")
	p.whole()
	p.Type("01095060001343521729123110ABC123\x1d21Row1")
	p.See("Known: this pack belongs to Scanned1.")
	p.Type("01095060001343521729123110WRONG9\x1d21Row2")
	p.See("Lot on the pack: WRONG9. Of Scanned1: ABC123.")
	p.See("Scan 2")
	p.Gone("Scan 3")
}

// A scan without an answer in 10 s is not checked, and says so until somebody has acknowledged it.
func TestAScanWithoutAnAnswerIsNotCheckedAndStays(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, []sandbox.Order{scanned1()})
	s.releaseElsewhere(s.pathOf(t, "Scanned1"))
	p := signedIn(t, s, "operator1")
	p.visit("/scan?line=L1")
	p.whole()
	p.Eval(`(() => {
		const send = fetch, later = window.trueTimeout = setTimeout;
		window.setTimeout = (then, ms, ...more) => later(then, ms === 10_000 ? 10 : ms, ...more);
		window.fetch = (...asked) => String(asked[0]).includes("Row1") ? new Promise(() => {}) : send(...asked);
	})()`, nil)
	p.Type("01095060001343521729123110ABC123\x1d21Row1\n")
	p.See("Not checked.")
	p.Eval(`window.setTimeout = trueTimeout, null`, nil)
	p.Type("01095060001343521729123110ABC123\x1d21Row2\n")
	p.See("Known: this pack belongs to Scanned1.")
	p.See("Not checked.")
	p.In("main").Click("Acknowledge")
	p.Gone("Not checked.")
}

// An input method takes the first Enter for itself: it ends the scan all the same, and nothing is glued to it.
func TestAScanThroughAnInputMethodEndsAtEnter(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, []sandbox.Order{scanned1()})
	s.releaseElsewhere(s.pathOf(t, "Scanned1"))
	p := signedIn(t, s, "operator1")
	p.visit("/scan?line=L1")
	p.whole()
	p.Eval(`(() => {
		const field = document.querySelector("[data-scan]");
		field.focus();
		const press = (code, shiftKey = false) => field.dispatchEvent(
			new KeyboardEvent("keydown", { key: "Process", code, shiftKey, isComposing: true, bubbles: true }));
		window.compose = text => {
			for (const letter of text.normalize("NFKC")) {
				if (/[a-z]/i.test(letter)) press("Key" + letter.toUpperCase(), letter < "a");
				else if (/\d/.test(letter)) press("Digit" + letter);
				else press("Backslash", true);
			}
			field.value += text;
			field.dispatchEvent(new InputEvent("input", { inputType: "insertCompositionText", bubbles: true }));
			press("Enter");
			field.dispatchEvent(new CompositionEvent("compositionend", { data: text, bubbles: true }));
		};
	})()`, nil)
	const head = "０１０９５０６０００１３４３５２１７２９１２３１１０"
	p.Eval(`compose("`+head+`ＡＢＣ１２３｜２１Ｒｏｗ１")`, nil)
	p.Eval(`compose("`+head+`ＷＲＯＮＧ９｜２１Ｒｏｗ２")`, nil)
	p.See("Scan 2")
	p.See("Known: this pack belongs to Scanned1.")
	p.See("Lot on the pack: WRONG9. Of Scanned1: ABC123.")
}

// Scanners send the separator as F8 or as a number on the keypad too, and other control characters as keys by which
// browsers open lists of their own. A program that types tells neither keys nor Shift.
func TestWhatScannersSendBesideCharactersIsTaken(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	o := scanned1()
	o.Serials = []string{"Row1", "Row2", "Row3", "Row4", "4YSr5oYFKHwP"}
	o.Quantity = len(o.Serials)
	s := newSite(t, []sandbox.Order{o})
	s.releaseElsewhere(s.pathOf(t, "Scanned1"))
	p := signedIn(t, s, "operator1")
	p.visit("/scan?line=L1")
	p.whole()
	p.Eval(`(() => {
		window.opened = [];
		addEventListener("keydown", event => { // as the last one: what nobody has prevented is the browser's
			if (event.ctrlKey && !event.defaultPrevented) opened.push(event.key);
		});
		const press = (type, key, code, more) => document.activeElement.dispatchEvent(
			new KeyboardEvent(type, { key, code, bubbles: true, cancelable: true, ...more }));
		window.control = letter => press("keydown", letter, "Key" + letter.toUpperCase(), { ctrlKey: true });
		window.f8 = () => press("keydown", "F8", "F8");
		window.altCode = digits => {
			press("keydown", "Alt", "AltLeft", { altKey: true });
			for (const digit of digits) press("keydown", digit, "Numpad" + digit, { altKey: true });
			press("keyup", "Alt", "AltLeft");
			const arrow = { data: "\u2194", inputType: "insertText", bubbles: true, cancelable: true }; // of Windows
			if (document.activeElement.dispatchEvent(new InputEvent("beforeinput", arrow))) {
				document.execCommand("insertText", false, arrow.data);
			}
		};
		window.program = text => { // keys without codes, and without Shift
			for (const key of text) {
				if (key === "\u001d") press("keydown", "]", "", { ctrlKey: true });
				else press("keydown", key, ""), document.execCommand("insertText", false, key);
			}
		};
	})()`, nil)
	const head, lot = "01095060001343521729123110", "ABC123"
	p.Eval(`document.querySelector("[data-scan]").focus()`, nil)
	p.Eval(`control("b")`, nil) // STX
	p.Type(head + lot)
	p.Eval(`f8()`, nil)
	p.Type("21Row1")
	p.Eval(`control("d"), control("j")`, nil) // EOT and a line end
	p.See("Scan 1 Known: this pack belongs to Scanned1.")
	for scan, code := range []string{"0029", "029"} {
		p.Type(head + lot)
		p.Eval(`altCode("`+code+`")`, nil)
		p.Type(fmt.Sprintf("21Row%d\n", scan+2))
		p.See(fmt.Sprintf("Scan %d Known: this pack belongs to Scanned1.", scan+2))
	}
	p.Eval(`program("`+head+`abc123\u001d214ysR5OyfkhWp")`, nil) // a scanner with Caps Lock
	p.Type("\n")
	p.See("Scan 4 Known: this pack belongs to Scanned1.")
	p.See("Lot abc123 was read as ABC123.")
	var opened []string
	if p.Eval(`opened`, &opened); len(opened) > 0 {
		t.Errorf("the browser opens its own for Ctrl and %q", opened)
	}
	var sent []string
	p.Eval(`[...document.querySelectorAll("details.raw pre")].map(pre => pre.textContent)`, &sent)
	if len(sent) != 4 || strings.Contains(strings.Join(sent, ""), "\u2194") {
		t.Errorf("the scans are %q", sent)
	}
}
