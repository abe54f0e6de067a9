package gs1_test

import (
	"strings"
	"testing"

	"lineboard/internal/gs1"
)

// numpad returns the keys of digits on a keypad, with other keys among them.
func numpad(text string, others map[rune]string) string {
	var keys []string
	for _, character := range text {
		if key, ok := others[character]; ok {
			keys = append(keys, strings.Fields(key)...)
			continue
		}
		keys = append(keys, "Numpad"+string(character))
	}
	return strings.Join(keys, " ")
}

// Keys that do not write the text were not all seen, or their keyboard is not known. So the text may be of a pack
// that nobody knows.
func TestKeysThatDoNotWriteTheTextProveNothing(t *testing.T) {
	t.Parallel()
	const head = "01" + gtin
	for name, c := range map[string]struct {
		scan  gs1.Scan
		known string // of lot 123456
	}{
		"locked Shift on a Czech tablet, of the serial number !": {
			gs1.Scan{
				Text: head + "21§^]10123456", CapsLock: gs1.On, Typed: true,
				Keys: numpad(head+"21§10123456", map[rune]string{'§': "+Quote"}),
			}, "0",
		},
		"a tilde that a French tablet loses, of the serial number 0": {
			gs1.Scan{
				Text: head + "21010123456", CapsLock: gs1.Off, Typed: true,
				Keys: numpad(head+"210~10123456", map[rune]string{'~': "+Backquote"}),
			}, "010123456",
		},
		"the same without keys": {gs1.Scan{Text: head + "21010123456", Typed: true}, "010123456"},
		"the same without keys, after the test code": {
			gs1.Scan{
				Text: head + "21010123456", CapsLock: gs1.Off, Typed: true, Test: gs1.ParseKeyboardTest("agrees-unseen"),
			}, "010123456",
		},
		"a dead key that a German tablet loses, of the serial number b=c": {
			gs1.Scan{
				Text: head + "10123456\x1d21bc", CapsLock: gs1.Off, Typed: true,
				Keys: numpad(head+"10123456\x1d21", map[rune]string{'\x1d': "GS"}) + " KeyB Equal KeyC",
			}, "bc",
		},
		"the same after the test code, of a scanner that was set up anew": {
			gs1.Scan{
				Text: head + "10123456\x1d21bc", CapsLock: gs1.Off, Typed: true, Test: gs1.ParseKeyboardTest("agrees-de"),
				Keys: numpad(head+"10123456\x1d21", map[rune]string{'\x1d': "GS"}) + " KeyB Equal KeyC",
			}, "bc",
		},
		"the same with a keyboard that is not known": {
			gs1.Scan{
				Text: head + "10123456\x1d21bc", CapsLock: gs1.Off, Typed: true,
				Keys: numpad(head+"10123456\x1d21", map[rune]string{'\x1d': "GS"}) + " KeyB IntlYen KeyC",
			}, "bc",
		},
		"a Czech tablet with an American order of letters, of the serial number bya!": {
			gs1.Scan{
				Text: head + "10123456\x1d21bya1", CapsLock: gs1.Off, Typed: true,
				Keys: numpad(head+"10123456\x1d21", map[rune]string{'\x1d': "GS"}) + " KeyB KeyY KeyA +Digit1",
			}, "bya1",
		},
	} {
		known := map[gs1.ID][]gs1.Listed{{GTIN: gtin, Serial: c.known}: {{Lot: "123456"}}}
		if got := gs1.Decide(gs1.Read(c.scan, now), known); got.Kind != gs1.Undecided && !got.NeedsTest {
			t.Errorf("%s: %s %+v", name, got.Kind, got.Pack)
		}
	}
}

// A French keyboard makes 6] of the separator ^]: what can't be read is told with what may tell more.
func TestAnUnreadableScanOfWhichNoKeysWereSeenAsksForTheTestCode(t *testing.T) {
	t.Parallel()
	for _, tested := range []string{"", "agrees-unseen"} {
		scan := gs1.Scan{Text: "01" + gtin + "101234566]211", Typed: true, Test: gs1.ParseKeyboardTest(tested)}
		if got := gs1.Decide(gs1.Read(scan, now), nil); got.Kind != gs1.Unreadable || !got.NeedsTest {
			t.Errorf("tested %q: %+v", tested, got)
		}
	}
}

// Those that do tell what was scanned, also where a dead key makes one character with the next one, and where
// characters came by AltGr.
func TestKeysThatWriteTheTextTellWhatWasScanned(t *testing.T) {
	t.Parallel()
	const head = "01" + gtin
	known := map[gs1.ID][]gs1.Listed{
		{GTIN: gtin, Serial: "bcd"}: {{Lot: "123456"}}, {GTIN: gtin, Serial: "b=ac"}: {{Lot: "iZY1"}},
	}
	for name, c := range map[string]struct {
		scan   gs1.Scan
		serial string
	}{
		"brackets by AltGr": {
			gs1.Scan{
				Text: head + "10123456[GS]21bcd", CapsLock: gs1.Off, Typed: true,
				Keys: numpad(head+"10123456", nil) + " =5b +KeyG +KeyS =5d Digit2 Digit1 KeyB KeyC KeyD",
			}, "bcd",
		},
		"a space": {
			gs1.Scan{
				Text: head + "10123456 21bcd", CapsLock: gs1.Off, Typed: true,
				Keys: numpad(head+"10123456", nil) + " Space Digit2 Digit1 KeyB KeyC KeyD",
			}, "bcd",
		},
		"a dead key of a German tablet with the next one": {
			gs1.Scan{
				Text: head + "10iYZ1\x1d21bác", CapsLock: gs1.Off, Typed: true,
				Keys: numpad(head, nil) + " Digit1 Digit0 KeyI +KeyZ +KeyY Digit1 GS Digit2 Digit1 KeyB Equal KeyA KeyC",
			}, "b=ac",
		},
	} {
		if got := gs1.Decide(gs1.Read(c.scan, now), known); got.Kind != gs1.Known || got.Pack.Serial != c.serial {
			t.Errorf("%s: %s %+v", name, got.Kind, got.Pack)
		}
	}
}
