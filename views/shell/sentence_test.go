package shell

import (
	"strings"
	"testing"
)

func TestAnIDOrADateInASentenceStaysOnOneLine(t *testing.T) {
	t.Parallel()
	for sentence, want := range map[string]string{
		"Known: this pack belongs to PO-2026-119102.": `Known: this pack belongs to <span class="whole">PO-2026-119102.</span>`,
		"A&B <b>":                 "A&amp;B &lt;b&gt;",
		"hand-over of  2 lines":   "hand-over of  2 lines",
		strings.Repeat("PO-1", 6): strings.Repeat("PO-1", 6),
	} {
		var shown strings.Builder
		if err := Sentence(sentence).Render(t.Context(), &shown); err != nil {
			t.Fatal(err)
		}
		if shown.String() != want {
			t.Errorf("%q shows as %q, want %q", sentence, shown.String(), want)
		}
	}
}
