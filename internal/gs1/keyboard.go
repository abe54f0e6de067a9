package gs1

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Layout names a keyboard layout.
type Layout string

// The layouts. A scanner types as on one of them, and a device reads its keys by another.
const (
	US          Layout = "us"
	UK          Layout = "uk"
	German      Layout = "de"
	SwissGerman Layout = "ch"
	French      Layout = "fr"
	Belgian     Layout = "be"
	Spanish     Layout = "es"
	Hungarian   Layout = "hu"
	Italian     Layout = "it"
	SwissFrench Layout = "ch_fr"
	Swedish     Layout = "se" // Finnish too
	Danish      Layout = "dk"
	Norwegian   Layout = "no"
	Portuguese  Layout = "pt"
	Czech       Layout = "cz"
	Slovak      Layout = "sk"
	Slovenian   Layout = "si" // Croatian, Bosnian and Serbian Latin too
	Turkish     Layout = "tr"
	LatinAmer   Layout = "latam"
	Brazilian   Layout = "br"
)

// Layouts are all layouts, the US one first: scanners have it unless they are set up.
var Layouts = []Layout{
	US, German, French, Belgian, SwissGerman, Hungarian, Spanish, Italian, UK, SwissFrench, Swedish, Danish,
	Norwegian, Portuguese, Czech, Slovak, Slovenian, Turkish, LatinAmer, Brazilian,
}

// keyCodes are the keys that write characters, as KeyboardEvent.code names them.
var keyCodes = strings.Fields(`
	Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal
	KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Backslash
	KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote
	KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash IntlBackslash`)

// keyboard is what the keys of a layout write, in the order of keyCodes: without Shift, and with it. NUL stands for a
// key that writes nothing.
type keyboard [2][]rune

func newKeyboard(plain, shifted string) keyboard { return keyboard{[]rune(plain), []rune(shifted)} }

var keyboards = map[Layout]keyboard{
	US: newKeyboard(
		"`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./\\",
		"~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:\"ZXCVBNM<>?|"),
	UK: newKeyboard(
		"`1234567890-=qwertyuiop[]#asdfghjkl;'zxcvbnm,./\\",
		"¬!\"£$%^&*()_+QWERTYUIOP{}~ASDFGHJKL:@ZXCVBNM<>?|"),
	German: newKeyboard(
		"^1234567890ß´qwertzuiopü+#asdfghjklöäyxcvbnm,.-<",
		"°!\"§$%&/()=?`QWERTZUIOPÜ*'ASDFGHJKLÖÄYXCVBNM;:_>"),
	SwissGerman: newKeyboard(
		"§1234567890'^qwertzuiopü¨$asdfghjklöäyxcvbnm,.-<",
		"°+\"*ç%&/()=?`QWERTZUIOPè!£ASDFGHJKLéàYXCVBNM;:_>"),
	French: newKeyboard(
		"²&é\"'(-è_çà)=azertyuiop^$*qsdfghjklmùwxcvbn,;:!<",
		"\x001234567890°+AZERTYUIOP¨£µQSDFGHJKLM%WXCVBN?./§>"),
	Belgian: newKeyboard(
		"²&é\"'(§è!çà)-azertyuiop^$µqsdfghjklmùwxcvbn,;:=<",
		"³1234567890°_AZERTYUIOP¨*£QSDFGHJKLM%WXCVBN?./+>"),
	Spanish: newKeyboard(
		"º1234567890'¡qwertyuiop`+çasdfghjklñ´zxcvbnm,.-<",
		"ª!\"·$%&/()=?¿QWERTYUIOP^*ÇASDFGHJKLÑ¨ZXCVBNM;:_>"),
	Hungarian: newKeyboard(
		"0123456789öüóqwertzuiopőúűasdfghjkléáyxcvbnm,.-í",
		"§'\"+!%/=()ÖÜÓQWERTZUIOPŐÚŰASDFGHJKLÉÁYXCVBNM?:_Í"),
	Italian: newKeyboard(
		"\\1234567890'ìqwertyuiopè+ùasdfghjklòàzxcvbnm,.-<",
		"|!\"£$%&/()=?^QWERTYUIOPé*§ASDFGHJKLç°ZXCVBNM;:_>"),
	SwissFrench: newKeyboard(
		"§1234567890'^qwertzuiopè¨$asdfghjkléàyxcvbnm,.-<",
		"°+\"*ç%&/()=?`QWERTZUIOPü!£ASDFGHJKLöäYXCVBNM;:_>"),
	Swedish: newKeyboard(
		"§1234567890+´qwertyuiopå¨'asdfghjklöäzxcvbnm,.-<",
		"½!\"#¤%&/()=?`QWERTYUIOPÅ^*ASDFGHJKLÖÄZXCVBNM;:_>"),
	Danish: newKeyboard(
		"½1234567890+´qwertyuiopå¨'asdfghjklæøzxcvbnm,.-<",
		"§!\"#¤%&/()=?`QWERTYUIOPÅ^*ASDFGHJKLÆØZXCVBNM;:_>"),
	Norwegian: newKeyboard(
		"|1234567890+\\qwertyuiopå¨'asdfghjkløæzxcvbnm,.-<",
		"§!\"#¤%&/()=?`QWERTYUIOPÅ^*ASDFGHJKLØÆZXCVBNM;:_>"),
	Portuguese: newKeyboard(
		"\\1234567890'«qwertyuiop+´~asdfghjklçºzxcvbnm,.-<",
		"|!\"#$%&/()=?»QWERTYUIOP*`^ASDFGHJKLÇªZXCVBNM;:_>"),
	Czech: newKeyboard(
		";+ěščřžýáíé=´qwertzuiopú)¨asdfghjklů§yxcvbnm,.-\\",
		"°1234567890%ˇQWERTZUIOP/('ASDFGHJKL\"!YXCVBNM?:_|"),
	Slovak: newKeyboard(
		";+ľščťžýáíé=´qwertzuiopúäňasdfghjklô§yxcvbnm,.-&",
		"°1234567890%ˇQWERTZUIOP/()ASDFGHJKL\"!YXCVBNM?:_*"),
	Slovenian: newKeyboard(
		"¸1234567890'+qwertzuiopšđžasdfghjklčćyxcvbnm,.-<",
		"¨!\"#$%&/()=?*QWERTZUIOPŠĐŽASDFGHJKLČĆYXCVBNM;:_>"),
	Turkish: newKeyboard(
		"\"1234567890*-qwertyuıopğü,asdfghjklşizxcvbnmöç.<",
		"é!'^+%&/()=?_QWERTYUIOPĞÜ;ASDFGHJKLŞİZXCVBNMÖÇ:>"),
	LatinAmer: newKeyboard(
		"|1234567890'¿qwertyuiop´+}asdfghjklñ{zxcvbnm,.-<",
		"°!\"#$%&/()=?¡QWERTYUIOP¨*]ASDFGHJKLÑ[ZXCVBNM;:_>"),
	Brazilian: newKeyboard(
		"'1234567890-=qwertyuiop´[]asdfghjklç~zxcvbnm,.;\\",
		"\"!@#$%¨&*()_+QWERTYUIOP`{}ASDFGHJKLÇ^ZXCVBNM<>:|"),
}

// key is one that was pressed.
type key struct{ place, shift int }

// pressed returns the key that writes a character in this layout.
func (k keyboard) pressed(character rune) (key, bool) {
	for shift, row := range k {
		if place := slices.Index(row, character); place >= 0 && character != 0 {
			return key{place, shift}, true
		}
	}
	return key{}, false
}

// accents are the combining marks of the accents that dead keys write where they stand alone.
var accents = map[rune]rune{
	'´': '\u0301', '`': '\u0300', '^': '\u0302', '¨': '\u0308', '~': '\u0303', 'ˇ': '\u030c', '°': '\u030a',
	'¸': '\u0327',
}

// composed returns the one character that a letter and an accent make; 0 if there is none.
func composed(letter, accent rune) rune {
	made := []rune(norm.NFC.String(string([]rune{letter, accents[accent]})))
	if len(made) != 1 {
		return 0
	}
	return made[0]
}

// apart returns the accent and the letter of a character that a dead key and another one write.
func apart(character rune) (accent, letter rune, ok bool) {
	parts := []rune(norm.NFD.String(string(character)))
	if len(parts) != 2 {
		return 0, 0, false
	}
	for accent, mark := range accents {
		if mark == parts[1] {
			return accent, parts[0], true
		}
	}
	return 0, 0, false
}

// keys returns the keys that write a text in this layout. A character that no key writes stands for itself, and so do
// digits of a keypad.
func (k keyboard) keys(text string, digitsByKeypad bool) (all []stroke) {
	for _, character := range text {
		if digitsByKeypad && character >= '0' && character <= '9' {
			all = append(all, stroke{character: character})
			continue
		}
		if pressed, ok := k.pressed(character); ok {
			all = append(all, stroke{key: pressed, known: true})
			continue
		}
		if accent, letter, ok := apart(character); ok {
			dead, isDead := k.pressed(accent)
			base, isBase := k.pressed(letter)
			if isDead && isBase {
				all = append(all, stroke{key: dead, known: true}, stroke{key: base, known: true})
				continue
			}
		}
		all = append(all, stroke{character: character})
	}
	return all
}

// stroke is a key that was pressed, or a character that came without one, or by AltGr.
type stroke struct {
	key
	known     bool
	character rune
}

// lock is what Caps Lock does on a keyboard: it turns letters over, or locks Shift.
type lock int

const (
	noLock lock = iota
	letterLock
	shiftLock
)

// character returns what a stroke writes in this layout; 0 if it writes nothing. A dead key writes its accent.
func (k keyboard) character(s stroke, l lock) rune {
	switch {
	case !s.known:
		return s.character
	case l == shiftLock:
		return k[1-s.shift][s.place]
	case l == letterLock:
		return turned(k[s.shift][s.place])
	}
	return k[s.shift][s.place]
}

// text returns what strokes write in this layout.
func (k keyboard) text(strokes []stroke, l lock) string {
	var written strings.Builder
	for _, s := range strokes {
		if character := k.character(s, l); character != 0 {
			written.WriteRune(character)
		}
	}
	return written.String()
}

// swapCase turns upper and lower case over, as Caps Lock does.
func swapCase(text string) string { return strings.Map(turned, text) }

func turned(letter rune) rune {
	if unicode.IsUpper(letter) {
		return unicode.ToLower(letter)
	}
	return unicode.ToUpper(letter)
}

// narrow returns full-width characters, as input methods of East Asia write them, as the ASCII that they stand for. It
// drops characters without width, which come along where a text is pasted and stand in no field.
func narrow(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '\uff01' && r <= '\uff5e':
			return r - '\uff01' + '!'
		case r == '\u3000':
			return ' '
		case r >= '\u200b' && r <= '\u200f', r == '\u2060', r == '\ufeff', r == '\u00ad':
			return -1
		}
		return r
	}, text)
}
