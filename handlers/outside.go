package handlers

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lineboard/internal/text"
	"lineboard/views/shell"
)

// policy lets a page load what this server gives, and nothing else: no inline script, no other host, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured sets the headers that keep a page to itself.
func (s *server) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// guardOrigin refuses what another site has a browser send here.
func (s *server) guardOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.turnAway(w, r, http.StatusForbidden, "error.foreign_origin")
	}))
	return guard.Handler(next)
}

// turnAway answers a request that comes no further, with the sentence of a key.
func (s *server) turnAway(w http.ResponseWriter, r *http.Request, status int, key string) {
	ctx := r.Context()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	page := shell.ProblemPage(
		shell.Frame{Title: text.Say(ctx, "title.problem"), Now: s.Now()},
		shell.Problem{What: text.Say(ctx, key), Do: text.Say(ctx, key+".do"), Code: key},
	)
	if err := page.Render(ctx, w); err != nil {
		s.Log.Warn("error page not sent", "err", err)
	}
}

// bounded keeps an address from asking more than people at a whole plant do.
func (s *server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !probe(r) && !s.rate.Allow(s.address(r), time.Now()) {
			w.Header().Set("Retry-After", "5")
			s.turnAway(w, r, http.StatusTooManyRequests, "error.too_many")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onlyHTTPS leads who came by plain HTTP, as the proxy says, to HTTPS: their cookie would not come back to us. The host is
// the one that they asked for, which nobody else can choose for their browser; nothing else is made of it.
func (s *server) onlyHTTPS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain := s.cameByPlainHTTP(r)
		switch {
		case !plain || probe(r):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusPermanentRedirect)
		default: // what it brought has been readable on its way already
			s.turnAway(w, r, http.StatusForbidden, "error.plain_http")
		}
	})
}

// cameByPlainHTTP says that a request came so, as the proxy says, where people reach the server by HTTPS.
func (s *server) cameByPlainHTTP(r *http.Request) bool {
	return s.Secure && s.trusts(peer(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http")
}

// address is the client's, for throttling and logs: whoever connected, unless that is a proxy that we trust. Then it is
// the last address in X-Forwarded-For that is no such proxy: what stands before it is the client's to invent.
func (s *server) address(r *http.Request) string {
	at := peer(r)
	if !s.trusts(at) {
		return at.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(hop), "[]"))
		if err != nil {
			break // a chain that can't be read is believed as far as it could
		}
		at = a.Unmap().WithZone("")
		if !s.trusts(at) {
			break
		}
	}
	return at.String()
}

// trusts says whether an address is that of a proxy of ours.
func (s *server) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// peer is who connected.
func peer(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // the server's own
	return at.Addr().Unmap().WithZone("")
}

// probe says whether a request asks only whether we live.
func probe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// logged writes a line a request, without what was asked for in the query: it may name what is nobody else's business.
func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if probe(r) { // they come every second
			next.ServeHTTP(w, r)
			return
		}
		started := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.Log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", seen.status, "took", time.Since(started), "from", s.address(r))
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
