package packaging

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// LookOf returns what people tell order IDs apart by: two IDs with the same look are easily taken for each other. Case,
// spaces, punctuation, zeros in front of numbers, O and 0, I, L and 1 make no difference, nor do letters of other
// scripts that have the shape of an ASCII one.
func LookOf(key string) string {
	bare := strings.Map(func(r rune) rune {
		switch {
		case r == 'o':
			return '0'
		case r == 'i', r == 'l':
			return '1'
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return r
		}
		return -1
	}, strings.ToLower(inASCIIShapes(norm.NFKC.String(key))))
	if look := withoutZerosInFront(bare); look != "" {
		return look
	}
	return key
}

// withoutZerosInFront leaves out the zeros that do not change a number.
func withoutZerosInFront(text string) string {
	isDigit := func(i int) bool { return i < len(text) && '0' <= text[i] && text[i] <= '9' }
	kept, inNumber := make([]byte, 0, len(text)), false
	for i := range len(text) {
		if text[i] == '0' && !inNumber && isDigit(i+1) {
			continue
		}
		kept, inNumber = append(kept, text[i]), isDigit(i)
	}
	return string(kept)
}

// inASCIIShapes writes what has the shape of ASCII characters as these.
func inASCIIShapes(text string) string {
	if !strings.ContainsFunc(text, shapedASCII) {
		return text // as nearly all
	}
	var plain strings.Builder
	for _, r := range text {
		if shapedASCII(r) {
			plain.WriteString(skeleton(string(r)))
		} else {
			plain.WriteRune(r)
		}
	}
	return plain.String()
}
