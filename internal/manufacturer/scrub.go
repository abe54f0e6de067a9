package manufacturer

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// maxMessage is the longest message that is kept, in characters.
const maxMessage = 2000

// maxRaw is how much is kept of the JSON of an order, in bytes.
const maxRaw = 8 << 20

// maxTokens is how many dynamic tokens are known at once: the API may repeat one that it has just rejected.
const maxTokens = 3

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
	known  []*secret.Traces // of the credentials that are set, and then of the latest tokens
	set    int              // how many of known are of credentials that are set
	echoed time.Time
}

func newScrubber(now func() time.Time, credentials ...secret.Text) *scrubber {
	s := &scrubber{now: now}
	for _, credential := range credentials {
		if traces := secret.TracesOf(credential); traces != nil {
			s.known = append(s.known, traces)
		}
	}
	s.set = len(s.known)
	return s
}

// learn adds a token, and forgets the oldest of many.
func (s *scrubber) learn(token secret.Text) {
	traces := secret.TracesOf(token)
	if traces == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) == s.set+maxTokens {
		s.known = slices.Delete(s.known, s.set, s.set+1)
	}
	s.known = append(s.known, traces)
}

// hides returns the known credentials. They never change.
func (s *scrubber) hides() []*secret.Traces {
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

// element returns what is kept of the JSON of an order. Of a very long one that is its beginning, with a mark: to store
// it takes several times its size.
func (s *scrubber) element(raw []byte) []byte {
	const mark, longest = "…", 1 << 10 // a credential in any form
	if len(raw) <= maxRaw {
		return s.body(raw)
	}
	kept := s.body(raw[:min(len(raw), maxRaw+longest)])
	kept = kept[:min(len(kept), maxRaw)]
	for { // no character is cut
		if r, size := utf8.DecodeLastRune(kept); r != utf8.RuneError || size != 1 {
			break
		}
		kept = kept[:len(kept)-1]
	}
	return append(bytes.Clone(kept), mark...)
}

// hide returns the text without credentials and what looks like a token. It notes that there was a credential.
func (s *scrubber) hide(text []byte, tokens *regexp.Regexp) []byte {
	clean, held := secret.Hide(text, s.hides(), tokens)
	if held {
		s.tell()
	}
	return clean
}

// facts returns what leaves of an order: exact facts, and its JSON without credentials. It notes serial numbers and
// facts that hold a credential.
func (s *scrubber) facts(f packaging.Facts) packaging.Facts {
	f.Raw = s.element(f.Raw)
	f.Leaks = s.leaks(f.Serials)
	s.leaks([]string{
		f.Key, f.LineCode, f.LineName, f.Product, f.GTIN, f.Lot, f.Expiry, f.Quantity, f.ExtraPercent, string(f.Status),
	})
	return f
}

// leaks returns how many texts hold a whole credential.
func (s *scrubber) leaks(texts []string) (n int64) {
	known := s.hides()
	for _, text := range texts {
		if slices.ContainsFunc(known, func(t *secret.Traces) bool { return t.IsIn(text) }) {
			n++
		}
	}
	if n > 0 {
		s.tell()
	}
	return n
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
