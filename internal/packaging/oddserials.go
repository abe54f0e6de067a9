package packaging

import (
	"crypto/sha256"
	"unicode/utf8"
)

// OddSerial is an entry of a list that is odd by itself, or together with another one.
type OddSerial struct {
	Serial
	Kinds  []OddityKind
	Repeat int64   // the place of the first entry that is the same, 0 where it is the first
	Before OrderID // another order whose list has the same pack, 0 for none
}

// OddFinder finds the odd entries of a list that it is given from its beginning.
type OddFinder struct {
	first map[[16]byte]int32 // place of each serial, by a part of its SHA-256: a list may have millions
}

// NewOddFinder returns a finder for a list.
func NewOddFinder() *OddFinder { return &OddFinder{first: map[[16]byte]int32{}} }

// Look looks at the next entry. ok is false where nothing about it is odd.
func (f *OddFinder) Look(s Serial) (odd OddSerial, ok bool) {
	odd.Serial = s
	sum := sha256.Sum256([]byte(s.Value))
	key := [16]byte(sum[:16])
	if place, again := f.first[key]; again {
		odd.Repeat, odd.Kinds = int64(place), append(odd.Kinds, Duplicates)
	} else {
		f.first[key] = int32(s.Seq)
	}
	if n := utf8.RuneCountInString(s.Value); n < 1 || n > MaxSerial {
		odd.Kinds = append(odd.Kinds, SerialLength)
	}
	if !InCSET82(s.Value) {
		odd.Kinds = append(odd.Kinds, SerialAlphabet)
	}
	return odd, len(odd.Kinds) > 0
}

// HasOddEntries says whether entries of the list are odd, rather than the list as a whole.
func (r Release) HasOddEntries() bool {
	for _, o := range r.Oddities {
		switch o.Kind {
		case Duplicates, SerialLength, SerialAlphabet, SeenBefore, SeenAgain:
			return true
		}
	}
	return false
}

// Has says whether the release's list is odd in this way.
func (r Release) Has(kind OddityKind) bool {
	for _, o := range r.Oddities {
		if o.Kind == kind {
			return true
		}
	}
	return false
}
