package e2e

import (
	"fmt"
	"slices"
	"testing"

	"lineboard/internal/testkit/thorough"
)

// pressTwice presses the button of this text twice before the page can do anything about the first press.
func (p person) pressTwice(text string) {
	p.t.Helper()
	p.Eval(`(button => { button.click(); button.click() })(
		[...document.querySelectorAll("button")].find(b => b.innerText.trim() === `+quote(text)+`))`, nil)
}

func TestADoublePressReleasesOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, test := range []struct {
		name, order string
		on          bool // the scripts
		press       func(p person, text string)
	}{
		{"with a finger", "Order143", true, person.pressTwice},
		{"with a finger without scripts", "Order144", false, person.pressTwice},
		{"with the keyboard", "Order145", true, func(p person, text string) { p.tabTo(text); p.Type("\n\n") }},
		{
			"with the keyboard without scripts", "Order146", false,
			func(p person, text string) { p.tabTo(text); p.Type("\n\n") },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := signedIn(t, s, "supervisor1", scripts(test.on))
			p.open(test.order)
			order := p.path()
			test.press(p, "Release to line")
			p.See("Check against the batch record")
			p.ready()
			if released := s.remote.released(); slices.ContainsFunc(released, isOf(test.order)) {
				t.Fatalf("pressing the first button twice released the order")
			}
			test.press(p, "Release "+test.order+" to Blister line 1")
			p.Gone("Check against the batch record")
			// The answer to the second press may be what is shown. It must not read as if nothing had been released.
			p.Gone("was not released")
			p.visit(order)
			p.See(test.order + " is released to Blister line 1.")
		})
	}
	s.pressedOnce("Order143", "Order144", "Order145", "Order146")
}

// A double tap, as people with gloves do it, puts the second tap where the first one was. There must be nothing that
// releases, however the page has moved.
func TestASecondTapAtTheSamePlaceReleasesNothing(t *testing.T) {
	thorough.Unraced(t)
	t.Parallel()
	s := newSite(t, nil)
	for _, on := range []bool{true, false} {
		p := signedIn(t, s, "supervisor1", scripts(on), func(p person) { p.Touch() })
		p.open("Order143")
		order := p.path()
		for _, from := range []string{"/lines/L1", order} {
			for _, size := range sizes {
				p.Viewport(size.width, size.height)
				p.visit(from)
				at := p.placeOf("Release to line")
				p.armAtOnce()
				p.Eval(fmt.Sprintf(`document.elementFromPoint(%v, %v)?.click()`, at.X, at.Y), nil)
				p.visit(order)
				p.Text("#release")
				if !p.offers("Release to line") {
					t.Fatalf("at %d×%d, from %s, scripts %v: a double tap on the first button released the order",
						size.width, size.height, from, on)
				}
			}
		}
	}
	s.pressedOnce()
}

// Keys are struck twice as well, and a page may move a button under the finger.
func TestWhatHasJustAppearedTakesNoPress(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.open("Order143")
	order := p.path()
	p.Eval(`new Promise(done => {
		const find = text => [...document.querySelectorAll("button")].find(b => b.innerText.trim() === text);
		const next = () => {
			const button = find("Release Order143 to Blister line 1");
			if (!button) return requestAnimationFrame(next);
			button.click();
			done();
		};
		find("Release to line").click();
		next();
	})`, nil)
	p.visit(order)
	p.See("Pending release")
	p.release("Order143")
	s.pressedOnce("Order143")
}

// placeOf brings a button or link of this text to the middle of the window and gives its centre.
func (p person) placeOf(text string) (at struct{ X, Y float64 }) {
	p.t.Helper()
	p.See(text)
	p.Eval(`(e => {
		e.scrollIntoView({block: "center", behavior: "instant"});
		const box = e.getBoundingClientRect();
		return {X: box.x + box.width / 2, Y: box.y + box.height / 2};
	})([...document.querySelectorAll("button, a")].find(e => e.innerText.trim() === `+quote(text)+`))`, &at)
	return at
}

func TestReloadingAfterAReleaseSendsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for order, on := range map[string]bool{"Order143": true, "Order144": false} {
		p := signedIn(t, s, "supervisor1", scripts(on))
		p.open(order)
		p.release(order)
		for range 2 {
			p.reload()
			p.See(order + " is released to Blister line 1.")
			if p.offers("Release to line") || p.offers("Release "+order+" to Blister line 1") {
				t.Errorf("%s is offered again", order)
			}
		}
		s.remote.releasedOnce(order)
	}
}

func TestGoingBackAndPressingAgainSendsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.visit("/lines/L1")
	p.open("Order143")
	p.release("Order143")
	p.back()
	p.forward()
	p.pressIfOffered("Order143")

	// Without scripts the armed page is a page of its own, to which the button leads back.
	p = signedIn(t, s, "supervisor1", scripts(false))
	p.open("Order144")
	p.release("Order144")
	p.back()
	p.pressIfOffered("Order144")
	s.pressedOnce("Order143", "Order144")
}

// pressIfOffered presses each step that the page of a released order still offers, as a page from before would.
func (p person) pressIfOffered(order string) {
	p.t.Helper()
	p.onPageOf(order)
	for _, step := range []string{"Release to line", "Release " + order + " to Blister line 1"} {
		if p.offers(step) {
			p.Click(step)
			p.Gone(step)
		}
	}
	p.See(order + " is released to Blister line 1.")
	if p.offers("Release to line") {
		p.t.Errorf("%s is offered again", order)
	}
}

func TestASecondPersonIsToldThatTheOrderWasReleasedAlready(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for order, on := range map[string]bool{"Order143": true, "Order144": false} {
		second := signedIn(t, s, "manager1", scripts(on))
		second.open(order)
		second.arm()

		first := signedIn(t, s, "supervisor1")
		first.open(order)
		first.release(order)

		// A page that learns of the release by itself may have taken the button away.
		if button := "Release " + order + " to Blister line 1"; second.offers(button) {
			second.Click(button)
			second.See("A release of this order from here is recorded. Nothing was sent a second time.")
		}
		second.See("Sofie Peeters")
		second.Gone("Check against the batch record")

		// And what the page sent, sent once more.
		if on {
			status, page := second.fetch("POST", first.path()+"/release")
			if want := "A release of this order from here is recorded. Nothing was sent a second time."; status != 409 || !contains(page, want) {
				t.Errorf(
					"the replayed press of %s is answered with %d, want 409 and %q:\n%s", order, status, want, page,
				)
			}
		}
		s.remote.releasedOnce(order)
	}
}
