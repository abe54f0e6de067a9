package e2e

import (
	"fmt"
	"testing"

	"lineboard/internal/sandbox"
)

// sizes are those of a tablet in both directions, a phone, and a screen on the wall.
var sizes = []struct{ width, height int }{{1280, 800}, {800, 1280}, {390, 844}, {1920, 1080}}

// A page that is looked at in every size and light must have each state of an order in it.
func TestEveryPageIsInOrderInEverySizeAndLight(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	orders := map[string]string{}
	for _, order := range []string{"Order143", "Order144", "Order145", "Order146", "Order136", "Order139"} {
		p.open(order)
		orders[order] = p.path()
	}
	p.Click("Change the line")
	p.Choose("Line of this order", "Bottle line 2")
	p.Click("Set the line")
	p.See("Line set here by")
	p.visit(orders["Order143"])
	p.release("Order143")
	s.remote.silent()
	for _, test := range []struct {
		order string
		kind  sandbox.Kind
		what  string
	}{
		{"Order145", sandbox.HTML, "It is not known whether Order145 was released."},
		{"Order144", sandbox.Throttle, "Order144 was not released."}, // last: for a while after it nothing is sent
	} {
		s.remote.fault(test.kind, 0)
		p.visit(orders[test.order])
		p.arm()
		p.execute(test.order)
		p.See(test.what)
	}
	for _, page := range []struct{ name, path string }{
		{"all lines", "/"},
		{"all lines on the wall", "/?wall"},
		{"a line", "/lines/L1"},
		{"a line without trouble", "/lines/L2"},
		{"orders", "/orders"},
		{"no orders found", "/orders?q=nothing-has-this"},
		{"an order to release", orders["Order146"]},
		{"an order that is armed", orders["Order146"] + "?arm=1"},
		{"an order that is released", orders["Order143"]},
		{"an order that was refused", orders["Order144"]},
		{"an order whose outcome is unknown", orders["Order145"]},
		{"an order that is suspended", orders["Order136"]},
		{"an order whose line was set here", orders["Order139"] + "?story=all"},
		{"orders of a line that is not set up", "/orders?line=L3"},
		{"a line to set up", "/adopt?code=L3"},
		{"serials", orders["Order143"] + "/serials"},
		{"serials not found", orders["Order143"] + "/serials?q=none"},
		{"history", "/history"},
		{"history with filters", "/history?q=order&line=L1&exceptions=1&person=supervisor1&deed=release_ended"},
		{"an entry of the history", "/history/1"},
		{"history of no time", "/history?from=never"},
		{"help", "/help"},
		{"what is not there", "/nothing"},
		{"signing in", "/login"}, // last: it takes signing out
	} {
		t.Run(page.name, func(t *testing.T) {
			p := p.as(t)
			if page.path == "/login" {
				p.visit("/")
				p.Click("Sign out")
				p.At("/login")
			}
			wrong := len(p.ConsoleErrors())
			p.visit(page.path)
			p.inEverySizeAndLight()
			for _, text := range p.ConsoleErrors()[wrong:] {
				// A page about a problem has the status of one, which the browser reports.
				if page.path != "/nothing" && page.path != "/history?from=never" {
					t.Errorf("the browser reports: %s", text)
				}
			}
		})
	}
	for _, host := range p.Hosts() {
		if "http://"+host != s.address {
			t.Errorf("a page asks another host: %s", host)
		}
	}
}

// inEverySizeAndLight checks the page that the window shows. What is wrong in the same way everywhere is told once.
func (p person) inEverySizeAndLight() {
	p.t.Helper()
	said := map[string]bool{}
	for _, size := range sizes {
		p.Viewport(size.width, size.height)
		for _, dark := range []bool{false, true} {
			p.Dark(dark)
			where := fmt.Sprintf("%d×%d, dark %v", size.width, size.height, dark)
			p.settle()
			if p.Overflow() {
				p.t.Errorf("%s: the page is wider than the window: %v", where, p.tooWide())
			}
			for _, v := range p.Axe() {
				if text := v.String(); !said[text] {
					said[text] = true
					p.t.Errorf("%s: %s", where, text)
				}
			}
		}
	}
}

// settle waits until the page has taken the colours and the size that the window has now.
func (p person) settle() {
	p.t.Helper()
	p.Eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => Promise.all(
		document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished.catch(() => {})))).then(() => {})`, nil)
}

// tooWide names what sticks out of the window on the right.
func (p person) tooWide() (elements []string) {
	p.t.Helper()
	p.Eval(`[...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
		.slice(0, 8).map(e => e.cloneNode().outerHTML)`, &elements)
	return elements
}
