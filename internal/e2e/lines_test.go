package e2e

import (
	"testing"
	"time"

	"lineboard/internal/sandbox"
)

// strange is an order for a line that nobody has set up.
func strange(id, line string) sandbox.Order {
	o := sandbox.Order143(time.Now())
	o.ID, o.LineCode, o.LineName, o.Serials = id, line, "", nil
	return o
}

func TestASupervisorSaysOnATabletWhichLineAnOrderIsFor(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			p := signedIn(t, s, "supervisor1", scripts(how))
			p.Viewport(800, 1280)
			p.open("Order144")
			p.Click("Change the line")
			p.Choose("Line of this order", "Bottle line 2")
			p.Click("Set the line")
			p.See("Line set here by Sofie Peeters")
			p.In("#story").See("Line Blister line 1 → Bottle line 2")
			order := p.path()
			p.visit("/lines/L2")
			p.See("Order144")
			p.Click("Refresh now")
			p.See("Refreshed.")
			p.visit(order)
			p.See("Movilitas.Cloud says L1.")
			p.Click("Change the line")
			p.Click("Don't set it here")
			p.In("#story").See("Line Bottle line 2 → Blister line 1")
			p.Gone("Line set here by")
			p.clean()
		})
	}
}

func TestALineThatTheAPINamesIsSetUpWithOneActionOnATablet(t *testing.T) {
	t.Parallel()
	s := newSite(t, []sandbox.Order{strange("Order901", "L7"), strange("Order902", "L7"), strange("Order903", "L8")})
	p := signedIn(t, s, "supervisor1")
	p.Viewport(800, 1280)
	p.visit("/")
	p.See("Order903") // each in a lane of its own
	p.Click("Set up L7")
	p.Fill("Name of the line", "Tube line 7")
	p.In("main").Click("Set up L7")
	p.At("/lines/L7")
	p.In("h1").See("Tube line 7")
	p.See("Order901")
	p.See("Order902")
	p.visit("/")
	p.See("Set up L8")
	p.Gone("Set up L7")
	p.clean()
}
