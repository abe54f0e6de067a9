package gs1

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Keys returns the keys that write a text on a device, as a page records them.
func Keys(device Layout, text string) string { return record(keyboards[device].keys(text, false)) }

func record(strokes []stroke) string {
	var words []string
	for _, s := range strokes {
		switch {
		case !s.known && s.character >= '0' && s.character <= '9':
			words = append(words, "Numpad"+string(s.character))
		case !s.known && s.character == '\x1d':
			words = append(words, "GS")
		case !s.known && s.character == ' ':
			words = append(words, "Space")
		case !s.known:
			words = append(words, fmt.Sprintf("=%x", s.character))
		case s.shift == 1:
			words = append(words, "+"+keyCodes[s.place])
		default:
			words = append(words, keyCodes[s.place])
		}
	}
	return strings.Join(words, " ")
}

// Identifiers are all application identifiers.
func Identifiers() []string { return slices.Collect(maps.Keys(formats)) }

// Typing is how a scanner types on a device.
type Typing struct {
	Scanner, Device Layout
	Lock            string // Caps Lock: "off", or it turns "letters" over, or locks "shift"
	Keypad          bool   // digits come by the keys of a keypad
	// Dead is what a dead key does that makes no character with the next one: it "stands" as its accent, is "lost", or
	// is lost "with the next". If empty, no key is dead.
	Dead string
	// HidesAltGr is true if the page does not see what comes by AltGr or without a key.
	HidesAltGr bool
}

var locks = map[string]lock{"off": noLock, "letters": letterLock, "shift": shiftLock}

// dead are the accents that dead keys write. Of the US keyboard they are those of its international form.
var dead = map[Layout]string{
	US: "`^~", German: "^´`", SwissGerman: "^`¨", SwissFrench: "^`¨", French: "^¨", Belgian: "^¨", Spanish: "`^´¨",
	Swedish: "´`¨^", Danish: "´`¨^", Norwegian: "`¨^", Portuguese: "´`~^", Czech: "´ˇ¨°", Slovak: "´ˇ°",
	Slovenian: "¸¨", Turkish: "^", LatinAmer: "´¨", Brazilian: "´`~^¨",
}

// Scan returns what a page sees of a text that is typed.
func (t Typing) Scan(text string) Scan {
	strokes := keyboards[t.Scanner].keys(text, t.Keypad)
	s := Scan{Text: t.write(strokes), Keys: record(strokes), CapsLock: On, Typed: true}
	if t.Lock == "off" {
		s.CapsLock = Off
	}
	if t.HidesAltGr {
		isHidden := func(word string) bool { return strings.HasPrefix(word, "=") }
		s.Keys = strings.Join(slices.DeleteFunc(strings.Fields(s.Keys), isHidden), " ")
	}
	return s
}

// write returns what the device makes of strokes.
func (t Typing) write(strokes []stroke) string {
	var written strings.Builder
	for i := 0; i < len(strokes); i++ {
		character := keyboards[t.Device].character(strokes[i], locks[t.Lock])
		if t.Dead != "" && strokes[i].known && strings.ContainsRune(dead[t.Device], character) {
			var next rune
			if i+1 < len(strokes) {
				next = keyboards[t.Device].character(strokes[i+1], locks[t.Lock])
			}
			made := composed(next, character)
			switch {
			case made != 0:
				character, i = made, i+1
			case t.Dead == "lost":
				continue
			case t.Dead == "with the next":
				i++
				continue
			}
		}
		if character != 0 {
			written.WriteRune(character)
		}
	}
	return written.String()
}
