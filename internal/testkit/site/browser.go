package site

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Browser is somebody's browser without scripts: it keeps cookies and does not follow redirects.
type Browser struct {
	t      testing.TB
	base   string
	Client *http.Client
	Header http.Header // sent with every request
}

// Browser opens a new browser.
func (s *Site) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &Browser{s.t, s.Web.URL, &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, http.Header{}}
}

// SameBrowser returns the browser as it is after a restart: with its cookies, at the server's new address.
func (s *Site) SameBrowser(b *Browser) *Browser {
	before, err := url.Parse(b.base + "/login")
	if err != nil {
		s.t.Fatal(err)
	}
	same := s.Browser()
	now, err := url.Parse(same.base)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range b.Client.Jar.Cookies(before) {
		same.Client.Jar.SetCookies(now, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
	}
	return same
}

// SignIn opens a browser and signs somebody in.
func (s *Site) SignIn(username string) *Browser {
	s.t.Helper()
	b := s.Browser()
	if a := b.Post("/login", "username", username, "password", Password); a.Status != http.StatusSeeOther {
		s.t.Fatalf("sign-in of %s: %d", username, a.Status)
	}
	return b
}

// Answer is what a browser got.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	t      testing.TB
}

// Get asks for a path.
func (b *Browser) Get(path string) Answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// Post sends a form; pairs are names and values.
func (b *Browser) Post(path string, pairs ...string) Answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

// PostAll is Post with names that may come more than once, as those of boxes that are ticked.
func (b *Browser) PostAll(path string, pairs ...string) Answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *Browser) do(method, path string, form url.Values) Answer {
	b.t.Helper()
	if form == nil {
		return b.Send(method, path, "", nil)
	}
	return b.Send(method, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// Send sends a request with a body of a content type.
func (b *Browser) Send(method, path, contentType string, body io.Reader) Answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for name, values := range b.Header {
		r.Header[name] = values
	}
	response, err := b.Client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header, string(content), b.t}
}

// Text is what stands on the page at a selector, white space squeezed.
func (a Answer) Text(selector string) string {
	a.t.Helper()
	return strings.Join(strings.Fields(a.page().Find(selector).Text()), " ")
}

// All are the texts of each element at a selector, as they are.
func (a Answer) All(selector string) []string {
	a.t.Helper()
	return a.page().Find(selector).Map(func(_ int, s *goquery.Selection) string { return s.Text() })
}

// Attr is an attribute of the first element at a selector, empty where there is none.
func (a Answer) Attr(selector, name string) string {
	a.t.Helper()
	return a.page().Find(selector).AttrOr(name, "")
}

// Values are those of the fields at a selector.
func (a Answer) Values(selector string) []string {
	a.t.Helper()
	return a.page().Find(selector).Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("value", "") })
}

func (a Answer) page() *goquery.Document {
	a.t.Helper()
	page, err := goquery.NewDocumentFromReader(strings.NewReader(a.Body))
	if err != nil {
		a.t.Fatal(err)
	}
	return page
}
