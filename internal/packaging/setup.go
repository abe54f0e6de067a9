package packaging

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Member is a person as the administrators of a tenant see them, active or not.
type Member struct {
	Person
	Active bool
	// Shared says that the person belongs to a tenant too that whoever looks does not administer: their name, password and
	// activity are not this tenant's alone to change.
	Shared bool
}

// SetupSteps are the first steps that a tenant takes, and which of them are done.
type SetupSteps struct {
	Connection bool // the credentials are set
	Lines      bool // there is a line
	People     bool // somebody may release
}

// Done says whether nothing is left to set up before orders can be released.
func (s SetupSteps) Done() bool { return s.Connection && s.Lines && s.People }

var (
	slugForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	codeForm     = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._ -]{0,39}$`)
	usernameForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$`)
)

// ValidSlug says whether a text can be a tenant's slug: 1 to 63 lower-case letters, digits and hyphens.
func ValidSlug(text string) bool { return slugForm.MatchString(text) }

// ValidLineCode says whether a text can be a line's code: 1 to 40 letters, digits, dots, hyphens, underscores or spaces.
func ValidLineCode(text string) bool { return codeForm.MatchString(text) }

// ValidUsername says whether a text can be a username: 1 to 64 letters, digits or . _ @ + -, the first a letter or digit.
func ValidUsername(text string) bool {
	return usernameForm.MatchString(text) && !strings.ContainsFunc(text, Unseen)
}

// ReservedUsername says whether the history names by it what no person did: nobody may pass for the program.
func ReservedUsername(text string) bool {
	return slices.ContainsFunc([]string{"lineboard", "provisioning", "single sign-on"}, func(name string) bool { return strings.EqualFold(name, text) })
}

// Unseen says whether a character is one that nobody sees: it controls or formats, such as one that turns the direction of
// writing, or fills. Texts that differ by such characters alone look the same.
func Unseen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// nameMost is the longest name of a tenant, line or person, in characters.
const nameMost = 100

// ValidName says whether a text can be the name of a tenant, line, station or person: 1 to 100 characters that can be seen.
func ValidName(text string) bool {
	return strings.TrimSpace(text) != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= nameMost &&
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

// ParseBaseURL reads the address that the paths of the API's calls are put behind, and gives it without a slash at its
// end. Credentials go there: it must be https, except on this machine. Errors do not repeat the address, because a wrong
// one may hold a password.
func ParseBaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("base URL: not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("base URL: must begin with https://")
	case u.Hostname() == "":
		return "", errors.New("base URL: has no host")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", errors.New("base URL: must begin with https:// (http:// is for this machine alone)")
	case u.User != nil:
		return "", errors.New("base URL: must not hold a user name or password")
	case strings.ContainsAny(text, "?#"):
		return "", errors.New("base URL: must not hold a query or a fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }
