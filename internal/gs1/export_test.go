package gs1

import (
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
		case !s.known: // it comes with AltGr, which is not recorded
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
}

// Scan returns what a page sees of a text that is typed.
func (t Typing) Scan(text string) Scan {
	strokes := keyboards[t.Scanner].keys(text, t.Keypad)
	s := Scan{
		Text: keyboards[t.Device].text(strokes, t.Lock == "shift"), Keys: record(strokes), CapsLock: On, Typed: true,
	}
	switch t.Lock {
	case "letters":
		s.Text = swapCase(s.Text)
	case "off":
		s.CapsLock = Off
	}
	return s
}
