package e2e

import (
	"testing"
	"time"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
	"lineboard/views/shell"
)

// Order IDs are the vendor's: any text of up to 255 characters, and longer ones that can't be released from here.
const hostile = `A/B\C "quoted" 'single' <b id=injected>bold</b> <img src=x onerror=alert(1)> {{.Order}} %2F ?q=1&amp;#frag ; -- é ß 漢字 🧪👩‍🔬`

func TestAnOrderIDIsShownWithAllThatItHasAndSentAsItIs(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	long := func(characters int, lot string) sandbox.Order {
		o := sandbox.Order143(time.Now())
		o.ID, o.Lot, o.Serials = padded(hostile, characters), lot, nil
		return o
	}
	longest, tooLong := long(255, "LONGEST"), long(300, "TOOLONG")
	s := newSite(t, []sandbox.Order{longest, tooLong})
	p := signedIn(t, s, "supervisor1")
	for _, o := range []sandbox.Order{longest, tooLong} {
		p.visit("/orders?q=" + o.Lot)
		p.See(shell.ShortOrderID(o.ID))
		p.Click(shell.ShortOrderID(o.ID))
		p.onPageOf(shell.OrderID(o.ID))
		for _, size := range everySize {
			p.Viewport(size.width, size.height)
			if p.Overflow() {
				t.Errorf(
					"an order ID of %d characters makes the page wider than %d: %v", len([]rune(o.ID)), size.width,
					p.tooWide(),
				)
			}
		}
		p.showsAsText(o.ID)
	}
	p.See(
		"This order can't be released from here: its order ID is longer than the 255 characters that Movilitas.Cloud accepts.",
	)
	p.See("Tell the person who creates the orders; release it in Movilitas.Cloud.")
	if p.offers("Release to line") {
		t.Error("an order whose ID is too long is offered")
	}
	status, page := p.fetch("POST", p.path()+"/release")
	if status != 409 || !contains(page, "its order ID is longer than the 255 characters") {
		t.Errorf("releasing it by hand is answered with %d:\n%s", status, page)
	}

	p.visit("/orders?q=" + longest.Lot)
	p.Click(shell.ShortOrderID(longest.ID))
	p.onPageOf(shell.OrderID(longest.ID))
	p.release(shell.OrderID(longest.ID))
	order := p.path()
	for _, path := range []string{order, order + "/serials", "/history"} {
		p.visit(path)
		p.showsAsText(longest.ID)
	}
	p.visit("/lines/L1")
	p.See(shell.ShortOrderID(longest.ID))
	s.pressedOnce(longest.ID)
}

// padded is text with as many letters behind it as it takes.
func padded(text string, characters int) string {
	for i := len([]rune(text)); i < characters; i++ {
		text += string(rune('a' + i%26))
	}
	return text
}

// showsAsText checks that the order ID can be read, and that no part of it became a part of the page.
func (p person) showsAsText(order string) {
	p.t.Helper()
	p.See(shell.OrderID(order))
	var injected int
	p.Eval(`document.querySelectorAll("#injected, img[src=x]").length`, &injected)
	if injected != 0 {
		p.t.Errorf("%s holds markup out of an order ID", p.path())
	}
}
