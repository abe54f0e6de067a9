package packaging_test

import (
	"testing"

	"lineboard/internal/packaging"
)

func TestOrderIDsThatPeopleTakeForEachOtherLookAlike(t *testing.T) {
	for _, pair := range [][2]string{
		{"ORDER-10", "order 10"},
		{"0010447", "10447"},
		{"P0-1", "PO-l"},
		{"Order143", "Оrder143"},
		{"AX-7", "ΑХ-7"},
		{"1000", "100О"},
		{"PO-1", "ＰＯ－１"},
	} {
		if packaging.LookOf(pair[0]) != packaging.LookOf(pair[1]) {
			t.Errorf("%q and %q look different", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"Order143", "Order144"}, {"Ж-1", "X-1"}, {"-", "."}} {
		if packaging.LookOf(pair[0]) == packaging.LookOf(pair[1]) {
			t.Errorf("%q and %q look the same", pair[0], pair[1])
		}
	}
}
