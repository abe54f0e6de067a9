package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/internal/manufacturer"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/browser"
	house "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

func TestAnUnknownOutcomeIsNeverShownAsFailedAndNeverOfferedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, "--release-limit", "4s") // time enough for an answer that comes at all
	p := signedIn(t, s, "supervisor1")
	s.remote.silent() // nothing but the release itself may tell
	for _, test := range []struct {
		order   string
		kind    sandbox.Kind
		delay   time.Duration
		because string
	}{
		{"Order143", sandbox.Delay, 10 * time.Second, "Movilitas.Cloud did not answer in time."},
		{"Order144", sandbox.CutAfter, 0, "The connection to Movilitas.Cloud broke before its answer came."},
		{"Order145", sandbox.HTML, 0, "The answer was not what Movilitas.Cloud documents."},
		{"Order146", sandbox.ErrorAfter, 0, "Movilitas.Cloud had an error of its own."},
	} {
		s.remote.fault(test.kind, test.delay)
		p.open(test.order)
		p.arm()
		p.execute(test.order)
		for _, look := range []func(){func() {}, p.reload} {
			look()
			p.See("It is not known whether " + test.order + " was released.")
			p.See(test.because)
			p.See("Do not release it any other way.")
			p.showsUnknown(test.order)
		}
		// Somebody who has the page from before is told the same.
		status, page := p.fetch("POST", p.path()+"/release")
		if want := "The outcome of an earlier release of this order is not known yet. Nothing was sent."; status != 409 || !contains(page, want) {
			t.Errorf("pressing again is answered with %d, want 409 and %q:\n%s", status, want, page)
		}
	}
	p.visit("/lines/L1")
	p.In(".trouble").Click("3 more")
	for _, order := range []string{"Order143", "Order144", "Order145", "Order146"} {
		p.In("main").See(order)
	}
	p.showsUnknown("Release Order")
	p.visit("/")
	p.See("Outcome unknown 4")
	p.visit("/history?outcome=unknown")
	if rows := p.rows(); len(rows) != 4 {
		t.Errorf("the history shows %d unknown outcomes, want 4:\n%s", len(rows), strings.Join(rows, "\n"))
	}
	for _, row := range p.rows() {
		if !strings.Contains(row, "Outcome unknown") || strings.Contains(row, "Not released") {
			t.Errorf("the history shows an unknown outcome as %q", row)
		}
	}
	s.remote.releasedExactly("Order143", "Order144", "Order146") // which Lineboard can't know
}

// showsUnknown checks that the page says so, and neither that the order was not released nor that it can be.
func (p person) showsUnknown(order string) {
	p.t.Helper()
	p.See("Outcome unknown")
	text := p.Text("main")
	for _, wrong := range []string{"Not released", "not released", "Release refused"} {
		if strings.Contains(text, wrong) {
			p.t.Errorf("an unknown outcome reads as %q:\n%s", wrong, text)
		}
	}
	for _, seen := range p.All("button, a") {
		if seen == "Release to line" || strings.HasPrefix(seen, "Release "+order) {
			p.t.Errorf("%q is offered while an outcome is unknown", seen)
		}
	}
}

func TestARefusalSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for order, on := range map[string]bool{"Order143": true, "Order144": false} {
		p := signedIn(t, s, "supervisor1", scripts(on))
		p.open(order)
		p.arm()
		suspended := sandbox.Order143(time.Now())
		suspended.ID, suspended.Status = order, sandbox.Suspended
		s.remote.put(suspended)
		p.execute(order)
		p.See(order + " was not released.")
		p.See("In Movilitas.Cloud the order is in status Suspended. Only an order in Pending release can be released.")
		p.See("Resume it in the administration pages of Movilitas.Cloud.")
		p.Gone("Outcome unknown")
		if p.offers("Release to line") {
			t.Errorf("%s is offered although it is Suspended", order)
		}
		p.Click("Raw answer")
		p.See("Packaging order " + order + " is in status: Suspended")
	}
	s.remote.releasedExactly()
}

func TestWithoutAConnectionNothingIsSentAndTheButtonIsThereAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.open("Order143")
	p.arm()
	s.remote.server.CloseClientConnections()
	s.remote.server.Close()
	p.execute("Order143")
	p.See("Order143 was not released.")
	p.See("Movilitas.Cloud could not be reached. Nothing was sent.")
	p.See("Try again in a minute.")
	p.Gone("Outcome unknown")
	if !p.offers("Release to line") {
		t.Error("the order can't be released again")
	}

	// It is back, and knows nothing of the token that it gave. For a moment it may still count as away, which sends
	// nothing.
	s.remote = &remote{program: start(t, nil, "sandbox", "--addr", strings.TrimPrefix(s.remote.address, "http://"))}
	for limit := time.Now().Add(3 * browser.Patience); ; {
		p.arm()
		p.execute("Order143")
		p.Gone("Check against the batch record")
		result := p.Text("#release")
		if strings.Contains(result, "Order143 is released to Blister line 1.") {
			break
		}
		if !strings.Contains(result, "Nothing was sent.") || time.Now().After(limit) {
			t.Fatalf("after the connection came back: %s", result)
		}
	}
	s.remote.releasedExactly("Order143")
}

// newHeld puts a Lineboard up in this process whose releases are not carried out until they are let go. A press waits
// for the patience given, and then shows what it knows.
func newHeld(t *testing.T, patience time.Duration) (h *house.Site, s *site, letGo func()) {
	t.Helper()
	held := make(chan struct{})
	h = house.New(t, house.Options{
		Patience: patience,
		Limits:   manufacturer.Limits{Release: 5 * time.Minute},
		Handler: func(box *sandbox.Sandbox) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, sandbox.ReleaseToLine) {
					<-held
				}
				box.ServeHTTP(w, r)
			})
		},
	})
	letGo = sync.OnceFunc(func() { close(held) })
	t.Cleanup(letGo)
	return h, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}, letGo
}

// carriedOut checks that the sandbox in this process released these orders, in any order, each once, and nothing else.
func carriedOut(t *testing.T, h *house.Site, orders ...string) {
	t.Helper()
	var got []string
	for _, release := range h.Box.Released() {
		got = append(got, release.OrderID)
	}
	slices.Sort(got)
	if !slices.Equal(got, orders) {
		t.Errorf("the sandbox carried out releases of %q, want %q", got, orders)
	}
}

func TestARunningReleaseSaysSoAndCannotBePressedAgain(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	h, s, letGo := newHeld(t, time.Minute)
	p := signedIn(t, s, "supervisor1")
	p.open("Order143")
	p.arm()
	p.execute("Order143")
	p.See("Releasing…")
	p.Gone("Release Order143 to Blister line 1")
	p.Holds(`document.querySelector("#release button:enabled:not([aria-disabled=true])") === null`)
	letGo()
	p.See("Order143 is released to Blister line 1.")
	p.Gone("Releasing…")
	carriedOut(t, h, "Order143")
}

func TestARunningReleaseGoesOnWhenItsPageIsClosed(t *testing.T) {
	t.Parallel()
	h, s, letGo := newHeld(t, time.Minute)
	var order string
	t.Run("a window that is closed while the release runs", func(t *testing.T) {
		p := signedIn(t, s, "supervisor1")
		p.open("Order143")
		order = p.path()
		p.arm()
		p.execute("Order143")
		// Another page shows that the release has begun.
		another := signedIn(t, s, "manager1")
		another.visit(order)
		another.See("Order143 is being released to Blister line 1…")
	})
	carriedOut(t, h)
	letGo()
	p := visitor(t, s)
	p.visit(order)
	p.signIn("supervisor1")
	p.See("Order143 is released to Blister line 1.") // without anybody's doing
	carriedOut(t, h, "Order143")
}

func TestAReleaseThatTakesLongShowsItsResultOnceItIsThere(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	h, s, letGo := newHeld(t, time.Second)
	armed := func(order string, on bool) person {
		p := signedIn(t, s, "supervisor1", scripts(on))
		p.open(order)
		p.arm()
		return p
	}
	p, without := armed("Order143", true), armed("Order144", false)
	p.execute("Order143")
	without.execute("Order144")
	p.See("Order143 is being released to Blister line 1…")
	p.See("You can leave this page. The release goes on, and its result will appear here.")
	without.See("Order144 is being released to Blister line 1…")
	letGo()
	p.See("Order143 is released to Blister line 1.")
	for limit := time.Now().Add(browser.Patience); strings.Contains(
		without.Text("main"), "Order144 is being released",
	); {
		if time.Now().After(limit) {
			t.Fatal("the page without scripts does not come to the result")
		}
		without.Click("Show current status")
		without.Text("#release")
	}
	without.See("Order144 is released to Blister line 1.")
	p.clean()
	without.clean()
	carriedOut(t, h, "Order143", "Order144")
}
