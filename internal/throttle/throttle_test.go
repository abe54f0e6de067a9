package throttle_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/throttle"
)

// book is a history, and a clock that stands still until it is moved.
type book struct {
	mu           sync.Mutex
	now          time.Time
	began, ended []packaging.Throttling
}

func (b *book) ThrottlingBegan(_ context.Context, t packaging.Throttling) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.began = append(b.began, t)
	return nil
}

func (b *book) ThrottlingEnded(_ context.Context, t packaging.Throttling) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = append(b.ended, t)
	return nil
}

func (b *book) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *book) move(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func guard() (*book, *throttle.Guard) {
	b := &book{now: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)}
	return b, throttle.New(b, nil, b.clock, slog.New(slog.DiscardHandler))
}

// at is somebody whom nothing but their address tells apart.
func at(address string) throttle.Client { return throttle.Client{Address: address} }

// wrong tries a wrong password and gives the wait that kept it from being looked at.
func wrong(t *testing.T, g *throttle.Guard, username, address string) time.Duration {
	t.Helper()
	wait := g.Try(username, at(address))
	if wait == 0 {
		if _, err := g.Wrong(t.Context(), username, at(address)); err != nil {
			t.Fatal(err)
		}
	}
	return wait
}

func TestEachWrongPasswordBeyondTheFreeOnesDoublesTheWait(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for i := range 5 {
		if wait := wrong(t, g, "sofie", "10.0.0.7"); wait != 0 {
			t.Fatalf("wrong password %d: wait %s", i+1, wait)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32} {
		wait := wrong(t, g, "sofie", "10.0.0.7")
		if wait != want*time.Second {
			t.Errorf("wait %s, want %d s", wait, want)
		}
		b.move(wait)
		if wait := wrong(t, g, "sofie", "10.0.0.7"); wait != 0 {
			t.Errorf("when the wait is over: another %s", wait)
		}
	}
	for range 50 {
		b.move(wrong(t, g, "sofie", "10.0.0.7"))
	}
	if wait := g.Try("sofie", at("10.0.0.7")); wait > 15*time.Minute {
		t.Errorf("a wait of %s", wait)
	}
	if want := []packaging.Throttling{{Username: "sofie", Address: "10.0.0.7"}}; !slices.Equal(b.began, want) {
		t.Errorf("began %+v", b.began)
	}
}

func TestAClockThatIsSetBackMakesNobodyWaitLongerThanTheRuleSays(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for range 6 {
		wrong(t, g, "sofie", "10.0.0.7")
	}
	b.move(-24 * time.Hour)
	if wait := g.Try("sofie", at("10.0.0.7")); wait > 15*time.Minute {
		t.Errorf("a wait of %s", wait)
	}
	b.move(15 * time.Minute)
	if wait := g.Try("sofie", at("10.0.0.7")); wait != 0 {
		t.Errorf("a quarter of an hour later: %s", wait)
	}
	b.move(-24 * time.Hour)
	for range 2 { // the first look finds what is ahead of the clock, the second that it is over
		if err := g.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.move(time.Hour)
	}
	if len(b.ended) != 1 {
		t.Errorf("ended %+v", b.ended)
	}
}

func TestARightPasswordEndsIt(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for range 6 {
		wrong(t, g, "Sofie", "10.0.0.7")
	}
	b.move(time.Second)
	if wait := g.Try("sofie", at("10.0.0.7")); wait != 0 {
		t.Fatalf("wait %s", wait)
	}
	if err := g.Right(t.Context(), "sofie", at("10.0.0.7")); err != nil {
		t.Fatal(err)
	}
	if want := []packaging.Throttling{
		{Username: "sofie", Address: "10.0.0.7", Tries: 1},
	}; !slices.Equal(b.ended, want) {
		t.Errorf("ended %+v", b.ended)
	}
	if wait := wrong(t, g, "sofie", "10.0.0.7"); wait != 0 {
		t.Errorf("the next wrong one waits %s", wait)
	}
}

func TestNobodyElsewhereLocksAPersonOutWhereTheySignIn(t *testing.T) {
	t.Parallel()
	b, g := guard()
	g.Try("sofie", at("10.0.0.7"))
	if err := g.Right(t.Context(), "sofie", at("10.0.0.7")); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 { // from a thousand addresses
		wrong(t, g, "sofie", fmt.Sprintf("192.0.%d.%d", i/250, i%250))
	}
	if wait := g.Try("sofie", at("198.51.100.1")); wait == 0 {
		t.Error("a new address may still guess")
	}
	if wait := g.Try("sofie", at("10.0.0.7")); wait != 0 {
		t.Errorf("the person waits %s at their own address", wait)
	}
	b.move(time.Minute)
	if wait := g.Try("sofie", at("198.51.100.2")); wait != 0 {
		t.Errorf("after a minute, a person who never signed in at an address waits %s", wait)
	}
}

func TestStrangersTakeNothingFromAKnownDevice(t *testing.T) {
	t.Parallel()
	b, g := guard()
	tablet := throttle.Client{Address: "10.0.0.7", Device: "tablet"}
	crowd := func() {
		for i := range 50 {
			for range 30 {
				wrong(t, g, "sofie", "10.0.0.7")
				wrong(t, g, "sofie", fmt.Sprintf("192.0.2.%d", i))
			}
		}
	}
	for range 50 {
		crowd()
		if wait := g.Try("sofie", tablet); wait != 0 {
			t.Fatalf("a known device waits %s", wait)
		}
		if err := g.Right(t.Context(), "sofie", tablet); err != nil {
			t.Fatal(err)
		}
		b.move(time.Second)
	}
	for range 6 {
		g.Try("sofie", tablet)
	}
	if wait := g.Try("sofie", tablet); wait == 0 {
		t.Error("a known device may guess without end")
	}
	if wait := g.Try("maria", throttle.Client{Address: "10.0.0.7", Device: "another tablet"}); wait != 0 {
		t.Errorf("another known device waits %s", wait)
	}
}

func TestWhereAPersonSignsInNobodyMakesThemWaitForMoreThanAMinute(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for range 100 { // strangers were there first
		b.move(wrong(t, g, "sofie", "10.0.0.7"))
	}
	if err := g.Right(t.Context(), "sofie", at("10.0.0.7")); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		wait := wrong(t, g, "sofie", "10.0.0.7")
		if wait > time.Minute {
			t.Fatalf("a wait of %s", wait)
		}
		b.move(wait)
	}
}

func TestAStationIsHeldUpByItsOwnWrongPasswordsAlone(t *testing.T) {
	t.Parallel()
	_, g := guard()
	station := throttle.Client{Address: "10.0.0.7", Device: "station 1", Shared: true}
	for i := range 500 {
		wrong(t, g, fmt.Sprintf("name%d", i), "10.0.0.7")
	}
	for i := range 50 {
		if wait := g.Try(fmt.Sprintf("name%d", i), station); wait != 0 {
			t.Fatalf("name %d: a wait of %s", i, wait)
		}
	}
	if wait := g.Try("another", station); wait == 0 {
		t.Error("a station may try any number of names")
	}
}

func TestAnIPv6AddressCountsByItselfInLocalNetworksAlone(t *testing.T) {
	t.Parallel()
	local := throttle.Networks{netip.MustParsePrefix("2001:db8:12::/48")}
	for address, want := range map[string]string{
		"10.0.0.7":          "10.0.0.7",
		"::ffff:10.0.0.7":   "10.0.0.7",
		"2001:db8::7":       "2001:db8::/64",
		"2001:db8:12::7":    "2001:db8:12::7",
		"2001:db8:12:9::7":  "2001:db8:12:9::7",
		"fe80::7":           "fe80::7",
		"fe80::7%eth0":      "fe80::7",
		"fd00:1:2:3::7":     "fd00:1:2:3::7",
		"2001:db8:13::1:7":  "2001:db8:13::/64",
		"what is no number": "what is no number",
	} {
		if got := local.Of(address); got != want {
			t.Errorf("%s counts as %s, want %s", address, got, want)
		}
	}
}

// TestNoWaitIsLongerThanItsRuleSays asks again as soon as each wait is over, as somebody who guesses on and on does.
func TestNoWaitIsLongerThanItsRuleSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		username func(int) string
		from     func(int) throttle.Client
		longest  time.Duration
	}{
		"a person at a known device": {
			func(int) string { return "sofie" },
			func(int) throttle.Client { return throttle.Client{Address: "10.0.0.7", Device: "tablet"} }, 15 * time.Minute,
		},
		"a person at an address": {
			func(int) string { return "sofie" }, func(int) throttle.Client { return at("10.0.0.7") }, 15 * time.Minute,
		},
		"a person from everywhere": {
			func(int) string { return "sofie" },
			func(i int) throttle.Client { return at(fmt.Sprintf("192.0.%d.%d", i/250, i%250)) }, time.Minute,
		},
		"an address": {
			func(i int) string { return fmt.Sprintf("name%d", i) },
			func(int) throttle.Client { return at("10.0.0.7") }, 30 * time.Second,
		},
	} {
		b, g := guard()
		var longest time.Duration
		for i := range 2000 {
			wait := g.Try(test.username(i), test.from(i))
			longest = max(longest, wait)
			b.move(wait)
		}
		if longest != test.longest {
			t.Errorf("%s: the longest wait is %s, not %s", name, longest, test.longest)
		}
	}
}

func TestAnAddressThatTriesManyNamesIsSlowedDownForAllOfThem(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for i := range 50 {
		if wait := wrong(t, g, fmt.Sprintf("name%d", i), "2001:db8::1"); wait != 0 {
			t.Fatalf("name %d: wait %s", i, wait)
		}
	}
	if wait := g.Try("another", at("2001:db8::ffff")); wait == 0 {
		t.Error("another address of the same network may try")
	}
	if wait := g.Try("another", at("2001:db8:0:1::1")); wait != 0 {
		t.Errorf("another network waits %s", wait)
	}
	if want := []packaging.Throttling{{Address: "2001:db8::1"}}; !slices.Equal(b.began, want) {
		t.Errorf("began %+v", b.began)
	}
	// People of a plant behind one address who mistype now and then never meet it.
	b, g = guard()
	for i := range 500 {
		if wait := wrong(t, g, fmt.Sprintf("name%d", i), "10.0.0.1"); wait != 0 {
			t.Fatalf("typo %d waits %s", i, wait)
		}
		b.move(45 * time.Second)
	}
}

func TestManyAtOnceGainNothing(t *testing.T) {
	t.Parallel()
	_, g := guard()
	var looked sync.Map
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			if g.Try("sofie", at("10.0.0.7")) == 0 {
				looked.Store(i, true)
			}
		})
	}
	all.Wait()
	n := 0
	looked.Range(func(any, any) bool { n++; return true })
	if n != 5 {
		t.Errorf("%d of 200 passwords tried at once are looked at", n)
	}
}

func TestWhatIsOverIsRecordedOnceWithItsCount(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for range 10_000 {
		wrong(t, g, "sofie", "10.0.0.7")
	}
	if err := g.Sweep(t.Context()); err != nil || len(b.ended) != 0 {
		t.Fatalf("ended at once: %+v, %v", b.ended, err)
	}
	b.move(time.Hour)
	for range 3 {
		if err := g.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []packaging.Throttling{
		{Username: "sofie", Address: "10.0.0.7", Tries: 10_000 - 5},
	}; !slices.Equal(b.ended, want) {
		t.Errorf("ended %+v", b.ended)
	}
}

func TestWhenTheProgramStopsWhatGoesOnIsRecorded(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for range 7 {
		wrong(t, g, "sofie", "10.0.0.7")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := g.Run(ctx); err != nil || len(b.ended) != 1 {
		t.Errorf("ended %+v, %v", b.ended, err)
	}
}

func TestCountsAreBounded(t *testing.T) {
	t.Parallel()
	b, g := guard()
	for range 6 {
		wrong(t, g, "sofie", "10.0.0.7")
	}
	for i := range 20_000 {
		wrong(t, g, fmt.Sprintf("name%d", i), fmt.Sprintf("10.%d.%d.%d", 1+i/62500, i/250%250, i%250))
	}
	if wait := wrong(t, g, "sofie", "10.0.0.7"); wait != 0 {
		t.Errorf("the oldest of 20,000 counts is still kept: wait %s", wait)
	}
	if len(b.ended) != 1 || b.ended[0].Username != "sofie" {
		t.Errorf("what is forgotten is recorded as over: %+v", b.ended)
	}
}

func TestAnAddressMayMakeSoManyRequestsASecond(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	r := throttle.NewRate(10)
	allowed := func(address string, n int) (yes int) {
		for range n {
			if r.Allow(address, now) {
				yes++
			}
		}
		return yes
	}
	if n := allowed("10.0.0.7", 1000); n != 50 {
		t.Errorf("%d at once, want 50", n)
	}
	if n := allowed("10.0.0.8", 10); n != 10 {
		t.Errorf("another address: %d of 10", n)
	}
	now = now.Add(time.Second)
	if n := allowed("10.0.0.7", 1000); n != 10 {
		t.Errorf("%d a second later, want 10", n)
	}
	r = throttle.NewRate(0)
	if n := allowed("10.0.0.7", 1000); n != 1000 {
		t.Errorf("%d without a limit", n)
	}
}
