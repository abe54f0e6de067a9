package gs1

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lineboard/internal/packaging"
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

func (l Layout) shiftsDigits() bool { return l == Czech || l == Slovak }

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

// accents are the dead keys of the combining marks that they become.
var accents = map[rune]rune{
	'\u0301': '´', '\u0300': '`', '\u0302': '^', '\u0308': '¨', '\u0303': '~', '\u030c': 'ˇ',
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

// keypad are the keys that write the same in all layouts.
var keypad = map[string]rune{
	"Numpad0": '0', "Numpad1": '1', "Numpad2": '2', "Numpad3": '3', "Numpad4": '4', "Numpad5": '5', "Numpad6": '6',
	"Numpad7": '7', "Numpad8": '8', "Numpad9": '9', "NumpadAdd": '+', "NumpadSubtract": '-', "NumpadMultiply": '*',
	"NumpadDivide": '/', "GS": rune(separator[0]),
}

// strokes returns the keys that the page saw. It returns nil if they are not those of the whole text.
func (s Scan) strokes() []stroke {
	strokes := parseStrokes(s.Keys)
	if len(strokes) < utf8.RuneCountInString(s.Text) {
		return nil
	}
	return strokes
}

// parseStrokes reads the keys that a page recorded: their codes with spaces between them, "+" before those with Shift,
// and "GS" for a separator. It returns nil if one of them is no key that writes.
func parseStrokes(recorded string) (all []stroke) {
	for word := range strings.FieldsSeq(recorded) {
		code, shifted := strings.CutPrefix(word, "+")
		if character, ok := keypad[code]; ok {
			all = append(all, stroke{character: character})
			continue
		}
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

// Undone says what was undone to read a scan.
type Undone struct {
	CapsLock        bool
	Device, Scanner Layout // if they differ, the scanner types as on one keyboard and the device has another
	Separators      bool   // separators that were spelled in characters that a field may hold
}

// Any reports whether anything was undone.
func (u Undone) Any() bool { return u != Undone{} }

func (u Undone) changesLayout() bool { return u.Device != u.Scanner }

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
	// mark returns what a digit was if a key beside the keypad wrote it; nil if that is no question.
	mark func(digit rune) string
}

// marked returns a serial number whose digits a keyboard made of punctuation, while a keypad wrote all other digits of
// the scan. It stands for all that have some of these.
func (u undoneText) marked(serial string) string {
	var all strings.Builder
	for _, character := range serial {
		written := string(character)
		if u.mark != nil && character >= '0' && character <= '9' {
			if mark := u.mark(character); mark != "" && packaging.InCSET82(mark) {
				written = mark
			}
		}
		all.WriteString(written)
	}
	return all.String()
}

// undoKeyboard returns each text that a scan may have been, those first of which less was undone. The first is the scan
// as it came.
func (s Scan) undoKeyboard() []undoneText {
	all := []undoneText{{text: s.Text}}
	add := func(one undoneText) {
		if one.mark != nil || !slices.ContainsFunc(all, func(u undoneText) bool { return u.text == one.text }) {
			all = append(all, one)
		}
	}
	letters := swapCase(s.Text)
	if s.CapsLock != Off {
		add(undoneText{text: letters, undone: Undone{CapsLock: true}})
	}
	if strokes := s.strokes(); strokes != nil {
		device, capsLock := s.device(strokes)
		for _, scanner := range Layouts {
			undone := Undone{CapsLock: capsLock}
			if scanner != device {
				undone.Device, undone.Scanner = device, scanner
			}
			add(undoneText{text: keyboards[scanner].text(strokes, false), undone: undone})
		}
	} else {
		s.undoLayouts(letters, add)
	}
	slices.SortStableFunc(all[1:], func(a, b undoneText) int { return a.undone.steps() - b.undone.steps() })
	return all
}

// believed returns the scan with keys that write it. A program that types, as those beside some scanners do, tells of
// no Shift: its text shows whether there would be one, and Caps Lock does nothing to it.
func (s Scan) believed() (believed Scan, byProgram bool) {
	strokes := s.strokes()
	if strokes == nil || s.CapsLock == On {
		return s, false
	}
	if device, _ := s.device(strokes); device != "" {
		return s, false
	}
	for _, layout := range Layouts {
		if keys, ok := keyboards[layout].withShift(strings.Fields(s.Keys), []rune(s.Text)); ok {
			s.Keys, s.CapsLock = keys, Off
			return s, true
		}
	}
	return s, false
}

// withShift returns recorded keys with Shift where they write the text only with it; ok is false if they do not write
// it in this layout.
func (k keyboard) withShift(keys []string, text []rune) (recorded string, ok bool) {
	if len(keys) != len(text) {
		return "", false
	}
	for i, character := range text {
		code := strings.TrimPrefix(keys[i], "+")
		if keypad[code] == character {
			continue
		}
		pressed, isKey := k.pressed(character)
		if !isKey || pressed.place != slices.Index(keyCodes, code) {
			return "", false
		}
		if keys[i] = code; pressed.shift == 1 {
			keys[i] = "+" + code
		}
	}
	return strings.Join(keys, " "), true
}

// device returns the layout by which the strokes give the scan, and whether Caps Lock was on.
func (s Scan) device(strokes []stroke) (l Layout, capsLock bool) {
	for _, layout := range Layouts {
		switch k := keyboards[layout]; {
		case k.text(strokes, false) == s.Text:
			return layout, false
		case s.writtenBy(k, strokes):
			return layout, true
		}
	}
	return "", s.CapsLock == On
}

// writtenBy reports whether the strokes write the scan on this keyboard, with Caps Lock or without.
func (s Scan) writtenBy(k keyboard, strokes []stroke) bool {
	plain := k.text(strokes, false)
	return plain == s.Text || s.CapsLock != Off && (swapCase(plain) == s.Text || k.text(strokes, true) == s.Text)
}

// undoLayouts adds what a scanner of one layout typed on a device of another, with Caps Lock or without. Either has the
// US layout: one of the two was set up, and the other was not. Caps Lock turns letters over, or locks Shift.
//
// Czech and Slovak devices have Shift for digits, and letters in their places. Where keys are not seen, each digit would
// be doubtful anywhere. So of these layouts only what changes all digits is undone, and it proves nothing: see isProven.
func (s Scan) undoLayouts(letters string, add func(undoneText)) {
	for _, layout := range Layouts[1:] {
		toUS, fromUS := Undone{Device: layout, Scanner: US}, Undone{Device: US, Scanner: layout}
		if layout.shiftsDigits() {
			add(change{toUS, s.Text, false}.undo(false, false))
			continue
		}
		all := []change{{toUS, s.Text, false}, {fromUS, s.Text, false}}
		if s.CapsLock != Off {
			toUS.CapsLock, fromUS.CapsLock = true, true
			all = append(all, change{toUS, letters, false}, change{toUS, s.Text, true})
			if s.Typed {
				all = append(all, change{Undone{CapsLock: true, Device: layout, Scanner: layout}, s.Text, true})
			}
			all = append(all, change{fromUS, letters, false})
		}
		for _, keypad := range []bool{false, true} {
			for _, c := range all {
				add(c.undo(keypad, s.Typed))
			}
		}
	}
}

// change is what a keyboard may have done to a text.
type change struct {
	undone    Undone
	text      string
	shiftLock bool
}

// undo returns the text before the change. Where a keypad wrote digits, others may have been written by other keys.
func (c change) undo(digitsByKeypad, isTyped bool) undoneText {
	device, scanner := keyboards[c.undone.Device], keyboards[c.undone.Scanner]
	before := undoneText{text: scanner.text(device.keys(c.text, digitsByKeypad), c.shiftLock), undone: c.undone}
	if !before.undone.changesLayout() {
		before.undone.Device, before.undone.Scanner = "", ""
	}
	if digitsByKeypad && isTyped {
		before.mark = func(digit rune) string { return scanner.text(device.keys(string(digit), false), c.shiftLock) }
	}
	return before
}
