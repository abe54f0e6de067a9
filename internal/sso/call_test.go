package sso

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// Addresses of a provider are looked at when it describes itself. Whatever else led to a call is stopped here.
func TestNoCallLeavesForAHostThatIsNotListed(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(server.Close)
	c := New(Options{Now: time.Now, Limit: 5 * time.Second})
	settings := Settings{SingleSignOn: packaging.SingleSignOn{Issuer: "http://localhost"}}
	call := func() error {
		answer, err := c.httpClient(settings).Get(server.URL)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	}
	if err := call(); !errors.Is(err, errCall) || asked != 0 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	settings.Hosts = []string{"127.0.0.1"}
	if err := call(); err != nil || asked != 1 {
		t.Errorf("once it is listed, asked %d times, %v", asked, err)
	}
}
