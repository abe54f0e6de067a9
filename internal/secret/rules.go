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

// MinPassword and MaxPassword limit the length of a password, in characters.
const (
	MinPassword = 12
	MaxPassword = 128
)

// minDistinct is how many different characters a password needs.
const minDistinct = 5

//go:embed common.txt
var commonText string

// common are the passwords that attackers try first, in lower case.
var common = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(commonText) {
		all[strings.TrimSpace(line)] = true
	}
	return all
})

// CheckPassword returns an error if a text is too short, too long or too common for a password. The error is
// [packaging.Invalid] with the key "error.password_short", "error.password_long" or "error.password_common". A common
// password stays common in capitals, repeated, or with digits or signs around it.
func CheckPassword(password Text) error {
	text := password.Reveal()
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) < MinPassword {
		return packaging.Fail(packaging.Invalid, "error.password_short", "Least", strconv.Itoa(MinPassword))
	}
	if utf8.RuneCountInString(text) > MaxPassword {
		return packaging.Fail(packaging.Invalid, "error.password_long", "Most", strconv.Itoa(MaxPassword))
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
	return len(seen) < minDistinct || isSequence(text)
}

// isSequence reports whether the text is a sequence of neighbouring characters with few breaks: "abcdefghijkl",
// "123456789012".
func isSequence(text string) bool {
	runes, breaks := []rune(text), 0
	for i := 1; i < len(runes); i++ {
		if step := runes[i] - runes[i-1]; step != 1 && step != -1 {
			breaks++
		}
	}
	return breaks <= len(runes)/8
}
