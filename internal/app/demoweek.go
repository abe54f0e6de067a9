package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/text"
)

// demoClock is a clock that can be set. Until it is set, it shows the time of this machine.
type demoClock struct {
	mu  sync.Mutex
	set time.Time
}

// Now returns the time that the clock shows.
func (c *demoClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set.IsZero() {
		return time.Now()
	}
	return c.set
}

// Set stops the clock at a time; the zero time lets it show the time of this machine again.
func (c *demoClock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = t
}

// week makes the past of the demo: what three lines did in the seven days before now. It calls what pages call, so that
// each release, hand-over and signature is stored and chained as a real one.
type week struct {
	*App
	box    *sandbox.Sandbox
	clock  *demoClock
	ctx    context.Context
	zone   *time.Location
	people map[string]packaging.Person
	lines  map[string]packaging.Line
	stock  map[string][]sandbox.Order // products of a line, by its code
	steps  []step
}

// step is what happens at a time.
type step struct {
	at time.Time
	do func() error
}

// daysPast is how many days the past of the demo has.
const daysPast = 7

// makePast fills new data with a week of work that ends now, and puts the sample orders into the sandbox. Where there
// is data already, it puts only those there.
func (d *demo) makePast(p run, box *sandbox.Sandbox, clock *demoClock, site db.Site) (err error) {
	now := time.Now()
	if _, err := os.Stat(filepath.Join(d.Data, databaseFile)); !errors.Is(err, os.ErrNotExist) {
		box.Put(sandbox.Sample(now)...)
		return nil
	}
	clock.Set(now.AddDate(0, 0, -daysPast))
	defer clock.Set(time.Time{})
	store, err := openDataAt(p, d.Data, clock.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.Unsynced(p, func() error { return d.livePast(p, store, box, clock, site, now) })
}

// livePast lets a week of work happen in new data, up to now.
func (d *demo) livePast(
	p run, store *db.DB, box *sandbox.Sandbox, clock *demoClock, site db.Site, now time.Time,
) (err error) {
	if err := store.Provision(p, site); err != nil {
		return err
	}
	parts := d.parts(store, slog.New(slog.DiscardHandler))
	parts.Now = clock.Now
	lineboard, err := Build(p, parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lineboard.Close(p)) }()
	w := &week{App: lineboard, box: box, clock: clock, ctx: p, stock: map[string][]sandbox.Order{}}
	if err := w.meet(); err != nil {
		return err
	}
	if err := w.plan(now); err != nil {
		return err
	}
	return w.live(now)
}

// meet reads who works at the demo's plant, on which lines, and what they pack.
func (w *week) meet() error {
	tenants, err := w.Store.Tenants(w.ctx)
	if err != nil {
		return err
	}
	tenant := tenants[0]
	w.zone = tenant.Location()
	people, err := w.Store.People(w.ctx, tenant.ID)
	if err != nil {
		return err
	}
	w.people = map[string]packaging.Person{}
	for _, p := range people {
		w.people[p.Username] = p
	}
	lines, err := w.Store.Lines(w.ctx, packaging.Everything(tenant.ID))
	w.lines = map[string]packaging.Line{}
	for _, l := range lines {
		w.lines[l.Code] = l
	}
	for _, o := range sandbox.Sample(w.clock.Now()) {
		w.stock[o.LineCode] = append(w.stock[o.LineCode], o)
	}
	return err
}

// at adds a step.
func (w *week) at(t time.Time, do func() error) { w.steps = append(w.steps, step{t, do}) }

// live does all that is planned before now, each step at its time.
func (w *week) live(now time.Time) error {
	slices.SortStableFunc(w.steps, func(a, b step) int { return a.at.Compare(b.at) })
	for len(w.steps) > 0 && w.steps[0].at.Before(now) {
		s := w.steps[0]
		w.steps = w.steps[1:]
		w.clock.Set(s.at)
		if err := s.do(); err != nil {
			return fmt.Errorf("the demo's past at %s: %w", s.at.In(w.zone).Format(time.DateTime), err)
		}
	}
	w.clock.Set(now)
	return nil
}

// turn is a shift of the demo: who works in it, and who comes after them.
type turn struct {
	packaging.Occurrence
	by, next packaging.Person
	runs     []lineRun
}

// lineRun is an order of a shift, and how long after the shift began it is released.
type lineRun struct {
	order sandbox.Order
	after time.Duration
}

// usual are the orders of each shift.
var usual = map[string][]struct {
	line     string
	after    time.Duration
	quantity int
}{
	"Early": {
		{"L1", 20 * time.Minute, 240},
		{"L2", 45 * time.Minute, 120},
		{"L3", 95 * time.Minute, 160},
		{"L1", 250 * time.Minute, 360},
	},
	"Late":  {{"L2", 30 * time.Minute, 180}, {"L1", 75 * time.Minute, 300}, {"L3", 180 * time.Minute, 80}},
	"Night": {{"L1", 50 * time.Minute, 420}, {"L2", 140 * time.Minute, 90}},
}

// plan lays out the shifts until now. Their people take turns, so that supervisor1 works now.
func (w *week) plan(now time.Time) error {
	tenant := w.people["supervisor1"].Tenant
	roster, err := w.Store.Roster(w.ctx, packaging.Everything(tenant.ID))
	if err != nil {
		return err
	}
	shifts := roster.Between(w.clock.Now().Add(8*time.Hour), now, w.zone)
	turns := make([]turn, len(shifts))
	number := 110000
	for i, o := range shifts {
		both := []packaging.Person{w.people["supervisor1"], w.people["supervisor2"]}
		t := turn{Occurrence: o, by: both[(len(shifts)-1-i)%2], next: both[(len(shifts)-i)%2]}
		for _, u := range usual[o.Name] {
			number++
			after := u.after + time.Duration(number*17%50)*time.Minute
			idle := number%7 == 3 // no shift is like the other
			if !idle && o.Begin.Add(after).Before(now) {
				t.runs = append(t.runs, lineRun{w.order(number, u.line, u.quantity+number*13%9*20, o.Begin), after})
			}
		}
		turns[i] = t
	}
	ended := turns[:len(turns)-1]
	stories := map[string]func(turn, lineRun) error{
		nthLast(ended, "L1", 5): w.releaseUnknown,
		nthLast(ended, "L2", 3): w.releaseRefused,
		nthLast(ended, "L3", 1): w.releaseOdd,
	}
	for i, t := range turns {
		w.planShift(t, len(ended)-i, stories)
		if i < len(ended) {
			w.planEnd(t, i == len(ended)-1)
		}
	}
	running := turns[len(turns)-1]
	w.at(running.Begin.Add(-40*time.Minute), func() error {
		w.box.Put(sandbox.Sample(now)...)
		return w.Sync.Refresh(w.ctx, tenant.ID)
	})
	return nil
}

// nthLast returns the ID of the order of a line that is the nth from the end.
func nthLast(turns []turn, line string, n int) string {
	for _, t := range slices.Backward(turns) {
		for _, r := range slices.Backward(t.runs) {
			if r.order.LineCode == line {
				if n--; n == 0 {
					return r.order.ID
				}
			}
		}
	}
	return ""
}

// order returns an order of a product that the line packs, in a new lot.
func (w *week) order(number int, line string, quantity int, at time.Time) sandbox.Order {
	like := w.stock[line][number%len(w.stock[line])]
	like.ID, like.Serials, like.Status = fmt.Sprintf("PO-%d-%06d", at.Year(), number), nil, sandbox.PendingRelease
	like.Lot = fmt.Sprintf("%.4s%c%02d", like.Lot, 'A'+number/26%26, number%100)
	like.Quantity = quantity
	return like
}

// remarks are what people noted, by how many shifts ago that was.
var remarks = map[int]struct {
	line  string
	words string
}{
	18: {"L1", "Carton jam, cleared by maintenance. Reject bin emptied."},
	14: {"L2", "Printer ribbon changed, first ten packs checked."},
	11: {"L3", "Film roll spliced. Two sachets sampled for leak test."},
	7:  {"L1", "Camera 2 cleaned. No rejects since."},
	3:  {"L2", "Cap feeder slow. Maintenance comes on the next shift."},
	1:  {"L1", "Line clearance done, second person checked."},
	0:  {"L3", "The serial list is odd. Vendor support has a ticket."},
}

// planShift plans the work of a shift, so many shifts ago: its orders come, and each is released.
func (w *week) planShift(t turn, ago int, stories map[string]func(turn, lineRun) error) {
	w.at(t.Begin.Add(-90*time.Minute), func() error {
		for _, r := range t.runs {
			w.box.Put(r.order)
		}
		return w.Sync.Refresh(w.ctx, t.by.Tenant.ID)
	})
	for _, r := range t.runs {
		does := w.release
		if story := stories[r.order.ID]; story != nil {
			does = story
		}
		w.at(t.Begin.Add(r.after), func() error { return does(t, r) })
	}
	if said, any := remarks[ago]; any {
		w.at(t.Begin.Add(100*time.Minute), func() error {
			return w.Store.NoteLine(w.ctx, t.by, w.lines[said.line], said.words)
		})
	}
}

// planEnd plans that a shift is handed over, taken over and signed. The last one waits for both.
func (w *week) planEnd(t turn, last bool) {
	w.at(t.Until.Add(-10*time.Minute), func() error { return w.handOver(t) })
	if last {
		return
	}
	w.at(t.Until.Add(5*time.Minute), func() error { return w.takeOver(t) })
	morning := packaging.At(t.Day.Plus(1), 8*60, w.zone)
	w.at(morning, func() error { return w.sign(t) })
}

// release releases an order and acknowledges what came of it. The line has run it some time later.
func (w *week) release(t turn, r lineRun) error {
	id, err := w.press(t.by, r)
	if err != nil {
		return err
	}
	w.later(4*time.Minute, func() error { return w.acknowledge(t.by, id, "") })
	w.later(3*time.Hour, func() error {
		w.box.SetStatus(r.order.ID, sandbox.Done)
		return nil
	})
	return nil
}

// later adds a step after the one that is done now.
func (w *week) later(d time.Duration, do func() error) {
	at := w.clock.Now().Add(d)
	i, _ := slices.BinarySearchFunc(w.steps, at, func(s step, at time.Time) int { return s.at.Compare(at) })
	w.steps = slices.Insert(w.steps, i, step{at, do})
}

// press presses the button of an order, and waits for the outcome.
func (w *week) press(by packaging.Person, r lineRun) (packaging.OrderID, error) {
	orders, err := w.Store.LineOrders(w.ctx, by.Scope(), w.lines[r.order.LineCode].ID, 100)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(orders, func(o packaging.Order) bool { return o.Key == r.order.ID })
	if i < 0 {
		return 0, fmt.Errorf("no order %s", r.order.ID)
	}
	settled, err := w.Releaser.Release(w.ctx, by, packaging.Press{Order: orders[i].ID, Revision: orders[i].Revision})
	if err != nil {
		return 0, err
	}
	<-settled
	return orders[i].ID, nil
}

func (w *week) acknowledge(by packaging.Person, id packaging.OrderID, comment string) error {
	o, err := w.Store.Order(w.ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	return w.Store.Acknowledge(w.ctx, by, id, o.Release.ID, comment)
}

// releaseRefused presses an order that was suspended meanwhile, and again when it is free.
func (w *week) releaseRefused(t turn, r lineRun) error {
	w.box.SetStatus(r.order.ID, sandbox.Suspended)
	id, err := w.press(t.by, r)
	if err != nil {
		return err
	}
	w.later(3*time.Minute, func() error { return w.acknowledge(t.by, id, "Planning holds the artwork back.") })
	w.later(25*time.Minute, func() error {
		w.box.SetStatus(r.order.ID, sandbox.PendingRelease)
		return w.Sync.Refresh(w.ctx, t.by.Tenant.ID)
	})
	w.later(30*time.Minute, func() error { return w.release(t, r) })
	return nil
}

// releaseUnknown loses the answer of a release. The order's status settles it, and its details bring the list.
func (w *week) releaseUnknown(t turn, r lineRun) error {
	w.box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.CutAfter, Times: 1})
	id, err := w.press(t.by, r)
	if err != nil {
		return err
	}
	w.later(2*time.Minute, func() error {
		w.box.SetSerialsInDetails(true)
		defer w.box.SetSerialsInDetails(false)
		return w.Settler.Ask(w.ctx, t.by, id)
	})
	w.later(6*time.Minute, func() error {
		return w.acknowledge(t.by, id, "Checked at the line: it has the order and its list.")
	})
	w.later(3*time.Hour, func() error {
		w.box.SetStatus(r.order.ID, sandbox.Done)
		return nil
	})
	return nil
}

// releaseOdd brings a list that is short, with an entry twice. It stays open.
func (w *week) releaseOdd(t turn, r lineRun) error {
	o := r.order
	for range o.Quantity {
		o.Serials = append(o.Serials, rand.Text()[:12])
	}
	o.Serials[40] = o.Serials[7]
	w.box.Put(o)
	_, err := w.press(t.by, r)
	return err
}

func (w *week) handOver(t turn) error {
	items, err := w.Store.OpenItems(w.ctx, t.by.Scope(), t.Occurrence)
	if err != nil {
		return err
	}
	return w.Store.HandOver(
		w.ctx, t.by, t.Occurrence, "All lines run.", packaging.HandoverRecord(t.Occurrence, items, "").Digest(),
		w.signature(t.by, packaging.MeansHandedOver),
	)
}

func (w *week) takeOver(t turn) error {
	h, err := w.Store.Handover(w.ctx, t.next.Scope(), t.Occurrence)
	if err != nil {
		return err
	}
	var places []int
	for _, i := range h.OpenItems() {
		places = append(places, i.Place)
	}
	return w.Store.TakeOver(
		w.ctx, t.next, t.Occurrence, places, "", packaging.TakeoverRecord(h, nil, "").Digest(),
		w.signature(t.next, packaging.MeansTakenOver),
	)
}

// sign has the manager review a shift.
func (w *week) sign(t turn) error {
	by := w.people["manager1"]
	report, err := w.Store.ShiftReport(w.ctx, by.Scope(), t.Occurrence)
	if err != nil {
		return err
	}
	total := report.Total()
	meaning, comment := packaging.MeansReviewed, ""
	if total.Refused+total.WasUnknown+total.Odd > 0 {
		meaning, comment = packaging.MeansDeviations, "Followed up with planning and vendor support."
	}
	return w.Store.SignShift(w.ctx, by, t.Occurrence, comment, report.Record().Digest(), w.signature(by, meaning))
}

func (w *week) signature(by packaging.Person, m packaging.Meaning) packaging.Signature {
	return packaging.Signature{
		By: by.Author, Meaning: text.Say(w.ctx, "meaning."+string(m)), Factor: packaging.ByPassword,
	}
}
