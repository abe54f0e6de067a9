package manufacturer

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lineboard/internal/packaging"
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

// maxTokens is how many dynamic tokens are known at once: the API may repeat one that it has just rejected.
const maxTokens = 3

const hidden = "[secret]"

var (
	// jwt matches what looks like a token, or like the start of one.
	jwt = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*){0,2}`)
	// wholeJWT needs more of a token: in a list of serial numbers, one may begin like a token.
	wholeJWT = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]{4,})(\.[\w-]*)?`)
)

// scrubber removes credentials, and pieces of them, from texts of the remote side or the transport. Both may repeat
// what was sent, in whatever form. Facts and serial numbers are read before, and stay exact. It is safe for concurrent
// use.
type scrubber struct {
	now func() time.Time

	mu     sync.Mutex
	known  []*pieces // of the credentials that are set, and then of the latest tokens
	set    int       // how many of known are of credentials that are set
	echoed time.Time
}

func newScrubber(now func() time.Time, credentials ...secret.Text) *scrubber {
	s := &scrubber{now: now}
	for _, credential := range credentials {
		if len(credential.Reveal()) >= minPiece {
			s.known = append(s.known, piecesOf(credential))
		}
	}
	s.set = len(s.known)
	return s
}

// learn adds a token, and forgets the oldest of many.
func (s *scrubber) learn(token secret.Text) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(token.Reveal()) < minPiece {
		return
	}
	if len(s.known) == s.set+maxTokens {
		s.known = slices.Delete(s.known, s.set, s.set+1)
	}
	s.known = append(s.known, piecesOf(token))
}

// hides returns the known credentials. They never change.
func (s *scrubber) hides() []*pieces {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.known)
}

// tell notes that an answer held a credential.
func (s *scrubber) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echoed = s.now()
}

// lastEcho returns when an answer last held a credential, zero for never.
func (s *scrubber) lastEcho() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.echoed
}

// message returns a text of at most maxMessage characters, without credentials.
func (s *scrubber) message(text string) string {
	// It is cut to twice the size before the search, so that no half of a credential stands at the end.
	text = strings.ToValidUTF8(firstRunes(text, 2*maxMessage), "\ufffd")
	text = string(s.hide([]byte(text), jwt))
	return firstRunes(strings.TrimSpace(text), maxMessage)
}

// body returns what is kept of an answer, whole but for credentials. JSON stays JSON.
func (s *scrubber) body(body []byte) []byte {
	return s.hide(body, wholeJWT)
}

// facts returns what leaves of an order: exact facts, and its JSON without credentials. It notes serial numbers and
// facts that hold a credential.
func (s *scrubber) facts(f packaging.Facts) packaging.Facts {
	f.Raw = s.body(f.Raw)
	f.Leaks = s.leaks(f.Serials)
	s.leaks([]string{
		f.Key, f.LineCode, f.LineName, f.Product, f.GTIN, f.Lot, f.Expiry, f.Quantity, f.ExtraPercent, string(f.Status),
	})
	return f
}

// leaks returns how many texts hold a whole credential. Shorter ones than a piece look like any text.
func (s *scrubber) leaks(texts []string) (n int64) {
	known := s.hides()
	for _, text := range texts {
		if slices.ContainsFunc(known, func(p *pieces) bool {
			return len(p.whole) >= pieceSize && len(text) >= len(p.whole) && strings.Contains(text, p.whole)
		}) {
			n++
		}
	}
	if n > 0 {
		s.tell()
	}
	return n
}

// A long text is searched in windows, which overlap by more than a piece takes in any form.
const (
	windowSize = 1 << 20
	overlap    = 1 << 10
)

// maxEscapes is how often a text is unescaped, such as JSON that stands in JSON.
const maxEscapes = 4

// hide returns the text with each credential in it replaced, and what looks like a token. Pieces that overlap or touch
// are one.
func (s *scrubber) hide(text []byte, tokens *regexp.Regexp) []byte {
	known := s.hides()
	var found, alike []span
	for from := 0; from < len(text); from += windowSize - overlap {
		v := plainView(text[from:min(from+windowSize, len(text))], from)
		for range maxEscapes {
			for _, p := range known {
				found = p.find(v, found)
			}
			for _, at := range tokens.FindAllIndex(v.text, -1) {
				alike = append(alike, span{v.start(at[0]), v.end(at[1] - 1)})
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
	if len(found) > 0 {
		s.tell()
	}
	if found = append(found, alike...); len(found) == 0 {
		return text
	}
	return replaced(text, found)
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
		b.WriteString(hidden)
		kept = end
	}
	b.Write(text[kept:])
	return b.Bytes()
}

// pieces are those of one credential, in the forms that it may be repeated in.
type pieces struct {
	whole string
	set   map[string]struct{}
	pairs [1 << 16]bool // how pieces begin: most places of a text are ruled out by that
	sizes []int         // of pieces, the longest first
}

// piecesOf returns the pieces of a credential as it is, in JSON, in URLs, in base64 and in hexadecimal digits.
func piecesOf(credential secret.Text) *pieces {
	plain := credential.Reveal()
	p := &pieces{whole: plain, set: map[string]struct{}{}}
	quoted, _ := json.Marshal(plain) // a string always has JSON
	forms := []string{
		plain, strings.Trim(string(quoted), `"`), url.QueryEscape(plain), url.PathEscape(plain),
		strings.ReplaceAll(plain, " ", "+"),
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
		size := min(pieceSize, len(form))
		if size < minPiece {
			continue
		}
		for i := range len(form) - size + 1 {
			p.set[form[i:i+size]] = struct{}{}
			p.pairs[pair(form[i], form[i+1])] = true
		}
		if !slices.Contains(p.sizes, size) {
			p.sizes = append(p.sizes, size)
		}
	}
	slices.SortFunc(p.sizes, func(a, b int) int { return b - a })
	return p
}

// withoutEnds drops the characters of base64 that depend on what stands before and after.
func withoutEnds(encoded string, before, size int) string {
	if (before+size)%3 != 0 {
		encoded = encoded[:len(encoded)-1]
	}
	return encoded[(8*before+5)/6:]
}

func pair(a, b byte) int { return int(a)<<8 | int(b) }

// find adds where pieces stand.
func (p *pieces) find(v view, found []span) []span {
	for i := range len(v.text) - 1 {
		if !p.pairs[pair(v.text[i], v.text[i+1])] {
			continue
		}
		for _, size := range p.sizes {
			if i+size > len(v.text) {
				continue
			}
			if _, known := p.set[string(v.text[i:i+size])]; known {
				found = append(found, span{v.start(i), v.end(i + size - 1)})
				break
			}
		}
	}
	return found
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
