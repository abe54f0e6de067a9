package manufacturer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// The canaries, none of which may ever be seen. The token is a JWT that holds the API key, as real ones do.
const (
	canaryKey     = `s_canaryKey!7&<MFmcT6"S8`
	canarySecret  = `Abcd1234!canary secret`
	canaryChannel = `canaryChannel~Ky1SpfEXm`
	canaryStatic  = `canaryStatic-Token-55aa`
)

var canaryToken = token(`{"key":"` + url.QueryEscape(canaryKey) + `","exp":1}`)

var canaries = []string{canaryKey, canarySecret, canaryChannel, canaryStatic, canaryToken}

// findCanary is the piece of a canary that text has, of eight characters, in whatever letters and with whatever signs
// left out.
func findCanary(text string) string {
	text = plainName(text)
	for _, canary := range canaries {
		canary = plainName(canary)
		for i := range len(canary) - 7 {
			if piece := canary[i : i+8]; strings.Contains(text, piece) {
				return piece
			}
		}
	}
	return ""
}

func canaryConfig(base string) Config {
	return Config{
		BaseURL: base, APIKey: secret.New(canaryKey), APISecret: secret.New(canarySecret),
		ChannelKey:  secret.New(canaryChannel),
		StaticToken: secret.New(canaryStatic), Now: at(noon),
	}
}

func TestNoCredentialIsEverInAMessage(t *testing.T) {
	// The API repeats all that it was sent and that it knows, in every place that a message can come from.
	everything := strings.Join(canaries, " ") + " " + url.QueryEscape(canaryKey) + " " + canarySecret[3:14] + " " +
		strings.Repeat("x", 1700) + canaryToken + canaryKey
	quoted, err := json.Marshal(everything)
	if err != nil {
		t.Fatal(err)
	}
	text := string(quoted)
	echoes := map[string]http.HandlerFunc{
		"in a message":       says(400, `{"success":false,"message":`+text+`,"code":`+text+`}`),
		"in a server error":  says(500, `{"success":false,"message":`+text+`}`),
		"in an error object": says(400, `{"success":false,"error":{"message":`+text+`,"code":"ERR0000"}}`),
		"in details": says(
			400, `{"success":false,"message":"Validation error","details":{"sent":`+text+`}}`,
		),
		"as a status": says(
			400, `{"success":false,"message":"Packaging order x is in status: `+text[1:len(text)-1]+`"}`,
		),
		"in the message of a yes": says(200, `{"success":true,"message":`+text+`,"data":[]}`),
		"as names": says(200, `{"success":true,`+text+`:1,"`+canaryStatic+`":1,"`+canaryChannel+`":{"a":1},`+
			jsonOf(canaryKey)+`:1,"`+canarySecret+`":2,"`+canaryToken+`":2}`),
		"in the type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", strings.Join(canaries[2:], " "))
			_, _ = io.WriteString(w, "<html>")
		},
		"in what is no HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = fmt.Fprintf(conn, "%s\r\n\r\n", strings.Join(canaries, " "))
				_ = conn.Close()
			}
		},
	}
	for name, echo := range echoes {
		for _, kind := range []TokenKind{Dynamic, Static} {
			for _, signsIn := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s token, signs in: %v", name, kind, signsIn), func(t *testing.T) {
					s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if signsIn && r.URL.Path == "/v1/api_auth" {
							says(200, `{"success":true,"token":"`+canaryToken+`"}`)(w, r)
							return
						}
						echo(w, r)
					}))
					defer s.Close()
					c := canaryConfig(s.URL)
					c.TokenKind = kind
					client := newClient(t, c)
					a := client.ReleaseToLine(t.Context(), "Order143")
					_, _, openErr := client.Open(t.Context())
					_, detailsErr := client.Details(t.Context(), "Order143")
					for _, shown := range []string{
						fmt.Sprintf("%+v", a), string(a.Body), fmt.Sprintf("%v", openErr),
						fmt.Sprintf("%#v", detailsErr), fmt.Sprintf("%+v %#v", client, client),
					} {
						if piece := findCanary(shown); piece != "" {
							t.Errorf("%q is in %.300s", piece, shown)
						}
					}
					if n := len([]rune(a.Message)); n > maxMessage {
						t.Errorf("a message of %d characters", n)
					}
				})
			}
		}
	}
}

func TestNoCredentialIsInATransportError(t *testing.T) {
	c := canaryConfig("https://api.test")
	c.TokenKind = Static
	c.Transport = transport(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("sent %v, %s", r.Header, base64.StdEncoding.EncodeToString(nil))
	})
	a := newClient(t, c).ReleaseToLine(t.Context(), "Order143")
	if piece := findCanary(a.Message); piece != "" || a.Message == "" {
		t.Errorf("%q is in %q", piece, a.Message)
	}
}

func TestNewSaysWhichSettingIsWrongAndNotWhatItHolds(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{"base URL: not a URL", func(c *Config) { c.BaseURL = "http://a:" + canaryStatic + "\x7f@b" }},
		{"base URL: must begin with https://", func(c *Config) { c.BaseURL = "" }},
		{"base URL: must begin with https://", func(c *Config) { c.BaseURL = "ftp://a" }},
		{"base URL: must begin with https://", func(c *Config) { c.BaseURL = "/v1" }},
		{"base URL: has no host", func(c *Config) { c.BaseURL = "https://:443" }},
		{
			"base URL: must not hold a user name or password",
			func(c *Config) { c.BaseURL = "https://u:" + canaryStatic + "@b" },
		},
		{"base URL: must not hold a query or a fragment", func(c *Config) { c.BaseURL = "https://b?" }},
		{"base URL: must not hold a query or a fragment", func(c *Config) { c.BaseURL = "https://b/#x" }},
		{"API key: missing", func(c *Config) { c.APIKey = secret.Text{} }},
		{"API secret: missing", func(c *Config) { c.APISecret = secret.Text{} }},
		{"channel key: missing", func(c *Config) { c.ChannelKey = secret.Text{} }},
		{
			"channel key: holds spaces or characters that no header can carry",
			func(c *Config) { c.ChannelKey = secret.New(canaryChannel + "\n") },
		},
		{"static token: missing", func(c *Config) { c.TokenKind, c.StaticToken = Static, secret.Text{} }},
		{
			"static token: holds spaces or characters that no header can carry",
			func(c *Config) { c.TokenKind, c.StaticToken = Static, secret.New("Bearer "+canaryStatic) },
		},
		{`token kind: must be "dynamic" or "static"`, func(c *Config) { c.TokenKind = canaryStatic }},
		{`token header: must be "x-access-token" or "authorization"`, func(c *Config) { c.TokenHeader = canaryStatic }},
		{"limits: must not be negative", func(c *Config) { c.Limits.Read = -1 }},
	} {
		t.Run(c.want, func(t *testing.T) {
			cfg := canaryConfig("https://api.test")
			c.change(&cfg)
			if _, err := New(cfg); err == nil || err.Error() != c.want {
				t.Errorf("error %v", err)
			}
		})
	}
	cfg := canaryConfig("https://api.test/behind/a/proxy/")
	cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/behind/a/proxy/v1/api_auth" {
			t.Errorf("path %s", r.URL.Path)
		}
		return nil, errors.New("no")
	})
	newClient(t, cfg).ReleaseToLine(t.Context(), "Order143")
	if own := newClient(t, canaryConfig("HTTPS://api.test")); own.limits != (Limits{
		SignIn: 10e9, Read: 15e9, Release: 30e9, AnswerBytes: 64 << 20,
	}) {
		t.Errorf("limits %v", own.limits)
	}
}

func TestScrubbingLeavesOtherTextAlone(t *testing.T) {
	s := newScrubber(at(noon), secret.New("abcdefghijkl"), secret.New("12345"), secret.New("xyz"), secret.Text{})
	s.learn(secret.New("the-token"))
	for text, want := range map[string]string{
		"":                                     "",
		" Packaging order not found ":          "Packaging order not found",
		"key abcdefghijkl!":                    "key [secret]!",
		"begins abcdefgh, ends efghijkl":       "begins [secret], ends [secret]",
		"short abcdefg of it":                  "short abcdefg of it",
		"12345 and 1234":                       "[secret] and 1234",
		"xyz is too short to tell":             "xyz is too short to tell",
		"abcdefghijklabcdefghijkl":             "[secret]",
		"the token the-token":                  "the token [secret]",
		"a JWT eyJhbGciOiJIUzI1NiJ9.eyJr.c-2_": "a JWT [secret]",
		"no text \xff":                         "no text \ufffd",
	} {
		if got := s.message(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := s.message(strings.Repeat("é", 3000)); got != strings.Repeat("é", 2000) {
		t.Errorf("a long text has %d characters", len([]rune(got)))
	}
	if a := played(
		t, 400, `{"success":false,"message":"`+strings.Repeat("m", 5000)+`"}`,
	).ReleaseToLine(t.Context(), "x"); len(a.Message) != 2000 || a.Reason != packaging.OtherRefusal {
		t.Errorf("a message of %d characters", len(a.Message))
	}
}
