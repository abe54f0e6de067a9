package gs1

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A typed scan has two witnesses: its keys are what the scanner pressed, and its text is what the device made of them.
// A scanner types as on a US keyboard, or as on that of its device. So the barcode is what the keys write on a US
// keyboard, or what they write on the device's. That holds only if the keys do write the text on a keyboard: otherwise
// some were not seen, or the keyboard is not known, and nothing about the scan is certain.

// keypad are the keys that write the same in all layouts, and GS.
var keypad = map[string]rune{
	"Numpad0": '0', "Numpad1": '1', "Numpad2": '2', "Numpad3": '3', "Numpad4": '4', "Numpad5": '5', "Numpad6": '6',
	"Numpad7": '7', "Numpad8": '8', "Numpad9": '9', "NumpadAdd": '+', "NumpadSubtract": '-', "NumpadMultiply": '*',
	"NumpadDivide": '/', "Space": ' ', "GS": rune(separator[0]),
}

// parseStrokes reads the keys that a page recorded: their codes with spaces between them, "+" before those with Shift,
// "GS" for a separator, and "=" with a number for a character that came without a key, or by AltGr. ok is false if one
// of them is no key that writes.
func parseStrokes(recorded string) (all []stroke, ok bool) {
	for word := range strings.FieldsSeq(recorded) {
		s, ok := parseStroke(word)
		if !ok {
			return nil, false
		}
		all = append(all, s)
	}
	return all, true
}

func parseStroke(word string) (s stroke, ok bool) {
	if number, isCharacter := strings.CutPrefix(word, "="); isCharacter {
		character, err := strconv.ParseInt(number, 16, 32)
		return stroke{character: rune(character)}, err == nil && character > 0
	}
	code, isShifted := strings.CutPrefix(word, "+")
	if character, ok := keypad[code]; ok {
		return stroke{character: character}, true
	}
	s.known = true
	if isShifted {
		s.shift = 1
	}
	s.place = slices.Index(keyCodes, code)
	return s, s.place >= 0
}

// outcome is how strokes write a text.
type outcome int8

const (
	never    outcome = iota
	withLoss         // some of them are missing in it
	whole
)

// maxMissing is how many characters a text may have less than strokes.
const maxMissing = 20

// writes returns how strokes write a text on this keyboard. A dead key makes one character with the key after it, or
// stands as its accent, or is lost, in some systems with the key after it.
func (k keyboard) writes(strokes []stroke, l lock, text []rune) outcome {
	missing := len(strokes) - len(text)
	if missing < 0 || missing > maxMissing {
		return never
	}
	// How the first strokes can have written a text with so many characters less.
	can := make([][maxMissing + 1]outcome, len(strokes)+2)
	reach := func(n, less int, how outcome) {
		if less <= missing {
			can[n][less] = max(can[n][less], how)
		}
	}
	reach(0, 0, whole)
	for n, s := range strokes {
		character := k.character(s, l)
		accent := accents[character]
		for less, how := range can[n][:missing+1] {
			place := n - less
			if how == never || place < 0 {
				continue
			}
			isNext := func(written rune) bool { return written != 0 && place < len(text) && text[place] == written }
			if isNext(character) {
				reach(n+1, less, how)
			}
			if character == 0 || accent != 0 {
				reach(n+1, less+1, withLoss)
			}
			if accent == 0 || n+1 == len(strokes) {
				continue
			}
			reach(n+2, less+2, withLoss)
			if isNext(composed(k.character(strokes[n+1], l), character)) {
				reach(n+2, less+1, how)
			}
		}
	}
	return can[len(strokes)][missing]
}

// mayHide reports whether strokes write a text on this keyboard if some of its characters came without any: those that
// no key writes but by AltGr. Then a dead key that was lost hides that the page did not see another one. A scanner that
// types by AltGr is set to this keyboard, so that what was lost is of the barcode: an accent of ASCII.
func (k keyboard) mayHide(strokes []stroke, l lock, text []rune) bool {
	isHidden := make([]bool, len(text))
	for i, written := range text {
		_, hasKey := k.pressed(written)
		_, _, isAccented := apart(written)
		isHidden[i] = !hasKey && !isAccented && !isOfKeypad(written)
	}
	if !slices.Contains(isHidden, true) {
		return false
	}
	// How the first strokes can have written the first characters: with all of them seen, or not.
	const seen, hidden = 1, 2
	can := make([][]int8, len(strokes)+2)
	for n := range can {
		can[n] = make([]int8, len(text)+1)
	}
	can[0][0] = seen
	for n := range len(strokes) + 1 {
		for m := range len(text) + 1 {
			how := can[n][m]
			if how == 0 {
				continue
			}
			if m < len(text) && isHidden[m] {
				can[n][m+1] |= hidden
			}
			if n == len(strokes) {
				continue
			}
			isNext := func(written rune) bool { return written != 0 && m < len(text) && text[m] == written }
			character := k.character(strokes[n], l)
			isDead := accents[character] != 0 && character < utf8.RuneSelf
			if isNext(character) {
				can[n+1][m+1] |= how
			}
			if isDead {
				can[n+1][m] |= how
			}
			if !isDead || n+1 == len(strokes) {
				continue
			}
			can[n+2][m] |= how
			if isNext(composed(k.character(strokes[n+1], l), character)) {
				can[n+2][m+1] |= how
			}
		}
	}
	return can[len(strokes)][len(text)]&hidden != 0
}

func isOfKeypad(written rune) bool {
	for _, character := range keypad {
		if character == written {
			return true
		}
	}
	return false
}

// seen is what the keys of a scan show of it.
type seen struct {
	strokes []stroke
	device  Layout   // Unseen if no keys came, Other if they write the text on no keyboard
	lock    lock     // of that device
	writers []Layout // all layouts on which they write the text
	isLost  bool     // some of them are missing in the text
	isWhole bool     // there are as many as characters
	// isDoubtful is true if they write the text on one keyboard, and on another one if the page did not see them all.
	isDoubtful bool
}

// look returns what the keys of the scan show. Where they write the text on several keyboards, it is that of the test,
// or the first on which nothing is lost.
func (s Scan) look() seen {
	if s.Keys == "" {
		return seen{device: Unseen}
	}
	strokes, ok := parseStrokes(s.Keys)
	if !ok {
		return seen{device: Other}
	}
	text := []rune(s.Text)
	found := seen{strokes: strokes, device: Other, isWhole: len(strokes) == len(text)}
	best := never
	for _, layout := range append([]Layout{s.Test.Device}, Layouts...) {
		k, ok := keyboards[layout]
		if !ok {
			continue
		}
		for _, l := range s.locks() {
			how := k.writes(strokes, l, text)
			if how != never {
				found.writers = append(found.writers, layout)
			}
			if how > best {
				best, found.device, found.lock = how, layout, l
			}
		}
	}
	found.isLost = best == withLoss
	if found.device != Other && found.device != s.Test.Device {
		found.isDoubtful = slices.ContainsFunc(Layouts, func(layout Layout) bool {
			return layout != found.device && slices.ContainsFunc(s.locks(), func(l lock) bool {
				return keyboards[layout].mayHide(strokes, l, text)
			})
		})
	}
	return found
}

// locks returns what Caps Lock may have done.
func (s Scan) locks() []lock {
	if s.CapsLock == Off {
		return []lock{noLock}
	}
	return []lock{noLock, letterLock, shiftLock}
}

// isOfProgram reports whether a program typed the scan, as those beside some scanners do: it tells of no Shift, so the
// keys write the text only if there was one. No keyboard changed what it typed, and it knows nothing of Caps Lock.
func (s Scan) isOfProgram(keys seen) bool {
	text := []rune(s.Text)
	if keys.device != Other || len(keys.strokes) != len(text) || s.CapsLock == On || strings.Contains(s.Keys, "+") {
		return false
	}
	for i, stroke := range keys.strokes {
		us := keyboards[US]
		if us.character(stroke, noLock) != text[i] && us.character(stroke, shiftLock) != text[i] {
			return false
		}
	}
	return true
}

// say reports whether the keys say a reading: the scanner has the US layout or that of the device.
func (k seen) say(c Candidate) bool {
	scanner := c.Undone.Scanner
	return k.device != Unseen && (scanner == US || slices.Contains(k.writers, scanner))
}
