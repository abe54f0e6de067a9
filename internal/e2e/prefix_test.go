package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lineboard/internal/testkit/thorough"
)

// belowPath is a proxy that serves a site below a path of its own.
type belowPath struct {
	prefix    string
	takesAway bool // the path from what it passes on
	through   http.Handler
	isCut     atomic.Bool
	mu        sync.Mutex
	strayed   []string // asked for above the path
}

func (b *belowPath) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, isBelow := strings.CutPrefix(r.URL.Path, b.prefix)
	switch {
	case b.isCut.Load():
		panic(http.ErrAbortHandler)
	case !isBelow || rest != "" && rest[0] != '/':
		b.mu.Lock()
		defer b.mu.Unlock()
		b.strayed = append(b.strayed, r.URL.Path)
		http.NotFound(w, r)
		return
	case b.takesAway:
		r.URL.Path = "/" + strings.TrimPrefix(rest, "/")
	}
	b.through.ServeHTTP(w, r)
}

func TestBelowAPathOfAProxyAPersonReleasesAndFollowsAndReadsACopy(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	const prefix = "/lineboard"
	for name, takesAway := range map[string]bool{"that passes the path on": false, "that takes the path away": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, "--path-prefix", prefix)
			b := &belowPath{
				prefix: prefix, takesAway: takesAway,
				through: httputil.NewSingleHostReverseProxy(must(url.Parse(s.address))),
			}
			proxy := httptest.NewServer(b)
			t.Cleanup(proxy.Close)
			t.Cleanup(proxy.CloseClientConnections)
			s.address = proxy.URL + prefix

			p := signedIn(t, s, "supervisor1")
			p.open("Order143")
			p.told("stream")
			p.release("Order143")

			p.open("Order144")
			order := p.path()
			p.told("stream")
			s.releaseElsewhere(strings.TrimPrefix(order, prefix))
			p.See("Order144 is released to Blister line 1.")
			p.told("stream")

			p.visit("/lines/L1")
			p.keeps(prefix + "/lines/L1")
			var scope string
			p.Eval(`navigator.serviceWorker.ready.then(worker => worker.scope)`, &scope)
			if scope != s.address+"/" {
				t.Errorf("the service worker looks after %s, want %s", scope, s.address+"/")
			}
			b.isCut.Store(true)
			p.visit("/lines/L1")
			p.See("This page is a copy kept on this device, as of")
			p.visit("/orders/999")
			p.See("The server can't be reached, and this device has no copy of this page.")
			b.isCut.Store(false)
			p.visit("/lines/L1")
			p.Gone("This page is a copy")
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.strayed) > 0 {
				t.Errorf("the pages ask for what is above the path: %q", b.strayed)
			}
			s.remote.releasedExactly("Order143", "Order144")
		})
	}
}

// Cookies tell hosts apart, and not ports.
func TestOneBrowserIsSignedInAtTwoLineboardsOfOneHost(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	first, second := newSite(t, nil), newSite(t, nil)
	p := signedIn(t, first, "supervisor1")
	p.Goto(second.address)
	p.signIn("operator1")
	p.See("Omar Haddad")
	p.Goto(first.address)
	p.See("Sofie Peeters")
	p.Goto(second.address)
	p.See("Omar Haddad")
}
