package soak

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
)

const (
	doubt = 600 * time.Millisecond
	// a release reaches the sandbox no later than this after it arrived, within doubt
	lateMost  = 450 * time.Millisecond
	killMost  = 150 * time.Millisecond // after the first press
	eventWait = time.Second            // for what a kill waits for, once all presses are answered
	newOrders = 8                      // each round
	siteKills = 50                     // of one site
)

// soak is the program that is killed, and what is known of its lives.
type soak struct {
	t       *testing.T
	random  *rand.Rand
	remote  *remote
	lines   *lines // where its lists go; nil for nowhere
	env     []string
	args    []string
	web     *web
	running *program
	lives   []*program
	kills   int
	orders  []string // all of them, the oldest first
	pressed map[string]bool
	presses []press
	follows bool // those who press look what came of it

	mu     sync.Mutex
	events chan string // "arrived", "carried out" and "brought", while a round wants them
}

func TestNothingIsLostDoubledOrUntrueThoughTheProgramIsKilled(t *testing.T) {
	thorough.Unraced(t)
	t.Parallel() // the tests wait more than they work
	eachSite(t, times(t, "SOAK_KILLS", strconv.Itoa(thorough.Times(4, 8))), siteKills, killOneSite)
}

// killOneSite kills the program of a site so many times, and compares the books.
func killOneSite(t *testing.T, random *rand.Rand, kills int) {
	s := newSoak(t, random)
	s.bringLists()
	alarms := kills >= siteKills // a mail that a kill cut off is sent again 45 seconds later
	began := time.Now()
	s.killAtStart(2, 400*time.Millisecond)
	for round := 0; s.kills < kills; round++ {
		s.round(round)
		if round == 0 {
			s.start()
			s.lines.setUp(s.web, alarms)
			s.kill()
		}
	}
	s.remote.box.ClearFaults()
	s.start()
	s.settle()
	s.lines.awaitTaken(s.database)
	s.running.stop(t)
	books := s.readBooks()
	problems := books.compare()
	db := s.database()
	defer db.Close()
	problems = append(problems, s.lines.compare(db, books.serials)...)
	for _, life := range s.lives {
		for _, alarm := range life.alarms() {
			problems = append(problems, "the program said: "+alarm)
		}
	}
	for _, problem := range problems[:min(len(problems), 30)] {
		t.Error(problem)
	}
	t.Logf("%d kills in %v: %s; %s", s.kills, time.Since(began).Round(time.Second), books.counts(), s.lines.counts())
}

const provisioning = `tenants:
  - slug: plant-soak
    name: Soak plant
    time_zone: Europe/Brussels
    api:
      base_url: %s
      token: dynamic
      token_header: x-access-token
      api_key: %s
      api_secret: %s
      channel_key: %s
    lines:
      - {code: L1, name: Blister line 1}
      - {code: L2, name: Bottle line 2}
    shifts:
      - {name: Day, start: "00:00", end: "00:00"}
    users:
      - {username: supervisor1, name: Sofie Peeters, role: supervisor, password: env:SOAK_PASSWORD}
      - {username: supervisor2, name: Marta Nowak, role: supervisor, password: env:SOAK_PASSWORD}
      - {username: admin1, name: Ada Admin, role: administrator, password: env:SOAK_PASSWORD}
`

func newSoak(t *testing.T, random *rand.Rand) *soak {
	s := &soak{t: t, random: random, remote: newRemote(), web: newWeb(), pressed: map[string]bool{}}
	// calls come in any order: what they draw must not move the rest
	draws := rand.New(rand.NewPCG(s.random.Uint64(), 1))
	s.remote.fate = func() fate {
		s.event("arrived")
		f := fate{tell: func() { s.event("carried out") }}
		if draws.IntN(3) == 0 {
			f.late = time.Duration(draws.Int64N(int64(lateMost)))
		}
		if draws.IntN(2) == 0 {
			f.slow = time.Duration(draws.Int64N(int64(30 * time.Millisecond)))
		}
		return f
	}
	server := httptest.NewServer(s.remote)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	folder := t.TempDir()
	file := filepath.Join(folder, "site.yaml")
	text := fmt.Sprintf(provisioning, server.URL, sandbox.APIKey, sandbox.APISecret, sandbox.ChannelKey)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"SOAK_PASSWORD=" + password, "TMPDIR=" + folder}
	s.args = []string{
		"serve", "--provision", file, "--data", filepath.Join(folder, "data"), "--addr", "127.0.0.1:0",
		"--ask-after", "200ms,500ms,1s,2s", "--doubt", doubt.String(), "--refresh", "300ms", "--release-limit", "1s",
	}
	return s
}

// bringLists gives the lines machines that their lists go to.
func (s *soak) bringLists() {
	s.lines = newLines(s.t, s.random, s.event)
	file := s.args[2]
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	with := strings.Replace(string(text), "    shifts:", s.lines.provisioning()+"    shifts:", 1)
	if err := os.WriteFile(file, []byte(with), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.args = append(s.args, s.lines.args()...)
}

func (s *soak) event(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.events != nil {
		select {
		case s.events <- what:
		default: // nobody waits for so many
		}
	}
}

func (s *soak) launch() {
	s.running = start(s.t, s.env, s.args...)
	s.lives = append(s.lives, s.running)
}

func (s *soak) start() {
	s.launch()
	s.web.base = s.running.address(s.t)
	if s.lines != nil {
		s.lines.base.Store(s.web.base)
	}
}

func (s *soak) kill() {
	s.running.kill()
	s.kills++
}

// killAtStart kills the program while it starts: at first it makes its database, later it finds what the last kill
// left.
func (s *soak) killAtStart(times int, within time.Duration) {
	for range times {
		s.launch()
		time.Sleep(s.some(within))
		s.kill()
	}
}

// some is a time below most.
func (s *soak) some(most time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(most)))
}

var faults = []sandbox.Fault{
	{Call: sandbox.ReleaseToLine, Kind: sandbox.Delay, Delay: 40 * time.Millisecond},
	{Call: sandbox.ReleaseToLine, Kind: sandbox.CutAfter},
	{Call: sandbox.ReleaseToLine, Kind: sandbox.CutBefore},
	{Call: sandbox.ReleaseToLine, Kind: sandbox.ErrorAfter},
	{Call: sandbox.ReleaseToLine, Kind: sandbox.ErrorBefore},
	{Call: sandbox.ReleaseToLine, Kind: sandbox.CutJSON},
	{Call: sandbox.ReleaseToLine, Kind: sandbox.ExpiredToken},
	{Call: sandbox.Details, Kind: sandbox.ErrorBefore},
	{Call: sandbox.Details, Kind: sandbox.ExpiredToken},
	{Call: sandbox.ListOpen, Kind: sandbox.CutJSON},
	{Call: sandbox.SignIn, Kind: sandbox.ErrorBefore},
}

// round adds orders, presses release of some, and kills the program in the midst of it.
func (s *soak) round(n int) {
	s.prepare(n)
	if s.random.IntN(10) == 0 {
		s.killAtStart(1, 150*time.Millisecond)
	}
	s.start()
	if n == 0 {
		s.web.signIn(s.t)
	}
	if s.random.IntN(8) == 0 {
		s.settle() // and so the next presses meet orders that were found not carried out
	}
	ids := s.web.find(s.t, s.prefix(n), newOrders)
	if n > 0 {
		for key, id := range s.web.find(s.t, s.prefix(n-1), newOrders) {
			ids[key] = id // some of them pressed before, with any outcome
		}
	}
	s.pressAndKill(ids)
}

// pressAndKill presses release of some orders, and kills the program in the midst of it.
func (s *soak) pressAndKill(ids map[string]string) { s.pressAnd(ids, s.kill) }

// pressAnd presses release of some orders, and does something in the midst of it that ends the requests.
func (s *soak) pressAnd(ids map[string]string, do func()) {
	events := make(chan string, 100)
	s.mu.Lock()
	s.events = events
	s.mu.Unlock()

	answered, quiet := make(chan struct{}, 100), make(chan struct{})
	at := s.web // another machine may take over meanwhile
	var pressing sync.WaitGroup
	for i, key := range s.choose(ids) {
		after := s.some(60 * time.Millisecond)
		if i == 0 {
			after = 0
		}
		for by := range 1 + s.random.IntN(4)/3 { // sometimes two people press at once
			pressing.Go(func() {
				time.Sleep(after)
				p := at.press(by, key, ids[key])
				answered <- struct{}{}
				s.look(at, &p, by)
				s.note(p)
			})
		}
	}
	go func() { pressing.Wait(); close(quiet) }()
	s.awaitMoment(events, answered, quiet)
	do()
	pressing.Wait()
	s.mu.Lock()
	s.events = nil
	s.mu.Unlock()
}

// look has the person who pressed look what came of it.
func (s *soak) look(at *web, p *press, by int) {
	if s.follows && p.taken {
		p.released = at.released(by, p.path)
	}
}

// note notes a press.
func (s *soak) note(p press) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.presses = append(s.presses, p)
	s.pressed[p.order] = true
	if p.problem != "" {
		s.t.Errorf("press of %s: %s", p.order, p.problem)
	}
}

func (s *soak) prefix(n int) string { return fmt.Sprintf("K%04d-", n) }

func (s *soak) prepare(n int) {
	for i := range newOrders {
		o := sandbox.Order{
			ID: s.prefix(n) + strconv.Itoa(i), LineCode: []string{"L1", "L2"}[i%2], Product: "Paracetamol 500 mg",
			GTIN: "04012345678901",
			Lot:  "SOAK" + strconv.Itoa(n), Expiry: "2029-12-31", Quantity: 5 + s.random.IntN(40), ExtraPercent: 10,
			Status: sandbox.PendingRelease,
		}
		if s.random.IntN(2) == 0 {
			o.ID += withoutList
		}
		s.orders = append(s.orders, o.ID)
		s.remote.box.Put(o)
	}
	if out := s.remote.box.Released(); len(out) > 0 { // the line is through with one
		s.remote.box.SetStatus(out[s.random.IntN(len(out))].OrderID, sandbox.Done)
	}
	s.remote.box.ClearFaults()
	for range s.random.IntN(5) {
		f := faults[s.random.IntN(len(faults))]
		f.Times = 1
		s.remote.box.Inject(f)
	}
}

// choose takes some orders at random.
func (s *soak) choose(ids map[string]string) []string {
	var keys []string
	for key := range ids {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	s.random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:3+s.random.IntN(5)]
}

// awaitMoment waits for the moment of the kill: some time after the first press, or just when a release arrives at the
// other side, was carried out there, was answered to who pressed, or when a list arrives at its line. quiet is closed
// once all are answered.
func (s *soak) awaitMoment(events <-chan string, answered, quiet <-chan struct{}) {
	after := time.After(s.some(killMost))
	var limit <-chan time.Time
	moments := []string{"", "", "arrived", "carried out", "answered"}
	if s.lines != nil {
		moments = append(moments, "brought", "brought")
	}
	what, place := moments[s.random.IntN(len(moments))], 1+s.random.IntN(3)
	for {
		select {
		case <-after:
			if what == "" {
				return
			}
		case e := <-events:
			if e == what {
				place--
			}
		case <-answered:
			if what == "answered" {
				place--
			}
		case <-quiet:
			quiet, limit = nil, time.After(eventWait)
		case <-limit:
			return
		}
		if place == 0 {
			return
		}
	}
}

// settle waits until no release is under way or unknown.
func (s *soak) settle() {
	s.web.awaitOutcomes(s.t, s.presses, s.pressed)
	// The cache follows: a list that was asked for from now on has been applied once the next but one is asked for.
	var from int
	s.remote.with(func() { from = s.remote.opens })
	if !s.remote.await(hang, func() bool { return s.remote.opens >= from+3 }) {
		s.t.Fatal("the orders are not refreshed any more")
	}
}
