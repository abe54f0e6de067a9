package e2e

import (
	"net/http"
	"testing"
)

func TestAWrongPasswordIsToldAndTheNameIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := visitor(t, s)
	for _, name := range []string{"supervisor1", "nobody"} {
		p.visit("/login")
		p.Fill("Username", name)
		p.Fill("Password", "not the password")
		p.Click("Sign in")
		p.See("Username or password is not right. Check both and try again.")
		var kept struct{ Name, Password string }
		p.Eval(
			`({Name: document.querySelector("[name=username]").value, Password: document.querySelector("[name=password]").value})`,
			&kept,
		)
		if kept.Name != name || kept.Password != "" {
			t.Errorf("the page keeps the name %q and the password %q", kept.Name, kept.Password)
		}
		if status, _ := p.fetch("GET", "/orders/1"); status != http.StatusOK || p.path() != "/login" {
			t.Errorf("after a wrong password the window is at %s", p.path())
		}
	}
	p.visit("/orders/1")
	p.At("/login?next=%2Forders%2F1")
	p.signIn("supervisor1")
}

func TestAPageAskedForWhileSignedOutComesAfterSigningIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, on := range []bool{true, false} {
		p := visitor(t, s)
		scripts(on)(p)
		p.visit("/history?line=L1&outcome=released")
		p.In("main").See("Sign in")
		p.signIn("supervisor1")
		p.At("/history?line=L1&outcome=released")
		p.See("History")
	}
	// A link must not lead to somebody else's pages.
	for _, elsewhere := range []string{"//example.org/", "https://example.org/", `/\example.org/`} {
		p := visitor(t, s)
		p.visit("/login?next=" + elsewhere)
		p.signIn("supervisor1")
		p.At("/")
		p.clean()
	}
}

func TestAfterSigningOutNothingIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, on := range []bool{true, false} {
		p := signedIn(t, s, "supervisor1", scripts(on))
		p.open("Order143")
		order := p.path()
		p.signOut()
		p.At("/login")
		p.back()
		p.See("Password")
		p.Gone("PA26A07")
		p.visit(order)
		p.At("/login")
	}
	// Nor to somebody who kept the cookie.
	c := newScript(t, s, "supervisor1")
	address := must(http.NewRequest(http.MethodGet, s.address, nil)).URL
	cookies := c.Jar.Cookies(address)
	if status, _ := c.do("GET", "/", nil, nil); status != http.StatusOK || len(cookies) != 1 {
		t.Fatalf("signed in with %d cookies, the overview is answered with %d", len(cookies), status)
	}
	c.do("POST", "/logout", nil, nil)
	c.Jar = nil
	kept := http.Header{"Cookie": {cookies[0].String()}}
	for _, try := range []struct{ method, path string }{
		{"GET", "/"}, {"GET", "/orders/1"}, {"POST", "/orders/1/release"}, {"GET", "/history.csv"},
	} {
		if status, to := c.do(try.method, try.path, nil, kept); status != http.StatusSeeOther ||
			!hasPath(to, "/login") {
			t.Errorf("%s %s with the cookie from before: %d %s", try.method, try.path, status, to)
		}
	}
	s.pressedOnce()
}

func TestAnOperatorSeesOrdersAndReleasesNone(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "operator1")
	p.visit("/lines/L1")
	p.See("You are not allowed to release orders.")
	p.Gone("Release to line")
	p.open("Order143")
	order := p.path()
	for _, path := range []string{order, order + "?arm=1"} {
		p.visit(path)
		p.See("You are not allowed to release orders.")
		p.See("You are signed in as Operator. Ask a supervisor.")
		for _, button := range []string{"Release to line", "Release Order143 to Blister line 1"} {
			if p.offers(button) {
				t.Errorf("%s offers %q to an operator", path, button)
			}
		}
	}
	p.clean()
	for path, want := range map[string]string{
		order + "/release":      "You are not allowed to release orders.",
		order + "/serials.json": "You are not allowed to see or do this.",
		"/history":              "You are not allowed to see or do this.",
	} {
		method := "GET"
		if path == order+"/release" {
			method = "POST"
		}
		if status, page := p.fetch(method, path); status != http.StatusForbidden || !contains(page, want) {
			t.Errorf("%s %s is answered with %d, want 403 and %q:\n%s", method, path, status, want, page)
		}
	}
	s.pressedOnce()
}

func TestWhatIsNotThereIsAPageWithAWayHome(t *testing.T) {
	t.Parallel()
	p := signedIn(t, newSite(t, nil), "supervisor1")
	p.visit("/")
	for _, path := range []string{
		"/orders/999999", "/orders/Order143", "/orders/0", "/orders/99999999999999999999", "/orders/999999/serials",
		"/lines/L9",
		"/lines/%3Cb%3E", "/nothing", "/orders/1/nothing",
	} {
		if status, _ := p.fetch("GET", path); status != http.StatusNotFound {
			t.Errorf("%s is answered with %d, want 404", path, status)
		}
		p.visit(path)
		p.See("There is no such page or record.")
		p.Click("To the lines")
		p.At("/")
	}
}
