package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// person is somebody signed in, in a browser without scripts.
type person struct {
	server *program
	client *http.Client
}

// signIn signs in through the form.
func signIn(ctx context.Context, server *program) (*person, error) { return signInAs(ctx, server, 1) }

// signInAs signs in as the person of that number.
func signInAs(ctx context.Context, server *program, number int) (*person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := newPerson(server, jar)
	status, text, err := p.ask(ctx, http.MethodPost, "/login", url.Values{
		"username": {username + strconv.Itoa(number)}, "password": {password + strconv.Itoa(number)},
	})
	if err != nil {
		return nil, err
	}
	if status != http.StatusSeeOther || p.cookies() == "" {
		return nil, p.unexpected("signing in", status, text)
	}
	return p, nil
}

func newPerson(server *program, jar http.CookieJar) *person {
	return &person{server: server, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// cookies are those that go with each request, as the header has them.
func (p *person) cookies() string {
	at, err := url.Parse(p.server.base)
	if err != nil {
		return ""
	}
	var pairs []string
	for _, c := range p.client.Jar.Cookies(at) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

func (p *person) ask(ctx context.Context, method, path string, form url.Values) (status int, text []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, p.server.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// unexpected says what came instead, with what the server logged last.
func (p *person) unexpected(what string, status int, text []byte) error {
	return fmt.Errorf("%s was answered with %d: %.300s\n%s", what, status, text, p.server.said)
}

// page gives a page that must be there.
func (p *person) page(ctx context.Context, path string) (string, error) {
	status, text, err := p.ask(ctx, http.MethodGet, path, nil)
	if err == nil && status != http.StatusOK {
		err = p.unexpected(path, status, text)
	}
	return string(text), err
}

var (
	orderLink    = regexp.MustCompile(`href="(/orders/\d+)"`)
	revisionForm = regexp.MustCompile(`name="revision" value="(\d+)"`)
)

// awaitOrder searches for an order until the first refresh has brought it, and gives the path of its page.
func (p *person) awaitOrder(ctx context.Context, key string) (string, error) {
	for end := time.Now().Add(startLimit); time.Now().Before(end) &&
		ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		text, err := p.page(ctx, "/orders?q="+url.QueryEscape(key))
		if err != nil {
			return "", err
		}
		if found := orderLink.FindStringSubmatch(text); found != nil {
			return found[1], nil
		}
	}
	return "", fmt.Errorf("the order %s does not come", key)
}

// order is one that is armed: its page is open and its button waits to be pressed.
type order struct {
	path string
	form url.Values
}

// arm opens an order's page for release, as a person does before the button is pressed.
func (p *person) arm(ctx context.Context, key string) (order, error) {
	path, err := p.awaitOrder(ctx, key)
	if err != nil {
		return order{}, err
	}
	text, err := p.page(ctx, path+"?arm=1")
	if err != nil {
		return order{}, err
	}
	found := revisionForm.FindStringSubmatch(text)
	if found == nil {
		return order{}, fmt.Errorf("the page %s of %s has no armed release", path, key)
	}
	return order{path, url.Values{"revision": {found[1]}}}, nil
}

// patience is less than the server waits for an outcome: what is answered later may be answered before it is stored.
const patience = 7 * time.Second

// press releases the order. What is measured is what a person waits: until the answer that sends them back to its page,
// or, where that did not wait for the outcome, until its serials are there.
func (p *person) press(ctx context.Context, o order) (took time.Duration, err error) {
	started := time.Now()
	status, text, err := p.ask(ctx, http.MethodPost, o.path+"/release", o.form)
	took = time.Since(started)
	switch {
	case err != nil:
		return took, err
	case status != http.StatusSeeOther:
		return took, p.unexpected("the release of "+o.path, status, text)
	case took < patience:
		return took, nil
	}
	err = p.awaitSerials(ctx, o)
	return time.Since(started), err
}

// awaitSerials returns once the list of an order is there. Until then it is answered with 409 and the outcome.
func (p *person) awaitSerials(ctx context.Context, o order) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		path := o.path + "/serials.json"
		status, text, err := p.ask(ctx, http.MethodGet, path, nil)
		switch {
		case err != nil:
			return err
		case status == http.StatusConflict:
			continue
		case status != http.StatusOK:
			return p.unexpected(path, status, text)
		}
		var list struct{ Count int }
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		if list.Count > 0 {
			return nil
		}
	}
	return fmt.Errorf("the serials of %s do not come", o.path)
}
