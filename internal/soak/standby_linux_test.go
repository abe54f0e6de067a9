package soak

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// machines are some of them, one of which releases while another stands by, and the place that all reach.
type machines struct {
	*soak
	program string // Litestream's
	place   sharedPlace
	folder  string
	sockets string
	key     string
	machine         // that releases
	next    machine // that stands by
	drills  int
	ways    map[string]int
}

// machine is one with Lineboard and Litestream.
type machine struct {
	number     int
	data       string
	flags      []string // that say where the copy is
	litestream *program // nil for none
	follower   *program // nil for none
}

// siteDrills is how many drills one site has: each leaves a machine's data behind.
const siteDrills = 30

func TestNothingIsLostOrDoubledThoughAMachineIsLostAndAStandbyTakesOver(t *testing.T) {
	litestream := litestreamOf(t)
	sites := 0
	eachSite(t, times(t, "SOAK_DRILLS", "10"), siteDrills, func(t *testing.T, random *rand.Rand, drills int) {
		place := []func(*testing.T) sharedPlace{newDisk, newBucket}[sites%2]
		sites++
		loseMachines(t, newSoak(t, random), litestream, place(t), drills)
	})
}

// litestreamOf returns the program that copies.
func litestreamOf(t *testing.T) string {
	t.Helper()
	litestream := os.Getenv("SOAK_LITESTREAM")
	if litestream == "" {
		t.Skip("make soak names the program of Litestream (SOAK_LITESTREAM)")
	}
	return litestream
}

// loseMachines loses the machine of a site so many times, and compares the books.
func loseMachines(t *testing.T, s *soak, litestream string, place sharedPlace, drills int) {
	m := beginMachines(t, s, litestream, place)
	began := time.Now()
	var slowest time.Duration
	for m.drills < drills {
		slowest = max(slowest, m.drill())
		t.Logf("drill %d of %d after %v: %v", m.drills, drills, time.Since(began).Round(time.Second), m.ways)
	}
	m.remote.box.ClearFaults()
	m.settle()
	m.running.stop(t)
	m.stopLitestream(syscall.SIGTERM)
	m.judge()
	t.Logf("%d drills in %v (%T), from the loss to readiness at most %v",
		m.drills, time.Since(began).Round(time.Second), place, slowest.Round(time.Millisecond))
}

// beginMachines starts the first machine of a site, and waits until it can release.
func beginMachines(t *testing.T, s *soak, litestream string, place sharedPlace) *machines {
	t.Helper()
	sockets, err := os.MkdirTemp("", "lb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	m := &machines{
		soak: s, program: litestream, place: place, folder: t.TempDir(), sockets: sockets, ways: map[string]int{},
		machine: machine{data: s.args[4], flags: place.reach(0)},
	}
	s.follows = true
	m.begin()
	m.web.signIn(t)
	return m
}

// begin starts Lineboard and Litestream on the machine that releases, and waits until it can.
func (m *machines) begin() {
	m.args[4] = m.data
	m.running = start(m.t, m.env, m.with(m.machine, m.args...)...)
	m.lives = append(m.lives, m.running)
	m.web = newWeb()
	m.web.unavailable = true
	m.web.base = m.running.address(m.t)
	m.startLitestream()
	if m.key == "" {
		m.key = filepath.Join(m.folder, "key")
		copyFile(m.t, filepath.Join(m.data, "lineboard.key"), m.key)
	}
	running := m.running
	m.t.Cleanup(func() {
		if m.t.Failed() {
			m.t.Logf("lineboard said at the end: %s", running.said.tail(4000))
		}
	})
	m.within("the machine can release", []*program{running, m.litestream}, func() {
		await(m.t, "the machine can release", m.ready)
	})
}

// with returns arguments with those that say where the copy of a machine is.
func (m *machines) with(at machine, args ...string) []string {
	return slices.Concat(args, []string{"--copy-socket", m.socket(at)}, at.flags)
}

// asker gives up on a machine that accepts a question and does not answer it.
var asker = http.Client{Timeout: 10 * time.Second}

func (m *machines) ready() bool {
	answer, err := asker.Get(m.web.base + "/readyz")
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// socket returns a path that is short enough for one, whatever the test is called.
func (m *machines) socket(at machine) string {
	return filepath.Join(m.sockets, strconv.Itoa(at.number))
}

func (m *machines) startLitestream() {
	config := filepath.Join(m.data, "litestream.yml")
	await(m.t, "the configuration of Litestream", func() bool { _, err := os.Stat(config); return err == nil })
	litestream := startCommand(
		m.t, exec.Command(m.program, "replicate", "-config", config, "-no-expand-env"), m.litestreamEnv(),
	)
	m.litestream = litestream
	m.t.Cleanup(func() {
		if m.t.Failed() {
			m.t.Logf("litestream said at the end: %s", litestream.said.tail(4000))
		}
	})
}

// litestreamEnv has nothing of this machine's settings for AWS.
func (m *machines) litestreamEnv() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.folder}, m.place.env()...)
}

func (m *machines) stopLitestream(by syscall.Signal) {
	m.litestream.end(by)
	m.litestream = nil
}

// end ends a program by a signal. There may be none.
func (p *program) end(by syscall.Signal) {
	if p != nil {
		_ = p.command.Process.Signal(by) // it may be gone
		<-p.ended
	}
}

// killAll kills a program with those that it started, as a power cut does, and comes back when all are gone. There may
// be none.
func (p *program) killAll(t *testing.T) {
	if p == nil {
		return
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.command.Process.Pid))
	var started []int
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				started = append(started, pid)
			}
		}
	}
	p.kill()
	for _, pid := range started {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
		await(t, "a program that was killed is gone", func() bool {
			open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
			return err != nil || len(open) == 0
		})
	}
}

func end(process *exec.Cmd, by syscall.Signal) {
	if process != nil {
		_ = process.Process.Signal(by) // it may be gone
		_ = process.Wait()
	}
}

// drill presses release of some orders, loses a machine in the midst of it, and has another take over. It returns how
// long that took.
func (m *machines) drill() time.Duration {
	m.drills++
	m.prepare(m.drills)
	if m.random.IntN(4) == 0 {
		m.settle()
	}
	ids := m.web.find(m.t, m.prefix(m.drills), newOrders)
	if m.random.IntN(4) == 0 { // Litestream goes first, and presses go on
		m.stopLitestream(syscall.SIGKILL)
	}
	ways := []string{"killed", "killed", "stands still", "frozen", "cut off", "alive", "no power"}
	way := ways[m.random.IntN(len(ways))]
	m.ways[way]++
	m.standBy(m.random.IntN(2) == 0)
	var took time.Duration
	m.pressAnd(ids, func() { took = m.lose(way) })
	return took
}

// standBy makes the machine that takes over next. It has the key and nothing else, and follows the copy or does not.
func (m *machines) standBy(follows bool) {
	m.next = machine{
		number: m.drills, data: filepath.Join(m.folder, fmt.Sprintf("machine-%d", m.drills)),
		flags: m.place.reach(m.drills),
	}
	if err := os.Mkdir(m.next.data, 0o700); err != nil {
		m.t.Fatal(err)
	}
	copyFile(m.t, m.key, filepath.Join(m.next.data, "lineboard.key"))
	if follows {
		m.ways["followed"]++
		m.next.follower = start(m.t, m.litestreamEnv(),
			m.with(m.next, "follow", "--data", m.next.data, "--litestream", m.program)...)
		if m.random.IntN(2) == 0 { // sometimes it has the copy before anything happens
			await(m.t, "a followed copy", func() bool { return m.next.hasFollowed() })
		}
	}
}

// hasFollowed reports whether a machine has a copy at hand.
func (m machine) hasFollowed() bool {
	found, err := filepath.Glob(filepath.Join(m.data, "follower", "*", "lineboard.db-txid"))
	return err == nil && len(found) > 0
}

// lose loses the machine that releases, and has another take over: it returns how long that took. A machine that was
// not killed comes back then, and believes that it is the one.
func (m *machines) lose(way string) time.Duration {
	old, oldWeb, oldLife := m.machine, m.web, m.running
	began := time.Now()
	switch way {
	case "killed":
		m.loseAll()
		old.litestream = m.litestream
	case "stands still":
		_ = oldLife.command.Process.Signal(syscall.SIGSTOP)
	case "frozen":
		_ = oldLife.command.Process.Signal(syscall.SIGSTOP)
		if old.litestream != nil {
			_ = old.litestream.command.Process.Signal(syscall.SIGSTOP)
		}
	case "cut off":
		m.place.cut(old.number)
	case "no power":
		m.losePower()
		old, oldWeb, oldLife, began = m.machine, m.web, m.running, time.Now()
	}
	m.takeOver()
	took := time.Since(began)
	m.web.signIn(m.t)
	if way == "no power" && oldLife.gone() {
		oldWeb, oldLife = m.comesBack(old)
	}
	if way != "killed" {
		m.place.mend(old.number)
		_ = oldLife.command.Process.Signal(syscall.SIGCONT)
		if old.litestream != nil {
			_ = old.litestream.command.Process.Signal(syscall.SIGCONT)
		}
		m.pressBoth(oldWeb)
	}
	oldLife.kill()
	old.litestream.end(syscall.SIGKILL)
	return took
}

// losePower kills everything on both machines. The first one comes back before its place does, which it needs to
// release, or it comes back once the other one has taken over, and finds that out.
func (m *machines) losePower() {
	m.kill()
	m.stopLitestream(syscall.SIGKILL)
	m.next.follower.killAll(m.t)
	m.next.follower = nil
	if m.random.IntN(2) == 0 {
		m.ways["no power, the other one first"]++
		return
	}
	m.ways["no power, its place later"]++
	number := m.number
	m.place.cut(number)
	mends := time.AfterFunc(m.some(2*time.Second), func() { m.place.mend(number) })
	defer mends.Stop()
	m.begin()
	m.web.signIn(m.t)
	m.pressBoth(m.web)
}

// comesBack starts Lineboard on a machine that another one took over from.
func (m *machines) comesBack(at machine) (*web, *program) {
	args := slices.Clone(m.args)
	args[4] = at.data
	life, back := start(m.t, m.env, m.with(at, args...)...), newWeb()
	m.lives = append(m.lives, life)
	back.unavailable = true
	back.base = life.address(m.t)
	back.signIn(m.t)
	return back, life
}

// loseAll kills Lineboard, and sometimes Litestream, and sometimes the data is lost too.
func (m *machines) loseAll() {
	m.kill()
	if m.random.IntN(2) == 0 {
		m.stopLitestream(syscall.SIGKILL)
	}
	if m.random.IntN(2) == 0 {
		removeAll(m.data)
	}
}

// removeAll removes a folder that Litestream may still be writing to.
func removeAll(folder string) {
	for os.RemoveAll(folder) != nil {
		time.Sleep(time.Millisecond)
	}
}

// takeOver promotes the machine that stands by.
func (m *machines) takeOver() {
	m.machine = m.next
	if m.follower != nil {
		m.within("the follower ends", []*program{m.follower}, func() { m.follower.end(syscall.SIGTERM) })
		if m.hasFollowed() {
			m.ways["from the followed copy"]++
		}
	}
	promote := start(m.t, m.litestreamEnv(), m.with(m.machine, "promote", "--data", m.data, "--litestream", m.program)...)
	m.within("the standby is promoted", []*program{promote}, func() { <-promote.ended })
	if promote.err != nil {
		m.t.Fatalf("promote: %v\n%s", promote.err, promote.said)
	}
	m.begin()
}

// stepLimit is how long a step of a drill may take.
const stepLimit = 5 * time.Minute

// within does a step of a drill. If it takes too long or fails, its programs say where they hang.
func (m *machines) within(what string, programs []*program, do func()) {
	m.t.Helper()
	var once sync.Once
	dump := func() {
		once.Do(func() {
			for _, p := range programs {
				_ = p.command.Process.Signal(syscall.SIGQUIT) // it may be gone
				select {
				case <-p.ended:
				case <-time.After(10 * time.Second):
				}
				m.t.Errorf("%s: it failed or takes longer than %v: %s", what, stepLimit, p.said.tail(1<<20))
			}
		})
	}
	late, done := time.AfterFunc(stepLimit, dump), false
	defer func() {
		late.Stop()
		if !done {
			dump()
		}
	}()
	do()
	done = true
}

// pressBoth presses release of the same orders at the machine that took over and at the one before, both alive.
func (m *machines) pressBoth(old *web) {
	ids := m.web.find(m.t, m.prefix(m.drills), newOrders)
	var pressing sync.WaitGroup
	for _, at := range []*web{old, m.web} {
		for key, path := range ids {
			pressing.Go(func() {
				p := at.press(0, key, path)
				m.look(at, &p, 0)
				m.note(p)
			})
		}
	}
	pressing.Wait()
}

// settle waits until no release is under way or unknown on the machine that releases now.
func (m *machines) settle() {
	paths := map[string]string{}
	db := m.database()
	defer db.Close()
	each(m.t, db, `SELECT order_key, id FROM orders`, func(scan func(...any)) {
		var key string
		var id int64
		scan(&key, &id)
		paths[key] = fmt.Sprintf("/orders/%d", id)
	})
	for i, p := range m.presses {
		m.presses[i].path = paths[p.order]
	}
	m.soak.settle()
}

// judge compares the books. A press that was refused because the copy was not there or another machine released, and is
// lost with its machine, was never sent: that it was told so is true.
func (m *machines) judge() {
	books := m.readBooks()
	excused := 0
	for _, problem := range books.compare() {
		if strings.Contains(problem, "was taken, but there is no claim") {
			excused++
			continue
		}
		m.t.Error(problem)
	}
	told := 0
	for _, p := range m.presses {
		if p.released {
			told++
			if !books.hasReleased(p) {
				m.t.Errorf("order %s: %s was told at %v that it was released, and it is not", p.order, p.username, p.ended)
			}
		}
	}
	lost := 0
	for _, r := range books.byID {
		if r.lost() {
			lost++
			if len(r.patches) > 0 {
				m.t.Errorf("order %s: release %d was sent, and the copy lacked it", r.order, r.id)
			}
		}
	}
	m.t.Logf("%s; %d presses were told that they were released; %d others were not sent, and of them %d are named as lost",
		books.counts(), told, excused+lost, lost)
}

// hasReleased reports whether the books say of an order that it was released, as a person was told at the end of a
// press.
func (b *books) hasReleased(p press) bool {
	for _, r := range b.releases[p.order] {
		if r.outcome == packaging.Released && !r.requested.After(p.ended) {
			return true
		}
	}
	return false
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err = errors.Join(err, os.WriteFile(to, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}
