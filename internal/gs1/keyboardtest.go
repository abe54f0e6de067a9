package gs1

import "strings"

// Layouts of a device as far as its keys show them.
const (
	Unseen Layout = "unseen" // no keys came with the scan
	Other  Layout = "other"  // it is none of Layouts
)

// KeyboardTest is what the last scan of the test code showed. It is zero before the first one, and after a scan that
// contradicts it.
type KeyboardTest struct {
	Device Layout
	Agrees bool // scanner and device have the same layout
}

const (
	agrees  = "agrees-"
	differs = "differs-"
)

// String returns the test as it is kept: "agrees-" or "differs-" and the layout of the device, or nothing.
func (k KeyboardTest) String() string {
	switch {
	case k.Device == "":
		return ""
	case k.Agrees:
		return agrees + string(k.Device)
	}
	return differs + string(k.Device)
}

// ParseKeyboardTest reads what String returns. It returns zero for any other text.
func ParseKeyboardTest(kept string) KeyboardTest {
	device, doesAgree := strings.CutPrefix(kept, agrees)
	if !doesAgree {
		device = strings.TrimPrefix(kept, differs)
	}
	_, isKnown := keyboards[Layout(device)]
	k := KeyboardTest{Layout(device), doesAgree}
	if !isKnown && k.Device != Unseen && k.Device != Other || k.String() != kept {
		return KeyboardTest{}
	}
	return k
}

// afterVerdict returns what is known of the keyboard after a scan: what the test code showed, or what was known before
// unless the scan contradicts it.
func (r Reading) afterVerdict(v Verdict) KeyboardTest {
	switch {
	case !r.isTyped:
		return r.test
	case v.Kind == Test:
		return KeyboardTest{Device: r.keys.device, Agrees: !v.Pack.Undone.changesLayout()}
	case r.test.Device != Unseen && r.keys.device != Unseen && r.keys.device != r.test.Device:
		return KeyboardTest{} // the device has another keyboard now
	case r.test.Agrees && v.changesLayout():
		return KeyboardTest{} // perhaps it is another scanner
	}
	return r.test
}

// changesLayout reports whether the verdict takes a change of layouts for possible.
func (v Verdict) changesLayout() bool {
	for _, c := range append([]Candidate{v.Pack}, v.Perhaps...) {
		if c.Undone.changesLayout() {
			return true
		}
	}
	return v.Hint.changesLayout()
}

// mayBe reports whether the scan may have been another pack before a keyboard changed it. Scanners have the US layout
// unless they are set up, so a device whose keys write as on a US keyboard changes nothing. The test code proves more,
// but not while Caps Lock is on, which hides the layout.
func (r Reading) mayBe(other Candidate) bool {
	if other.Undone.CapsLock && r.CapsLock == Off {
		return false
	}
	device := r.keys.device
	isTested := r.test.Device == device || r.test.Agrees && (device == Unseen || r.test.Device == Unseen)
	switch {
	case !other.Undone.changesLayout(), other.Undone.CapsLock, device != Unseen && r.CapsLock != Off:
		return true
	case isTested:
		return !r.test.Agrees
	}
	return device == Unseen || other.Undone.Scanner == US
}

// hasNoWitness reports whether a keyboard wrote the text, and its keys were not seen, or do not write it.
func (r Reading) hasNoWitness() bool {
	return r.isTyped && (r.keys.device == Unseen || r.keys.device == Other)
}

// isUnclear reports whether nothing shows what a scanner sent. Then characters may be changed or lost in any way, unless
// the test code came through.
func (r Reading) isUnclear() bool {
	switch {
	case !r.hasNoWitness():
		return false
	case r.keys.device == Unseen:
		return !r.test.Agrees
	}
	return r.test != KeyboardTest{Other, true} || r.CapsLock != Off || !r.keys.isWhole
}
