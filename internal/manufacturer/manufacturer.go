// Package manufacturer is the client of the Manufacturer V2 API (the vendor's Serialized Manufacturing application). The
// vendor's JSON never leaves it: what comes out are [packaging.Facts], [packaging.Answer] and [packaging.CallError].
//
// What the API documents stands beside the code that uses it. What is only assumed about names in its JSON stands in one
// file, assumed.go.
package manufacturer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// TokenKind is how a tenant's token comes about.
type TokenKind string

// The kinds. A dynamic token is fetched by signing in with API key and secret and is valid for one day; a static one is
// made by a person and has no expiry (both documented).
const (
	Dynamic TokenKind = "dynamic"
	Static  TokenKind = "static"
)

// TokenHeader is the header that carries the token.
type TokenHeader string

// The headers, both documented. Older articles of the vendor know the first alone: it is the default.
const (
	AccessToken TokenHeader = "x-access-token"
	Bearer      TokenHeader = "authorization" // Authorization: Bearer <token>
)

// Limits bound each call, all tries of it together. A zero field stands for its default.
type Limits struct {
	SignIn  time.Duration // default 10 s
	Read    time.Duration // default 15 s
	Release time.Duration // default 30 s

	AnswerBytes int64 // the longest answer, in bytes; default 64 MiB, about three million serial numbers
}

// Config is what a tenant's client needs.
type Config struct {
	BaseURL     string      // absolute, for example "https://api.movilitas.cloud"
	TokenKind   TokenKind   // default Dynamic
	TokenHeader TokenHeader // default AccessToken
	APIKey      secret.Text // with Dynamic
	APISecret   secret.Text // with Dynamic
	ChannelKey  secret.Text
	StaticToken secret.Text // with Static
	Limits      Limits

	Now       func() time.Time  // nil: the clock of this machine
	Transport http.RoundTripper // nil: one of the client's own, with the proxy from the environment
}

// Client calls the API for one tenant. It is safe for concurrent use.
type Client struct {
	base       string // without a slash at its end
	kind       TokenKind
	header     TokenHeader
	apiKey     secret.Text
	apiSecret  secret.Text
	channelKey secret.Text
	static     secret.Text
	limits     Limits
	now        func() time.Time
	scrub      scrubber
	tokens     tokens
	breaker    breaker
	quiet      quietTime
	record     record
	clock      clock

	reads *http.Client
	// acts signs in and releases, each time on a new connection: one that the server is just closing would leave the
	// outcome of a release unknown for no reason.
	acts *http.Client
}

// New makes a client without calling the API. Its error says which setting is wrong, never what it holds.
func New(c Config) (*Client, error) {
	base, err := packaging.ParseBaseURL(c.BaseURL)
	if err != nil {
		return nil, err
	}
	client := &Client{
		base:       base,
		kind:       or(c.TokenKind, Dynamic),
		header:     or(c.TokenHeader, AccessToken),
		apiKey:     c.APIKey,
		apiSecret:  c.APISecret,
		channelKey: c.ChannelKey,
		static:     c.StaticToken,
		limits: Limits{
			SignIn:      or(c.Limits.SignIn, 10*time.Second),
			Read:        or(c.Limits.Read, 15*time.Second),
			Release:     or(c.Limits.Release, 30*time.Second),
			AnswerBytes: or(c.Limits.AnswerBytes, 64<<20),
		},
		now:   c.Now,
		clock: machineClock,
		scrub: newScrubber(c.APIKey, c.APISecret, c.ChannelKey, c.StaticToken),
	}
	if err := client.check(); err != nil {
		return nil, err
	}
	if client.now == nil {
		client.now = time.Now
	}
	client.reads, client.acts = httpClients(c.Transport, base)
	return client, nil
}

// Close closes the connections that wait for a next call.
func (c *Client) Close() {
	c.reads.CloseIdleConnections()
	c.acts.CloseIdleConnections()
}

// Format shows the address of the API alone: fmt would print credentials in fields that are not exported.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "manufacturer client of %s", c.base)
}

func or[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

func (c *Client) check() error {
	switch c.kind {
	case Dynamic:
		if c.apiKey.Empty() {
			return errors.New("API key: missing")
		}
		if c.apiSecret.Empty() {
			return errors.New("API secret: missing")
		}
	case Static:
		if err := checkHeader("static token", c.static); err != nil {
			return err
		}
	default:
		return fmt.Errorf("token kind: must be %q or %q", Dynamic, Static)
	}
	if c.header != AccessToken && c.header != Bearer {
		return fmt.Errorf("token header: must be %q or %q", AccessToken, Bearer)
	}
	if l := c.limits; l.SignIn < 0 || l.Read < 0 || l.Release < 0 || l.AnswerBytes < 0 {
		return errors.New("limits: must not be negative")
	}
	return checkHeader("channel key", c.channelKey)
}

func checkHeader(setting string, t secret.Text) error {
	if t.Empty() {
		return fmt.Errorf("%s: missing", setting)
	}
	if !fitsHeader(t.Reveal()) {
		return fmt.Errorf("%s: holds spaces or characters that no header can carry", setting)
	}
	return nil
}

// fitsHeader says whether a credential is of visible ASCII characters alone. A line break at its end, as files have it,
// would make every call fail.
func fitsHeader(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// httpClients makes the clients for reads and for acts. Neither follows a redirect, which would carry the credentials to
// another host. They speak HTTP/1.1: HTTP/2 may send a request again by itself.
func httpClients(given http.RoundTripper, base string) (reads, acts *http.Client) {
	client := func(t http.RoundTripper) *http.Client {
		return &http.Client{
			Transport:     t,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if given != nil {
		return client(given), client(given)
	}
	pooled := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            outbound.Dialer(hostOf(base), nil),
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           8,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 256 << 10,
	}
	fresh := pooled.Clone()
	fresh.DisableKeepAlives = true
	return client(pooled), client(fresh)
}

// hostOf is the host that calls go to.
func hostOf(base string) []string {
	u, err := url.Parse(base)
	if err != nil {
		return nil
	}
	return []string{u.Hostname()}
}

// authorised makes a call with a token. Where the API rejects a dynamic token (ERR0000, so nothing was done), the call
// is made once more with a new one.
func (c *Client) authorised(ctx context.Context, k call) (document, *problem) {
	token, p := c.token(ctx, secret.Text{})
	if p != nil {
		return document{}, p
	}
	doc, p := c.carry(ctx, k, token)
	if p == nil || p.Reason != packaging.TokenRejected || c.kind == Static {
		return doc, p
	}
	if token, p = c.token(ctx, token); p != nil {
		return document{}, p
	}
	return c.carry(ctx, k, token)
}
