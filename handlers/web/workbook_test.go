package web_test

import (
	"strings"
	"testing"

	"lineboard/handlers/web"
)

func TestACellHoldsOnlyWhatAWorkbookCanKeepAsItIs(t *testing.T) {
	for text, want := range map[string]bool{
		"":                          true,
		"(01)09506000134352 é 漢 😀":  true,
		"a tab\tand a line\nmore":   true,
		"a return\r":                false,
		"a separator\x1d":           false,
		"no character \ufffe":       false,
		"no character \uffff":       false,
		"what was no text \ufffd":   false,
		strings.Repeat("a", 32_767): true,
		strings.Repeat("a", 32_768): false,
		strings.Repeat("😀", 16_383): true,
		strings.Repeat("😀", 16_384): false,
	} {
		if got := web.FitsCell(text); got != want {
			t.Errorf("%.40q of %d bytes fits: %v", text, len(text), got)
		}
	}
}
