package manufacturer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// weather is how a cloud answers a call.
type weather func(*http.Request) (*http.Response, error)

// cloud is a transport without a network, for tests of time: it works in the bubbles of synctest.
type cloud struct {
	mu    sync.Mutex
	is    weather
	began time.Time
	calls map[string][]time.Duration // last part of the path → when, since the beginning
}

// under is a client with a static token of a cloud, with the pauses that it really has.
func under(t *testing.T, w weather) (*Client, *cloud) {
	t.Helper()
	return underAs(t, Static, w)
}

func underAs(t *testing.T, kind TokenKind, w weather) (*Client, *cloud) {
	t.Helper()
	c := &cloud{is: w, began: time.Now(), calls: map[string][]time.Duration{}}
	cfg := config("https://api.test")
	cfg.TokenKind, cfg.Transport, cfg.Now = kind, c, nil
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client, c
}

func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	name, is := path.Base(r.URL.Path), c.is
	c.calls[name] = append(c.calls[name], time.Since(c.began))
	c.mu.Unlock()
	return is(r)
}

func (c *cloud) turns(w weather) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.is = w
}

// at gives when the calls of a name came, and all calls where the name is empty.
func (c *cloud) at(name string) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "" {
		return c.calls[name]
	}
	var all []time.Duration
	for _, some := range c.calls {
		all = append(all, some...)
	}
	return all
}

func answer(status int, body string, header ...string) weather {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// fair is a cloud where all calls work.
func fair(r *http.Request) (*http.Response, error) {
	return map[string]weather{
		"api_auth":        answer(200, `{"success":true,"token":"a-token"}`),
		"open":            answer(200, `{"success":true,"data":[]}`),
		"details":         answer(200, `{"success":true,"data":{"order_id":"Order143"}}`),
		"release_to_line": answer(200, `{"success":true,"data":["a"]}`),
	}[path.Base(r.URL.Path)](r)
}

var errGone = errors.New("gone")

// unreachable is a cloud that no connection can be made to.
func unreachable(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GetConn("api.test:80")
	return nil, errGone
}

// cutting is one that ends every connection.
func cutting(*http.Request) (*http.Response, error) { return nil, errGone }

// hanging is one that never answers.
func hanging(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// slowly has a call take some time.
func slowly(d time.Duration, w weather) weather {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return w(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// only has the calls of one name fail.
func only(name string, w weather) weather {
	return func(r *http.Request) (*http.Response, error) {
		if path.Base(r.URL.Path) == name {
			return w(r)
		}
		return fair(r)
	}
}

func open(c *Client) packaging.Reason {
	_, _, err := c.Open(context.Background())
	return reasonOf(err)
}

func details(c *Client) packaging.Reason {
	_, err := c.Details(context.Background(), "Order143")
	return reasonOf(err)
}

func reasonOf(err error) packaging.Reason {
	var e *packaging.CallError
	if errors.As(err, &e) {
		return e.Reason
	}
	return packaging.NoReason
}
