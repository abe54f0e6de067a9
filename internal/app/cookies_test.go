package app

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
)

// Cookies do not tell ports apart.
func TestTwoLineboardsOnOneHostKeepTheirCookiesApart(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var both []started
	for range 2 {
		s := start(
			t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--provision",
			site(t, "http://127.0.0.1:1"),
		)
		form := url.Values{"username": {"supervisor1"}, "password": {credentials["PASSWORD"]}}
		a, err := client.PostForm(s.address+"/login", form)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		both = append(both, s)
	}
	for i, s := range both {
		a, err := client.Get(s.address + "/account")
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != http.StatusOK {
			t.Errorf("signed out of number %d: %d", i+1, a.StatusCode)
		}
		s.end(t)
	}
}
