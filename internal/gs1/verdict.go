package gs1

import (
	"slices"
	"time"
)

// Listed is what the order of a list says about its packs.
type Listed struct {
	Lot, Expiry string // empty if not known
	// Changed is true if the order had another GTIN at another time since its list came.
	Changed bool
}

// DiffersInLot reports whether pack and order both have a lot, and different ones.
func (l Listed) DiffersInLot(p Pack) bool { return p.Lot != "" && l.Lot != "" && p.Lot != l.Lot }

// DiffersInExpiry reports whether pack and order both have an expiry, and different ones.
func (l Listed) DiffersInExpiry(p Pack) bool {
	_, err := time.Parse(time.DateOnly, l.Expiry)
	return err == nil && p.Expiry != "" && !sameExpiry(p.Expiry, l.Expiry)
}

// fits reports whether nothing on the pack differs from the order.
func (l Listed) fits(p Pack) bool { return !l.DiffersInLot(p) && !l.DiffersInExpiry(p) }

// VerdictKind says what is known of a scanned pack.
type VerdictKind string

// The kinds.
const (
	Known    VerdictKind = "known"     // it is in one list, and nothing differs
	Differs  VerdictKind = "differs"   // it is in a list, and not all is right
	NotKnown VerdictKind = "not_known" // it is in no list
	// it may be one of several packs, or the one only if a keyboard changed the scan
	Undecided  VerdictKind = "undecided"
	NotMapped  VerdictKind = "not_mapped" // a PPN code whose product has no GTIN that is known
	Test       VerdictKind = "test"       // it is the test code, as it is or as a keyboard changed it
	Unreadable VerdictKind = "unreadable"
)

// Verdict is what a scan means.
type Verdict struct {
	Kind    VerdictKind
	Pack    Candidate   // the pack that it is about; zero if unreadable
	Perhaps []Candidate // known packs that it may be, if undecided
	// Hint is what probably happened to a scan of which nothing is known: the least that had to be undone to read it.
	Hint Undone
	// NeedsTest is true if it is undecided or unreadable, and the test code may tell more: it is not proven what the
	// scanner sent.
	NeedsTest bool
	Keyboard  KeyboardTest // what is known after the scan
}

// Decide returns the verdict on a scan. listed holds, for the identities of its candidates, the lists that have them.
//
// A keyboard may turn the serial number of one pack into that of another. So an undone reading counts as the pack only
// if something outside the serial number proves the change, and no other known pack fits.
func Decide(r Reading, listed map[ID][]Listed) Verdict {
	v := decision{r, listed}.verdict()
	v.Keyboard = r.afterVerdict(v)
	return v
}

func (d decision) verdict() Verdict {
	r := d.Reading
	if i := slices.IndexFunc(d.candidates(), func(c Candidate) bool { return c.Pack == TestPack }); i >= 0 {
		return Verdict{Kind: Test, Pack: d.candidates()[i]}
	}
	known := d.known()
	if r.Fault == nil {
		if i := slices.IndexFunc(known, func(c Candidate) bool { return c.ID() == r.Literal.ID() }); i >= 0 {
			return d.asItCame(known[i])
		}
	}
	if len(known) > 0 {
		return d.undone(known)
	}
	if turned, ok := d.turnedOver(); ok {
		return Verdict{Kind: Undecided, Pack: turned, Perhaps: []Candidate{turned}}
	}
	switch {
	case r.Fault != nil:
		isChanged := d.hasNoWitness() || d.keys.isLost
		v := Verdict{Kind: Unreadable, NeedsTest: isChanged && r.Fault.mayBeOfKeyboard()}
		if len(r.Others) > 0 {
			v.Hint = r.Others[0].Undone
		}
		return v
	case r.Literal.GTIN == "":
		return Verdict{Kind: NotMapped, Pack: Candidate{Pack: r.Literal}}
	case d.isUnclear():
		return Verdict{Kind: Undecided, Pack: Candidate{Pack: r.Literal}, NeedsTest: true}
	}
	return Verdict{Kind: NotKnown, Pack: Candidate{Pack: r.Literal}}
}

type decision struct {
	Reading
	listed map[ID][]Listed
}

// known returns a reading of each known pack: of those that fit the one for which least was undone, otherwise the
// first. A reading that was split counts only if it fits.
func (d decision) known() (all []Candidate) {
	for _, c := range d.candidates() {
		if len(d.listed[c.ID()]) == 0 || c.Split && !d.fits(c) {
			continue
		}
		i := slices.IndexFunc(all, func(other Candidate) bool { return other.ID() == c.ID() })
		switch {
		case i < 0:
			all = append(all, c)
		case d.fits(c) && !d.fits(all[i]):
			all[i] = c
		}
	}
	return all
}

// fits reports whether the reading is in a list of which nothing differs.
func (d decision) fits(c Candidate) bool {
	return slices.ContainsFunc(d.listed[c.ID()], func(l Listed) bool { return l.fits(c.Pack) })
}

// turnedOver returns the known pack that the scan is if the scanner turns upper and lower case over by itself. Caps
// Lock is off, so only a lot that is the order's when it is turned over, or a kind of barcode that is none otherwise,
// speaks for it.
func (d decision) turnedOver() (c Candidate, ok bool) {
	if d.turned == nil {
		return c, false
	}
	c = Candidate{Pack: *d.turned, Undone: Undone{CapsLock: true}}
	return c, d.fits(c) && (d.Fault != nil || d.proves(c, Candidate{Pack: d.Literal}))
}

// asItCame decides on a pack whose identity is the scan's as it came. It counts, unless a keyboard may have made it of
// another pack, known or not.
func (d decision) asItCame(pack Candidate) Verdict {
	if pack.Undone.changesLayout() { // in any reading it is this one, but its lot or expiry is right only in this
		return Verdict{Kind: Undecided, Pack: pack, Perhaps: []Candidate{pack}}
	}
	v := Verdict{Kind: Undecided, Pack: pack, Perhaps: []Candidate{pack}, NeedsTest: !d.keys.isLost}
	doubts := d.doubts(pack)
	isWhole := !d.isUnclear() && !d.keys.isLost && !d.isTooLong(pack)
	isTurned := d.isUnclear() && d.CapsLock == On // what differs may be what Caps Lock changed
	if len(doubts) == 0 && (isWhole || !d.fits(pack) && !isTurned) {
		return d.certain(pack)
	}
	for _, other := range doubts {
		isThere := func(c Candidate) bool { return c.ID() == other.ID() }
		if d.fits(other) && !slices.ContainsFunc(v.Perhaps, isThere) {
			v.Perhaps = append(v.Perhaps, other)
		}
		v.NeedsTest = v.NeedsTest && !other.Undone.CapsLock && other.Undone.changesLayout()
	}
	v.NeedsTest = v.NeedsTest || d.isUnclear()
	return v
}

// doubts returns the other packs that a keyboard may have made the scanned one of. One that is not known counts only if
// the page knows of a keyboard, and if nothing differs from the order of the scanned one. If it was split, it counts
// only if no keys show that no separator was lost.
func (d decision) doubts(pack Candidate) (all []Candidate) {
	for _, other := range d.Others {
		isTyped := d.isTyped || other.Undone.CapsLock && d.CapsLock == On
		counts := d.fits(other) || isTyped && d.fits(pack) && (!other.Split || d.keys.device == Unseen)
		if counts && other.ID() != pack.ID() && d.mayBe(other) && !d.proves(pack, other) {
			all = append(all, other)
		}
	}
	return all
}

// isTooLong reports whether a fitting pack's scan is longer than keyboards are undone for, while they may have changed
// it.
func (d decision) isTooLong(pack Candidate) bool {
	changed := Candidate{Undone: Undone{Device: d.keys.device, Scanner: US}}
	return d.isLong && d.isTyped && d.fits(pack) && (d.CapsLock == On || d.keys.device != US && d.mayBe(changed))
}

// undone decides on packs for which something had to be undone.
func (d decision) undone(known []Candidate) Verdict {
	fitting := slices.DeleteFunc(slices.Clone(known), func(c Candidate) bool { return !d.fits(c) })
	switch {
	case d.isUnclear():
		return Verdict{Kind: Undecided, Pack: known[0], Perhaps: known, NeedsTest: true}
	case len(fitting) == 0 && len(known) == 1:
		return d.certain(known[0]) // it differs
	case len(fitting) == 0:
		return Verdict{Kind: Undecided, Pack: known[0], Perhaps: known}
	case len(fitting) > 1:
		return Verdict{Kind: Undecided, Pack: fitting[0], Perhaps: fitting}
	}
	for _, way := range d.candidates() {
		if way.ID() == fitting[0].ID() && d.fits(way) && d.isProven(way) {
			return d.certain(way)
		}
	}
	return Verdict{Kind: Undecided, Pack: fitting[0], Perhaps: fitting, NeedsTest: d.keys.isDoubtful}
}

// certain returns the verdict on a pack that the scan means.
func (d decision) certain(pack Candidate) Verdict {
	lists := d.listed[pack.ID()]
	switch {
	case len(lists) > 1 || !lists[0].fits(pack.Pack):
		return Verdict{Kind: Differs, Pack: pack}
	case lists[0].Changed || pack.Split && d.isPart:
		return Verdict{Kind: Undecided, Pack: pack, Perhaps: []Candidate{pack}}
	}
	return Verdict{Kind: Known, Pack: pack}
}

// isProven reports whether every other reading that is as likely is ruled out. A reading is as likely if no more was
// undone for it, if the keys say it for a scanner of the US or of the device's layout, or if a keyboard may have
// changed what is spelled well otherwise.
func (d decision) isProven(pack Candidate) bool {
	if !d.mayProve(pack) {
		return false
	}
	isSpelled := d.isTyped && (pack.Split || pack.Undone == Undone{Separators: true} || d.keys.device == Unseen)
	return !slices.ContainsFunc(d.candidates(), func(other Candidate) bool {
		isLikely := other.steps() <= pack.steps() || d.keys.say(other) || isSpelled && d.mayBe(other)
		return isLikely && (pack.Split || !other.Split) && other.ID() != pack.ID() && !d.proves(pack, other)
	})
}

// mayProve reports whether what was undone for a reading is seen. What a keyboard did to a text is only where its keys
// write the text, and what it lost only if something else was undone.
func (d decision) mayProve(pack Candidate) bool {
	isChanged := pack.Undone.CapsLock || pack.Undone.changesLayout()
	switch {
	case d.isUnclear(), isChanged && d.hasNoWitness(), d.keys.isLost && !pack.Undone.changesLayout():
		return false
	case d.keys.isDoubtful && pack.Undone.changesLayout():
		return false
	case pack.Split && d.isTyped: // a keyboard may have made a separator of what it was split without
		return d.namesOrder(pack)
	}
	return true
}

// namesOrder reports whether the pack has the lot or the expiry of its order.
func (d decision) namesOrder(pack Candidate) bool {
	return slices.ContainsFunc(d.listed[pack.ID()], func(l Listed) bool {
		return l.Lot != "" && pack.Lot == l.Lot || l.Expiry != "" && pack.Expiry != "" && sameExpiry(pack.Expiry, l.Expiry)
	})
}

// hasLetters reports whether Caps Lock would have changed the pack.
func (p Pack) hasLetters() bool {
	text := p.Serial + p.Lot + p.National
	return swapCase(text) != text
}

// proves reports whether something outside the serial number speaks for one reading and against the other. That is the
// state of Caps Lock, a separator that was spelled, or the lot or expiry of its order.
func (d decision) proves(one, other Candidate) bool {
	switch {
	case d.CapsLock == On && one.Undone.CapsLock && !other.Undone.CapsLock && other.hasLetters():
		return true
	case one.Undone.Separators && !other.Undone.Separators:
		return true
	case d.fits(other):
		return false
	}
	return slices.ContainsFunc(d.listed[one.ID()], func(l Listed) bool {
		return l.Lot != "" && one.Lot == l.Lot && other.Lot != l.Lot ||
			l.Expiry != "" && one.Expiry != "" && sameExpiry(one.Expiry, l.Expiry) &&
				!sameExpiry(other.Expiry, l.Expiry)
	})
}
