package packaging_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

func TestCodesAndNamesStandAsPeopleCount(t *testing.T) {
	t.Parallel()
	want := []string{
		"", "-1", "02", "2", "10", "99999999999999999999999", "100000000000000000000000", "BL", "BL-07", "BL-7-a", "BL-8",
		"L", "L1", "l1", "L1a", "L2", "L2 b", "L10", "L10-2", "L10-11", "Line 3 of 12", "Line 12 of 3",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, packaging.Naturally)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Any order of three must follow from that of its pairs, or SQLite would lose rows.
func FuzzTheOrderOfCodesIsOne(f *testing.F) {
	f.Add("L1", "L01", "l1")
	f.Add("a1", "ab", "a-")
	f.Add("", "0", "00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if packaging.Naturally(a, b) != -packaging.Naturally(b, a) {
			t.Errorf("%q and %q: both come first", a, b)
		}
		if (packaging.Naturally(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q: equal or not", a, b)
		}
		if packaging.Naturally(a, b) <= 0 && packaging.Naturally(b, c) <= 0 && packaging.Naturally(a, c) > 0 {
			t.Errorf("%q, %q, %q: not in one order", a, b, c)
		}
	})
}
