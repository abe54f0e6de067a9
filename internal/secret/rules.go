package secret

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"lineboard/internal/packaging"
)

// MinPassword is the least length of a password, in characters.
const MinPassword = 12

// distinct is the least number of different characters in a password.
const distinct = 5

//go:embed common.txt
var commonText string

// common are passwords that everybody tries first, in lower case.
var common = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(commonText) {
		all[strings.TrimSpace(line)] = true
	}
	return all
})

// CheckPassword says why a text is no password: its error is coded [packaging.Invalid] and has one of the keys
// "error.password_short" and "error.password_common". Length counts, and not what kinds of characters it has; a common
// password stays one with digits or signs around it, in capitals, or said twice.
func CheckPassword(password Text) error {
	text := password.Reveal()
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) < MinPassword {
		return packaging.Fail(packaging.Invalid, "error.password_short", "Least", strconv.Itoa(MinPassword))
	}
	if guessable(strings.ToLower(text)) {
		return packaging.Fail(packaging.Invalid, "error.password_common")
	}
	return nil
}

func guessable(text string) bool {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	core := strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, word := range []string{text, core} {
		half := word[:len(word)/2]
		if common()[word] || half+half == word && common()[half] {
			return true
		}
	}
	return len(seen) < distinct || straight(text)
}

// straight says whether the text is nothing but one row of characters, up or down, begun anew as often as need be:
// "abcdefghijkl", "123456789012".
func straight(text string) bool {
	runes, breaks := []rune(text), 0
	for i := 1; i < len(runes); i++ {
		if step := runes[i] - runes[i-1]; step != 1 && step != -1 {
			breaks++
		}
	}
	return breaks <= len(runes)/8
}
