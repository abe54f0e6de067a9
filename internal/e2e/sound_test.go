package e2e

import (
	"fmt"
	"testing"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/browser"
	house "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

const muted = "This screen is not allowed to play sound yet. Touch here to switch it on."

// countTones counts the tones that the page plays from now on. Tones come every 20 s as long as nobody takes care.
const countTones = `(() => {
	window.tones = 0;
	const make = AudioContext.prototype.createOscillator;
	AudioContext.prototype.createOscillator = function () { tones++; return make.call(this); };
})()`

// alarmed is a site with an alarm that sounds: a release was refused.
func alarmed(t *testing.T) (*house.Site, *site) {
	t.Helper()
	h := house.New(t, house.Options{})
	h.SignIn("administrator1").Post(
		"/admin/alarms/rules", "kind", "refused", "delay", "0", "from", "00:00", "to", "00:00", "sound", "yes",
	)
	h.Box.SetStatus("Order143", sandbox.Suspended)
	refused := h.Order("Order143")
	h.SignIn("supervisor1").Post(
		fmt.Sprintf("/orders/%d/release", refused.ID), "revision", fmt.Sprint(refused.Revision),
	)
	if err := h.Alarms.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}
}

// screens are those that sound, each opened without a touch, as after the power came back.
var screens = map[string]func(*house.Site, person){
	"a wall": func(h *house.Site, p person) {
		_, code, err := h.Store.AddDisplay(p.t.Context(), h.Person("administrator1"), "Hall A", "")
		if err != nil {
			p.t.Fatal(err)
		}
		p.send("/station", "code="+code)
		p.visit("/wall")
	},
	"a wall of a person": func(_ *house.Site, p person) {
		p.send("/login", "username=supervisor1&password="+house.Password)
		p.visit("/?wall")
	},
	"a station": func(h *house.Site, p person) {
		p.send("/station", "code="+h.StationCode("Tablet 1", "L1"))
		p.send("/login", "username=supervisor1&password="+house.Password)
		p.visit("/lines/L1")
	},
}

// send sends a form without a touch.
func (p person) send(path, form string) {
	p.t.Helper()
	var status int
	p.Eval(
		`fetch(`+quote(path)+`, {method: "POST", body: new URLSearchParams(`+quote(form)+`)}).then(answer => answer.status)`,
		&status,
	)
	if status >= 400 {
		p.t.Fatalf("%s: %d", path, status)
	}
}

func TestAScreenThatMaySoundSoundsByItself(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	for name, open := range screens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, s := alarmed(t)
			p := person{Page: browser.OpenSounding(t), t: t, site: s}
			p.visit("/login")
			open(h, p)
			p.See("Release refused")
			p.Eval(countTones, nil)
			p.Holds("tones >= 4")
			p.Gone(muted)
		})
	}
}

// A browser lets a page sound once somebody has touched it, and not before.
func TestAScreenThatMayNotSoundSaysSoUntilItIsTouched(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	for name, open := range screens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, s := alarmed(t)
			p := visitor(t, s)
			p.visit("/login")
			open(h, p)
			p.See("Release refused")
			p.Eval(countTones, nil)
			p.See(muted)
			if name == "a wall" {
				// It asks for its rows every few seconds, and what it says does not come and go with them.
				p.Eval(`new Promise(done => new MutationObserver((_, seen) => {
					seen.disconnect();
					setTimeout(() => done(!document.querySelector("[data-unmute]").hidden));
				}).observe(document.querySelector("#display"), {childList: true})).then(says => { window.stays = says })`, nil)
				p.Holds("stays")
			}
			p.Holds("tones === 0")
			p.In("main").Click(muted)
			p.Holds("tones >= 4")
			p.Gone(muted)
		})
	}
}
