package manufacturer

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"lineboard/internal/secret"
)

// A piece of a credential is hidden like the credential: pieceSize bytes in a row, or the whole of a shorter one.
// Pieces shorter than minPiece look like ordinary words and stay.
const (
	pieceSize = 8
	minPiece  = 4
)

// maxMessage is the longest message that is kept, in characters.
const maxMessage = 2000

// jwt matches what looks like a token, or like the start of one.
var jwt = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*){0,2}`)

// scrubber removes credentials, and pieces of them, from texts of the remote side or the transport. Both may repeat
// what was sent.
type scrubber map[string]struct{}

func newScrubber(credentials ...secret.Text) scrubber {
	s := scrubber{}
	for _, credential := range credentials {
		s.learn(credential)
	}
	return s
}

// learn adds a credential as it is, as in JSON and as in URLs.
func (s scrubber) learn(credential secret.Text) {
	plain := credential.Reveal()
	quoted, _ := json.Marshal(plain) // a string always has JSON
	forms := []string{plain, strings.Trim(string(quoted), `"`), url.QueryEscape(plain), url.PathEscape(plain)}
	for _, form := range forms {
		size := min(pieceSize, len(form))
		if size < minPiece {
			continue
		}
		for i := range len(form) - size + 1 {
			s[form[i:i+size]] = struct{}{}
		}
	}
}

// clean returns a text of at most maxMessage characters, without credentials. token is the token of the call.
func (s scrubber) clean(text string, token secret.Text) string {
	// It is cut to twice the size before the search, so that no half of a credential stands at the end.
	text = strings.ToValidUTF8(firstRunes(text, 2*maxMessage), "\ufffd")
	tokenOnly := newScrubber(token)
	text = s.hide(text)
	text = tokenOnly.hide(text)
	text = jwt.ReplaceAllString(text, hidden)
	return firstRunes(strings.TrimSpace(text), maxMessage)
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

// secretEnd returns where the credential at i ends, or i if there is none. Pieces that overlap or touch are one.
func (s scrubber) secretEnd(text string, i int) int {
	end := i
	for at := i; at <= end && at < len(text); at++ {
		for size := pieceSize; size >= minPiece; size-- {
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
