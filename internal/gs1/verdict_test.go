package gs1_test

import (
	"flag"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"lineboard/internal/gs1"
	"lineboard/internal/testkit/thorough"
)

const (
	gtin      = "09506000134352"
	otherGTIN = "04150123456782"
)

// lists are those of two orders.
var lists = func() map[gs1.ID][]gs1.Listed {
	all := map[gs1.ID][]gs1.Listed{}
	for _, serial := range []string{"4YSr5oYFKHwP", "XZY10ABC", "AZ12qy-9", "1111111111111", "QWam88zz"} {
		all[gs1.ID{GTIN: gtin, Serial: serial}] = []gs1.Listed{{Lot: "ABC123", Expiry: "2028-12-31"}}
	}
	for _, serial := range []string{"12345ABCDEF98765", "Z9Y8X7", "q1W2"} {
		all[gs1.ID{GTIN: otherGTIN, Serial: serial}] = []gs1.Listed{{Lot: "12345ABCD", Expiry: "2027-02-28"}}
	}
	all[gs1.ID{GTIN: gtin, Serial: "Twin"}] = []gs1.Listed{{Lot: "ABC123"}}
	all[gs1.ID{GTIN: gtin, Serial: "tWIN"}] = []gs1.Listed{{Lot: "ABC123"}}
	all[gs1.ID{GTIN: gtin, Serial: "zoo"}] = []gs1.Listed{{}}
	all[gs1.ID{GTIN: gtin, Serial: "yoo"}] = []gs1.Listed{{}}
	all[gs1.ID{GTIN: gtin, Serial: "noLot"}] = []gs1.Listed{{}}
	all[gs1.ID{GTIN: gtin, Serial: "noLot91EE06"}] = []gs1.Listed{{}}
	all[gs1.ID{GTIN: gtin, Serial: "ZO"}] = []gs1.Listed{{}}
	all[gs1.ID{GTIN: gtin, Serial: "yO"}] = []gs1.Listed{{}}
	all[gs1.ID{GTIN: gtin, Serial: "5"}] = []gs1.Listed{{}}
	all[gs1.ID{GTIN: gtin, Serial: "!!!!!!!!!;GS:"}] = []gs1.Listed{{Lot: "123456"}}
	all[gs1.ID{GTIN: gtin, Serial: "1"}] = []gs1.Listed{{Lot: "123456"}}
	all[gs1.ID{GTIN: gtin, Serial: "twice"}] = []gs1.Listed{{}, {}}
	all[gs1.ID{GTIN: gtin, Serial: "moved"}] = []gs1.Listed{{Changed: true}}
	return all
}()

// What is tried at random is the same at each run, so that a change is judged by what it changes. -rapid.seed=0
// -rapid.checks=60000 looks further.
func init() { _ = flag.Set("rapid.seed", "1") }

func TestTheVerdictOnAScan(t *testing.T) {
	t.Parallel()
	const head = "01" + gtin + "17281231"
	for name, c := range map[string]struct {
		scan   gs1.Scan
		want   gs1.VerdictKind
		serial string // of the pack, or of all that it may be
		undone gs1.Undone
	}{
		"as it is": {
			gs1.Scan{Text: head + "10ABC123\x1d214YSr5oYFKHwP"}, gs1.Known, "4YSr5oYFKHwP", gs1.Undone{},
		},
		"another lot": {
			gs1.Scan{Text: head + "10ABC124\x1d214YSr5oYFKHwP"}, gs1.Differs, "4YSr5oYFKHwP", gs1.Undone{},
		},
		"another expiry": {
			gs1.Scan{Text: "01" + gtin + "1728123010ABC123\x1d214YSr5oYFKHwP"},
			gs1.Differs, "4YSr5oYFKHwP",
			gs1.Undone{},
		},
		"another expiry to the minute": {
			gs1.Scan{Text: "01" + gtin + "7003" + "2812302359\x1d214YSr5oYFKHwP"},
			gs1.Differs, "4YSr5oYFKHwP",
			gs1.Undone{},
		},
		"in two lists":     {gs1.Scan{Text: "01" + gtin + "21twice"}, gs1.Differs, "twice", gs1.Undone{}},
		"its GTIN changed": {gs1.Scan{Text: "01" + gtin + "21moved"}, gs1.Undecided, "moved", gs1.Undone{}},
		"unknown":          {gs1.Scan{Text: head + "10ABC123\x1d21ABCD"}, gs1.NotKnown, "ABCD", gs1.Undone{}},
		"rubbish":          {gs1.Scan{Text: "hello"}, gs1.Unreadable, "", gs1.Undone{}},

		"Caps Lock, by the lot": {
			gs1.Scan{Text: head + "10abc123\x1d214ysR5OyfkhWp"}, gs1.Known, "4YSr5oYFKHwP", gs1.Undone{CapsLock: true},
		},
		"Caps Lock, with the kind of barcode": {
			gs1.Scan{Text: "]D2" + head + "10abc123\x1d214ysR5OyfkhWp"},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{CapsLock: true},
		},
		"Caps Lock, by the kind of barcode alone": {
			gs1.Scan{Text: "]D201" + gtin + "214ysR5OyfkhWp"}, gs1.Known, "4YSr5oYFKHwP", gs1.Undone{CapsLock: true},
		},
		"Caps Lock, as the page saw it": {
			gs1.Scan{Text: "01" + gtin + "214ysR5OyfkhWp", CapsLock: gs1.On},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{CapsLock: true},
		},
		"Caps Lock, the lot alone": {
			gs1.Scan{Text: head + "10abc123\x1d211111111111111"},
			gs1.Known, "1111111111111",
			gs1.Undone{CapsLock: true},
		},
		"perhaps Caps Lock": {
			gs1.Scan{Text: "01" + gtin + "214ysR5OyfkhWp"}, gs1.Undecided, "4YSr5oYFKHwP", gs1.Undone{CapsLock: true},
		},
		"no Caps Lock": {
			gs1.Scan{Text: "01" + gtin + "214ysR5OyfkhWp", CapsLock: gs1.Off},
			gs1.NotKnown, "4ysR5OyfkhWp",
			gs1.Undone{},
		},
		"no Caps Lock, but a scanner that turns letters over, by the lot": {
			gs1.Scan{Text: head + "10abc123\x1d214ysR5OyfkhWp", CapsLock: gs1.Off, Typed: true},
			gs1.Undecided, "4YSr5oYFKHwP",
			gs1.Undone{CapsLock: true},
		},
		"no Caps Lock, but a scanner that turns letters over, by the kind of barcode": {
			gs1.Scan{Text: "]D201" + gtin + "214ysR5OyfkhWp", CapsLock: gs1.Off},
			gs1.Undecided, "4YSr5oYFKHwP",
			gs1.Undone{CapsLock: true},
		},
		"a program that types knows nothing of Shift": {
			gs1.Scan{
				Text: "01" + gtin + "10123456\x1d21yO", Typed: true, CapsLock: gs1.Off,
				Keys: strings.ReplaceAll(keysOf(gs1.US, "01"+gtin+"10123456\x1d21yO"), "+", ""),
			},
			gs1.Known, "yO",
			gs1.Undone{},
		},
		"a program that types knows nothing of Caps Lock": {
			gs1.Scan{
				Text: head + "10abc123\x1d214ysR5OyfkhWp", Typed: true, CapsLock: gs1.Off,
				Keys: strings.ReplaceAll(keysOf(gs1.US, head+"10abc123\x1d214ysR5OyfkhWp"), "+", ""),
			},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{CapsLock: true},
		},
		"no Caps Lock, another lot": {
			gs1.Scan{Text: head + "10abc123\x1d211111111111111", CapsLock: gs1.Off},
			gs1.Differs, "1111111111111",
			gs1.Undone{},
		},
		"one of two that Caps Lock makes of each other": {
			gs1.Scan{Text: "01" + gtin + "21Twin"}, gs1.Undecided, "Twin tWIN", gs1.Undone{},
		},
		"one of two, by the lot": {
			gs1.Scan{Text: head + "10ABC123\x1d21Twin"}, gs1.Known, "Twin", gs1.Undone{},
		},
		"one of two, without Caps Lock": {
			gs1.Scan{Text: "01" + gtin + "21Twin", CapsLock: gs1.Off}, gs1.Known, "Twin", gs1.Undone{},
		},
		"one that Caps Lock may have made": {
			gs1.Scan{Text: "01" + gtin + "21noLot", CapsLock: gs1.On}, gs1.Undecided, "noLot", gs1.Undone{},
		},
		"one that locked Shift may have made, the other digits by a keypad": {
			gs1.Scan{Text: "01" + gtin + "10123456[gs]211", CapsLock: gs1.On, Typed: true},
			gs1.Undecided, "1",
			gs1.Undone{},
		},
		"spelled separators with Caps Lock, or another pack": {
			gs1.Scan{Text: "01" + gtin + "21zoo<gs>10ABC", Typed: true},
			gs1.Undecided, "zoo yoo",
			gs1.Undone{Separators: true},
		},
		"one of two on a German keyboard": {gs1.Scan{Text: head + "21zoo"}, gs1.Undecided, "zoo yoo", gs1.Undone{}},
		"one of two, and the keys are seen": {
			gs1.Scan{Text: head + "21zoo", Keys: keysOf(gs1.German, head+"21zoo")},
			gs1.Undecided, "zoo yoo",
			gs1.Undone{},
		},

		"a German keyboard": {
			gs1.Scan{Text: head + "10ABC123\x1d214ZSr5oZFKHwP"},
			gs1.Undecided, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.German, Scanner: gs1.US},
		},
		"a German keyboard, and the keys are seen": {
			gs1.Scan{
				Text: head + "10ABC123\x1d214ZSr5oZFKHwP", Keys: keysOf(gs1.German, head+"10ABC123\x1d214ZSr5oZFKHwP"),
			},
			gs1.Undecided, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.German, Scanner: gs1.US},
		},
		"a German keyboard, or a Spanish one": {
			gs1.Scan{Text: "+d2" + head + "10ABC123\x1d214ZSr5oZFKHwP"},
			gs1.Undecided, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.German, Scanner: gs1.US},
		},
		"a German keyboard, by the keys and the kind of barcode": {
			gs1.Scan{
				Text: "+d2" + head + "10ABC123\x1d214ZSr5oZFKHwP",
				Keys: keysOf(gs1.German, "+d2"+head+"10ABC123\x1d214ZSr5oZFKHwP"),
			},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.German, Scanner: gs1.US},
		},
		"a French keyboard": {
			gs1.Scan{Text: `à&àç(à-ààà&"'"(éé&'YSr(oYFKHzP`},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.French, Scanner: gs1.US},
		},
		"a Belgian keyboard": {
			gs1.Scan{Text: `à&àç(à§ààà&"'"(éé&'YSr(oYFKHzP`},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.Belgian, Scanner: gs1.US},
		},
		"a French scanner": {
			gs1.Scan{Text: ")!)(%)^)))!#$#%@@!$YSr%oYFKHzP"},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.US, Scanner: gs1.French},
		},
		"a Czech keyboard, and no keys are seen": {
			gs1.Scan{Text: czech("01" + gtin + "10ABC123\x1d214YSr5oYFKHwP"), Typed: true},
			gs1.Undecided, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.Czech, Scanner: gs1.US},
		},
		"digits, and no keys are seen": {
			gs1.Scan{Text: head + "10ABC123\x1d211111111111111", Typed: true},
			gs1.Undecided, "1111111111111",
			gs1.Undone{},
		},
		"digits, and no keys are seen, but the test code came through": {
			gs1.Scan{
				Text: head + "10ABC123\x1d211111111111111", Typed: true, Test: gs1.ParseKeyboardTest("agrees-unseen"),
			},
			gs1.Known, "1111111111111",
			gs1.Undone{},
		},
		"a French scanner, by the lot": {
			gs1.Scan{Text: ")!)(%)^)))!#$#%@!)QBC!@#\x1d@!$YSr%oYFKHzP"},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.US, Scanner: gs1.French},
		},
		"a Czech keyboard": {
			gs1.Typing{Scanner: gs1.US, Device: gs1.Czech, Lock: "off"}.Scan(head + "10ABC123\x1d214YSr5oYFKHwP"),
			gs1.Undecided, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.Czech, Scanner: gs1.US},
		},
		"locked Shift on a German keyboard, and no keys are seen": {
			gs1.Scan{Text: `=!=)%=&===!§$§%""!zo`, Typed: true}, gs1.Undecided, "ZO", gs1.Undone{CapsLock: true},
		},
		"no separator, or none that is missing": {
			gs1.Scan{Text: "01" + gtin + "21noLot91EE06"}, gs1.Undecided, "noLot91EE06 noLot", gs1.Undone{},
		},
		"no separator, or one that locked Shift changed": {
			gs1.Typing{Scanner: gs1.German, Device: gs1.German, Lock: "shift", Keypad: true}.Scan(
				"01" + gtin + "10123456<GS>21%",
			),
			gs1.Undecided, "5",
			gs1.Undone{},
		},
		"no separator, or a spelled one in a scan that Caps Lock does not change": {
			gs1.Typing{Scanner: gs1.US, Device: gs1.US, Lock: "letters"}.Scan("01" + gtin + "21!!!!!!!!!<GS>10123456"),
			gs1.Undecided, "!!!!!!!!!;GS:",
			gs1.Undone{CapsLock: true, Device: gs1.US, Scanner: gs1.German},
		},
		"more than a keyboard is undone for": {
			gs1.Scan{Text: "01" + gtin + "21noLot" + strings.Repeat("\x1d91"+strings.Repeat("A", 85), 6), Typed: true},
			gs1.Undecided, "noLot",
			gs1.Undone{},
		},
		"more than a keyboard is undone for, and no keyboard": {
			gs1.Scan{Text: "01" + gtin + "21noLot" + strings.Repeat("\x1d91"+strings.Repeat("A", 85), 6)},
			gs1.Known, "noLot",
			gs1.Undone{},
		},
		"a lot that a German keyboard may have changed": {
			gs1.Scan{Text: "01" + gtin + "10YB\x1d211111111111111"}, gs1.Differs, "1111111111111", gs1.Undone{},
		},

		"spelled separators that may be data": {
			gs1.Scan{Text: head + "10ABC123<GS>214YSr5oYFKHwP"},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{Separators: true},
		},
		"spelled separators with Caps Lock": {
			gs1.Scan{Text: head + "10abc123[gs]214ysR5OyfkhWp"}, gs1.Known, "4YSr5oYFKHwP", gs1.Undone{CapsLock: true},
		},
		"spelled separators on a German keyboard": {
			gs1.Scan{Text: head + "10ABC123üGS+214ZSr5oZFKHwP"},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{Device: gs1.German, Scanner: gs1.US},
		},
		"no separators": {
			gs1.Scan{Text: head + "10ABC123214YSr5oYFKHwP"}, gs1.Known, "4YSr5oYFKHwP", gs1.Undone{},
		},
		"no separators, with Caps Lock": {
			gs1.Scan{Text: head + "10abc123214ysR5OyfkhWp"}, gs1.Known, "4YSr5oYFKHwP", gs1.Undone{CapsLock: true},
		},

		"a Digital Link": {
			gs1.Scan{Text: "https://id.example/01/09506000134352/10/ABC123/21/4YSr5oYFKHwP?17=281231"},
			gs1.Known,
			"4YSr5oYFKHwP",
			gs1.Undone{},
		},
		"a PPN code": {
			gs1.Scan{Text: "[)>\x1e06\x1d9N111234567842\x1d1T12345ABCD\x1dD270228\x1dSZ9Y8X7\x1e\x04"},
			gs1.Known,
			"Z9Y8X7",
			gs1.Undone{},
		},
		"a PPN code of another agency": {
			gs1.Scan{Text: "[)>\x1e06\x1d9N110123456782\x1d1T12345ABCD\x1dD270228\x1dSZ9Y8X7\x1e\x04"},
			gs1.NotMapped,
			"Z9Y8X7",
			gs1.Undone{},
		},
		"a certificate": {
			gs1.Scan{Text: "01" + gtin + "214YSr5oYFKHwP\x1d8030AAECAwQFBgcICQ"},
			gs1.Known, "4YSr5oYFKHwP",
			gs1.Undone{},
		},
		"day 00": {
			gs1.Scan{Text: "01" + otherGTIN + "17270200\x1d1012345ABCD\x1d21Z9Y8X7"}, gs1.Known, "Z9Y8X7", gs1.Undone{},
		},
		"private data": {
			gs1.Scan{Text: "01" + gtin + "211111111111111\x1d91EE06\x1d92abcdEFGH1234+/=="},
			gs1.Known, "1111111111111",
			gs1.Undone{},
		},
	} {
		r := gs1.Read(c.scan, now)
		got := gs1.Decide(r, lists)
		serials := []string{got.Pack.Serial}
		if len(got.Perhaps) > 0 {
			serials = nil
		}
		for _, p := range got.Perhaps {
			serials = append(serials, p.Serial)
		}
		if got.Kind != c.want || strings.Join(serials, " ") != c.serial || got.Pack.Undone != c.undone {
			t.Errorf(
				"%s: %s %q %+v, want %s %q %+v\n%+v", name, got.Kind, serials, got.Pack.Undone, c.want, c.serial,
				c.undone, r,
			)
		}
	}
}

// czech is what a US scanner types on a Czech device.
func czech(text string) string {
	return gs1.Typing{Scanner: gs1.US, Device: gs1.Czech, Lock: "off"}.Scan(text).Text
}

func keysOf(device gs1.Layout, text string) string { return gs1.Keys(device, text) }

// testCode is what the test code holds.
var testCode = "01" + gs1.TestPack.GTIN + "17491231" + "10" + gs1.TestPack.Lot + "\x1d21" + gs1.TestPack.Serial

// Whatever a keyboard does to the scan of any pack, the page never shows another pack as known, also not for a pack
// that is in no list. A pack of a list shows as itself, or nothing is decided, or it is told why it can't be read.
//
// A scanner has the US layout, or that of its device. It sends the separator as a key or as a text, with the kind of
// barcode or without, and digits by the keypad or not. Dead keys make one character with the next one, stand alone or
// are lost. An input method may write in full width. The page sees the keys, all but those with AltGr, or, without
// scripts, the text alone. The test code was scanned before, or was not.
func TestNoKeyboardTurnsAPackIntoAnotherKnownOne(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	serials := rapid.StringMatching(`[A-Za-z0-9!"%&'()*+,\-./:;<=>?_]{1,12}`)
	confusable := rapid.StringMatching(`[yzYZaqAQwWmM1&-]{1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		known := map[gs1.ID][]gs1.Listed{}
		lot := rapid.SampledFrom([]string{"123456", "", "ABC123", "zy"}).Draw(t, "lot")
		listed := rapid.SampledFrom([]string{lot, ""}).Draw(t, "lot of the order")
		typing, isSeen := drawTyping(t)
		draw := func(name string) string { return rapid.OneOf(serials, confusable).Draw(t, name) }
		for range rapid.IntRange(0, 3).Draw(t, "known") {
			known[gs1.ID{GTIN: gtin, Serial: draw("serial")}] = []gs1.Listed{{Lot: listed}}
		}
		test := drawTest(t, typing)
		serial := draw("scanned")
		separator := rapid.SampledFrom(separators).Draw(t, "separator")
		text := rapid.SampledFrom([]string{"", "]d2"}).Draw(t, "kind") + "01" + gtin
		if lot != "" {
			text += "10" + lot + separator
		}
		scan := typing.Scan(text + "21" + serial)
		scan.Text = rapid.SampledFrom([]func(string) string{keep, keep, keep, widen}).Draw(t, "input method")(scan.Text)
		scan.Test = test
		if !isSeen {
			scan = unseen(scan)
		}
		if r := gs1.Read(scan, now); rapid.Bool().Draw(t, "what it may mean is known") {
			if r.Fault == nil {
				known[r.Literal.ID()] = []gs1.Listed{{Lot: listed}}
			}
			if len(r.Others) > 0 {
				known[rapid.SampledFrom(r.Others).Draw(t, "other").ID()] = []gs1.Listed{{Lot: listed}}
			}
		}
		got := gs1.Decide(gs1.Read(scan, now), known)
		isSame := got.Pack.Serial == serial
		isListed := len(known[gs1.ID{GTIN: gtin, Serial: serial}]) > 0
		isTold := got.Kind == gs1.Undecided || got.Kind == gs1.Unreadable && got.NeedsTest ||
			isSame && (got.Kind == gs1.Known || got.Kind == gs1.Differs)
		isWhole := len(strings.Fields(scan.Keys)) >= utf8.RuneCountInString(scan.Text)
		// A test whose keys no known keyboard writes tells nothing of keys that one does (see the test after this).
		isTested := test.Agrees && test.Device != gs1.Other
		isRight := isSeen && isWhole && separator == "\x1d" && typing.Scanner == typing.Device && typing.Lock == "off" &&
			(isTested || typing.Device == gs1.US)
		switch {
		case got.Kind == gs1.Known && !isSame:
			t.Fatalf("%+v is %s %+v", scan, got.Kind, got.Pack)
		case isListed && !isTold:
			t.Fatalf("%+v of the known %q is %s %+v", scan, serial, got.Kind, got.Pack)
		case isListed && isRight && got.Kind != gs1.Known:
			t.Fatalf("%+v of scanner and device that agree is %s", scan, got.Kind)
		}
	})
}

// The test code came through on a keyboard that nobody knows, or of which the page does not see all keys. What comes
// then by keys of a known one may be of a device that has another keyboard now, while the scanner is as it was.
func TestATestOnAnUnknownKeyboardSaysNothingOfAKnownOne(t *testing.T) {
	t.Parallel()
	typing := gs1.Typing{Scanner: gs1.Hungarian, Device: gs1.Hungarian, Lock: "off", Keypad: true}
	scan := typing.Scan("01" + gtin + "21-")
	both := map[gs1.ID][]gs1.Listed{{GTIN: gtin, Serial: "-"}: {{}}, {GTIN: gtin, Serial: "/"}: {{}}}
	for test, want := range map[string]gs1.VerdictKind{
		"": gs1.Undecided, "agrees-other": gs1.Undecided, "agrees-hu": gs1.Known,
	} {
		scan.Test = gs1.ParseKeyboardTest(test)
		if got := gs1.Decide(gs1.Read(scan, now), both); got.Kind != want || got.Pack.Serial != "-" {
			t.Errorf("%q: %+v, want %s", test, got, want)
		}
	}
}

// A Swiss tablet with locked Shift loses the separator ^] by a dead key: of what is left no pack can be read, and only
// the test code tells why.
func TestAScanThatLostCharactersAndCantBeReadAsksForTheTestCode(t *testing.T) {
	t.Parallel()
	typing := gs1.Typing{
		Scanner: gs1.SwissGerman, Device: gs1.SwissGerman, Lock: "shift", Dead: "with the next", HidesAltGr: true,
	}
	scan := typing.Scan("01" + gtin + "10123456^]21\"")
	if got := gs1.Decide(gs1.Read(scan, now), nil); got.Kind != gs1.Unreadable || !got.NeedsTest {
		t.Errorf("%+v: %+v", scan, got)
	}
}

// A Portuguese tablet loses ^ of the separator ^], and the page does not see ], which comes by AltGr: the keys write
// the same on a Latin American one, of which a US scanner's pack would be /.
func TestKeysThatMayBeOfAnotherKeyboardProveNothing(t *testing.T) {
	t.Parallel()
	typing := gs1.Typing{Scanner: gs1.Portuguese, Device: gs1.Portuguese, Lock: "off", Dead: "lost", HidesAltGr: true}
	scan := typing.Scan("01" + gtin + "10123456^]21-")
	known := map[gs1.ID][]gs1.Listed{{GTIN: gtin, Serial: "/"}: {{Lot: "123456"}}}
	if got := gs1.Decide(gs1.Read(scan, now), known); got.Kind != gs1.Undecided || !got.NeedsTest {
		t.Errorf("%+v: %+v", scan, got)
	}
	// What came as it is needs no keys.
	for _, layout := range []gs1.Layout{gs1.US, gs1.LatinAmer} {
		agreeing := gs1.Typing{Scanner: layout, Device: layout, Lock: "off"}.Scan("]d201" + gtin + "21!")
		known = map[gs1.ID][]gs1.Listed{{GTIN: gtin, Serial: "!"}: {{}}}
		if got := gs1.Decide(gs1.Read(agreeing, now), known); got.Kind != gs1.Known {
			t.Errorf("%+v: %+v", agreeing, got)
		}
	}
}

// With locked Shift a German tablet makes the known 8a, of another lot, of (A. The page does not see the brackets of
// [GS].
func TestAKnownPackOfAnotherLotIsUndecidedWhereCapsLockMayHaveMadeIt(t *testing.T) {
	t.Parallel()
	typing := gs1.Typing{Scanner: gs1.German, Device: gs1.German, Lock: "shift", Keypad: true, HidesAltGr: true}
	scan := typing.Scan("01" + gtin + "10ABC123[GS]21(A")
	known := map[gs1.ID][]gs1.Listed{{GTIN: gtin, Serial: "8a"}: {{Lot: "ABC123"}}}
	if got := gs1.Decide(gs1.Read(scan, now), known); got.Kind != gs1.Undecided {
		t.Errorf("%+v: %+v", scan, got)
	}
}

// The same of packs with more fields, in two orders, also without separators, while other packs are known that the scan
// may mean. Where a separator is missing, one that is known and fits is all that can be told.
func TestNoMissingSeparatorTurnsAPackIntoAnotherKnownOne(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	serials := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9!"%&'()*+,\-./:;=?_]{1,14}`), rapid.StringMatching(`[yzYZaqAQwWmM1&-]{1,4}`),
		rapid.StringMatching(`[0-9]{1,12}`), rapid.StringMatching(`(21|10|17|30|37|1|0|y){1,7}`),
	)
	lots := []string{"123456", "", "ABC123", "BLU77", "21345", "1021"}
	rapid.Check(t, func(t *rapid.T) {
		typing, isSeen := drawTyping(t)
		test := drawTest(t, typing)
		lot := rapid.SampledFrom(lots).Draw(t, "lot")
		known := map[gs1.ID][]gs1.Listed{}
		list := func(id gs1.ID) {
			known[id] = []gs1.Listed{{Lot: rapid.SampledFrom(append(lots, lot, lot)).Draw(t, "lot of its order")}}
		}
		serial := serials.Draw(t, "scanned")
		for range rapid.IntRange(0, 3).Draw(t, "known") {
			list(gs1.ID{GTIN: gtin, Serial: serials.Draw(t, "serial")})
		}
		separator := rapid.SampledFrom(append(separators, "", "", "")).Draw(t, "separator")
		fields := []string{"21" + serial}
		if lot != "" {
			fields = rapid.Permutation([]string{"21" + serial, "10" + lot}).Draw(t, "fields")
		}
		more := rapid.SliceOfN(rapid.SampledFrom([]string{"91EE06", "7141234567"}), 0, 1)
		fields = append(fields, more.Draw(t, "more")...)
		scan := typing.Scan("01" + gtin + strings.Join(fields, separator))
		scan.Test = test
		if !isSeen {
			scan = unseen(scan)
		}
		if r := gs1.Read(scan, now); rapid.Bool().Draw(t, "what it may mean is known") {
			if r.Fault == nil {
				list(r.Literal.ID())
			}
			if len(r.Others) > 0 {
				list(rapid.SampledFrom(r.Others).Draw(t, "other").ID())
			}
		}
		got := gs1.Decide(gs1.Read(scan, now), known)
		listed := known[gs1.ID{GTIN: gtin, Serial: serial}]
		isKnown := len(listed) > 0 && (listed[0].Lot == "" || listed[0].Lot == lot)
		if got.Kind == gs1.Known && got.Pack.Serial != serial && (separator != "" || isKnown) &&
			!strings.Contains(got.Pack.Serial, "<") { // a known pack with <GS> in its serial number is one
			t.Fatalf("%+v of %q is %s %+v; known are %+v", scan, serial, got.Kind, got.Pack, known)
		}
	})
}

// separators are sent by scanners for the one of GS1: as it is, and spelled.
var separators = []string{
	"\x1d", "\x1d", "[GS]", "{GS}", "{FNC1}", "<GS>", "<FNC1>", "^]", `\u001d`, `\x1d`, "␝", "¶", " ", "|", "~",
}

func keep(text string) string { return text }

// widen writes a text as an input method of East Asia does.
func widen(text string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r - '!' + '！'
		}
		return r
	}, text)
}

func drawTyping(t *rapid.T) (typing gs1.Typing, isSeen bool) {
	typing.Device = rapid.SampledFrom(gs1.Layouts).Draw(t, "device")
	typing.Scanner = rapid.SampledFrom([]gs1.Layout{gs1.US, typing.Device}).Draw(t, "scanner")
	locks := []string{"off", "letters"}
	if typing.Device != gs1.US {
		locks = append(locks, "shift")
	}
	typing.Lock = rapid.SampledFrom(locks).Draw(t, "Caps Lock")
	typing.Keypad = rapid.Bool().Draw(t, "keypad")
	typing.Dead = rapid.SampledFrom([]string{"", "stands", "lost", "with the next"}).Draw(t, "dead keys")
	typing.HidesAltGr = rapid.IntRange(0, 4).Draw(t, "AltGr") == 0
	return typing, rapid.Bool().Draw(t, "keys are seen")
}

// drawTest returns what is known of the keyboard: the test code was scanned before, perhaps with another Caps Lock, or
// was not.
func drawTest(t *rapid.T, typing gs1.Typing) gs1.KeyboardTest {
	if !rapid.Bool().Draw(t, "the test code was scanned") {
		return gs1.KeyboardTest{}
	}
	if rapid.Bool().Draw(t, "without Caps Lock") {
		typing.Lock = "off"
	}
	scan := typing.Scan(testCode)
	if rapid.Bool().Draw(t, "its keys were not seen") {
		scan = unseen(scan)
	}
	return gs1.Decide(gs1.Read(scan, now), nil).Keyboard
}

func unseen(scan gs1.Scan) gs1.Scan {
	scan.Keys, scan.CapsLock = "", gs1.NotSeen
	return scan
}

// A German tablet with locked Shift makes 6* of a separator that came as ^], and 1 of the serial number !.
func TestASplitReadingThatNothingOfTheOrderSpeaksForIsUndecided(t *testing.T) {
	t.Parallel()
	scan := gs1.Scan{
		Text: "01" + gtin + "101234566*211", Typed: true, Test: gs1.ParseKeyboardTest("agrees-unseen"),
	}
	for _, c := range []struct {
		order gs1.Listed
		want  gs1.VerdictKind
	}{{gs1.Listed{}, gs1.Undecided}, {gs1.Listed{Lot: "1234566*"}, gs1.Known}} {
		known := map[gs1.ID][]gs1.Listed{{GTIN: gtin, Serial: "1"}: {c.order}}
		if got := gs1.Decide(gs1.Read(scan, now), known); got.Kind != c.want {
			t.Errorf("%+v: %+v", c.order, got)
		}
	}
}

// Where separators are lost, the serial number 171021 of an unknown pack reads as 1 and a national number 21 too.
func TestAnUnknownPackWithoutSeparatorsIsNotTheKnownOneThatItMayBe(t *testing.T) {
	t.Parallel()
	scan := gs1.Scan{Text: "01" + gtin + "1012345621171021", Typed: true}
	known := map[gs1.ID][]gs1.Listed{{GTIN: gtin, Serial: "1"}: {{Lot: "123456"}}}
	if got := gs1.Decide(gs1.Read(scan, now), known); got.Kind == gs1.Known {
		t.Errorf("%+v", got)
	}
}
