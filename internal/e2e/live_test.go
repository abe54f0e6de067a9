package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/browser"
	"lineboard/internal/testkit/thorough"
)

// releaseElsewhere releases an order as another person does on another tablet.
func (s *site) releaseElsewhere(path string) {
	s.t.Helper()
	c := newScript(s.t, s, "manager1")
	if status, body := c.do(http.MethodPost, path+"/release", url.Values{}, nil); status != http.StatusSeeOther {
		s.t.Fatalf("the release of %s: %d %s", path, status, body)
	}
}

// pathOf is the page of an order.
func (s *site) pathOf(t testing.TB, order string) string {
	t.Helper()
	c := newScript(t, s, "manager1")
	return c.pathOf(order)
}

// told waits until the window hears the server, by a stream or by asking.
func (p person) told(how string) {
	p.t.Helper()
	p.Text("#link[data-state=" + how + "]")
}

// lost waits until the window says that it has lost the server.
func (p person) lost() {
	p.t.Helper()
	started := time.Now()
	for limit := started.Add(browser.Patience); ; {
		var state string
		p.Eval(`document.querySelector("#link").dataset.state ?? ""`, &state)
		if state == "lost" {
			break
		}
		if time.Now().After(limit) {
			p.t.Fatalf(
				"after %v the page does not say that the server is away: %s", time.Since(started), p.Text("main"),
			)
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.See("No connection to the server.")
}

// rowKeys are the orders, or lines, that the page lists, in their order.
func (p person) rowKeys() (keys []string) {
	p.t.Helper()
	p.Eval(`[...document.querySelectorAll("[data-row]")].map(row => row.dataset.row)`, &keys)
	return keys
}

func TestAChangeIsSeenOnEveryOpenPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	order := s.pathOf(t, "Order143")
	pages := map[string]person{}
	for _, path := range []string{"/", "/lines/L1", "/lines/L1/queue", order} {
		p := signedIn(t, s, "supervisor1")
		p.visit(path)
		p.told("stream")
		pages[path] = p
	}
	second := signedIn(t, s, "operator1")
	second.visit(order)
	second.told("stream")

	s.releaseElsewhere(order)
	for _, p := range []person{pages[order], second} {
		p.See("Order143 is released to Blister line 1.")
		p.See("Marta Nowak")
		p.told("stream")
	}
	for _, path := range []string{"/", "/lines/L1", "/lines/L1/queue"} {
		pages[path].Text(".updates")
		pages[path].told("stream")
		pages[path].clean()
	}
	pages[order].clean()
}

func TestAListInViewDoesNotMoveUntilItIsToldTo(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	order := s.pathOf(t, "Order143")
	p := signedIn(t, s, "supervisor1")
	p.visit("/lines/L1")
	p.told("stream")
	before := p.rowKeys()
	if got := p.In(".hero").Text("h3"); got != "Order143" {
		t.Fatalf("the next order is %s", got)
	}

	s.releaseElsewhere(order)
	button := p.Text(".updates")
	if !strings.HasSuffix(button, " updates") {
		t.Errorf("the button says %q", button)
	}
	p.In(".hero").See("In progress") // a value changes in its place
	p.Text(".hero a.release[aria-disabled]")
	if after := p.rowKeys(); !slices.Equal(before, after) || p.In(".hero").Text("h3") != "Order143" {
		t.Errorf("the list moved by itself:\n%s\n%s", before, after)
	}
	p.Click(button)
	p.In(".running").See("Order143")
	if got := p.In(".hero").Text("h3"); got == "Order143" {
		t.Error("the list still has Order143 as the next to release")
	}
	p.clean()
}

func TestAValueThatChangesInAListChangesInItsPlace(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, "--refresh", "200ms")
	p := signedIn(t, s, "supervisor1")
	p.visit("/lines/L1")
	p.told("stream")
	before := p.rowKeys()
	s.remote.put(changed(t, "Order143", func(o *sandbox.Order) { o.Lot = "CHANGED1" }))
	p.In(".hero").See("CHANGED1")
	if after := p.rowKeys(); !slices.Equal(before, after) {
		t.Errorf("the list moved:\n%s\n%s", before, after)
	}
	if offered := p.All(".updates"); len(offered) > 0 {
		t.Errorf("what is shown already is offered: %s", offered)
	}
}

// A strip that somebody else has dealt with stays while a finger is on the screen, and goes soon after.
func TestAStripGoesOnlyOnceNoFingerIsOnTheScreen(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	h, s := newWorkplace(t)
	other := h.SignIn("manager1")
	o := h.Order("Order143")
	other.Post(fmt.Sprintf("/orders/%d/release", o.ID), "revision", fmt.Sprint(o.Revision))
	p := signedIn(t, s, "supervisor1")
	p.visit("/lines/L1")
	p.told("stream")
	p.See("Order143 Released · 11 serials")
	var version string
	p.Eval(`document.querySelector("main [data-version]").dataset.version`, &version)
	p.Eval(`dispatchEvent(new PointerEvent("pointerdown", {pointerId: 7}))`, nil)
	other.Post(
		fmt.Sprintf("/orders/%d/acknowledge", o.ID), "release", fmt.Sprint(h.Order("Order143").Release.ID), "next", "/",
	)
	p.Holds(`document.querySelector("main [data-version]").dataset.version !== ` + quote(version))
	var stays bool
	p.Eval(`document.querySelector(".strips").innerText.includes("Order143")`, &stays)
	if !stays {
		t.Error("a strip goes from under a finger")
	}
	p.Eval(`dispatchEvent(new PointerEvent("pointerup", {pointerId: 7}))`, nil)
	p.Gone("Order143 Released · 11 serials")
	p.clean()
}

// What somebody has checked must not become something else under their finger.
func TestAnArmedReleaseWhoseOrderChangesMustBeCheckedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, "--refresh", "200ms")
	p := signedIn(t, s, "supervisor1")
	p.open("Order143")
	p.told("stream")
	p.arm()
	s.remote.put(changed(t, "Order143", func(o *sandbox.Order) { o.Lot = "CHANGED1" }))
	p.See("This has changed since you checked it.")
	p.In(".release-execute").Gone("CHANGED1")
	p.Click("Check again")
	p.In(".release-execute").See("CHANGED1")
	s.remote.releasedExactly()
	p.ready()
	p.execute("Order143")
	p.See("Order143 is released to Blister line 1.")
	s.pressedOnce("Order143")
}

// changed is an order of the sample, changed.
func changed(t testing.TB, key string, change func(*sandbox.Order)) sandbox.Order {
	t.Helper()
	for _, o := range sandbox.Sample(time.Now()) {
		if o.ID == key {
			change(&o)
			return o
		}
	}
	t.Fatalf("there is no %s", key)
	return sandbox.Order{}
}

func TestWithoutTheServerAPageSaysSoAndSendsNothingLater(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]struct{ off, on func(s *site, p person) }{
		"the network is cut": {
			func(_ *site, p person) { p.Offline(true) }, func(_ *site, p person) { p.Offline(false) },
		},
		"the server is stopped": {func(s *site, _ person) { s.stop() }, func(s *site, _ person) { s.startAgain() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			p := signedIn(t, s, "supervisor1")
			p.open("Order143")
			p.told("stream")
			p.arm()

			cut.off(s, p)
			p.lost()
			p.See("You can't release until the server is back.")
			p.See("05412345101437") // what was there is there to be read
			var disabled bool
			p.Eval(`document.querySelector(".release-execute button").disabled`, &disabled)
			if !disabled {
				t.Error("the release can be pressed")
			}
			p.Eval(`document.querySelector(".release-execute form").requestSubmit()`, nil)

			cut.on(s, p)
			p.Text("#link:not([data-state=lost])")
			p.Gone("No connection to the server.")
			p.told("stream")
			s.remote.releasedExactly()
			p.execute("Order143")
			p.See("Order143 is released to Blister line 1.")
			s.pressedOnce("Order143")
		})
	}
}

func TestAPageFindsWhatItMissedWhileTheServerWasAway(t *testing.T) {
	t.Parallel()
	s := newShippedSite(t)
	p := signedIn(t, s, "supervisor1")
	p.open("Order143")
	order := p.path()
	p.told("stream")
	p.Offline(true)
	p.lost()
	s.releaseElsewhere(order)
	p.Offline(false)
	p.See("Order143 is released to Blister line 1.")

	// A program that starts again has told nobody what its last act was.
	line := signedIn(t, s, "supervisor1")
	line.open("Order144")
	line.told("stream")
	s.stop()
	line.lost()
	s.startAgain()
	s.releaseElsewhere(line.path())
	line.See("Order144 is released to Blister line 1.")

	// A program that hangs holds its connections, and answers nothing.
	line.told("stream")
	signal := func(what os.Signal) {
		if err := s.process.Signal(what); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	defer signal(syscall.SIGCONT)
	began := time.Now()
	line.lost()
	if took := time.Since(began); took > 10*time.Second+browser.Patience/2 { // this machine may be busy
		t.Errorf("after %v the page says that the server hangs", took)
	}
	signal(syscall.SIGCONT)
	line.Text("#link:not([data-state=lost])")
}

func TestAPageAsksWhereAProxyHoldsTheStreamBack(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, nil)
	order := s.pathOf(t, "Order143")
	behind := must(url.Parse(s.address))
	through := httputil.NewSingleHostReverseProxy(behind)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			<-r.Context().Done() // it waits for the end of the answer
			return
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	t.Cleanup(proxy.CloseClientConnections)
	direct := s.address
	s.address = proxy.URL
	p := signedIn(t, s, "supervisor1")
	p.visit(order)
	p.told("poll")
	s.address = direct
	s.releaseElsewhere(order)
	p.See("Order143 is released to Blister line 1.")
	p.told("poll")
}

// Safari before 16, Chrome before 103 and their WebViews have no AbortSignal.timeout.
func TestAnOlderBrowserFollowsWhatChanges(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, nil)
	order := s.pathOf(t, "Order143")
	p := signedIn(t, s, "supervisor1", func(p person) { p.Lack("AbortSignal.timeout") })
	p.visit(order)
	p.told("stream")
	s.releaseElsewhere(order)
	p.See("Order143 is released to Blister line 1.")
	p.told("stream")
}

func TestAPressShowsBeforeItsPageIsThere(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.visit("/lines/L1")
	var going bool
	p.Eval(`(() => {
		const link = document.querySelector("main a.release"), going = () => link.matches(".going");
		new MutationObserver(() => { if (going()) sessionStorage.going = true }).observe(link, {attributes: true});
		return going();
	})()`, &going)
	if going {
		t.Error("the link looks pressed before it is")
	}
	p.In("main").Click("Release to line")
	p.See("Check against the batch record, then release:")
	p.Eval(`"going" in sessionStorage`, &going)
	if !going {
		t.Error("nothing showed that the link was pressed")
	}
}

// keptPages are the pages that the browser keeps for when the server is away.
func (p person) keptPages() (paths []string) {
	p.t.Helper()
	p.Eval(`(async () => {
		const all = [];
		for (const name of await caches.keys()) if (name.includes("pages-"))
			for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname);
		return all;
	})()`, &paths)
	return paths
}

// keeps waits until the browser has a copy of a page.
func (p person) keeps(path string) {
	p.t.Helper()
	p.Eval(`navigator.serviceWorker.ready.then(() => true)`, nil)
	for limit := time.Now().Add(browser.Patience); !slices.Contains(p.keptPages(), path); time.Sleep(
		50 * time.Millisecond,
	) {
		if time.Now().After(limit) {
			p.t.Fatalf("there is no copy of %s, only of %s", path, p.keptPages())
		}
	}
}

func TestAPageThatWasSeenCanBeReadWithoutTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.open("Order143")
	order := p.path()
	p.release("Order143")
	p.visit(order + "/serials")
	p.keeps(order + "/serials")
	serials := p.serials()
	p.visit("/lines/L1")
	p.keeps("/lines/L1")
	s.stop()

	p.visit(order + "/serials")
	p.See("This page is a copy kept on this device, as of")
	if got := p.serials(); !slices.Equal(got, serials) || len(got) == 0 {
		t.Errorf("the copy has serials %q, want %q", got, serials)
	}
	p.visit("/lines/L1")
	p.See("This page is a copy kept on this device, as of")
	p.See("Order144")
	p.See(fmt.Sprint(time.Now().Year()))
	var off bool
	p.Eval(
		`[...document.querySelectorAll("a.release")].every(link => link.getAttribute("aria-disabled") === "true")`,
		&off,
	)
	if !off {
		t.Error("a release is offered on a copy")
	}
	p.visit("/orders/999")
	p.See("The server can't be reached, and this device has no copy of this page.")

	s.startAgain()
	p.See("There is no such page or record.") // without anybody's doing
	p.visit("/lines/L1")
	p.Gone("This page is a copy")
	s.remote.releasedExactly("Order143")
}

func TestNothingOfAPersonStaysOnTheDeviceWhenTheySignOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.visit("/lines/L1")
	p.keeps("/lines/L1")
	p.signOut()
	p.See("Username")
	p.Eval(`navigator.serviceWorker.ready.then(() => true)`, nil)
	if left := p.keptPages(); len(left) > 0 {
		t.Errorf("after the sign-out there are copies of %s", left)
	}
	p.signIn("operator1")
	p.visit("/lines/L2")
	p.keeps("/lines/L2")
	if got := p.keptPages(); slices.Contains(got, "/lines/L1") {
		t.Errorf("another person finds copies of %s", got)
	}
	s.stop()
	p.visit("/lines/L1")
	p.See("this device has no copy of this page")
	p.Gone("Sofie Peeters")
}
