package orders

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSerialsAreGroupedForTheEyeAlone(t *testing.T) {
	for serial, want := range map[string][]string{
		"4YSr5oYFKHwP": {"4YSr", "5oYF", "KHwP"},
		"abc":          {"abc"},
		"abcd":         {"abcd"},
		"abcde":        {"abcd", "e"},
		"äöü€ß":        {"äöü€", "ß"},
		"":             {""},
	} {
		got := groupsOf4(serial)
		if diff := cmp.Diff(want, got); diff != "" || strings.Join(got, "") != serial {
			t.Errorf("%q (-want +got)\n%s", serial, diff)
		}
	}
}
