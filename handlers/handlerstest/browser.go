// Package handlerstest holds what the tests of several features share.
package handlerstest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lineboard/internal/testkit/site"
)

// Held is a request of which the server has read all but the end of the body.
type Held struct {
	body   *io.PipeWriter
	answer chan site.Answer
}

// Hold begins a request, and waits until arrived says that the server has seen who sends it.
func Hold(t *testing.T, b *site.Browser, method, path, contentType string, arrived func() bool) Held {
	t.Helper()
	r, w := io.Pipe()
	h := Held{w, make(chan site.Answer, 1)}
	go func() { h.answer <- b.Send(method, path, contentType, r) }()
	for !arrived() {
		if t.Context().Err() != nil {
			t.Fatal("the request did not arrive")
		}
		time.Sleep(5 * time.Millisecond)
	}
	return h
}

// End sends the rest of the body, and gives the answer.
func (h Held) End(t *testing.T, rest string) site.Answer {
	t.Helper()
	if _, err := io.WriteString(h.body, rest); err != nil {
		t.Fatal(err)
	}
	if err := h.body.Close(); err != nil {
		t.Fatal(err)
	}
	return <-h.answer
}

// CookieOf is what a browser would send.
func CookieOf(t *testing.T, s *site.Site, b *site.Browser) string {
	t.Helper()
	home, err := url.Parse(s.Web.URL)
	if err != nil {
		t.Fatal(err)
	}
	kept := b.Client.Jar.Cookies(home)
	if len(kept) != 1 {
		t.Fatalf("%d cookies", len(kept))
	}
	return kept[0].Name + "=" + kept[0].Value
}

func SentToSignIn(a site.Answer) bool {
	return a.Status == http.StatusSeeOther && strings.HasPrefix(a.Header.Get("Location"), "/login")
}

// PostSeveral sends a form whose names may come several times.
func PostSeveral(b *site.Browser, path string, pairs ...string) site.Answer {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.Send(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}
