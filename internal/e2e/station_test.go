package e2e

import (
	"testing"
	"time"

	"lineboard/internal/packaging"
	kit "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// These tests need a clock that can be moved, so they put Lineboard up in their own process.

const (
	supervisorsPIN = "271828"
	managersPIN    = "314159"
)

// tablet is the window of a tablet that is bound to Blister line 1, where nobody has signed in.
func tablet(t testing.TB, s *kit.Site) person {
	t.Helper()
	s.SetPIN("supervisor1", supervisorsPIN)
	s.SetPIN("manager1", managersPIN)
	p := visitor(t, &site{program: &program{t: t, address: s.Web.URL}})
	p.Touch()
	p.visit("/station")
	p.Fill("Code of the station", s.StationCode("Tablet 1", "L1"))
	p.Click("Bind this tablet")
	p.At("/login")
	return p
}

// choose says who it is, and waits for the page that asks for their PIN.
func (p person) choose(username string) {
	p.t.Helper()
	p.Click("Person " + username)
	p.Text(".station-chosen .colleagues [aria-current]")
	p.whole()
	p.Text(".digits")
}

// tap types a PIN on the keys of the screen.
func (p person) tap(pin string) {
	p.t.Helper()
	for _, key := range pin {
		p.In(".digits").Click(string(key))
	}
}

// wake has the page look at the clock, as a tablet does that was put away and is taken up again.
func (p person) wake() {
	p.t.Helper()
	p.Eval(`document.dispatchEvent(new Event("visibilitychange"))`, nil)
}

func TestATabletIsBoundAndTwoPeopleSwitchThereByPIN(t *testing.T) {
	t.Parallel()
	s := kit.New(t, kit.Options{})
	admin := visitor(t, &site{program: &program{t: t, address: s.Web.URL}, password: kit.Password})
	admin.visit("/admin/stations")
	admin.signIn("administrator1")
	admin.Fill("Name", "Tablet 7")
	admin.Choose("Line", "Bottle line 2")
	admin.Click("Add the station")
	admin.See("Code of Tablet 7")
	code := admin.Text(".new-code .code")
	other := visitor(t, admin.site)
	other.visit("/station")
	other.Fill("Code of the station", code)
	other.Click("Bind this tablet")
	other.See("Bottle line 2")
	other.See("Nobody who works on this line has a PIN yet.")

	p := tablet(t, s)
	p.choose("supervisor1")
	p.tap(supervisorsPIN)
	p.In(".digits").Click("Sign in")
	p.At("/lines/L1")
	p.In(".bar").See("Tablet 1")
	p.In(".bar").See("Person supervisor1")
	p.open("Order143")
	order := p.path()

	// Three presses and the PIN, and nothing to wait for but the pages: no more may come between two people.
	began := time.Now()
	p.Click("Lock")
	p.Click("Somebody else")
	p.choose("manager1")
	p.Type(managersPIN + "\n")
	p.At(order)
	p.In(".bar").See("Person manager1")
	t.Logf("switched in %v", time.Since(began).Round(time.Millisecond))
	p.clean()
}

func TestABadgeIsScannedWhereverTheTabletStands(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	const badge = "04-A2-9F-11-5C-80"
	s := kit.New(t, kit.Options{})
	p := tablet(t, s)
	p.choose("supervisor1")
	p.tap(supervisorsPIN)
	p.In(".digits").Click("Sign in")
	p.At("/lines/L1")
	p.visit("/account/pin")
	p.In("form[action='/account/badge']").Fill("Your password", kit.Password)
	p.In("form[action='/account/badge']").Fill("Badge", badge)
	p.Click("Enrol the badge")
	p.See("Done.")
	p.Click("Lock")
	p.See("Locked. The page stays as it was")
	p.Type(badge + "\n")
	p.Gone("Locked.")
	p.See("Done.")
	p.signOut()
	p.See("Scan your badge")
	p.Eval(`document.activeElement.blur()`, nil)
	p.Type(badge + "\n")
	p.At("/lines/L1")

	// With the badge alone somebody is here. A release from then on takes few taps.
	job := counted{person: p}
	p.whole()
	job.tap("main", "Release to line")
	p.See("Check against the batch record")
	p.ready()
	job.tap("main", "Release Order143 to Blister line 1")
	p.See("Order143 Released · 11 serials")
	job.tap("main", "Acknowledge")
	p.Gone("Order143 Released · 11 serials")
	job.tap(".bar", "Lock")
	p.See("Locked. The page stays as it was")
	job.tookAtMost(6)
	p.clean()
}

func TestATabletThatNobodyUsesWarnsLocksAndKeepsItsScreen(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s := kit.New(t, kit.Options{})
	p := tablet(t, s)
	p.choose("supervisor1")
	p.Type(supervisorsPIN + "\n")
	p.At("/lines/L1")
	p.open("Order143")
	p.arm()
	order := p.path()
	p.Eval(`document.documentElement.dataset.same = ""`, nil)

	s.Clock.Move(packaging.DefaultRules.LockAfter - 15*time.Second)
	p.wake()
	p.See("This screen locks in")
	p.Click("Go on")
	p.Gone("This screen locks in")
	p.See("Release Order143 to Blister line 1")
	if n := len(s.Box.Released()); n != 0 {
		t.Fatalf("the touch went through: %d releases", n)
	}

	s.Clock.Move(packaging.DefaultRules.LockAfter + time.Second)
	p.wake()
	p.See("Locked. The page stays as it was")
	p.Gone("Release Order143")
	p.Gone("Blister line 1")
	p.Type("\x1b\x1b")
	p.Type("111112\n")
	p.See("That is not right. Check it and try again.")
	p.Gone("Release Order143")
	p.Type(supervisorsPIN + "\n")
	p.See("Release Order143 to Blister line 1")
	p.Text("html[data-same]") // the very page
	p.execute("Order143")
	p.See("Order143 is released to Blister line 1.")
	p.See("Person supervisor1, at Tablet 1")

	s.Clock.Move(packaging.DefaultRules.LockAfter + time.Second)
	p.visit(order)
	p.See("Locked. Person supervisor1 goes on with the PIN")
	p.Gone("Order143")
	p.choose("manager1")
	p.Type(managersPIN + "\n")
	p.At(order)
	p.See("Order143 is released to Blister line 1.")
	p.In(".bar").See("Person manager1")
}

func TestWithoutScriptsTheServerLocks(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := kit.New(t, kit.Options{})
	p := tablet(t, s)
	p.NoScript()
	p.visit("/login")
	p.Click("Person supervisor1")
	p.Fill("PIN or badge", supervisorsPIN)
	p.Click("Sign in")
	p.At("/lines/L1")
	p.Click("Lock")
	p.See("Locked. Person supervisor1")
	p.Fill("PIN or badge", supervisorsPIN)
	p.Click("Sign in")
	p.See("Next to release")
	s.Clock.Move(packaging.DefaultRules.LockAfter + time.Second)
	p.reload()
	p.See("Locked. Person supervisor1")
	p.Gone("Next to release")
}

func TestAReleaseIsSignedByTwoAtTheTablet(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s := kit.New(t, kit.Options{})
	s.SetRules(packaging.Rules{LockAfter: packaging.DefaultRules.LockAfter, SignReleases: true, SecondSigner: true})
	p := tablet(t, s)
	p.choose("supervisor1")
	p.Type(supervisorsPIN + "\n")
	p.At("/lines/L1")
	p.open("Order143")
	p.arm()
	signs := func(second string) {
		t.Helper()
		p.Click("I checked order, product, lot and line")
		p.Click("I verified this release as the second person")
		p.In(".signing fieldset:first-of-type").Fill("PIN or password", supervisorsPIN)
		p.Fill("Username of the second person", second)
		p.In(".signing fieldset:last-of-type").Fill("PIN or password", managersPIN)
		p.ready()
		p.execute("Order143")
	}
	signs("supervisor1")
	p.See("The second person must be somebody else. Nothing was sent.")
	signs("manager1")
	p.See("Order143 is released to Blister line 1.")
	for _, want := range []string{
		"Person supervisor1", "I checked order, product, lot and line", "Person manager1",
		"I verified this release as the second person", "+01:00",
	} {
		p.In(".signatures").See(want)
	}
}

func TestACopyAtAStationIsThereNoLongerThanItTakesToLock(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := kit.New(t, kit.Options{})
	p := tablet(t, s)
	p.choose("supervisor1")
	p.Type(supervisorsPIN + "\n")
	p.At("/lines/L1")
	p.visit("/lines/L1")
	p.keeps("/lines/L1")
	if err := s.Web.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	s.Web.CloseClientConnections()
	p.visit("/lines/L1")
	p.See("This page is a copy kept on this device, as of")
	p.See("Order143")
	p.Eval(`(async () => {
		for (const name of await caches.keys()) if (name.startsWith("pages-")) {
			const cache = await caches.open(name);
			for (const request of await cache.keys()) {
				const kept = await cache.match(request), headers = new Headers(kept.headers);
				headers.set("Lineboard-Kept", kept.headers.get("Lineboard-Kept") - 5 * 60_000);
				await cache.put(request, new Response(await kept.text(), { headers }));
			}
		}
	})()`, nil)
	p.visit("/lines/L1")
	p.Gone("Order143")
	if left := p.keptPages(); len(left) > 0 {
		t.Errorf("there are still copies of %s", left)
	}
}
