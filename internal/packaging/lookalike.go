package packaging

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mtibben/confusables"
	"golang.org/x/text/unicode/norm"
)

// LooksLike says whether two names can be taken for each other, by the skeletons of Unicode UTS 39: "0" and "O", "1"
// and "l", "rn" and "m", and letters of other scripts that have the same shape. Capital and small letters make no
// difference, nor does how many spaces stand between words. A letter may be taken for another by its shape or for the
// same one in the other case, and not by both: "1L" is not "11", though an "l" is taken for either. A space that is
// hardly one may be taken for none.
func LooksLike(a, b string) bool {
	return alike(drawn(a), drawn(b)) ||
		strings.ContainsFunc(a+b, isNarrow) && alike(drawn(withoutNarrow(a)), drawn(withoutNarrow(b)))
}

// drawn is what a page draws of a text, from left to right.
func drawn(text string) []rune { return inOrder([]rune(norm.NFKC.String(asSeen(text)))) }

// isNarrow says whether a character is a space of a sixth of a letter or less.
func isNarrow(r rune) bool {
	return r >= '\u2006' && r <= '\u200a' && r != '\u2007' || r == '\u202f' || r == '\u205f'
}

func withoutNarrow(text string) string {
	return strings.Map(func(r rune) rune {
		if isNarrow(r) {
			return -1
		}
		return r
	}, text)
}

// alike takes two names apart from their beginnings: by a letter of each that is the same one, or by a few that have the
// same shape.
func alike(a, b []rune) bool {
	for len(a) > 0 && len(b) > 0 {
		if isSameLetter(a[0], b[0]) || isSameLetter(inASCII(a[0]), inASCII(b[0])) {
			a, b = a[1:], b[1:]
			continue
		}
		of, like := shape(a[0]), shape(b[0])
		a, b = a[1:], b[1:]
		for of != like {
			switch {
			case len(of) < len(like) && strings.HasPrefix(like, of) && len(a) > 0:
				of, a = of+shape(a[0]), a[1:]
			case len(like) < len(of) && strings.HasPrefix(of, like) && len(b) > 0:
				like, b = like+shape(b[0]), b[1:]
			default:
				return false
			}
		}
	}
	return len(a) == len(b)
}

// isSameLetter says whether two characters are one letter, in whatever case: Σ has two small ones.
func isSameLetter(a, b rune) bool {
	for other := unicode.SimpleFold(a); other != a; other = unicode.SimpleFold(other) {
		if other == b {
			return true
		}
	}
	return a == b || unicode.ToLower(a) == unicode.ToLower(b)
}

// inASCII returns the ASCII letter or digit that a character beyond ASCII has the shape of, or the character itself.
func inASCII(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	switch of := shape(r); {
	case len(of) != 1:
		return r
	case of == "l" && unicode.IsDigit(r): // which 1, l and I have in common
		return '1'
	case of == "l" && unicode.IsUpper(r):
		return 'I'
	default:
		return rune(of[0])
	}
}

func shape(r rune) string { return confusables.Skeleton(string(r)) }

// PassesFor says whether two names can be taken for each other by letters beyond ASCII, or by spaces alone.
func PassesFor(a, b string) bool {
	beyond := func(r rune) bool { return r >= utf8.RuneSelf }
	return LooksLike(a, b) &&
		(strings.ContainsFunc(a, beyond) || strings.ContainsFunc(b, beyond) || asSeen(a) == asSeen(b))
}

// asSeen leaves out what nobody sees: also a dot above a letter that has one, and what makes an Arabic word longer.
// Pages show one space for several.
func asSeen(text string) string {
	dotted := false
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		const dotAbove, tatweel = '\u0307', '\u0640'
		switch {
		case r == tatweel, r == dotAbove && dotted, Unseen(r) && !unicode.IsSpace(r):
			return -1
		case !unicode.IsMark(r):
			dotted = unicode.Is(unicode.Soft_Dotted, r) || r == 'ı' || r == 'ȷ'
		}
		return r
	}, text)), " ")
}

func skeleton(text string) string { return confusables.Skeleton(norm.NFKC.String(asSeen(text))) }

// Names are shapes of names that one human may have.
type Names map[string]bool

// NamesOf returns the shapes of names: two have one where they look alike, with or without a domain.
func NamesOf(names ...string) Names {
	shapes := Names{}
	for _, name := range names {
		for _, shape := range shapesOf(name) {
			shapes[shape] = true
		}
	}
	return shapes
}

// Has says whether a name looks like one of these.
func (n Names) Has(name string) bool {
	return slices.ContainsFunc(shapesOf(name), func(shape string) bool { return n[shape] })
}

// shapesOf are the skeletons of a name without its domain, as it was typed and without case, and none of a name that
// nobody sees. A letter may have the shape of a capital one and stand for a small one.
func shapesOf(name string) (shapes []string) {
	for _, bare := range withoutDomain(name) {
		if typed := skeleton(bare); typed != "" {
			const anyCase = "any case: "
			shapes = append(shapes, typed, anyCase+skeleton(inSmall(bare)), anyCase+skeleton(inSmall(typed)))
		}
	}
	return shapes
}

// inSmall writes a text in small letters, of which one stands for each capital one.
func inSmall(text string) string { return strings.ToLower(strings.ToUpper(text)) }

// withoutDomain returns what a name can be without its domain, which stands behind an "@" or before a slash of either
// kind. Microsoft Entra writes a guest's name `anna_plant.example#EXT#@tenant`, where what is before the last "_" may be
// the name. Letters and signs that no username has are left out.
func withoutDomain(name string) (bare []string) {
	name = norm.NFKC.String(withoutUnseen(name))
	whole := []string{name}
	if at := guestMark.FindStringIndex(name); at != nil {
		guest := name[:at[0]]
		whole = []string{guest, guest[:max(0, strings.LastIndexByte(guest, '_'))]}
	}
	for _, name := range whole {
		local := strings.FieldsFunc(inUsername(name, slashes), func(r rune) bool { return r == '@' })
		if len(local) == 0 {
			continue
		}
		parts := strings.FieldsFunc(local[0], func(r rune) bool { return strings.ContainsRune(slashes, r) })
		if len(parts) > 0 {
			bare = append(bare, strings.TrimLeft(parts[len(parts)-1], "._+-"))
		}
	}
	return bare
}

var guestMark = regexp.MustCompile(`(?i)#EXT#`)

// slashes part a domain from a name, and so do others that look like them.
const slashes = "/\\\u2044\u2215\u2216\u29f5\u29f8\u29f9"

// LookAlikes returns the characters of a text that pass for others, nil if there are none: letters and digits with the
// shape of an ASCII one, beside ASCII ones or in a word that has no other letters. A Cyrillic word that has letters of
// its own passes for nothing. So do letters that languages with Latin script use.
func LookAlikes(text string) map[rune]bool {
	if !strings.ContainsFunc(text, shapedASCII) {
		return nil
	}
	found := map[rune]bool{}
	ascii := strings.ContainsFunc(text, func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
	})
	own := strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) && !shapedASCII(r)
	})
	for _, r := range text {
		if shapedASCII(r) && (ascii || !own || isVariant(r)) {
			found[r] = true
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// shapedASCII says whether a letter or digit beyond ASCII has the shape of ASCII ones.
func shapedASCII(r rune) bool {
	if r < 0x250 || unicode.In(r, latinAdditional) || !unicode.IsLetter(r) && !unicode.In(r, unicode.Nd, unicode.Nl) {
		return false
	}
	for _, s := range skeleton(string(r)) {
		if s >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isVariant says whether a character is another form of an ASCII one, such as a fullwidth or mathematical letter.
func isVariant(r rune) bool {
	return unicode.Is(unicode.Latin, r) || norm.NFKC.String(string(r)) != string(r)
}

// latinAdditional are accented letters of living languages.
var latinAdditional = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x1e00, Hi: 0x1eff, Stride: 1}}}

// mixedWith are the scripts that are written together, by UTS 39: each may stand beside Latin too.
var mixedWith = [][]*unicode.RangeTable{
	{unicode.Han, unicode.Hiragana, unicode.Katakana}, {unicode.Han, unicode.Bopomofo}, {unicode.Han, unicode.Hangul},
}

// MixesScripts says whether a text has letters of scripts that no language writes together (UTS 39, highly
// restrictive).
func MixesScripts(text string) bool {
	scripts := map[string]bool{}
	for _, r := range text {
		for name, script := range unicode.Scripts {
			if name != "Common" && name != "Inherited" && unicode.Is(script, r) {
				scripts[name] = true
			}
		}
	}
	if len(scripts) < 2 {
		return false
	}
	for _, together := range mixedWith {
		left := len(scripts)
		for _, script := range append([]*unicode.RangeTable{unicode.Latin}, together...) {
			for name := range scripts {
				if unicode.Scripts[name] == script {
					left--
				}
			}
		}
		if left == 0 {
			return false
		}
	}
	return true
}

// CheckUsername says, as an Invalid, why nobody can have a username from now on: it has characters that no username
// has, or letters that pass for others.
func CheckUsername(text string) error {
	switch {
	case !ValidUsername(text):
		return Fail(Invalid, "error.bad_username")
	case MixesScripts(text) || LookAlikes(text) != nil:
		return Fail(Invalid, "error.username_letters")
	}
	return nil
}
