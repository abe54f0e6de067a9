package packaging

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	// Lengths are counted apart: a class of Unicode, written out 64 times, takes megabytes.
	codeForm     = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._ -]*$`)
	usernameForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@+-]*$`)
)

// The longest code of a line and the longest username, in characters.
const (
	maxLineCode = 40
	maxUsername = 64
)

// ValidSlug says whether a text can be a tenant's slug: 1 to 63 lower-case letters, digits and hyphens.
func ValidSlug(text string) bool { return slugForm.MatchString(text) }

// ValidLineCode says whether a text can be a line's code: 1 to 40 letters, digits, dots, hyphens, underscores or
// spaces.
func ValidLineCode(text string) bool {
	return utf8.RuneCountInString(text) <= maxLineCode && codeForm.MatchString(text) && !strings.ContainsFunc(text, Unseen)
}

// ValidUsername says whether a text can be a username: 1 to 64 letters, digits or . _ @ + -, the first a letter or
// digit.
func ValidUsername(text string) bool {
	return utf8.RuneCountInString(text) <= maxUsername && usernameForm.MatchString(text) &&
		!strings.ContainsFunc(text, Unseen)
}

// ReservedUsername says whether the history names by it what no person did: nobody may pass for the program.
func ReservedUsername(text string) bool {
	return slices.ContainsFunc(ReservedUsernames, func(name string) bool { return strings.EqualFold(name, text) })
}

// ReservedUsernames are those of the program.
var ReservedUsernames = []string{"lineboard", "provisioning", "single sign-on"}

// Unseen says whether a character is one that nobody sees: it controls or formats, such as one that turns the direction
// of writing, fills, or is drawn as nothing (a blank of Braille, a null notehead). Texts that differ by such characters
// alone look the same.
func Unseen(r rune) bool {
	return r == '\u2800' || r == '\U0001D159' || unicode.In(
		r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point,
		unicode.Variation_Selector,
	)
}

// maxName is the longest name of a tenant, line or person, in characters.
const maxName = 100

// ValidName says whether a text can be the name of a tenant, line, station or person: 1 to 100 characters that can be
// seen.
func ValidName(text string) bool {
	return strings.TrimSpace(text) != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxName &&
		!strings.ContainsFunc(text, Unseen)
}

// ValidTimeZone says whether a text is an IANA name of a zone, such as "Europe/Brussels".
func ValidTimeZone(text string) bool {
	if text == "" || text == "Local" {
		return false
	}
	_, err := time.LoadLocation(text)
	return err == nil
}

// Printable says whether a text is of one line, without control characters and what was no text.
func Printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r == '\u2028' || r == '\u2029' ||
			r == '\ufeff'
	})
}
