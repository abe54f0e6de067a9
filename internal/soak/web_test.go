package soak

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

const password = "a password for the soak"

var usernames = []string{"supervisor1", "supervisor2", "admin1"}

// web is what people see of the program, at whatever port it is now. Their cookies are from its first life.
type web struct {
	base        string
	people      []*http.Client
	unavailable bool // presses may be refused because nothing can be released
}

func newWeb() *web {
	w := &web{}
	for range usernames {
		jar, _ := cookiejar.New(nil) // fails with options alone
		w.people = append(w.people, &http.Client{
			Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, Timeout: hang,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		})
	}
	return w
}

func (w *web) send(by int, method, path string, form url.Values) (status int, location, body string, err error) {
	r, err := http.NewRequestWithContext(context.Background(), method, w.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := w.people[by].Do(r)
	if err != nil {
		return 0, "", "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	return a.StatusCode, a.Header.Get("Location"), string(text), err
}

func (w *web) signIn(t *testing.T) {
	t.Helper()
	for i := range usernames {
		w.signInOne(t, i)
	}
}

func (w *web) signInOne(t *testing.T, i int) {
	t.Helper()
	status, _, _, err := w.send(
		i, http.MethodPost, "/login", url.Values{"username": {usernames[i]}, "password": {password}},
	)
	if err != nil || status != http.StatusSeeOther {
		t.Fatalf("sign-in of %s: %d %v", usernames[i], status, err)
	}
}

// page gets a page. A search that takes too long, as on a busy machine, is tried again.
func (w *web) page(t *testing.T, path string) *goquery.Document {
	t.Helper()
	status, location, body, err := w.send(0, http.MethodGet, path, nil)
	for try := 0; try < tries && strings.Contains(body, "The search took too long"); try++ {
		status, location, body, err = w.send(0, http.MethodGet, path, nil)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d to %q, %v", path, status, location, err)
	}
	page, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// find waits until the board shows so many orders whose ID begins so, and gives their paths.
func (w *web) find(t *testing.T, prefix string, want int) map[string]string {
	t.Helper()
	paths := map[string]string{}
	await(t, fmt.Sprintf("%d orders %s on the board", want, prefix), func() bool {
		w.page(
			t, "/orders?q="+url.QueryEscape(prefix),
		).Find("table.orders a.key").Each(func(_ int, a *goquery.Selection) {
			paths[a.Text()] = a.AttrOr("href", "")
		})
		return len(paths) == want
	})
	return paths
}

// press is one press of release as the person saw it.
type press struct {
	order, path  string
	username     string
	begun, ended time.Time
	taken        bool   // answered 303: the release is on its way or through
	released     bool   // the order's page said so then
	problem      string // what no press may be answered with
}

// press presses release. A process that is killed meanwhile answers nothing.
func (w *web) press(by int, order, path string) press {
	p := press{order: order, path: path, username: usernames[by], begun: time.Now()}
	status, location, body, err := w.send(by, http.MethodPost, path+"/release", url.Values{})
	p.ended = time.Now()
	switch {
	case err != nil: // killed, or not answered as a whole
	case status == http.StatusSeeOther && strings.HasPrefix(location, path):
		p.taken = true
	case status == http.StatusConflict:
	case status == http.StatusServiceUnavailable && w.unavailable:
	default:
		p.problem = fmt.Sprintf("answered %d to %q\n%.500s", status, location, body)
	}
	return p
}

// released reports whether the page of an order says that it was released. A process that is killed answers nothing.
func (w *web) released(by int, path string) bool {
	status, _, body, err := w.send(by, http.MethodGet, path, nil)
	if err != nil || status != http.StatusOK {
		return false
	}
	page, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	return err == nil && page.Find(".result-released").Length() > 0
}

// awaitOutcomes waits until the pages of all orders that were pressed show a settled outcome, or that none was ever
// sent. Those that do are taken out of waiting.
func (w *web) awaitOutcomes(t *testing.T, presses []press, waiting map[string]bool) {
	t.Helper()
	paths := map[string]string{}
	for _, p := range presses {
		if waiting[p.order] {
			paths[p.order] = p.path
		}
	}
	await(t, "every release is settled", func() bool {
		for order, path := range maps.Clone(paths) {
			page := w.page(t, path)
			if page.Find(".result-sending, .result-unknown").Length() == 0 {
				delete(paths, order)
				delete(waiting, order)
			}
		}
		return len(paths) == 0
	})
}

// tries is how often something is asked for that must come: 100 seconds where the program answers at once. A slow
// program is given the time that it takes for so many answers.
const tries = 5000

// await polls until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range tries {
		if so() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("asked %d times, and still not so: %s", tries, what)
}
