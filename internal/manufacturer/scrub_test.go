package manufacturer

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

// forms are the ways in which an API may repeat what it was sent.
var forms = map[string]func(text string) string{
	"plain": func(text string) string { return text },
	"JSON":  jsonOf,
	"JSON in JSON": func(text string) string {
		return jsonOf(`{"sent":` + jsonOf(text) + `}`)
	},
	"JSON with every character escaped": func(text string) string {
		var b strings.Builder
		for _, r := range text {
			fmt.Fprintf(&b, `\u%04X`, r)
		}
		return b.String()
	},
	"a query":     url.QueryEscape,
	"a path":      url.PathEscape,
	"HTML":        html.EscapeString,
	"hexadecimal": func(text string) string { return hex.EncodeToString([]byte(text)) },
	"every byte of a URL escaped": func(text string) string {
		var b strings.Builder
		for i := range len(text) {
			fmt.Fprintf(&b, "%%%02x", text[i])
		}
		return b.String()
	},
	"base64": func(text string) string {
		return base64.StdEncoding.EncodeToString([]byte("user:" +
			text))
	},
	"base64 one byte on": func(text string) string {
		return base64.StdEncoding.EncodeToString(
			[]byte("users:" + text + ";"),
		)
	},
	"base64 two bytes on": func(text string) string {
		return base64.StdEncoding.EncodeToString([]byte("usersx:" +
			text))
	},
	"base64 for URLs":      func(text string) string { return base64.URLEncoding.EncodeToString([]byte(text + "~~~")) },
	"capital letters":      strings.ToUpper,
	"small letters":        strings.ToLower,
	"UTF-16":               func(text string) string { return strings.Join(strings.Split(text, ""), "\x00") + "\x00" },
	"zeros of JSON":        func(text string) string { return strings.Join(strings.Split(text, ""), `\u0000`) },
	"split over fields":    func(text string) string { return text[:len(text)/2] + `","rest":"` + text[len(text)/2:] },
	"beyond the first MiB": func(text string) string { return strings.Repeat(`x\n`, 1<<19) + text },
	"across two windows":   func(text string) string { return strings.Repeat(`y`, 1<<20-1<<10-15) + text },
}

func jsonOf(text string) string {
	quoted, _ := json.Marshal(text) // a string always has JSON
	return string(quoted)
}

// pieceOf returns the eight characters of a credential, in small letters, that a text holds in any form.
func pieceOf(text, credential string) string {
	text, credential = strings.ToLower(text), strings.ToLower(credential)
	for layer := 0; layer < 5; text, layer = unescaped(text), layer+1 {
		for i := range len(credential) - 7 {
			if piece := credential[i : i+8]; strings.Contains(text, piece) {
				return piece
			}
		}
	}
	return ""
}

var escapes = regexp.MustCompile(`\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|\\["\\/n]`)

// unescaped undoes one layer of escapes of JSON, URLs and HTML, and drops zeros.
func unescaped(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	return html.UnescapeString(escapes.ReplaceAllStringFunc(text, func(escape string) string {
		digits := strings.TrimLeft(escape, `%\u`)
		n, err := strconv.ParseUint(digits, 16, 32)
		switch {
		case err != nil || escape[0] == '\\' && escape[1] != 'u':
			return escape[1:]
		case escape[0] == '%':
			return string([]byte{byte(n)})
		}
		return string(rune(n))
	}))
}

// An API may repeat a token that it has just rejected. Tokens come for as long as the program runs.
func TestTheLastTokensAreHiddenAndOlderOnesTakeNoRoom(t *testing.T) {
	s := newScrubber(at(noon), secret.New(canaryChannel))
	token := func(n int) string { return fmt.Sprintf("token-%d-of-the-day", n) }
	for n := range 20 {
		s.learn(secret.New(token(n)))
		for last := max(0, n+1-maxTokens); last <= n; last++ {
			if text := s.message("rejected: " + token(last)); strings.Contains(text, token(last)) {
				t.Errorf("after token %d: %s", n, text)
			}
		}
	}
	if text := s.message("rejected: " + canaryChannel); strings.Contains(text, canaryChannel) {
		t.Errorf("what is set is forgotten: %s", text)
	}
	if len(s.hides()) > 1+maxTokens {
		t.Errorf("it looks for %d credentials in each answer", len(s.hides()))
	}
}

func TestACredentialIsHiddenInWhateverFormItIsRepeated(t *testing.T) {
	thorough.Once(t)
	for name, form := range forms {
		for _, credential := range []string{canaryKey, canarySecret, canaryChannel, canaryStatic} {
			s := newScrubber(at(noon), secret.New(credential))
			kept := string(s.body([]byte(`{"before":"kept","sent":"` + form(credential) + `","after":"kept"}`)))
			if piece := pieceOf(kept, credential); piece != "" {
				t.Errorf("%s of %q: %q is in %.200q", name, credential, piece, kept)
			}
			for _, encoded := range []string{
				base64.RawStdEncoding.EncodeToString([]byte(credential))[:12],
				hex.EncodeToString([]byte(credential))[:16],
			} {
				if strings.Contains(kept, encoded) {
					t.Errorf("%s of %q: %q", name, credential, kept)
				}
			}
			if !strings.HasPrefix(kept, `{"before":"kept","sent":"`) || !strings.HasSuffix(kept, `","after":"kept"}`) {
				t.Errorf("%s: what stands around it is gone: %.100q … %.100q", name, kept, kept[len(kept)-40:])
			}
			if s.lastEcho() != noon {
				t.Errorf("%s: not told", name)
			}
		}
	}
}

func TestWhatIsKeptOfAnAnswerIsElseAsItCame(t *testing.T) {
	s := newScrubber(at(noon), secret.New(canaryChannel))
	body := []byte("{\"a\":\"\\u00e9\\/%41&amp;\\ud83d\",\"serials\":[\"eyJhbGciOiJIUzI1\",\"canaryC\"]}\xff\x00")
	if got := s.body(body); !bytes.Equal(got, body) || !s.lastEcho().IsZero() {
		t.Errorf("%q became %q", body, got)
	}
}

// echoes is an API that repeats headers, address and body of each request in its answer, in every form.
func echoes(t *testing.T, answer func(r *http.Request, echo string) (status int, body string)) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/api_auth" {
			says(200, `{"success":true,"token":"`+canaryToken+`"}`)(w, r)
			return
		}
		var echo strings.Builder
		for name, form := range forms {
			if strings.HasSuffix(name, "MiB") || strings.HasSuffix(name, "windows") {
				continue
			}
			for header, values := range r.Header {
				text := form(strings.Join(values, ","))
				if !strings.Contains(name, "JSON") && name != "split over fields" {
					text = strings.Trim(jsonOf(text), `"`)
				}
				fmt.Fprintf(&echo, `"%s %s":"%s",`, header, strings.ReplaceAll(name, " ", "-"), strings.Trim(text, `"`))
			}
		}
		status, body := answer(r, echo.String())
		says(status, body)(w, r)
	}))
	t.Cleanup(s.Close)
	return newClient(t, canaryConfig(s.URL))
}

func TestAnAPIThatRepeatsItsRequestsPutsNoCredentialIntoWhatIsKept(t *testing.T) {
	c := echoes(t, func(r *http.Request, echo string) (int, string) {
		switch r.URL.Path {
		case prefix + "/packaging_order/release_to_line":
			return 502, `{` + echo + `"message":"no"}`
		case prefix + "/packaging_order/open":
			return 200, `{"success":true,"data":[{` + echo + `"order_id":"O1","product":"Pills"}]}`
		}
		return 200, `{"success":true,"data":{` + echo + `"order_id":"O1","serials":["a","b"]}}`
	})
	a := c.ReleaseToLine(t.Context(), "O1")
	orders, _, err := c.Open(t.Context())
	details, detailsErr := c.Details(t.Context(), "O1")
	if a.Outcome != packaging.Unknown || len(a.Body) < 1000 || err != nil || len(orders) != 1 ||
		orders[0].Product != "Pills" || detailsErr != nil {
		t.Fatalf("%v, %d bytes; %v, %v; %v", a, len(a.Body), orders, err, detailsErr)
	}
	for where, kept := range map[string]string{
		"the body of an unknown release": string(a.Body), "its message": a.Message,
		"an order of the list": string(orders[0].Raw),
		"details":              string(details.Raw),
	} {
		for _, credential := range []string{canaryChannel, canaryToken} {
			if piece := pieceOf(kept, credential); piece != "" {
				t.Errorf("%s has %q of a credential", where, piece)
			}
		}
	}
	if len(details.Serials) != 2 || details.Leaks != 0 || c.Health().Echoed != noon {
		t.Errorf("%v, %d leaks, told %v", details.Serials, details.Leaks, c.Health().Echoed)
	}
}

func TestASerialThatHoldsACredentialStaysExactAndIsTold(t *testing.T) {
	list := `["A1","` + canaryChannel + `","X` + canaryStatic + `"]`
	for _, at := range []string{
		`{"success":true,"data":%s}`, `{"success":true,"data":{"order_id":"Order143","serials":%s}}`,
	} {
		s := httptest.NewServer(says(200, fmt.Sprintf(at, list)))
		defer s.Close()
		config := canaryConfig(s.URL)
		config.TokenKind = Static
		c := newClient(t, config)
		serials, leaks := []string(nil), int64(0)
		if strings.Contains(at, "order_id") {
			details, err := c.Details(t.Context(), "Order143")
			if err != nil {
				t.Fatal(err)
			}
			serials, leaks = details.Serials, details.Leaks
			if findCanary(string(details.Raw)) != "" {
				t.Errorf("the order as it came: %s", details.Raw)
			}
		} else {
			a := c.ReleaseToLine(t.Context(), "Order143")
			serials, leaks = a.Serials, a.Leaks
		}
		if len(serials) != 3 || serials[1] != canaryChannel || serials[2] != "X"+canaryStatic || leaks != 2 ||
			c.Health().Echoed.IsZero() {
			t.Errorf("%q, %d told", serials, leaks)
		}
	}
}

func TestAnAnswerThatHoldsNoCredentialIsNotToldAsOneThatDoes(t *testing.T) {
	s := httptest.NewServer(says(200, `{"success":true,"data":{"order_id":"Order143","lot":"L7","serials":["A1","A2"]}}`))
	defer s.Close()
	config := canaryConfig(s.URL)
	config.TokenKind = Static
	c := newClient(t, config)
	details, err := c.Details(t.Context(), "Order143")
	if err != nil || len(details.Serials) != 2 || details.Leaks != 0 {
		t.Errorf("%q, %d leaks, %v", details.Serials, details.Leaks, err)
	}
	if told := c.Health().Echoed; !told.IsZero() {
		t.Errorf("told %v", told)
	}
}

func TestAFactThatHoldsACredentialStaysExactAndIsTold(t *testing.T) {
	s := httptest.NewServer(
		says(200, `{"success":true,"data":[{"order_id":"O `+canaryChannel+`","lot":"`+canaryChannel+`"}]}`),
	)
	defer s.Close()
	config := canaryConfig(s.URL)
	config.TokenKind = Static
	c := newClient(t, config)
	orders, _, err := c.Open(t.Context())
	if err != nil || len(orders) != 1 || orders[0].Key != "O "+canaryChannel || orders[0].Lot != canaryChannel ||
		c.Health().Echoed.IsZero() {
		t.Errorf("%v, %v, told %v", orders, err, c.Health().Echoed)
	}
}
