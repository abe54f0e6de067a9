package shell

import (
	"fmt"
	"strings"
	"unicode"

	"lineboard/internal/packaging"
)

// OrderID returns an order ID as pages show it. Invisible characters could make it look like another order's ID.
// Spaces that a page would drop show as ␣, others by their number, as in "A[U+200B]".
func OrderID(key string) string {
	if !strings.ContainsFunc(key, func(r rune) bool { return packaging.Unseen(r) || unicode.IsSpace(r) }) {
		return key
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
			shown.WriteRune(r)
		}
		space = r == ' '
	}
	return shown.String()
}
