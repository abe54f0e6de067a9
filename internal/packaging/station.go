package packaging

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// StationID is our key of a station.
type StationID int64

// Station is a tablet bound to a line.
type Station struct {
	ID       StationID
	TenantID TenantID
	Name     string
	Line     Line
	Language string    // for people who have chosen none (BCP 47), empty for the browser's
	Keyboard string    // what the last scan of the test code showed of it, see gs1.KeyboardTest
	Bound    time.Time // when its tablet was bound, zero while none is
	Waits    time.Time // until when a code that binds a tablet can be entered, zero where none can
}

// Known says whether there is a station at all.
func (s Station) Known() bool { return s.ID != 0 }

// At is the person as somebody who signs in at a station: what they do there carries its name. The error says that the
// station is another site's, or stands at a line that they do not work on.
func (p Person) At(s Station) (Person, error) {
	if p.Tenant.ID != s.TenantID || !p.Sees(s.Line.ID) {
		return p, Fail(Forbidden, "error.other_station")
	}
	p.StationID, p.Station = s.ID, s.Name
	return p, nil
}

// Colleague is somebody who can sign in at a station by PIN.
type Colleague struct {
	ID       UserID
	Username string
	FullName string
}

// Use is how a session at a station stands.
type Use struct {
	Used      time.Time     // when a person last used it
	Locked    bool          // a person locked it
	LockAfter time.Duration // how long it may go unused
}

// Left is how long the session may still go unused; it is locked where there is nothing left. A use that is ahead of
// the clock, which was set back then, counts as one of now.
func (u Use) Left(now time.Time) time.Duration {
	if u.Locked {
		return 0
	}
	return min(u.LockAfter, max(0, u.LockAfter-now.Sub(u.Used)))
}

// LockWarning is how long before the lock a person is warned.
const LockWarning = 20 * time.Second

// Rules are what a tenant wants of its stations and its signatures.
type Rules struct {
	LockAfter    time.Duration // how long a station may go unused before it is locked
	SignReleases bool          // a release must be signed
	SecondSigner bool          // and by a second person too

	// ReleaseUnanchored lets releases go on while they can't be kept outside the database.
	ReleaseUnanchored bool
	// ReleaseUncopied lets releases go on while the copy of the database can't be confirmed.
	ReleaseUncopied bool
}

// DefaultRules are those of a tenant that set none.
var DefaultRules = Rules{LockAfter: 5 * time.Minute}

// The shortest and the longest time that a station may go unused.
const (
	MinLockAfter = 2 * time.Minute
	MaxLockAfter = 15 * time.Minute
)

// Check says, as an Invalid, what of the rules can't be.
func (r Rules) Check() error {
	switch {
	case r.LockAfter < MinLockAfter || r.LockAfter > MaxLockAfter:
		return Fail(Invalid, "stations.bad_lock")
	case r.SecondSigner && !r.SignReleases:
		return Fail(Invalid, "stations.bad_second")
	}
	return nil
}

// String says the rules, for the history.
func (r Rules) String() string {
	said := []string{SaysLock.Of(r.LockAfter)}
	switch {
	case r.SecondSigner:
		said = append(said, SaysSignedByTwo.Of())
	case r.SignReleases:
		said = append(said, SaysSigned.Of())
	}
	if r.ReleaseUnanchored {
		said = append(said, SaysUnanchored.Of())
	}
	if r.ReleaseUncopied {
		said = append(said, SaysUncopied.Of())
	}
	return strings.Join(said, ", ")
}

// Letters of the code that binds a tablet: none that is taken for another. CodeSize of them are 39 bits.
const (
	CodeLetters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	CodeSize    = 8
)

// CodeLasts is how long a code can be entered.
const CodeLasts = 15 * time.Minute

// ReadCode is a code as typed, in the form that it was made in: capitals, without gaps.
func ReadCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, strings.ToUpper(typed))
}

// IsPIN says whether a text has the form of a PIN.
func IsPIN(s string) bool { return pinForm.MatchString(s) }

var pinForm = regexp.MustCompile(`^[0-9]{6,12}$`)

// leastDigits is how many different digits a PIN has: with fewer it is a pattern, such as 112233, 123321 or 200000.
const leastDigits = 4

// easyPINs are those with more digits that people choose first: numbers counted up, and ways over the keys.
const easyPINs = `010203 102030 123654 123789 123987 121314 131415 142536 135790 246810
	124578 147258 147369 147852 159357 159753 258147 258369 258963 321654 321987 357159 369147 369258 456123 456321
	654987 741852 753159 753951 789123 789456 789654 852741 852963 951357 951753 963852 987321`

// CheckPIN says, as an Invalid, why a person can't have the PIN: it is not 6 to 12 digits, or too easily guessed.
func CheckPIN(pin string) error {
	if !IsPIN(pin) {
		return Fail(Invalid, "pin.bad_form")
	}
	const rows = "01234567890123456789 98765432109876543210"
	different := map[rune]bool{}
	for _, digit := range pin {
		different[digit] = true
	}
	if strings.Contains(rows, pin) || repeats(pin) || len(different) < leastDigits ||
		slices.Contains(strings.Fields(easyPINs), pin) {
		return Fail(Invalid, "pin.trivial")
	}
	return nil
}

// repeats says whether a text is one piece of at most half its length again and again, as 000000, 121212 and 123123.
func repeats(s string) bool {
	for size := 1; size <= len(s)/2; size++ {
		if len(s)%size == 0 && strings.Repeat(s[:size], len(s)/size) == s {
			return true
		}
	}
	return false
}

// CheckBadge says, as an Invalid, why a text can't be a badge: it has 8 to 64 characters, and none that is not printed.
func CheckBadge(text string) error {
	n := utf8.RuneCountInString(text)
	if n < 8 || n > 64 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) ||
		!utf8.ValidString(text) {
		return Fail(Invalid, "pin.bad_badge")
	}
	return nil
}
