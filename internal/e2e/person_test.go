package e2e

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lineboard/internal/testkit/browser"
)

// What the tests look at beside names and texts.
const (
	serialCells = "ol.serials code"
	tableRows   = "main tbody tr:not(.day)"
)

// person sits in front of a window of their own.
type person struct {
	*browser.Page
	t      testing.TB
	site   *site
	beside *script // is signed in as the window is; nil where the person signs in there
}

// visitor opens a window, and has not signed in.
func visitor(t testing.TB, s *site) person {
	t.Helper()
	return person{Page: browser.Open(t), t: t, site: s}
}

// signedIn opens a window, set up as told, of a person who has signed in before: tests of that have them fill in the
// page. The orders are there, and the window has no page yet.
func signedIn(t testing.TB, s *site, username string, how ...func(person)) person {
	t.Helper()
	p := visitor(t, s)
	for _, set := range how {
		set(p)
	}
	p.beside = newScript(t, s, username)
	p.beside.awaitOrders()
	p.Give(s.address, p.beside.Jar.Cookies(must(url.Parse(s.address+"/"))))
	return p
}

// scripts sets whether the window runs the pages' scripts.
func scripts(on bool) func(person) {
	return func(p person) {
		if !on {
			p.NoScript()
		}
	}
}

// signIn fills in the page for it.
func (p person) signIn(username string) {
	p.t.Helper()
	p.Fill("Username", username)
	p.Fill("Password", p.site.password)
	p.Click("Sign in")
	p.isSignedIn()
}

// isSignedIn waits until the bar names the person.
func (p person) isSignedIn() {
	p.t.Helper()
	p.Text(".bar .who")
}

// openOwnMenu opens the person's menu in the bar.
func (p person) openOwnMenu() {
	p.t.Helper()
	p.isSignedIn()
	var name string
	p.Eval(
		`[...document.querySelectorAll(".who > summary > span")].filter(e => e.checkVisibility()).map(e => e.textContent).join(" ")`,
		&name,
	)
	p.In(".bar .who").Click(name)
}

// signOut signs the person out by their menu.
func (p person) signOut() {
	p.t.Helper()
	p.openOwnMenu()
	p.Click("Sign out")
}

// ordersAreThere is what every page says once the program has fetched the orders.
const ordersAreThere = "Orders as of"

// awaitOrders waits until the program has fetched the orders, and shows the overview with them. An overview that was
// open before may say in its bar that they are there, while its list offers them as updates.
func (p person) awaitOrders() {
	p.t.Helper()
	p.See(ordersAreThere)
	p.visit("/")
	p.isSignedIn()
}

// visit goes to a path of the site.
func (p person) visit(path string) {
	p.t.Helper()
	p.Goto(p.site.address + path)
}

// reload, back and forward are the browser's own buttons.
func (p person) reload() { p.t.Helper(); p.leaveBy(func() { p.Leave("location.reload()") }) }

func (p person) back() { p.t.Helper(); p.leaveBy(func() { p.Leave("history.back()") }) }

func (p person) forward() { p.t.Helper(); p.leaveBy(func() { p.Leave("history.forward()") }) }

// leaveBy does what leads to another page, and waits for it. A mark on the page that goes tells when it has gone.
func (p person) leaveBy(deed func()) {
	p.t.Helper()
	p.whole()
	p.Eval(`document.documentElement.dataset.left = ""`, nil)
	deed()
	p.Text("html:not([data-left])")
	p.whole()
}

// counted is a person whose taps in a job are counted, but for the keys of a PIN or password.
type counted struct {
	person
	taps int
}

func (c *counted) tap(in, name string) {
	c.t.Helper()
	c.taps++
	c.In(in).Click(name)
}

// write touches a field and writes into it.
func (c *counted) write(label, text string) {
	c.t.Helper()
	c.taps++
	c.Fill(label, text)
}

func (c *counted) tookAtMost(taps int) {
	c.t.Helper()
	if c.taps > taps {
		c.t.Errorf("the job takes %d taps, want %d at most", c.taps, taps)
	}
}

// whole waits until all of the page is there. What is then listed is all that there is to list.
func (p person) whole() {
	p.t.Helper()
	p.Holds(`document.readyState === "complete"`)
}

// path is where the window is.
func (p person) path() string {
	p.t.Helper()
	address, err := url.Parse(p.URL())
	if err != nil {
		p.t.Fatal(err)
	}
	return address.Path
}

// open finds an order and opens its page.
func (p person) open(order string) {
	p.t.Helper()
	if p.beside != nil {
		p.visit(p.beside.pathOf(order))
	} else {
		p.visit("/orders?q=" + url.QueryEscape(order))
		p.Click(order)
	}
	p.Text("#release")
}

// onPageOf waits until the window shows the page of an order.
func (p person) onPageOf(order string) {
	p.t.Helper()
	p.Text("#release")
	p.In("h1").See(order)
}

// arm takes the first of the two steps, which must send nothing, and waits until the second can be taken.
func (p person) arm() {
	p.t.Helper()
	p.armAtOnce()
	p.ready()
}

// ready waits until what has just appeared takes a press. It takes none for half a second, so that a double tap does
// not go through both steps; that it is not ready is drawn for somewhat longer.
func (p person) ready() {
	p.t.Helper()
	p.Eval(
		`Promise.all(document.getAnimations().filter(a => a.animationName === "not-yet").map(a => a.finished.catch(() => {}))).then(() => {})`,
		nil,
	)
	p.Holds(`performance.now() - performance.getEntriesByName("first-contentful-paint")[0]?.startTime > 500`)
}

// armAtOnce is arm for those who do not read.
func (p person) armAtOnce() {
	p.t.Helper()
	p.Click("Release to line")
	p.See("Check against the batch record")
}

// execute takes the second.
func (p person) execute(order string) {
	p.t.Helper()
	p.Click("Release " + order + " to Blister line 1")
}

// release takes both steps on Blister line 1 and waits for the result.
func (p person) release(order string) {
	p.t.Helper()
	p.arm()
	p.execute(order)
	p.See(order + " is released to Blister line 1.")
}

// serials are those on the page, without what groups them for the eye.
func (p person) serials() []string {
	p.t.Helper()
	p.Text(serialCells)
	p.whole()
	return squeeze(p.All(serialCells))
}

// rows are those of the page's table.
func (p person) rows() []string {
	p.t.Helper()
	p.Text(tableRows)
	p.whole()
	return p.All(tableRows)
}

// offers says whether the page has a button or link of this text now.
func (p person) offers(text string) (is bool) {
	p.t.Helper()
	p.whole()
	for _, seen := range p.All("button, a") {
		is = is || seen == text
	}
	return is
}

// fetch gets a path with the cookies of the window, as a link in it would.
func (p person) fetch(method, path string) (status int, body string) {
	p.t.Helper()
	var answer struct {
		Status int
		Body   string
	}
	p.Eval(
		`fetch(`+quote(path)+`, {method: `+quote(
			method,
		)+`}).then(async r => ({Status: r.status, Body: await r.text()}))`,
		&answer,
	)
	return answer.Status, answer.Body
}

// clean checks that nothing went wrong in the window, and that it asked nobody but the site.
func (p person) clean() {
	p.t.Helper()
	for _, wrong := range p.ConsoleErrors() {
		p.t.Errorf("the browser reports: %s", wrong)
	}
	p.asksNobodyElse()
}

// asksNobodyElse checks that all that the window has asked for came from the site.
func (p person) asksNobodyElse() {
	p.t.Helper()
	for _, host := range p.Hosts() {
		if "http://"+host != p.site.address {
			p.t.Errorf("a page asks another host: %s", host)
		}
	}
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(quoted)
}

// script is somebody signed in without a browser.
type script struct {
	t    testing.TB
	site *site
	http.Client
}

func newScript(t testing.TB, s *site, username string) *script {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &script{t, s, http.Client{Jar: jar}}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, to := c.do(http.MethodPost, "/login", url.Values{"username": {username}, "password": {s.password}}, nil)
	if home := must(url.Parse(s.address)).Path + "/"; status != http.StatusSeeOther || to != home {
		t.Fatalf("signing in as %s: %d, %s", username, status, to)
	}
	return c
}

// awaitOrders waits until the program has fetched the orders.
func (c *script) awaitOrders() {
	c.t.Helper()
	c.await("/", func(page string) bool { return strings.Contains(page, ordersAreThere) })
}

// pathOf is the page of an order, once the order is there.
func (c *script) pathOf(order string) (path string) {
	c.t.Helper()
	c.await("/orders?q="+url.QueryEscape(order), func(page string) bool {
		for _, link := range orderForm.FindAllStringSubmatch(page, -1) {
			if strings.TrimSpace(html.UnescapeString(tagForm.ReplaceAllString(link[2], ""))) == order {
				path = link[1]
			}
		}
		return path != ""
	})
	return strings.TrimPrefix(path, must(url.Parse(c.site.address)).Path)
}

var (
	orderForm = regexp.MustCompile(`(?s)<a [^>]*href="([^"?#]*/orders/\d+)"[^>]*>(.*?)</a>`)
	tagForm   = regexp.MustCompile(`<[^>]*>`)
)

// await asks for a page until it is as wanted.
func (c *script) await(path string, is func(page string) bool) {
	c.t.Helper()
	for limit := time.Now().Add(browser.Patience); ; time.Sleep(20 * time.Millisecond) {
		_, page := c.do(http.MethodGet, path, nil, nil)
		if is(page) {
			return
		}
		if time.Now().After(limit) {
			c.t.Fatalf("%s is not as wanted within %v: %s", path, browser.Patience, page)
		}
	}
}

// do sends a form, and gives the answer's body, or where it redirects to.
func (c *script) do(method, path string, form url.Values, header http.Header) (status int, body string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(
		c.t.Context(), method, c.site.address+path, strings.NewReader(form.Encode()),
	)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := c.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if to := response.Header.Get("Location"); to != "" {
		return response.StatusCode, to
	}
	return response.StatusCode, string(text)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// hasPath says whether an address of the site has this path, whatever its query.
func hasPath(address, path string) bool { return must(url.Parse(address)).Path == path }

// as is the same window in a test within the test.
func (p person) as(t testing.TB) person {
	p.t = t
	return p
}
