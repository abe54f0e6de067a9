package soak

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
)

// What can happen in a sequence, besides a plain press.

const (
	patience = 15 * time.Second // for what must happen soon, on a machine that is busy with other tests
	// How long the other side may be at a call, by the clock. It is less than release.DefaultPace.Doubt.
	atItMost = 14 * time.Second
)

// hold has the next release wait at the other side, whatever its caller gets at once.
func (m *model) hold(early string) {
	if m.gate == nil {
		m.gate, m.until = make(chan struct{}), m.Clock.Now().Add(atItMost)
	}
	m.remote.with(func() { m.next = fate{until: m.gate, early: early} })
}

// letGo has the other side get through with what it still has.
func (m *model) letGo() {
	m.remote.with(func() { m.next = fate{} })
	if m.gate == nil {
		return
	}
	close(m.gate)
	m.gate = nil
	m.remote.await(patience, func() bool {
		return !slices.ContainsFunc(m.remote.patches, func(p *patch) bool { return p.ended.IsZero() })
	})
}

// quiet waits until the other side is through with everything but what is held.
func (m *model) quiet(rt *rapid.T) {
	if !m.remote.await(patience, func() bool {
		return !slices.ContainsFunc(m.remote.patches, func(p *patch) bool { return p.ended.IsZero() && !p.held })
	}) {
		rt.Fatal("the sandbox is not through with a release")
	}
}

// pressLate presses a release that the other side carries out only when the caller has given up.
func (m *model) pressLate(rt *rapid.T, o *order) {
	if !m.mayPress(o) {
		rt.Skip("it can't be pressed")
	}
	m.hold(rapid.SampledFrom([]string{"", "cut", "page"}).Draw(rt, "early"))
	m.calm = false
	m.press(rt, o, m.person(rt))
	m.remote.with(func() { m.next = fate{} }) // where it was not sent at all
	if rapid.Bool().Draw(rt, "ask soon") {
		m.move(3 * time.Second)
		m.askDue(rt)
	}
}

// pressAndLeave presses a release and goes away at once: it finishes all the same.
func (m *model) pressAndLeave(rt *rapid.T, o *order, by int) {
	if !m.mayPress(o) {
		rt.Skip("it can't be pressed")
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	settled, err := m.Releaser.Release(ctx, m.people[by], packaging.Press{Order: o.id})
	if err != nil {
		rt.Fatalf("release %s: %v", o.key, err)
	}
	o.pressed(people[by], false)
	leave()
	select {
	case <-settled:
	case <-time.After(patience):
		rt.Fatalf("the release of %s has no outcome, since who pressed it went away", o.key)
	}
	m.quiet(rt)
}

// move moves the clock. The other side gets through with what it has within its time.
func (m *model) move(d time.Duration) {
	if m.gate != nil && m.Clock.Now().Add(d).After(m.until) {
		m.letGo()
	}
	m.Clock.Move(d)
}

// kinds are all that can go wrong with a call.
var kinds = []sandbox.Kind{
	sandbox.CutBefore, sandbox.CutAfter, sandbox.ErrorBefore, sandbox.ErrorAfter, sandbox.CutJSON, sandbox.CutBody,
	sandbox.HTML,
	sandbox.HTMLAfter, sandbox.Empty, sandbox.WrongType, sandbox.ExpiredToken, sandbox.Forbidden, sandbox.Throttle,
	sandbox.Delay,
	sandbox.RefuseAfter, sandbox.OtherOrder, sandbox.PushRefused,
}

func (m *model) inject(rt *rapid.T, call string) {
	f := sandbox.Fault{
		Call: call, Kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), Times: rapid.IntRange(1, 2).Draw(rt, "times"),
	}
	if call == sandbox.SignIn && f.Kind == sandbox.ExpiredToken {
		rt.Skip("no token comes with it")
	}
	if f.Kind == sandbox.Delay {
		f.Delay = limits.Release + 50*time.Millisecond // done when the caller has given up
	}
	m.calm = false
	m.remote.box.Inject(f)
}

// pressIll presses a release that goes wrong.
func (m *model) pressIll(rt *rapid.T, o *order, by int) {
	m.inject(rt, sandbox.ReleaseToLine)
	m.press(rt, o, by)
}

// fault has the next reads, or the next sign-in, go wrong.
func (m *model) fault(rt *rapid.T) {
	m.inject(rt, rapid.SampledFrom([]string{sandbox.Details, sandbox.ListOpen, sandbox.SignIn}).Draw(rt, "call"))
}

// mend has nothing go wrong any more, with a program that knows nothing of what did.
func (m *model) mend() {
	m.letGo()
	m.remote.box.ClearFaults()
	m.kill()
	m.calm = true
}

// outside changes a status as the line or somebody at the vendor's pages does.
func (m *model) outside(rt *rapid.T, o *order) {
	now, _ := m.remote.box.Order(o.key)
	next := []string{sandbox.InProgress, sandbox.Suspended, sandbox.Done}
	inside := now.Status == sandbox.PendingRelease || now.Status == sandbox.Open
	if inside {
		next = []string{sandbox.Open, sandbox.PendingRelease, sandbox.InProgress, sandbox.Done}
	}
	to := rapid.SampledFrom(next).Draw(rt, "status")
	m.broughtOut(o, to)
	m.remote.box.SetStatus(o.key, to)
}

// broughtOut notes that somebody else releases an order, also one that the line refused when it was pushed.
func (m *model) broughtOut(o *order, to string) {
	isOut := to == sandbox.InProgress || to == sandbox.Done
	o.others = o.others || isOut && len(m.remote.carried(o.key)) == o.before
}

// setBack has an order that is out wait for its release again.
func (m *model) setBack(rt *rapid.T, o *order) {
	now, _ := m.remote.box.Order(o.key)
	if now.Status == sandbox.PendingRelease || now.Status == sandbox.Open {
		rt.Skip("it is not out")
	}
	m.letGo()
	m.remote.box.SetStatus(o.key, sandbox.PendingRelease)
	o.backs++
	o.before = len(m.remote.carried(o.key))
	if rapid.Bool().Draw(rt, "seen") {
		m.move(time.Second)
		m.refresh()
	}
}

// onceMore releases an order once more that was released from here, with a reason, after a look at what was odd.
func (m *model) onceMore(rt *rapid.T, o *order, by int) {
	now := m.cached(o)
	if now.NeedsLook() && now.Release.HasResult() && rapid.Bool().Draw(rt, "look") {
		form := []string{"release", strconv.FormatInt(int64(now.Release.ID), 10), "comment", "counted at the line"}
		if a := m.browsers[by].Post(o.path+"/acknowledge", form...); a.Status != http.StatusSeeOther {
			rt.Fatalf("the look at %s is answered with %d", o.key, a.Status)
		}
		now = m.cached(o)
	}
	may := now.AgainObstacle() == packaging.NoObstacle
	if may && rapid.Bool().Draw(rt, "ill") {
		m.inject(rt, sandbox.ReleaseToLine)
	}
	m.send(rt, o, by, may, "revision", strconv.FormatInt(now.Revision, 10), "again", "1", "why", "scrapped")
}

// say has a person say what became of a release, true or not, where a status in unknown words settles nothing.
func (m *model) say(rt *rapid.T, o *order, by int) {
	if r := m.cached(o).Release; r != nil && r.Outcome == packaging.Unknown && rapid.Bool().Draw(rt, "in other words") {
		truth, _ := m.remote.box.Order(o.key)
		m.letGo()
		m.remote.box.SetStatus(o.key, "Waiting for QA")
		m.ask(rt, o, by)
		defer m.remote.box.SetStatus(o.key, truth.Status)
	}
	now, ruling := m.cached(o), rapid.SampledFrom(packaging.Rulings).Draw(rt, "ruling")
	a := m.browsers[by].Post(
		o.path+"/settle", "revision", strconv.FormatInt(now.Revision, 10), "ruling", string(ruling), "why",
		"seen at the line",
	)
	may := now.MayBeSettledByWord()
	switch seen := a.Status == http.StatusConflict && ruling != packaging.WasReleased; {
	case may && (a.Status == http.StatusSeeOther || seen && m.wasOut(o)):
	case may || a.Status != http.StatusConflict:
		rt.Fatalf("%s of %s: %d, where it may be said: %v\n%s", ruling, o.key, a.Status, may, a.Text("#order"))
	}
}

// wasOut says whether an order was out at any time.
func (m *model) wasOut(o *order) bool { return o.others || m.carried(o.key) != nil }

// lists has details have the lists of released orders from now on, or not: a list may come later than its release.
func (m *model) lists(rt *rapid.T) {
	m.remote.box.SetSerialsInDetails(rapid.Bool().Draw(rt, "in details"))
}

// refresh brings the cache up to date, or finds that it can't.
func (m *model) refresh() {
	_ = m.Sync.Refresh(context.Background(), m.people[0].Tenant.ID) // with a fault, the next one will
}

// oldRefresh does something while a refresh is under way whose list is from before.
func (m *model) oldRefresh(rt *rapid.T) {
	late, press, o, by := rapid.Bool().Draw(rt, "late"), rapid.Bool().Draw(rt, "press"), m.draw(rt), m.person(rt)
	if late && m.mayPress(o) { // and the list still has it in Pending release
		m.hold("")
		m.calm = false
		m.press(rt, o, by)
	}
	wait, through := make(chan struct{}), make(chan struct{})
	var made int
	m.remote.with(func() { made, m.remote.holdOpen = m.remote.opens, wait })
	go func() {
		m.refresh()
		m.remote.with(func() { close(through); m.remote.changed.Broadcast() })
	}()
	m.remote.await(patience, func() bool {
		select {
		case <-through: // it got no list
			return true
		default:
			return m.remote.opens > made
		}
	})
	defer func() { // also where the press fails
		m.remote.with(func() { m.remote.holdOpen = nil })
		close(wait)
		<-through
	}()
	if press {
		m.press(rt, o, by)
		return
	}
	m.letGo()
	m.move(time.Minute)
	m.askDue(rt)
}

// settle asks about what is due; details may go wrong, so that the list of open orders has to tell.
func (m *model) settle(rt *rapid.T) {
	if rapid.Bool().Draw(rt, "ill") {
		m.inject(rt, sandbox.Details)
		for _, o := range m.orders { // one that is Done is not listed any more
			if m.carried(o.key) != nil && rapid.Bool().Draw(rt, "done") {
				m.remote.box.SetStatus(o.key, sandbox.Done)
			}
		}
	}
	m.move(time.Duration(rapid.SampledFrom([]int{0, 3, 10, 20, 300}).Draw(rt, "seconds")) * time.Second)
	m.askDue(rt)
}

func (m *model) askDue(rt *rapid.T) {
	if err := m.Settler.AskDue(context.Background()); err != nil {
		rt.Fatal(err)
	}
}

// ask has the API asked as a person wants it.
func (m *model) ask(rt *rapid.T, o *order, by int) {
	if a := m.browsers[by].Post(o.path + "/ask"); a.Status != http.StatusSeeOther {
		rt.Fatalf("ask about %s: %d", o.key, a.Status)
	}
}

// crash ends the program before the call, during it, or between its answer and the commit of that.
func (m *model) crash(rt *rapid.T, o *order, by int) {
	if !m.mayPress(o) {
		rt.Skip("it can't be pressed")
	}
	ctx, p := context.Background(), m.people[by]
	o.pressed(people[by], false)
	switch rapid.SampledFrom([]string{"before the call", "during the call", "before the commit"}).Draw(rt, "moment") {
	case "before the call":
		if _, err := m.Store.Claim(ctx, p, packaging.Press{Order: o.id}); err != nil {
			rt.Fatalf("claim %s: %v", o.key, err)
		}
	case "during the call":
		m.hold("")
		settled := m.release(rt, o, p)
		go func() {
			<-settled
			m.remote.with(m.remote.changed.Broadcast)
		}()
		m.remote.await(patience, func() bool {
			select {
			case <-settled: // it was not sent
				return true
			default:
				return slices.ContainsFunc(m.remote.patches, func(p *patch) bool {
					return p.order == o.key && p.held &&
						p.ended.IsZero()
				})
			}
		})
	case "before the commit":
		m.mortal.die()
		m.release(rt, o, p)
		select {
		case <-m.mortal.hit:
		case <-time.After(patience):
			rt.Fatalf("the release of %s has no answer", o.key)
		}
	}
	m.kill()
	m.remote.with(func() { m.next = fate{} })
	m.quiet(rt)
}

func (m *model) release(rt *rapid.T, o *order, p packaging.Person) <-chan struct{} {
	settled, err := m.Releaser.Release(context.Background(), p, packaging.Press{Order: o.id})
	if err != nil {
		rt.Fatalf("release %s: %v", o.key, err)
	}
	return settled
}

// addList adds the list of an order that is out, where it is missing.
func (m *model) addList(rt *rapid.T, o *order, by int) {
	now, list := m.cached(o), m.carried(o.key)
	if list == nil {
		list = []string{o.key + "-a", o.key + "-b"}
	}
	text, err := json.Marshal(list)
	if err != nil {
		rt.Fatal(err)
	}
	missing := now.Status == packaging.InProgress || now.Status == packaging.Done
	if r := now.Release; r != nil && r.Outcome != packaging.Refused {
		missing = r.Outcome == packaging.Released && r.List == packaging.NoList
	}
	a := m.browsers[by].Post(o.path+"/list", "list", string(text), "confirm", "yes")
	switch {
	case missing && a.Status == http.StatusSeeOther:
		o.given, o.all = list, append(o.all, list)
		o.elsewhere = now.Release == nil || now.Release.Outcome == packaging.Refused
	case missing || a.Status != http.StatusConflict:
		rt.Fatalf("list of %s: %d, though missing: %v", o.key, a.Status, missing)
	}
}

// carried are the serials that the sandbox gave with the latest release of an order, nil where it was not carried out.
func (m *model) carried(key string) []string {
	lists := m.remote.carried(key)
	if len(lists) == 0 {
		return nil
	}
	return lists[len(lists)-1]
}

// end: when nothing goes wrong any more, everything is settled.
func (m *model) end() {
	m.mend()
	m.remote.box.SetSerialsInDetails(true)
	for _, o := range m.orders { // Suspended by itself proves nothing: somebody resumes the order
		if truth, _ := m.remote.box.Order(o.key); truth.Status == sandbox.Suspended {
			m.broughtOut(o, sandbox.InProgress)
			m.remote.box.SetStatus(o.key, sandbox.InProgress)
		}
	}
	for range 10 { // a read may take too long on a busy machine
		m.Clock.Move(5 * time.Minute)
		m.askDue(m.rt)
	}
	for _, o := range m.orders {
		o.checked = 0
	}
	m.check()
	for _, o := range m.orders {
		r := m.cached(o).Release
		upToPeople := r != nil && (r.IsClosed() || !r.Contradicted.IsZero())
		if r != nil && !r.HasResult() && !upToPeople {
			m.rt.Fatalf("the release of %s is never settled: %s (%s)", o.key, r.Outcome, r.AskedSays)
		}
	}
}
