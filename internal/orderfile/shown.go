package orderfile

import (
	"regexp"
	"slices"
	"strings"
)

// formatPart matches a part of a number format: a text, places for digits, or what shows nothing by itself.
var formatPart = regexp.MustCompile(`^(?:"([^"]*)"|\\(.)|([-+/():!^&'~{}<>= ])|(0+|#+|General)|[_*].|\[[^\]]*\])`)

// shownPart is a text of a number format, or a place for a digit.
type shownPart struct {
	text  string
	place rune // '0' for a place that is always shown, '#' for one that is not; 0 for a text
}

// shownAs returns a whole number as a format of zeros and texts shows it, such as WO-000123. It returns "" for a format
// that shows a number in another way.
func shownAs(format, digits string) string {
	var parts []shownPart
	format, _, _ = strings.Cut(format, ";")
	for format != "" {
		part := formatPart.FindStringSubmatch(format)
		if part == nil {
			return ""
		}
		format = format[len(part[0]):]
		if text := part[1] + part[2] + part[3]; text != "" {
			parts = append(parts, shownPart{text: text})
		}
		if part[4] == "General" {
			part[4] = "0"
		}
		for _, place := range part[4] {
			parts = append(parts, shownPart{place: place})
		}
	}
	first := slices.IndexFunc(parts, func(p shownPart) bool { return p.place != 0 })
	if first < 0 {
		return ""
	}
	return filled(parts, first, digits)
}

// filled puts digits into their places from the right. Those for which there is no place stand before the first one.
func filled(parts []shownPart, first int, digits string) string {
	shown := ""
	for i, p := range slices.Backward(parts) {
		switch left := len(digits); {
		case p.place == 0:
			shown = p.text + shown
		case i == first && left > 0:
			shown = digits + shown
		case left > 0:
			digits, shown = digits[:left-1], digits[left-1:]+shown
		case p.place == '0':
			shown = "0" + shown
		}
	}
	return shown
}
