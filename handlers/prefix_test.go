package handlers_test

import (
	"bufio"
	"fmt"
	"html"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// addresses are those that a page has, in whatever attribute but values of fields. Text never looks like one: its
// quotes are escaped.
var addresses = regexp.MustCompile(`\s((?:[a-uw-z-]|v[b-z])[a-z-]*)="(/[^"]*)"`)

// below is a browser that opens a site below a path, as a proxy passes requests on: with the path, or without it.
type below struct {
	*site.Browser
	sent string // what the proxy leaves of the path
}

func (b below) get(path string) site.Answer { return b.Get(b.sent + path) }

func TestBelowAPathOfAProxyEachAddressHasThePath(t *testing.T) {
	t.Parallel()
	const prefix = "/lineboard"
	for _, sent := range []string{"", prefix} {
		s := site.New(t, site.Options{Prefix: prefix})
		s.ThreeShifts("ghent")
		b := below{s.Browser(), sent}
		if a := b.get("/orders?q=a"); a.Status != http.StatusSeeOther ||
			a.Header.Get("Location") != prefix+"/login?next=%2Forders%3Fq%3Da" {
			t.Errorf("a stranger is led to %d %q", a.Status, a.Header.Get("Location"))
		}
		a := b.Post(sent+"/login", "username", "supervisor1", "password", site.Password, "next", "/orders?q=a")
		if a.Status != http.StatusSeeOther || a.Header.Get("Location") != prefix+"/orders?q=a" {
			t.Fatalf("signed in: %d %q", a.Status, a.Header.Get("Location"))
		}
		for _, cookie := range a.Header.Values("Set-Cookie") {
			if !strings.Contains(cookie, "Path="+prefix) {
				t.Errorf("the cookie %q is sent to others of the host", cookie)
			}
		}
		o := s.Order("Order143")
		kept := setCookies(a) // a proxy that takes the path hides it from our jar
		b.Header.Set("Cookie", kept)
		for _, path := range []string{
			"/", "/?wall", "/lines/L1", "/lines/L1/queue", "/orders", handlerstest.OrderPath(o, ""),
			handlerstest.OrderPath(o, "?arm=1"),
			handlerstest.OrderPath(o, "/serials"), "/scan", "/history", "/imports", "/shifts", "/account", "/help",
			"/nothing", "/offline",
		} {
			page := b.get(path)
			found := addresses.FindAllStringSubmatch(page.Body, -1)
			if len(found) == 0 {
				t.Errorf("%s: %d, no address", path, page.Status)
			}
			for _, address := range found {
				if address[2] != prefix && !strings.HasPrefix(address[2], prefix+"/") &&
					!strings.HasPrefix(address[2], "//") {
					t.Errorf("%s has %s", path, address[0])
				}
			}
			if href := page.Attr(`link[rel="stylesheet"]`, "href"); href != "" {
				style := b.Get(strings.TrimPrefix(href, strings.TrimSuffix(prefix, sent)))
				if style.Status != http.StatusOK || strings.Contains(style.Body, "url(/") {
					t.Errorf("%s: the style sheet at %s: %d", path, href, style.Status)
				}
			}
		}
		if manifest := b.get("/manifest.webmanifest").Body; !strings.Contains(manifest, `"start_url":"/lineboard/"`) ||
			strings.Contains(manifest, `"/static`) {
			t.Errorf("the manifest is %s", manifest)
		}
		released := b.Post(sent+handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
		if to := released.Header.Get("Location"); to != prefix+handlerstest.OrderPath(o, "#release") {
			t.Errorf("a release leads to %d %q", released.Status, to)
		}
		b.Header.Set("HX-Request", "true")
		b.Header.Del("Cookie")
		if to := (below{s.Browser(), sent}).hx("/lines/L1"); to != prefix+"/login?next=%2Flines%2FL1" {
			t.Errorf("a part of a page leads a stranger to %q", to)
		}
		if a := s.Browser().Get(prefix + "?wall"); sent != "" && a.Header.Get("Location") != prefix+"/?wall" {
			t.Errorf(
				"the path without a slash, outside the reach of the service worker, leads to %d %q", a.Status,
				a.Header.Get("Location"),
			)
		}
		if a := b.get("//evil.example/?a=b"); a.Header.Get("Location") != prefix+"/evil.example?a=b" {
			t.Errorf("a slash at the end leads to %d %q", a.Status, a.Header.Get("Location"))
		}
	}
}

// However a path is spelled, it leads to no address outside the prefix: another program may stand there. Guards and the
// table of routes see the same path, and a path that merely begins like the prefix is none below it.
func TestNoSpellingOfAPathLeadsOutOfThePrefix(t *testing.T) {
	t.Parallel()
	const prefix = "/lineboard"
	s := site.New(t, site.Options{Prefix: prefix})
	server := strings.TrimPrefix(s.Web.URL, "http://")
	ask := func(path string, header ...string) (status int, location string) {
		t.Helper()
		conn, err := net.Dial("tcp", server)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: plant.example\r\n%sConnection: close\r\n\r\n", path,
			strings.Join(header, ""))
		a, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer a.Body.Close()
		return a.StatusCode, a.Header.Get("Location")
	}
	for path, want := range map[string]int{
		"/lineboard/login":                       http.StatusOK,
		"/lineboard/./login":                     http.StatusOK,
		"/lineboard//login":                      http.StatusOK,
		"/lineboard/static/../login":             http.StatusOK,
		"/lineboard/api/../login":                http.StatusOK,
		"/lineboard/metrics/..//login":           http.StatusOK,
		"/%6cineboard/login":                     http.StatusNotFound,
		"/lineboard/lines/..":                    http.StatusSeeOther, // to the sign-in
		"/lineboard/login/":                      http.StatusPermanentRedirect,
		"/lineboard/static/../../etc/passwd":     http.StatusNotFound,
		"/lineboard/static/%2e%2e/go.mod":        http.StatusNotFound,
		"/lineboard/%2e%2e/login":                http.StatusNotFound,
		"/lineboardx/login":                      http.StatusNotFound,
		"/lineboardx":                            http.StatusNotFound,
		"/lineboard/lineboard":                   http.StatusNotFound,
		"/lineboard/lineboard/login":             http.StatusNotFound,
		"/LINEBOARD/login":                       http.StatusNotFound,
		"/lineboard;x/login":                     http.StatusNotFound,
		"/lineboard%2flogin":                     http.StatusNotFound,
		"/lineboard//evil.example/":              http.StatusPermanentRedirect,
		"/lineboard/%2f%2fevil.example/":         http.StatusPermanentRedirect,
		"/lineboard/\\evil.example/":             http.StatusPermanentRedirect,
		"/lineboard/static/..//evil.example/":    http.StatusPermanentRedirect,
		"/lineboard/..//evil.example/":           http.StatusPermanentRedirect,
		"/lineboard/metrics/%2e%2e//healthz":     http.StatusNotFound,
		"/lineboard/healthz":                     http.StatusOK,
		"/lineboardx/healthz":                    http.StatusNotFound,
		"/lineboard?next=https://evil.example/x": http.StatusSeeOther,
	} {
		for _, header := range []string{"", "X-Forwarded-Prefix: //evil.example\r\n"} {
			status, location := ask(path, header)
			if status != want {
				t.Errorf("%s %s: %d, not %d", path, header, status, want)
			}
			if location != "" && !strings.HasPrefix(location, prefix+"/") {
				t.Errorf("%s %s leads to %q", path, header, location)
			}
		}
	}
}

// The page that comes after a sign-in, a choice of language or colours is below the path too, whoever made the link.
func TestBelowAPathNothingLeadsOutOfIt(t *testing.T) {
	t.Parallel()
	const prefix = "/lineboard"
	s := site.New(t, site.Options{Prefix: prefix})
	for _, next := range []string{
		"/../mail", "/%2e%2e/mail", "/.%2E/mail", "/orders/../../mail", "/./../mail?x=y", "/..//evil.example", "//evil.example",
	} {
		for path, form := range map[string][]string{
			"/login":    {"username", "supervisor1", "password", site.Password},
			"/language": {"language", "de"},
			"/theme":    {"theme", "dark"},
		} {
			a := s.Browser().Post(prefix+path, append(form, "next", next)...)
			if to := a.Header.Get("Location"); a.Status != http.StatusSeeOther || to != prefix+"/" {
				t.Errorf("%s with %s: %d to %q", path, next, a.Status, to)
			}
		}
	}
}

// setCookies returns what a browser sends after an answer.
func setCookies(a site.Answer) string {
	var all []string
	for _, cookie := range a.Header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(cookie, ";")
		all = append(all, pair)
	}
	return strings.Join(all, "; ")
}

func (b below) hx(path string) string {
	b.Header.Set("HX-Request", "true")
	return b.get(path).Header.Get("HX-Redirect")
}

func TestBehindHTTPSCookiesBelowAPathKeepToIt(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"": "__Host-%s=; Path=/;", "/lineboard": "__Secure-%s=; Path=/lineboard;",
	} {
		s := site.New(t, site.Options{Secure: true, Prefix: prefix})
		a := s.Browser().Post("/login", "username", "supervisor1", "password", site.Password)
		name, path, _ := strings.Cut(fmt.Sprintf(want, s.CookieName("")), "; ")
		if got := a.Header.Get("Set-Cookie"); !strings.HasPrefix(got, name) || !strings.Contains(got, "; "+path) ||
			!strings.Contains(got, "; Secure") {
			t.Errorf("%q: the cookie is %q", prefix, got)
		}
	}
}

func TestAPageNamesNothingBelowThePathThatAPersonTyped(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Prefix: "/lineboard"})
	b := s.SignIn("supervisor1")
	b.Header.Set("Cookie", "")
	a := s.Browser().Post("/login", "username", `a href="/x`, "password", "x")
	if got := a.Attr("input[name=username]", "value"); got != `a href="/x` {
		t.Errorf("what was typed comes back as %q", got)
	}
}

// Each page that links lead to, and each address on it, is below the path.
func TestBelowAPathNoPageHasAnAddressOutside(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	const prefix, maxPages = "/lineboard", 300
	s := site.New(t, site.Options{Prefix: prefix})
	s.ThreeShifts("ghent")
	o := s.Order("Order143")
	visited := map[string]bool{}
	for _, username := range []string{"", "operator1", "supervisor1", "manager1", "administrator1"} {
		b := s.Browser()
		b.Post(prefix+"/login", "username", username, "password", site.Password)
		if username == "supervisor1" {
			b.Post(prefix+handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
		}
		waiting, seen := []string{prefix + "/", prefix + "/login", prefix + "/?wall"}, map[string]bool{}
		for ; len(waiting) > 0 && len(seen) < maxPages; waiting = waiting[1:] {
			address, _, _ := strings.Cut(html.UnescapeString(waiting[0]), "#")
			path, _, _ := strings.Cut(address, "?")
			if seen[path] || strings.HasSuffix(path, ".csv") || strings.HasSuffix(path, ".xlsx") {
				continue
			}
			seen[path] = true
			visited[strings.Trim(regexp.MustCompile(`\d+`).ReplaceAllString(path, "1"), "/")] = true
			page := b.Get(address)
			if to := page.Header.Get("Location"); to != "" && !strings.HasPrefix(to, prefix+"/") {
				t.Errorf("%s leads to %s", address, to)
			}
			for _, found := range addresses.FindAllStringSubmatch(page.Body, -1) {
				if !strings.HasPrefix(found[2], prefix+"/") {
					t.Errorf("%s, for %q, has %s", address, username, found[0])
				}
				if found[1] == "href" {
					waiting = append(waiting, found[2])
				}
			}
		}
	}
	if len(visited) < 40 {
		t.Errorf("only %d kinds of pages: %v", len(visited), slices.Sorted(maps.Keys(visited)))
	}
}

func TestAddressesThatPeopleTypeHaveThePath(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Prefix: "/lineboard"})
	b := s.Browser()
	b.Post("/lineboard/login", "username", "administrator1", "password", site.Password)
	for path, want := range map[string]string{
		"/admin/stations":   "Open /lineboard/station on its screen and type the code; /lineboard/wall is",
		"/admin/tokens/api": "GET /lineboard/api/v1/orders",
		"/admin/tokens":     "PUT /lineboard/api/v1/orders",
	} {
		if page := b.Get("/lineboard" + path); !strings.Contains(page.Text("main"), want) {
			t.Errorf("%s says %q", path, page.Text("main"))
		}
	}
	a := b.Post(
		"/lineboard/admin/lines/L1/destinations", "do", "save", "kind", "pull", "name", "Line PC", "late_after", "5",
		"give_up", "72",
	)
	if a.Status != http.StatusSeeOther && a.Status != http.StatusOK {
		t.Fatalf("destination: %d %s", a.Status, a.Text("main"))
	}
	o := s.Order("Order143")
	b = s.Browser()
	b.Post("/lineboard/login", "username", "supervisor1", "password", site.Password)
	b.Post("/lineboard"+handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
	a = b.Post("/lineboard"+handlerstest.OrderPath(o, "/deliveries/1"), "do", "carried", "why", "The line was away")
	if to := a.Header.Get("Location"); to != "/lineboard"+handlerstest.OrderPath(o, "#deliveries") {
		t.Errorf("a list that was carried leads to %d %q", a.Status, to)
	}
}
