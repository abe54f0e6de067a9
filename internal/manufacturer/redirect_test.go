package manufacturer

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"lineboard/internal/secret"
)

// Credentials go to the configured host and nowhere else: not even a byte of a call follows a redirect.
func TestNoCallFollowsARedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var followed atomic.Int64
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
		t.Cleanup(elsewhere.Close)
		var asked atomic.Int64
		here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		t.Cleanup(here.Close)
		for _, kind := range []TokenKind{Dynamic, Static} {
			client, err := New(Config{
				BaseURL: here.URL, TokenKind: kind, TokenHeader: AccessToken, APIKey: secret.New("key"),
				APISecret:  secret.New("secret"),
				ChannelKey: secret.New("channel"), StaticToken: secret.New("token"),
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			for _, call := range []func(context.Context) error{
				func(ctx context.Context) error { client.ReleaseToLine(ctx, "Order143"); return nil },
				func(ctx context.Context) error { _, err := client.Details(ctx, "Order143"); return err },
				func(ctx context.Context) error { _, _, err := client.Open(ctx); return err },
			} {
				_ = call(t.Context()) // how it failed is tested elsewhere
			}
		}
		if n := asked.Load(); n < 4 {
			t.Errorf("%d: %d calls were made", status, n)
		}
		if n := followed.Load(); n > 0 {
			t.Errorf("%d: %d calls followed the redirect", status, n)
		}
	}
}
