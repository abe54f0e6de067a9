package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// policy lets a page load what this server gives, and nothing else: no inline script, no other host, no frame around
// it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// SecureHeaders sets the headers that keep a page to itself.
func (s *Kit) SecureHeaders(next http.Handler) http.Handler {
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

// GuardOrigin refuses what another site has a browser send here.
func (s *Kit) GuardOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.SecurityEvent(CrossSiteEvent, s.Address(r))
		const key = "error.foreign_origin"
		ctx := r.Context()
		do := text.Say(ctx, key+".do")
		// Over plain HTTP, browsers send Origin alone. A proxy that does not pass Host on makes it look foreign.
		origin, err := url.Parse(r.Header.Get("Origin"))
		if err == nil && origin.Host != "" && r.Header.Get("Sec-Fetch-Site") == "" {
			do = text.Say(ctx, "error.foreign_origin.host") // names no host: what is cached stands under any
			s.reportHost(origin.Host, r.Host)
		}
		s.refuseWith(w, r, http.StatusForbidden, key, do)
	}))
	return guard.Handler(next)
}

// reportHost logs that a request looked foreign: the first few since the start, so that nobody can fill the log.
func (s *Kit) reportHost(origin, host string) {
	const maxReports = 20
	if s.foreignHosts.Add(1) > maxReports {
		return
	}
	s.Log.Warn("a request was refused as one from another site: if that site is this server, its proxy must pass Host on",
		"origin", fmt.Sprintf("%.100s", origin), "host", fmt.Sprintf("%.100s", host))
}

// refuse answers a request that comes no further, with the sentence of a key and what to do.
func (s *Kit) refuse(w http.ResponseWriter, r *http.Request, status int, key string) {
	s.refuseWith(w, r, status, key, text.Say(r.Context(), key+".do"))
}

func (s *Kit) refuseWith(w http.ResponseWriter, r *http.Request, status int, key, do string) {
	ctx := r.Context()
	page := shell.ProblemPage(
		shell.Frame{Title: text.Say(ctx, "title.problem"), Now: s.Now()},
		shell.Problem{What: text.Say(ctx, key), Do: do, Code: key, Request: RequestID(ctx)},
	)
	html, err := rendered(ctx, page)
	if err != nil {
		s.Log.Error("error page failed", "err", err)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(html); err != nil {
		s.Log.Warn("error page not sent", "err", err)
	}
}

// LimitRate keeps an address, or somebody who is signed in, from asking more than people at a whole plant do.
func (s *Kit) LimitRate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !Probe(r) && !s.AllowsRequest(r) {
			w.Header().Set("Retry-After", "5")
			s.refuse(w, r, http.StatusTooManyRequests, "error.too_many")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// AllowsRequest reports whether the client may ask for something now. Requests of people who are signed in count by
// their session, so that a stranger at the same address takes nothing from them. Once strangers have used up what an
// address may ask, a browser in which somebody signed in and a station count by themselves: people still sign in there.
func (s *Kit) AllowsRequest(r *http.Request) bool {
	now := time.Now()
	if hash, ok := s.sessions.signedIn(r); ok {
		return s.rate.Allow("session "+string(hash[:]), now)
	}
	if s.rate.Allow(s.networks.Of(s.Address(r)), now) {
		return true
	}
	known, ok := s.knownBrowser(r)
	return ok && s.rate.Allow(known, now)
}

// knownBrowser names the browser that a request comes from, if it is a station or somebody signed in there.
func (s *Kit) knownBrowser(r *http.Request) (name string, ok bool) {
	if d, is := s.deviceOf(r); is && slices.Contains(d.marks, s.deviceMark(d, anybody)) {
		return "device " + string(d.number[:]), true
	}
	station, err := s.stationOf(r)
	return fmt.Sprintf("station %d", station.ID), err == nil && station.Known()
}

// OnlyHTTPS redirects requests that came by plain HTTP, as the proxy says, to HTTPS. The host is the one of the
// request, which nobody else can choose for a browser; it is used for nothing else.
func (s *Kit) OnlyHTTPS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain := s.CameByPlainHTTP(r)
		switch {
		case !plain || Probe(r):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, "https://"+r.Host+s.below(r.URL.RequestURI()), http.StatusPermanentRedirect)
		default: // what it brought has been readable on its way already
			s.refuse(w, r, http.StatusForbidden, "error.plain_http")
		}
	})
}

// CameByPlainHTTP says that a request came so, as the proxy says, where people reach the server by HTTPS.
func (s *Kit) CameByPlainHTTP(r *http.Request) bool {
	return s.Secure && s.trusts(peer(r)) && saysPlainHTTP(r)
}

// Address returns the address of the client, for throttles and logs: the one that connected, unless that is a trusted
// proxy. Then it is the last one that its proxies name and that is none: the client may have invented those before it.
func (s *Kit) Address(r *http.Request) string {
	at := peer(r)
	if !s.trusts(at) {
		return at.String()
	}
	for _, hop := range slices.Backward(hops(r)) {
		a, ok := parseHop(strings.TrimSpace(hop))
		if !ok { // the chain is believed as far as it can be read
			s.reportUnreadable(hop)
			break
		}
		at = a.Unmap().WithZone("")
		if !s.trusts(at) {
			break
		}
	}
	return at.String()
}

// parseHop reads an address that a proxy names. Some proxies add the port, which may need brackets around IPv6.
func parseHop(hop string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(hop, "[]")); err == nil {
		return a, true
	}
	a, err := netip.ParseAddrPort(hop)
	return a.Addr(), err == nil
}

// reportUnreadable logs once that a proxy's header can't be read, and keeps that for the setup.
func (s *Kit) reportUnreadable(hop string) {
	hop = fmt.Sprintf("%.60q", hop)
	if s.unreadableHop.CompareAndSwap(nil, &hop) {
		s.Log.Warn("a trusted proxy sends X-Forwarded-For or Forwarded that can't be read: people behind it count as one address",
			"part", hop)
	}
}

// UnreadableHop returns the part of X-Forwarded-For that could not be read since the start, or "".
func (s *Kit) UnreadableHop() string {
	if hop := s.unreadableHop.Load(); hop != nil {
		return *hop
	}
	return ""
}

// trusts says whether an address is that of a proxy of ours.
func (s *Kit) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// peer is who connected.
func peer(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // the server's own
	return at.Addr().Unmap().WithZone("")
}

// Probe says whether a request asks only whether we live.
func Probe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// LogRequests logs each request, without its query: that may name what is nobody else's business. Without an access log
// it does so at debug level.
func (s *Kit) LogRequests(next http.Handler) http.Handler {
	level := slog.LevelDebug
	if s.accessLog {
		level = slog.LevelInfo
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Probe(r) || !s.Log.Enabled(r.Context(), level) { // probes come every second
			next.ServeHTTP(w, r)
			return
		}
		started := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.Log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", seen.status,
			"took", time.Since(started), "from", s.Address(r))
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

// Anybody marks a route that needs no sign-in.
const Anybody packaging.Action = ""

// Allow calls next for people who may do the action. Others get an error: Forbidden, or SignInNeeded if nobody is
// signed in.
func (s *Kit) Allow(action packaging.Action, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if action == Anybody {
			return next(c)
		}
		p, ok := Person(c)
		switch {
		case !ok:
			return packaging.Fail(packaging.SignInNeeded, "error.sign_in")
		case s.Locked(c):
			return s.lock(c)
		case p.Role.May(action) && !p.May(action):
			return packaging.Fail(packaging.Forbidden, "error.password_unconfirmed")
		case !p.May(action) && action == packaging.ReleaseOrders:
			return packaging.Fail(packaging.Forbidden, "error.may_not_release")
		case !p.May(action):
			return packaging.Fail(packaging.Forbidden, "error.forbidden")
		}
		return next(c)
	}
}
