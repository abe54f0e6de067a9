package e2e

import "testing"

// A browser lets a page sound once somebody has touched it, and not before.
func TestAWallThatMayNotSoundSaysSoUntilItIsTouched(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "administrator1")
	p.Eval(`(async () => {
		const post = (to, form) => fetch(to, { method: "POST", body: new URLSearchParams(form) });
		const tomorrow = new Date(Date.now() + 864e5).toISOString().slice(0, 10);
		await post("/admin/connection/end", { last_day: tomorrow, remind_days: 30 });
		await post("/admin/alarms/rules", { kind: "ending", delay: 0, from: "00:00", to: "00:00", sound: "yes" });
		window.isSet = true;
	})()`, nil)
	p.Holds("window.isSet")
	p.visit("/?wall")
	p.See("Credentials about to end")
	p.Eval(`(() => {
		window.tones = 0;
		const make = AudioContext.prototype.createOscillator;
		AudioContext.prototype.createOscillator = function () { tones++; return make.call(this); };
	})()`, nil)
	const says = "This screen may not play sound yet. Touch here to switch it on."
	p.See(says)
	p.Holds("tones === 0")
	p.In("main").Click(says)
	p.Holds("tones >= 4")
	p.Gone(says)
}
