package shell

import "testing"

func TestAnOrderIDShowsWhatNobodyWouldSee(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"Order143":               "Order143",
		"Order 143 é 漢字 🧪":       "Order 143 é 漢字 🧪",
		"Order143\u200b":         "Order143[U+200B]",
		"\u202e341redrO":         "[U+202E]341redrO",
		" Order  143 ":           "␣Order ␣143␣",
		"Order\u00a0143\t\u3164": "Order[U+00A0]143[U+0009][U+3164]",
	} {
		if got := OrderID(key); got != want {
			t.Errorf("%q shows as %q, want %q", key, got, want)
		}
	}
}
