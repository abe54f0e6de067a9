package packaging

import (
	"time"
	"unicode/utf8"
)

// Serial is one serial number of an order. Seq counts from 1 in the order of the API's list.
type Serial struct {
	Seq   int64
	Value string
}

// SerialPage is a page of an order's serials. After and Next are positions: Next is 0 on the last page.
type SerialPage struct {
	Serials []Serial
	Total   int64
	Next    int64
}

// Oddity is something about a list of serial numbers that a person should look at. The list itself is kept as it is.
type Oddity struct {
	Kind  OddityKind
	Count int64 // how many serials, or for WrongCount how many came
}

// OddityKind tells oddities apart.
type OddityKind string

// What can be odd about a list.
const (
	WrongCount     OddityKind = "wrong_count"
	Duplicates     OddityKind = "duplicates"      // entries that repeat an earlier one of the list
	SerialLength   OddityKind = "serial_length"   // not 1 to 20 characters (GS1 AI 21)
	SerialAlphabet OddityKind = "serial_alphabet" // characters outside GS1 CSET 82
	// the tenant got the same product and serial before, with another order
	SeenBefore   OddityKind = "seen_before"
	HoldsSecret  OddityKind = "holds_secret" // serials that hold a credential of the connection
	Contradicted OddityKind = "contradicted" // no serials: a status contradicts what it was settled as; Count is 1
	SeenAgain    OddityKind = "seen_again"   // the tenant got the same product and serial later, with another order
)

// ListOddities are those of a list and its entries, as the history records them.
var ListOddities = []OddityKind{
	WrongCount, Duplicates, SerialLength, SerialAlphabet, SeenBefore, SeenAgain, HoldsSecret,
}

// MaxSerials is the most that one order can have, by how they are stored.
const MaxSerials = 1<<24 - 1

// MaxSerial is the longest serial number that GS1 allows in AI (21), in characters.
const MaxSerial = 20

// CheckSerials returns what is odd about a received list: its count, duplicates, lengths and characters. GS1 allows up
// to 20 characters of CSET 82 (General Specifications, AI 21).
func CheckSerials(serials []string, expected int64, expectedKnown bool) []Oddity {
	var odd []Oddity
	note := func(kind OddityKind, n int64) {
		if n > 0 {
			odd = append(odd, Oddity{kind, n})
		}
	}
	if expectedKnown && int64(len(serials)) != expected {
		odd = append(odd, Oddity{WrongCount, int64(len(serials))})
	}
	var duplicates, length, alphabet int64
	seen := make(map[string]struct{}, len(serials))
	for _, s := range serials {
		if _, again := seen[s]; again {
			duplicates++
		}
		seen[s] = struct{}{}
		if n := utf8.RuneCountInString(s); n < 1 || n > MaxSerial {
			length++
		}
		if !InCSET82(s) {
			alphabet++
		}
	}
	note(Duplicates, duplicates)
	note(SerialLength, length)
	note(SerialAlphabet, alphabet)
	return odd
}

// PackID is the identity of a pack.
type PackID struct{ GTIN, Serial string }

// PackFound is where a pack is in the list of an order.
type PackFound struct {
	PackID
	Order       OrderID
	Round       int   // of the release whose list it is in
	Place       int64 // from 1
	GTINChanged bool  // the order had another GTIN at another time since its list came

	ShownAt time.Time // as a test code on a screen; zero if it was not
	ShownBy string
}

// cset82 is GS1's character set for serial numbers and lots.
var cset82 = func() (set [256]bool) {
	for _, c := range []byte(`!"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz`) {
		set[c] = true
	}
	return set
}()

// InCSET82 says whether a text has the characters of a serial number or a lot alone (GS1 General Specifications, AI 21
// and AI 10: CSET 82).
func InCSET82(s string) bool {
	for i := range len(s) {
		if !cset82[s[i]] {
			return false
		}
	}
	return true
}
