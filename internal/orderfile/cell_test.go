package orderfile

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What an export writes comes back exactly, and no part of it is a formula.
func TestACellComesBackExactlyAndNoPartOfItIsAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("=+-@\t\r\n,;|'\" aé1"))).Draw(t, "text")
		cell := Cell(s)
		if got := PlainCell(cell); got != s {
			t.Fatalf("%q is written as %q and read as %q", s, cell, got)
		}
		for _, separator := range ",;|\t\r\n" {
			for i, part := range strings.Split(cell, string(separator)) {
				part = strings.TrimLeft(part, `" `)
				if part != "" && strings.IndexByte("=+-@", part[0]) >= 0 {
					t.Fatalf("part %d of %q at %q is a formula", i, cell, separator)
				}
			}
		}
	})
}
