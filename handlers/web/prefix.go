package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// A proxy may serve Lineboard below a path of its host. Inside, every address is as if it stood at the top. The path is
// taken from requests at the edge, and added to what leaves: to redirects, cookies and the addresses in pages.

type prefixKey struct{}

// prefixOf returns the path below which the request's pages stand, empty for the top.
func prefixOf(ctx context.Context) string {
	prefix, _ := ctx.Value(prefixKey{}).(string)
	return prefix
}

// BelowPrefix serves next below the path prefix, whether the proxy takes it from the requests or not.
func (s *Kit) BelowPrefix(next http.Handler) http.Handler {
	if s.prefix == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), prefixKey{}, s.prefix))
		r.URL = belowTop(r.URL, s.prefix)
		next.ServeHTTP(&prefixedWriter{ResponseWriter: w, prefix: s.prefix}, r)
	})
}

// belowTop returns an address without the prefix.
func belowTop(u *url.URL, prefix string) *url.URL {
	below := *u
	below.Path, below.RawPath = cutPrefix(u.Path, prefix), cutPrefix(u.RawPath, prefix)
	return &below
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

// prefixedWriter adds the prefix to the redirects of an answer.
type prefixedWriter struct {
	http.ResponseWriter
	prefix string
	begun  bool
}

func (w *prefixedWriter) WriteHeader(status int) {
	if !w.begun {
		w.begun = true
		for _, name := range []string{echo.HeaderLocation, "HX-Redirect"} {
			if to := w.Header().Get(name); isLocal(to) {
				w.Header().Set(name, w.prefix+to)
			}
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *prefixedWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *prefixedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func isLocal(address string) bool {
	return strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
}

// ownAddress is an attribute of HTML that holds an address of this server. Text never looks like one: its quotes are
// escaped.
var ownAddress = regexp.MustCompile(
	`(\s(?:href|src|action|formaction|hx-get|hx-post|data-live|data-idle|data-used|data-lock|data-copy-all)=")/`)

// belowPrefix adds the prefix of the context to the addresses in HTML.
func belowPrefix(ctx context.Context, html []byte) []byte {
	prefix := prefixOf(ctx)
	if prefix == "" || !bytes.Contains(html, []byte(`="/`)) {
		return html
	}
	return ownAddress.ReplaceAll(html, []byte("${1}"+prefix+"/"))
}

// CookiePath returns what a cookie for the pages below a path says as its path.
func (s *Kit) CookiePath(path string) string {
	if s.prefix != "" && path == "/" {
		return s.prefix
	}
	return s.prefix + path
}

// CookieName returns the name of a cookie. It has an id of this Lineboard: two on one host keep theirs apart, even on two
// ports, which cookies do not tell apart. With HTTPS, browsers take the cookie only over HTTPS, and one for all pages only
// from this very host.
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

// CallbackURL returns the address that a provider redirects browsers to. It depends on the settings, never on a request.
func (s *Kit) CallbackURL(settings packaging.SingleSignOn, t packaging.Tenant) string {
	return s.At(settings, string(shell.SSOCallbackURL(t)))
}

// At returns the address of a page as people open it from elsewhere.
func (s *Kit) At(settings packaging.SingleSignOn, page string) string {
	return settings.Home + s.prefix + page
}
