package shell

import (
	"fmt"
	"strings"
	"unicode"

	"lineboard/internal/packaging"
)

// PersonName returns a full name as pages show it: letters that pass for others show with their number, as in
// "А[U+0410]nna".
func PersonName(name string) string { return withNumbers(name, packaging.LookAlikes(name)) }

func withNumbers(text string, alike map[rune]bool) string {
	if alike == nil {
		return text
	}
	var shown strings.Builder
	for _, r := range text {
		shown.WriteRune(r)
		if alike[r] {
			fmt.Fprintf(&shown, "[U+%04X]", r)
		}
	}
	return shown.String()
}

// maxShownID is how many characters of an order ID a row has room for.
const maxShownID = 20

// ShortOrderID returns an order ID as rows show it: one of more than maxShownID characters is shortened in its middle,
// where IDs differ least.
func ShortOrderID(key string) string {
	shown := []rune(OrderID(key))
	if len(shown) <= maxShownID {
		return string(shown)
	}
	return string(shown[:9]) + "…" + string(shown[len(shown)-10:])
}

// OrderID returns an order ID as pages show it. Invisible characters, and letters that pass for others, could make it
// look like another order's ID. Spaces that a page would drop show as ␣, others by their number, as in "A[U+200B]".
// Letters show with their number.
func OrderID(key string) string {
	alike := packaging.LookAlikes(key)
	if !strings.ContainsFunc(key, func(r rune) bool { return packaging.Unseen(r) || unicode.IsSpace(r) }) {
		return withNumbers(key, alike)
	}
	var shown strings.Builder
	space := true // at the beginning, as after a space, a page leaves one out
	last := len(strings.TrimRight(key, " "))
	for i, r := range key {
		switch {
		case r == ' ' && (space || i >= last):
			shown.WriteRune('␣')
		case r != ' ' && (packaging.Unseen(r) || unicode.IsSpace(r)):
			fmt.Fprintf(&shown, "[U+%04X]", r)
		default:
			shown.WriteString(withNumbers(string(r), alike))
		}
		space = r == ' '
	}
	return shown.String()
}
