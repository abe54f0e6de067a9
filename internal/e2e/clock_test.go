package e2e

import (
	"strings"
	"testing"
	"time"

	"lineboard/internal/testkit/thorough"
)

// All time on a page is the server's in the zone of the site, whatever clock and zone the device has: on a copy too.
func TestPagesShowTheTimeOfTheServerAndTheZoneOfTheSite(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	p := signedIn(t, s, "supervisor1", func(p person) { p.Device(3*time.Hour, "Asia/Tokyo") })
	isNow := func(form, shown string) {
		t.Helper()
		now := time.Now().In(brussels)
		at, err := time.ParseInLocation(time.DateOnly+" "+form, now.Format(time.DateOnly)+" "+shown, brussels)
		if off := now.Sub(at).Abs(); err != nil || off > time.Minute && off < 24*time.Hour-time.Minute {
			t.Errorf("a page shows %q at %s: %v", shown, now, err)
		}
	}
	areAgesShort := func() {
		t.Helper()
		p.Holds(`[...document.querySelectorAll("[data-age]")].some(age => age.checkVisibility())`)
		ages := p.All("[data-age]")
		if len(ages) == 0 {
			t.Error("the page shows no age")
		}
		for _, age := range ages {
			if strings.Contains(age, "h") {
				t.Errorf("something that has just been is %s old", age)
			}
		}
	}
	p.visit("/lines/L1")
	p.whole()
	var device int
	p.Eval(`new Date().getTimezoneOffset()`, &device)
	if device != -9*60 {
		t.Fatalf("the device's zone is %d minutes off", device)
	}
	isNow(time.TimeOnly, p.Text("[data-clock]"))
	areAgesShort()

	p.keeps("/lines/L1")
	s.stop()
	p.visit("/lines/L1")
	p.See("This page is a copy kept on this device, as of")
	isNow(time.TimeOnly, p.Text("[data-clock]"))
	areAgesShort()
	day, clock, _ := strings.Cut(p.Text("#copy time"), " ")
	isNow(time.TimeOnly+" -07:00", clock)
	if want := time.Now().In(brussels).Format(time.DateOnly); day != want {
		t.Errorf("the copy is of %s, today is %s", day, want)
	}
}

// A proxy may keep the server's time back. A page that slept asks for it again and again, but ever more rarely.
func TestAPageThatGetsNoTimeAsksEverMoreRarely(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1")
	p.visit("/lines/L1")
	p.whole()
	p.Eval(`(() => {
		window.asked = [];
		const send = fetch, now = Date.now;
		window.fetch = (...what) => {
			if (!String(what[0]).endsWith("/healthz")) return send(...what);
			asked.push(performance.now());
			return Promise.resolve(new Response("ok"));
		};
		Date.now = () => now() + 60_000; // as after a minute's sleep
	})()`, nil)
	p.Holds(`asked.length >= 4`)
	var gaps []float64
	p.Eval(`asked.slice(1, 4).map((at, i) => at - asked[i])`, &gaps)
	if gaps[0] < 1000 || gaps[1] < 2000 || gaps[2] < 4000 {
		t.Errorf("the page asks again after %.0f ms", gaps)
	}
}
