package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A trace of a credential is hidden like the credential: traceSize bytes in a row, or the whole of a shorter one. Those
// shorter than minTrace look like ordinary words and stay.
const (
	traceSize = 8
	minTrace  = 4
)

// A long text is searched in windows, which overlap by more than a trace takes in any form.
const (
	windowSize = 1 << 20
	overlap    = 1 << 10
)

// maxEscapes is how often a text is unescaped, such as JSON that stands in JSON.
const maxEscapes = 4

// Hide returns a text with each trace of known credentials replaced, and what alike matches, nil for nothing. Traces
// that overlap or touch are one. held says that there was a trace.
func Hide(text []byte, known []*Traces, alike *regexp.Regexp) (clean []byte, held bool) {
	var found, matched []span
	for from := 0; from < len(text); from += windowSize - overlap {
		v := plainView(text[from:min(from+windowSize, len(text))], from)
		for range maxEscapes {
			for _, t := range known {
				found = t.find(v, found)
			}
			if alike != nil {
				for _, at := range alike.FindAllIndex(v.text, -1) {
					matched = append(matched, span{v.start(at[0]), v.end(at[1] - 1)})
				}
			}
			unescaped, differs := v.unescape()
			if !differs {
				break
			}
			v = unescaped
		}
		if from+windowSize >= len(text) {
			break
		}
	}
	held = len(found) > 0
	if found = append(found, matched...); len(found) == 0 {
		return text, false
	}
	return replaced(text, found), held
}

// HideIn returns what another machine said without the credentials that it may repeat.
func HideIn(said string, credentials ...Text) string {
	var known []*Traces
	for _, credential := range credentials {
		if t := TracesOf(credential); t != nil {
			known = append(known, t)
		}
	}
	clean, _ := Hide([]byte(said), known, nil)
	return string(clean)
}

// span is a part of a text, from start up to end.
type span struct{ start, end int }

func replaced(text []byte, spans []span) []byte {
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	var b bytes.Buffer
	kept := 0 // all before it is written
	for i := 0; i < len(spans); {
		start, end := spans[i].start, spans[i].end
		for i++; i < len(spans) && spans[i].start <= end; i++ {
			end = max(end, spans[i].end)
		}
		b.Write(text[kept:start])
		b.WriteString(redacted)
		kept = end
	}
	b.Write(text[kept:])
	return b.Bytes()
}

// Traces are the parts of one credential, in the forms that it may be repeated in.
type Traces struct {
	whole string
	set   map[string]struct{}
	pairs [1 << 16]bool // how traces begin: most places of a text are ruled out by that
	sizes []int         // of traces, the longest first
}

// TracesOf returns the traces of a credential as it is, in capital and small letters, in JSON, in URLs, in base64 and
// in hexadecimal digits. It returns nil for one that is too short to be told from other text.
func TracesOf(credential Text) *Traces {
	plain := credential.Reveal()
	if len(plain) < minTrace {
		return nil
	}
	t := &Traces{whole: plain, set: map[string]struct{}{}}
	quoted, _ := json.Marshal(plain) // a string always has JSON
	forms := []string{
		plain, strings.ToUpper(plain), strings.ToLower(plain), strings.Trim(string(quoted), `"`),
		url.QueryEscape(plain), url.PathEscape(plain), strings.ReplaceAll(plain, " ", "+"),
		hex.EncodeToString([]byte(plain)), strings.ToUpper(hex.EncodeToString([]byte(plain))),
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 { // bytes of another text that share its first characters
			forms = append(
				forms,
				withoutEnds(encoding.EncodeToString([]byte(strings.Repeat("x", before)+plain)), before, len(plain)),
			)
		}
	}
	for _, form := range forms {
		size := min(traceSize, len(form))
		if size < minTrace {
			continue
		}
		for i := range len(form) - size + 1 {
			t.set[form[i:i+size]] = struct{}{}
			t.pairs[pair(form[i], form[i+1])] = true
		}
		if !slices.Contains(t.sizes, size) {
			t.sizes = append(t.sizes, size)
		}
	}
	slices.SortFunc(t.sizes, func(a, b int) int { return b - a })
	return t
}

// IsIn reports whether a text holds the whole credential as it is. One that is shorter than a trace looks like any
// text.
func (t *Traces) IsIn(text string) bool {
	return len(t.whole) >= traceSize && len(text) >= len(t.whole) && strings.Contains(text, t.whole)
}

// withoutEnds drops the characters of base64 that depend on what stands before and after.
func withoutEnds(encoded string, before, size int) string {
	if (before+size)%3 != 0 {
		encoded = encoded[:len(encoded)-1]
	}
	return encoded[(8*before+5)/6:]
}

func pair(a, b byte) int { return int(a)<<8 | int(b) }

// find adds where traces stand.
func (t *Traces) find(v view, found []span) []span {
	for i := range len(v.text) - 1 {
		if !t.pairs[pair(v.text[i], v.text[i+1])] {
			continue
		}
		for _, size := range t.sizes {
			if i+size > len(v.text) {
				continue
			}
			if _, known := t.set[string(v.text[i:i+size])]; known {
				found = append(found, span{v.start(i), v.end(i + size - 1)})
				break
			}
		}
	}
	return found
}
