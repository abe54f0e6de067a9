package gs1_test

import (
	"testing"

	"lineboard/internal/gs1"
)

// A right scanner at a German device types yoo for yoo. So does a US scanner for zoo, which may be in no list.
func TestWhatKeysCannotProveTheTestCodeDoes(t *testing.T) {
	t.Parallel()
	const head = "01" + gtin + "21"
	known := map[gs1.ID][]gs1.Listed{
		{GTIN: gtin, Serial: "yoo"}: {{}}, {GTIN: gtin, Serial: "b1"}: {{}}, {GTIN: gtin, Serial: "b-1"}: {{}},
	}
	typed := func(scanner, device gs1.Layout) gs1.Typing {
		return gs1.Typing{Scanner: scanner, Device: device, Lock: "off"}
	}
	unseen := func(s gs1.Scan) gs1.Scan {
		s.Keys = ""
		return s
	}
	test := gs1.ParseKeyboardTest
	for name, c := range map[string]struct {
		scan      gs1.Scan
		test      string
		want      gs1.VerdictKind
		needsTest bool
		after     string
	}{
		"a US device": {typed(gs1.US, gs1.US).Scan(head + "yoo"), "", gs1.Known, false, ""},
		"a US device, but a German scanner": {
			typed(gs1.German, gs1.US).Scan(head + "zoo"), "differs-us", gs1.Undecided, true, "differs-us",
		},
		"a German device": {
			typed(gs1.German, gs1.German).Scan(head + "yoo"), "", gs1.Undecided, true, "",
		},
		"a German device, tested": {
			typed(gs1.German, gs1.German).Scan(head + "yoo"), "agrees-de", gs1.Known, false, "agrees-de",
		},
		"a German device, tested without keys": {
			typed(gs1.German, gs1.German).Scan(head + "yoo"), "agrees-unseen", gs1.Known, false, "agrees-unseen",
		},
		"a German device, tested and wrong": {
			typed(gs1.US, gs1.German).Scan(head + "zoo"), "differs-de", gs1.Undecided, true, "differs-de",
		},
		"a German device, tested as another": {
			typed(gs1.German, gs1.German).Scan(head + "yoo"), "agrees-fr", gs1.Undecided, true, "",
		},
		"a US device, tested as German": {
			typed(gs1.US, gs1.US).Scan(head + "yoo"), "agrees-de", gs1.Known, false, "",
		},
		"nothing that layouts change": {
			typed(gs1.German, gs1.German).Scan(head + "b1"), "", gs1.Known, false, "",
		},
		"a hyphen on a Spanish device": {
			typed(gs1.Spanish, gs1.Spanish).Scan(head + "b-1"), "", gs1.Undecided, true, "",
		},
		"a hyphen on a Spanish device, tested": {
			typed(gs1.Spanish, gs1.Spanish).Scan(head + "b-1"), "agrees-es", gs1.Known, false, "agrees-es",
		},
		"no keys are seen": {
			unseen(typed(gs1.US, gs1.US).Scan(head + "yoo")), "", gs1.Undecided, true, "",
		},
		"no keys are seen, tested": {
			unseen(typed(gs1.US, gs1.US).Scan(head + "yoo")), "agrees-us", gs1.Known, false, "agrees-us",
		},
		"a text that no keyboard wrote": {gs1.Scan{Text: head + "yoo"}, "", gs1.Known, false, ""},
		"another scanner after the test": {
			typed(gs1.US, gs1.German).Scan(head + "yoo"), "agrees-de", gs1.Undecided, false, "",
		},
		"the test code": {
			typed(gs1.German, gs1.German).Scan(testCode), "", gs1.Test, false, "agrees-de",
		},
		"the test code, changed": {
			typed(gs1.US, gs1.German).Scan(testCode), "agrees-de", gs1.Test, false, "differs-de",
		},
		"the test code without keys": {
			unseen(typed(gs1.US, gs1.US).Scan(testCode)), "", gs1.Test, false, "agrees-unseen",
		},
		"the test code that was pasted": {gs1.Scan{Text: testCode}, "differs-us", gs1.Test, false, "differs-us"},
	} {
		c.scan.Test = test(c.test)
		got := gs1.Decide(gs1.Read(c.scan, now), known)
		if got.Kind != c.want || got.NeedsTest != c.needsTest || got.Keyboard != test(c.after) {
			t.Errorf("%s: %s, needs the test code: %t, then %q", name, got.Kind, got.NeedsTest, got.Keyboard)
		}
	}
	for _, kept := range []string{"agrees-", "agrees-xx", "de", "agrees-de ", "differs-agrees-de"} {
		if k := test(kept); k != (gs1.KeyboardTest{}) {
			t.Errorf("%q is read as %+v", kept, k)
		}
	}
}
