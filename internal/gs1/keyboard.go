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
)

// Layouts are all layouts, the US one first: scanners have it unless they are set up.
var Layouts = []Layout{US, German, French, Belgian, SwissGerman, Hungarian, Spanish, Italian, UK}

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

// accents are the dead keys of the combining marks that they become.
var accents = map[rune]rune{'\u0301': '´', '\u0300': '`', '\u0302': '^', '\u0308': '¨'}

// keys returns the keys that write a text in this layout. A character that no key writes stands for itself.
func (k keyboard) keys(text string) (all []stroke) {
	for _, character := range text {
		if pressed, ok := k.pressed(character); ok {
			all = append(all, stroke{key: pressed, known: true})
			continue
		}
		// A dead key and the one after it write one character.
		parts := []rune(norm.NFD.String(string(character)))
		if len(parts) == 2 && accents[parts[1]] != 0 {
			dead, isDead := k.pressed(accents[parts[1]])
			base, isBase := k.pressed(parts[0])
			if isDead && isBase {
				all = append(all, stroke{key: dead, known: true}, stroke{key: base, known: true})
				continue
			}
		}
		all = append(all, stroke{character: character})
	}
	return all
}

// stroke is a key that was pressed, or a character that came without one.
type stroke struct {
	key
	known     bool
	character rune
}

// text returns what strokes write in this layout.
func (k keyboard) text(strokes []stroke, shiftLock bool) string {
	var written strings.Builder
	for _, s := range strokes {
		character := s.character
		if s.known {
			shift := s.shift
			if shiftLock {
				shift = 1 - shift
			}
			character = k[shift][s.place]
		}
		if character != 0 {
			written.WriteRune(character)
		}
	}
	return written.String()
}

// parseStrokes reads the keys that a page recorded: their codes with spaces between them, "+" before those with Shift,
// and "GS" for a separator. It returns nil if one of them is no key that writes.
func parseStrokes(recorded string) (all []stroke) {
	for word := range strings.FieldsSeq(recorded) {
		if word == "GS" {
			all = append(all, stroke{character: rune(separator[0])})
			continue
		}
		code, shifted := strings.CutPrefix(word, "+")
		s := stroke{known: true}
		if shifted {
			s.shift = 1
		}
		if s.place = slices.Index(keyCodes, code); s.place < 0 {
			return nil
		}
		all = append(all, s)
	}
	return all
}

// swapCase turns upper and lower case over, as Caps Lock does.
func swapCase(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, text)
}

// narrow returns full-width characters, as input methods of East Asia write them, as the ASCII that they stand for.
func narrow(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '\uff01' && r <= '\uff5e':
			return r - '\uff01' + '!'
		case r == '\u3000':
			return ' '
		}
		return r
	}, text)
}

// Undone says what was undone to read a scan.
type Undone struct {
	CapsLock        bool
	Device, Scanner Layout // if they differ, the scanner types as on one keyboard and the device has another
	Separators      bool   // separators that were spelled in characters that a field may hold
}

// Any reports whether anything was undone.
func (u Undone) Any() bool { return u != Undone{} }

// steps returns how many things were undone.
func (u Undone) steps() (n int) {
	for _, undone := range []bool{u.CapsLock, u.Device != u.Scanner, u.Separators} {
		if undone {
			n++
		}
	}
	return n
}

// undoneText is a text that a scan may have been before a keyboard changed it.
type undoneText struct {
	text   string
	undone Undone
}

// undoKeyboard returns each text that a scan may have been, those first of which less was undone. The first is the scan
// as it came.
func (s Scan) undoKeyboard() []undoneText {
	all := []undoneText{{text: s.Text}}
	add := func(text string, undone Undone) {
		if !slices.ContainsFunc(all, func(u undoneText) bool { return u.text == text }) {
			all = append(all, undoneText{text, undone})
		}
	}
	letters := swapCase(s.Text)
	if s.CapsLock != Off {
		add(letters, Undone{CapsLock: true})
	}
	if strokes := parseStrokes(s.Keys); strokes != nil {
		device, capsLock := s.device(strokes)
		for _, scanner := range Layouts {
			undone := Undone{CapsLock: capsLock}
			if scanner != device {
				undone.Device, undone.Scanner = device, scanner
			}
			add(keyboards[scanner].text(strokes, false), undone)
		}
	} else {
		s.undoLayouts(letters, add)
	}
	slices.SortStableFunc(all[1:], func(a, b undoneText) int { return a.undone.steps() - b.undone.steps() })
	return all
}

// device returns the layout by which the strokes give the scan, and whether Caps Lock was on.
func (s Scan) device(strokes []stroke) (l Layout, capsLock bool) {
	for _, layout := range Layouts {
		k := keyboards[layout]
		switch plain := k.text(strokes, false); {
		case plain == s.Text:
			return layout, false
		case swapCase(plain) == s.Text || k.text(strokes, true) == s.Text:
			return layout, true
		}
	}
	return "", s.CapsLock == On
}

// undoLayouts adds what a scanner of one layout typed on a device of another, with Caps Lock or without. Either has the
// US layout: one of the two was set up, and the other was not.
func (s Scan) undoLayouts(letters string, add func(string, Undone)) {
	for _, layout := range Layouts[1:] {
		local, us := keyboards[layout], keyboards[US]
		add(us.text(local.keys(s.Text), false), Undone{Device: layout, Scanner: US})
		add(local.text(us.keys(s.Text), false), Undone{Device: US, Scanner: layout})
		if s.CapsLock == Off {
			continue
		}
		add(us.text(local.keys(letters), false), Undone{CapsLock: true, Device: layout, Scanner: US})
		add(us.text(local.keys(s.Text), true), Undone{CapsLock: true, Device: layout, Scanner: US}) // it locks Shift there
		add(local.text(us.keys(letters), false), Undone{CapsLock: true, Device: US, Scanner: layout})
	}
}
