package packaging

import (
	"cmp"
	"strings"
)

// Naturally compares codes and names as people do: L2 comes before L10. Capitals decide only between what is alike
// otherwise, so that no two differ and are equal.
func Naturally(a, b string) int {
	x, y := strings.ToLower(a), strings.ToLower(b)
	for x != "" && y != "" {
		var p, q string
		p, x = cutPart(x)
		q, y = cutPart(y)
		if order := compareParts(p, q); order != 0 {
			return order
		}
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// cutPart cuts what a text begins with: a number, or a character.
func cutPart(text string) (part, rest string) {
	end := 1
	for isDigit(text[0]) && end < len(text) && isDigit(text[end]) {
		end++
	}
	return text[:end], text[end:]
}

// compareParts compares numbers by their value, however long they are, and anything else by its bytes.
func compareParts(p, q string) int {
	if isDigit(p[0]) && isDigit(q[0]) {
		p, q = strings.TrimLeft(p, "0"), strings.TrimLeft(q, "0")
		return cmp.Or(cmp.Compare(len(p), len(q)), strings.Compare(p, q))
	}
	return strings.Compare(p, q)
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
