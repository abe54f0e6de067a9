package packaging

import (
	"slices"

	"golang.org/x/text/unicode/bidi"
)

// direction is that in which a character is drawn on a page from left to right.
type direction int

const (
	neutral  direction = iota // as what is beside it
	toRight                   // as Latin letters
	toLeft                    // as Hebrew and Arabic letters
	ofNumber                  // among those: a number runs to the right, and stands to the left of what is before it
)

// inOrder returns characters in the order in which a page from left to right draws them, as Unicode's bidirectional
// algorithm (UAX 9) has it for a name: Hebrew letters before a number, and the same behind it, look the same.
func inOrder(text []rune) []rune {
	const firstToLeft = '\u0590'
	if !slices.ContainsFunc(text, func(r rune) bool { return r >= firstToLeft }) {
		return text // as most
	}
	runs := directions(text)
	if !slices.Contains(runs, toLeft) {
		return text
	}
	ordered := make([]rune, 0, len(text))
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && runs[end] != toRight {
			end++
		}
		if end == i {
			ordered, i = append(ordered, text[i]), i+1
			continue
		}
		ordered = append(ordered, turned(text[i:end], runs[i:end])...)
		i = end
	}
	return ordered
}

// turned returns characters that run to the left in the order in which they stand, with the numbers among them.
func turned(text []rune, runs []direction) (ordered []rune) {
	for end := len(text); end > 0; {
		from := end - 1
		for runs[from] == ofNumber && from > 0 && runs[from-1] == ofNumber {
			from--
		}
		ordered, end = append(ordered, text[from:end]...), from
	}
	return ordered
}

// directions returns where each character of a text runs.
func directions(text []rune) []direction {
	runs, classes := make([]direction, len(text)), make([]bidi.Class, len(text))
	strong := toRight // the last letter
	for i, r := range text {
		properties, _ := bidi.LookupRune(r)
		switch classes[i] = properties.Class(); {
		case classes[i] == bidi.L:
			runs[i], strong = toRight, toRight
		case classes[i] == bidi.R, classes[i] == bidi.AL:
			runs[i], strong = toLeft, toLeft
		case classes[i] == bidi.NSM && i > 0:
			runs[i] = runs[i-1]
		case classes[i] == bidi.AN, classes[i] == bidi.EN && strong == toLeft:
			runs[i] = ofNumber
		case classes[i] == bidi.EN:
			runs[i] = toRight
		}
	}
	at := func(i int) direction {
		if i < 0 || i >= len(text) {
			return toRight
		}
		return runs[i]
	}
	for i, class := range classes { // what parts a number, or belongs to it
		before, after := at(i-1) == ofNumber, at(i+1) == ofNumber
		parts, belongs := class == bidi.ES || class == bidi.CS, class == bidi.ET
		if parts && before && after || belongs && (before || after) {
			runs[i] = ofNumber
		}
	}
	for i := 0; i < len(text); i++ {
		end := i
		for at(end) == neutral {
			end++
		}
		among := toRight
		if at(i-1) != toRight && at(end) != toRight {
			among = toLeft
		}
		for ; i < end; i++ {
			runs[i] = among
		}
	}
	return runs
}
