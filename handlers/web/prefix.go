package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// A proxy may serve Lineboard below a path of its host. Inside, every address is as if it stood at the top. The path is
// taken from requests at the edge, and [shell.At] adds it to each address that is made for a browser.

// Prefixed returns a path of this server as others must ask for it.
func (s *Kit) Prefixed(path string) string { return s.prefix + path }

// BelowPrefix serves next below the path prefix, whether the proxy takes it from the requests or not.
func (s *Kit) BelowPrefix(next http.Handler) http.Handler {
	if s.prefix == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == s.prefix { // without its slash it is outside the reach of the service worker
			to := url.URL{Path: s.below("/"), RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, to.String(), http.StatusSeeOther)
			return
		}
		r = r.WithContext(shell.Below(r.Context(), s.prefix))
		r.URL = belowTop(r.URL, s.prefix)
		next.ServeHTTP(w, r)
	})
}

// belowTop returns an address without the prefix, and without needless slashes and dots: http.ServeMux would lead from
// those to an address at the top.
func belowTop(u *url.URL, prefix string) *url.URL {
	below := u.JoinPath()
	if escaped := below.EscapedPath(); cutPrefix(escaped, prefix) != escaped { // else both would not say the same
		below.Path, below.RawPath = cutPrefix(below.Path, prefix), cutPrefix(below.RawPath, prefix)
	}
	return below
}

func cutPrefix(path, prefix string) string {
	switch rest, cut := strings.CutPrefix(path, prefix); {
	case cut && rest == "":
		return "/"
	case cut && rest[0] == '/':
		return rest
	}
	return path
}

// below returns the address of a path for what depends on no request.
func (s *Kit) below(path string) string {
	return shell.At(shell.Below(context.Background(), s.prefix), path)
}

// CookiePath returns what a cookie for the pages below a path says as its path.
func (s *Kit) CookiePath(path string) string {
	if s.prefix != "" && path == "/" {
		return s.prefix
	}
	return s.below(path)
}

// CookieName returns the name of a cookie. It has an id of this Lineboard: two on one host keep theirs apart, even on
// two ports, which cookies do not tell apart. With HTTPS, browsers take the cookie only over HTTPS, and one for all
// pages only from this very host.
func (s *Kit) CookieName(name string, forAllPages bool) string {
	if name != "" {
		name = "-" + name
	}
	name = "lineboard-" + s.instance + name
	switch {
	case s.Secure && forAllPages && s.prefix == "":
		return "__Host-" + name
	case s.Secure:
		return "__Secure-" + name
	}
	return name
}

// CallbackURL returns the address that a provider redirects browsers to. It depends on the settings, never on a
// request.
func (s *Kit) CallbackURL(settings packaging.SingleSignOn, t packaging.Tenant) string {
	return s.At(settings, string(shell.SSOCallbackURL(t)))
}

// At returns the address of a page as people open it from elsewhere.
func (s *Kit) At(settings packaging.SingleSignOn, page string) string {
	return settings.Home + s.below(page)
}
