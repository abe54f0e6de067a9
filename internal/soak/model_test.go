package soak

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// model is what should be, beside the life in which it is. It is of one random sequence: its orders are its own.
type model struct {
	*life
	rt     *rapid.T
	orders []*order

	// calm: nothing was made to go wrong since all was mended, so a release that may be sent must work.
	calm bool

	next  fate          // of the next release that arrives; the remote side's lock is over it
	gate  chan struct{} // closed when those that are held may go on; nil where none is
	until time.Time     // of the clock: by then the other side is through with what is held
}

// order is a packaging order and what was done with it.
type order struct {
	key, path string
	id        packaging.OrderID
	tries     []string   // who pressed it, each time that the press was taken
	agains    int        // how many of them released it once more
	backs     int        // how often it went back to Pending release from the line
	before    int        // how often it was carried out by then
	others    bool       // somebody else released it
	given     []string   // the list that a person added to its latest release
	all       [][]string // that persons added
	elsewhere bool       // with it, the order got a release that nobody pressed
	checked   int64      // the revision that its page and list were last checked at
}

// pressed notes a press that was taken.
func (o *order) pressed(by string, again bool) {
	o.tries = append(o.tries, by)
	o.given, o.elsewhere = nil, false
	if again {
		o.agains++
	}
}

func TestAnySequenceOfPressesFaultsAndRestartsLeavesATrueState(t *testing.T) {
	thorough.Again(t)
	t.Parallel()
	r := newRemote()
	l := newLife(t, r)
	r.now = l.Clock.Now
	number := 0
	rapid.Check(t, func(rt *rapid.T) {
		number++
		m := newModel(rt, l, number)
		defer m.letGo() // also where a sequence fails: the next one must not find what this one held
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { m.check() },
			// rapid draws the first ones, by their names, more often.
			"1 press":       func(rt *rapid.T) { m.press(rt, m.draw(rt), m.person(rt)) },
			"2 press, ill":  func(rt *rapid.T) { m.pressIll(rt, m.draw(rt), m.person(rt)) },
			"3 crash":       func(rt *rapid.T) { m.crash(rt, m.draw(rt), m.person(rt)) },
			"4 press, late": func(rt *rapid.T) { m.pressLate(rt, m.draw(rt)) },
			"5 settle":      m.settle,
			"6 old refresh": m.oldRefresh,
			"7 set back":    func(rt *rapid.T) { m.setBack(rt, m.draw(rt)) },
			"8 once more":   func(rt *rapid.T) { m.onceMore(rt, m.draw(rt), m.person(rt)) },
			"9 say":         func(rt *rapid.T) { m.say(rt, m.draw(rt), m.person(rt)) },
			"both press":    func(rt *rapid.T) { m.bothPress(rt, m.draw(rt)) },
			"add list":      func(rt *rapid.T) { m.addList(rt, m.draw(rt), m.person(rt)) },
			"and leave":     func(rt *rapid.T) { m.pressAndLeave(rt, m.draw(rt), m.person(rt)) },
			"ask":           func(rt *rapid.T) { m.ask(rt, m.draw(rt), m.person(rt)) },
			"clock": func(rt *rapid.T) {
				m.move(
					time.Duration(rapid.IntRange(1, 30).Draw(rt, "seconds")) * time.Second,
				)
			},
			"fault":   m.fault,
			"let go":  func(*rapid.T) { m.letGo() },
			"lists":   m.lists,
			"mend":    func(*rapid.T) { m.mend() },
			"outside": func(rt *rapid.T) { m.outside(rt, m.draw(rt)) },
			"refresh": func(*rapid.T) { m.refresh() },
			"restart": func(*rapid.T) { m.kill() },
		})
		m.end()
	})
	history := l.wholeHistory()
	if problems := chain(history); len(problems) > 0 {
		t.Errorf("history: %q", problems)
	}
	counts := map[string]int{}
	for _, e := range history {
		if e.Deed == packaging.ReleaseRequested && e.Comment != "" {
			counts["release_requested once more"]++
		}
		if e.Outcome != "" {
			counts[strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Deed, e.Outcome, e.Reason))]++
		}
	}
	t.Logf("%d sequences, %d calls of release: %v", number, len(r.of("")), counts)
}

// newModel begins a sequence with orders of its own, and with everything in order.
func newModel(rt *rapid.T, l *life, number int) *model {
	m := &model{life: l, rt: rt}
	l.remote.with(func() { l.remote.fate = m.fate })
	for i := range 3 {
		o := &order{key: fmt.Sprintf("M%05d-%d", number, i)}
		if i == 0 {
			o.key += withoutList
		}
		m.remote.box.Put(sandbox.Order{
			ID: o.key, LineCode: "L1", Product: "Paracetamol 500 mg", GTIN: "04012345678901",
			Lot:    "M" + strconv.Itoa(number),
			Expiry: "2029-12-31", Quantity: 3 + i, ExtraPercent: 10, Status: sandbox.PendingRelease,
		})
		m.orders = append(m.orders, o)
	}
	m.mend()
	m.signIn()
	// which takes too long on a busy machine, at times
	for m.refresh(); !m.knows(m.orders[len(m.orders)-1].key); m.refresh() {
	}
	for _, o := range m.orders {
		o.id = m.Order(o.key).ID
		o.path = "/orders/" + strconv.FormatInt(int64(o.id), 10)
	}
	return m
}

func (m *model) draw(rt *rapid.T) *order {
	return m.orders[rapid.IntRange(0, len(m.orders)-1).Draw(rt, "order")]
}

func (m *model) person(rt *rapid.T) int { return rapid.IntRange(0, len(people)-1).Draw(rt, "person") }

// fate gives an arriving release what was laid out for it.
func (m *model) fate() fate {
	f := m.next
	m.next = fate{}
	return f
}

// cached is the order as the program has it.
func (m *model) cached(o *order) packaging.Order {
	now, err := m.Store.Order(context.Background(), m.people[0].Scope(), o.id)
	if err != nil {
		m.rt.Fatal(err)
	}
	return now
}

// mayPress says whether a press must be taken: no release of the order stands, and the cache has it in Pending release.
func (m *model) mayPress(o *order) bool {
	now := m.cached(o)
	// which check proves to be true
	standing := now.Release != nil && (now.Release.Outcome != packaging.Refused || now.Release.Round > 0)
	return !standing && now.Status == packaging.PendingRelease
}

func (m *model) press(rt *rapid.T, o *order, by int) { m.send(rt, o, by, m.mayPress(o)) }

// send sends the form of a release, which must be taken or not.
func (m *model) send(rt *rapid.T, o *order, by int, may bool, form ...string) {
	truth, _ := m.remote.box.Order(o.key)
	well := m.calm && truth.Status == sandbox.PendingRelease
	calls := len(m.remote.of(o.key))
	a := m.browsers[by].Post(o.path+"/release", form...)
	m.quiet(rt)
	switch {
	case may && a.Status == http.StatusSeeOther:
		o.pressed(people[by], len(form) > 0)
		r := m.cached(o).Release
		if r == nil {
			rt.Fatalf("the press of %s was taken, but there is no release of it", o.key)
		}
		if well && r.Outcome != packaging.Released && r.Reason != packaging.TimedOut {
			rt.Fatalf("nothing is wrong, but the release of %s is %s (%s: %s)", o.key, r.Outcome, r.Reason, r.Message)
		}
	case may || a.Status != http.StatusConflict:
		rt.Fatalf("press of %s: %d, where something stands in the way: %v\n%s", o.key, a.Status, !may, a.Text("#order"))
	case len(m.remote.of(o.key)) > calls:
		rt.Fatalf("%s was sent, though something stood in the way", o.key)
	}
}

// bothPress: two people press at the same moment. One of them is taken; the other too where the first was refused by
// then.
func (m *model) bothPress(rt *rapid.T, o *order) {
	may := m.mayPress(o)
	var both sync.WaitGroup
	var answers [2]site.Answer
	for by := range answers {
		both.Go(func() { answers[by] = m.browsers[by].Post(o.path + "/release") })
	}
	both.Wait()
	m.quiet(rt)
	taken := 0
	for by, a := range answers {
		switch {
		case may && a.Status == http.StatusSeeOther:
			o.pressed(people[by], false)
			taken++
		case a.Status != http.StatusConflict:
			rt.Fatalf("press of %s by %s: %d, where something stands in the way: %v", o.key, people[by], a.Status, !may)
		}
	}
	if may && taken == 0 {
		rt.Fatalf("no press of %s was taken, and nothing stood in the way", o.key)
	}
}
