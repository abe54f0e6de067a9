package manufacturer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

// config is that of a client of the sandbox at url.
func config(url string) Config {
	return Config{
		BaseURL:     url,
		APIKey:      secret.New(sandbox.APIKey),
		APISecret:   secret.New(sandbox.APISecret),
		ChannelKey:  secret.New(sandbox.ChannelKey),
		StaticToken: secret.New(sandbox.StaticToken),
		Now:         at(noon),
	}
}

func newClient(t *testing.T, c Config) *Client {
	t.Helper()
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	hurry(client)
	return client
}

// pauses are what a client waited between its tries, without waiting.
type pauses struct {
	mu  sync.Mutex
	all []time.Duration
	sum time.Duration
}

// hurry takes the waiting out of a client's pauses: its clock jumps to their end.
func hurry(c *Client) *pauses {
	p := &pauses{}
	c.clock.now = func() time.Time {
		p.mu.Lock()
		defer p.mu.Unlock()
		return time.Now().Add(p.sum)
	}
	c.clock.wait = func(ctx context.Context, d time.Duration) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all, p.sum = append(p.all, d), p.sum+d
		return ctx.Err()
	}
	return p
}

func (p *pauses) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

// withSandbox is a client of a sandbox with the sample orders; change may alter its configuration.
func withSandbox(t *testing.T, change func(*Config)) (*Client, *sandbox.Sandbox) {
	t.Helper()
	s := sandbox.New(sandbox.Options{Now: at(noon)})
	s.Put(sandbox.Sample(noon)...)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := config(server.URL)
	if change != nil {
		change(&c)
	}
	return newClient(t, c), s
}

// server counts PATCHes and gives every call except sign-in the set answer.
type server struct {
	*httptest.Server
	patches atomic.Int64
	last    atomic.Pointer[http.Request]
	sent    atomic.Pointer[string]
}

func answering(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent := string(body)
		s.last.Store(r)
		s.sent.Store(&sent)
		if r.Method == http.MethodPatch {
			s.patches.Add(1)
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// static is a client with a static token of a server with the set answers.
func static(t *testing.T, answer http.HandlerFunc) (*Client, *server) {
	t.Helper()
	s := answering(t, answer)
	c := config(s.URL)
	c.TokenKind = Static
	return newClient(t, c), s
}

// played is a client of a transport that gives one answer, without a network.
func played(t testing.TB, status int, body string) *Client {
	t.Helper()
	c := config("https://api.test")
	c.TokenKind = Static
	c.Transport = transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	})
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	hurry(client)
	return client
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func callError(t *testing.T, err error) *packaging.CallError {
	t.Helper()
	var e *packaging.CallError
	if !errors.As(err, &e) {
		t.Fatalf("no CallError: %v", err)
	}
	return e
}

func order143(t *testing.T, c *Client) packaging.Answer {
	t.Helper()
	return c.ReleaseToLine(context.Background(), "Order143")
}
