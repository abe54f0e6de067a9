package web

import (
	"net/http"
	"slices"
	"strings"
)

// hops returns the addresses that a request came through, as its proxies say: in X-Forwarded-For, or in Forwarded where
// they send that alone. The nearest is the last.
func hops(r *http.Request) []string {
	if chain := r.Header.Values("X-Forwarded-For"); len(chain) > 0 {
		return strings.Split(strings.Join(chain, ","), ",")
	}
	return forwarded(r, "for")
}

// saysPlainHTTP reports whether the proxies say that a request came by plain HTTP to all of them.
func saysPlainHTTP(r *http.Request) bool {
	said := r.Header.Values("X-Forwarded-Proto")
	if len(said) == 0 {
		said = forwarded(r, "proto")
	}
	is := func(scheme string) func(string) bool {
		return func(s string) bool { return strings.EqualFold(s, scheme) }
	}
	return slices.ContainsFunc(said, is("http")) && !slices.ContainsFunc(said, is("https"))
}

// forwarded returns a parameter of each element of the header Forwarded (RFC 7239), empty where an element has none.
func forwarded(r *http.Request, name string) (values []string) {
	chain := r.Header.Values("Forwarded")
	if len(chain) == 0 {
		return nil
	}
	for _, element := range splitUnquoted(strings.Join(chain, ","), ',') {
		value := ""
		for _, pair := range splitUnquoted(element, ';') {
			if key, v, found := strings.Cut(pair, "="); found && strings.EqualFold(strings.TrimSpace(key), name) {
				value = strings.Trim(strings.TrimSpace(v), `"`)
			}
		}
		values = append(values, value)
	}
	return values
}

// splitUnquoted parts a text at each mark that is not within quotes.
func splitUnquoted(s string, mark rune) []string {
	quoted, escaped := false, false
	var parts []string
	begin := 0
	for i, c := range s {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == mark && !quoted:
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return append(parts, s[begin:])
}
