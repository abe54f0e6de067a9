package manufacturer

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"lineboard/internal/secret"
)

// A piece of a credential counts as the credential: pieceSize characters in a row, or the whole of a shorter one. What is
// shorter than pieceMin can't be told from ordinary words and is left.
const (
	pieceSize = 8
	pieceMin  = 4
)

// messageSize is the longest message that is kept, in characters.
const messageSize = 2000

// jwt is what looks like a token, or begins like one, whoever's it is.
var jwt = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*){0,2}`)

// scrubber takes credentials, and pieces of them, out of texts that the remote side or the transport wrote: either may
// repeat what it was sent.
type scrubber map[string]struct{}

func newScrubber(credentials ...secret.Text) scrubber {
	s := scrubber{}
	for _, credential := range credentials {
		s.learn(credential)
	}
	return s
}

// learn knows a credential as it is, in JSON and in URLs.
func (s scrubber) learn(credential secret.Text) {
	plain := credential.Reveal()
	quoted, _ := json.Marshal(plain) // a string always has JSON
	for _, form := range []string{plain, strings.Trim(string(quoted), `"`), url.QueryEscape(plain), url.PathEscape(plain)} {
		size := min(pieceSize, len(form))
		if size < pieceMin {
			continue
		}
		for i := range len(form) - size + 1 {
			s[form[i:i+size]] = struct{}{}
		}
	}
}

// clean is text without credentials and of at most messageSize characters. The token is the one that went with the call.
func (s scrubber) clean(text string, token secret.Text) string {
	// A longer text is cut before it is searched; twice the size leaves no half of a credential at the end.
	text = strings.ToValidUTF8(firstRunes(text, 2*messageSize), "\ufffd")
	tokenOnly := newScrubber(token)
	text = s.hide(text)
	text = tokenOnly.hide(text)
	text = jwt.ReplaceAllString(text, hidden)
	return firstRunes(strings.TrimSpace(text), messageSize)
}

const hidden = "[secret]"

func (s scrubber) hide(text string) string {
	var b strings.Builder
	kept := 0 // all before it is written
	for i := 0; i < len(text); {
		end := s.secretEnd(text, i)
		if end == i {
			i++
			continue
		}
		b.WriteString(text[kept:i])
		b.WriteString(hidden)
		i, kept = end, end
	}
	b.WriteString(text[kept:])
	return b.String()
}

// secretEnd is where the credential ends that begins at i: pieces that overlap or touch are one.
func (s scrubber) secretEnd(text string, i int) int {
	end := i
	for at := i; at <= end && at < len(text); at++ {
		for size := pieceSize; size >= pieceMin; size-- {
			if at+size > len(text) {
				continue
			}
			if _, known := s[text[at:at+size]]; known {
				end = max(end, at+size)
				break
			}
		}
	}
	return end
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
