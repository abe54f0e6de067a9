// Package manufacturer is the client of the Manufacturer V2 API (the vendor's Serialized Manufacturing application). It
// turns the vendor's JSON into [packaging.Facts], [packaging.Answer] and [packaging.CallError].
//
// Comments say what the API documents. One file, assumed.go, holds the names in its JSON that are only assumed.
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

// TokenKind is the kind of a tenant's token.
type TokenKind string

// The kinds. A sign-in with API key and secret returns a dynamic token, which is valid for one day. A person creates a
// static one, which does not expire (both documented).
const (
	Dynamic TokenKind = "dynamic"
	Static  TokenKind = "static"
)

// TokenHeader is the header that carries the token.
type TokenHeader string

// The headers, both documented. Older articles of the vendor have only the first: it is the default.
const (
	AccessToken TokenHeader = "x-access-token"
	Bearer      TokenHeader = "authorization" // Authorization: Bearer <token>
)

// Limits limit each call with all its tries. A zero field means its default.
type Limits struct {
	SignIn  time.Duration // default 10 s
	Read    time.Duration // default 15 s
	Release time.Duration // default 30 s

	AnswerBytes int64 // the longest answer, in bytes; default 64 MiB, about three million serial numbers
}

// Config configures a tenant's client.
type Config struct {
	BaseURL     string      // absolute, for example "https://api.movilitas.cloud"
	TokenKind   TokenKind   // default Dynamic
	TokenHeader TokenHeader // default AccessToken
	APIKey      secret.Text // with Dynamic
	APISecret   secret.Text // with Dynamic
	ChannelKey  secret.Text
	StaticToken secret.Text // with Static
	Limits      Limits

	// Called hears of each call that was made: its kind, why it was not answered as documented, and its time. May be
	// nil.
	Called func(call string, reason packaging.Reason, took time.Duration)

	Now       func() time.Time  // default time.Now
	Transport http.RoundTripper // default: a new one, with the proxy from the environment
}

// Client calls the API for one tenant. It is safe for concurrent use.
type Client struct {
	base       string // without a slash at the end
	kind       TokenKind
	header     TokenHeader
	apiKey     secret.Text
	apiSecret  secret.Text
	channelKey secret.Text
	static     secret.Text
	limits     Limits
	now        func() time.Time
	called     func(call string, reason packaging.Reason, took time.Duration)
	scrub      *scrubber
	tokens     tokens
	breaker    breaker
	quiet      quietTime
	record     record
	clock      clock

	reads *http.Client
	// acts signs in and releases, each time on a new connection. The server may just close an idle one, and the
	// outcome of the release would be unknown.
	acts *http.Client
}

// New returns a client without calling the API. It fails if a setting is wrong; the error does not contain its value.
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
		now:    c.Now,
		called: c.Called,
		clock:  machineClock,
	}
	if err := client.check(); err != nil {
		return nil, err
	}
	if client.now == nil {
		client.now = time.Now
	}
	client.scrub = newScrubber(client.now, c.APIKey, c.APISecret, c.ChannelKey, c.StaticToken)
	client.reads, client.acts = httpClients(c.Transport, base)
	return client, nil
}

// Close closes idle connections.
func (c *Client) Close() {
	c.reads.CloseIdleConnections()
	c.acts.CloseIdleConnections()
}

// Format writes only the address of the API: fmt would print credentials in unexported fields.
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

// fitsHeader reports whether a credential has only visible ASCII characters. With a line break at its end, as files
// have it, every call would fail.
func fitsHeader(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// httpClients returns the clients for reads and for acts. They follow no redirect, which would carry the credentials to
// another host. They speak HTTP/1.1, since HTTP/2 may resend a request by itself.
func httpClients(given http.RoundTripper, base string) (reads, acts *http.Client) {
	client := func(t http.RoundTripper) *http.Client {
		return &http.Client{
			Transport:     t,
			CheckRedirect: outbound.NoRedirect,
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

// hostOf returns the host of the API.
func hostOf(base string) []string {
	u, err := url.Parse(base)
	if err != nil {
		return nil
	}
	return []string{u.Hostname()}
}

// authorised makes a call with a token. If the API rejects a dynamic token (ERR0000, so nothing was done), it makes the
// call once more with a new one.
func (c *Client) authorised(ctx context.Context, k call) (document, *problem) {
	token, p := c.token(ctx, secret.Text{})
	if p != nil {
		return document{}, p
	}
	doc, p := c.carry(ctx, k, token)
	if p == nil || p.Reason != packaging.TokenRejected || c.kind == Static || ctx.Err() != nil {
		return doc, p
	}
	if token, p = c.token(ctx, token); p != nil {
		return document{}, p
	}
	return c.carry(ctx, k, token)
}
