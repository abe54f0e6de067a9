package shell

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"
)

var wordForm = regexp.MustCompile(`\S+`)

// Sentence shows a text whose IDs and dates stay whole where a row has room for them: a browser breaks a line after
// each of their hyphens.
func Sentence(text string) templ.Component {
	return templ.Raw(wordForm.ReplaceAllStringFunc(text, func(w string) string {
		if isWhole(w) {
			return `<span class="whole">` + templ.EscapeString(w) + `</span>`
		}
		return templ.EscapeString(w)
	}))
}

// isWhole says whether a word has digits and hyphens, and no more characters than a row shows of an ID, with a bracket
// or a full stop at both ends.
func isWhole(w string) bool {
	return strings.Contains(w, "-") && strings.ContainsAny(w, "0123456789") && utf8.RuneCountInString(w) <= maxShownID+2
}
