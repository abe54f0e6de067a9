package gs1

import "strings"

// Keys returns the keys that write a text on a device, as a page records them.
func Keys(device Layout, text string) string { return record(keyboards[device].keys(text)) }

func record(strokes []stroke) string {
	var words []string
	for _, s := range strokes {
		switch {
		case !s.known:
			words = append(words, "GS")
		case s.shift == 1:
			words = append(words, "+"+keyCodes[s.place])
		default:
			words = append(words, keyCodes[s.place])
		}
	}
	return strings.Join(words, " ")
}

// Typed returns what a page sees of a text that a US scanner types on a device. Caps Lock is "off", turns "letters" over, or
// locks "shift".
func Typed(device Layout, lock, text string) Scan {
	strokes := keyboards[US].keys(text)
	s := Scan{Text: keyboards[device].text(strokes, lock == "shift"), Keys: record(strokes), CapsLock: On}
	switch lock {
	case "letters":
		s.Text = swapCase(s.Text)
	case "off":
		s.CapsLock = Off
	}
	return s
}
