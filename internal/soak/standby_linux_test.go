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
	machine // that releases
	drills  int
	ways    map[string]int
}

// machine is one with Lineboard and Litestream.
type machine struct {
	number     int
	data       string
	flags      []string // that say where the copy is
	litestream *exec.Cmd
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
	sockets, err := os.MkdirTemp("", "lb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	m := &machines{
		soak: s, program: litestream, place: place, folder: t.TempDir(), sockets: sockets, ways: map[string]int{},
		machine: machine{data: s.args[4]},
	}
	s.follows = true
	began := time.Now()
	var slowest time.Duration
	m.machine.flags = place.reach(0)
	m.begin()
	m.web.signIn(t)
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

// begin starts Lineboard and Litestream on the machine that releases, and waits until it can.
func (m *machines) begin() {
	m.args[4] = m.data
	m.running = start(m.t, m.env, m.with(m.args...)...)
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
	await(m.t, "the machine can release", m.ready)
}

// with returns arguments with those that say where the copy is.
func (m *machines) with(args ...string) []string {
	all := append([]string{}, args...)
	return append(append(all, "--copy-socket", m.socket()), m.flags...)
}

func (m *machines) ready() bool {
	answer, err := http.Get(m.web.base + "/readyz")
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// socket returns a path that is short enough for one, whatever the test is called.
func (m *machines) socket() string { return filepath.Join(m.sockets, strconv.Itoa(m.number)) }

func (m *machines) startLitestream() {
	config := filepath.Join(m.data, "litestream.yml")
	await(m.t, "the configuration of Litestream", func() bool { _, err := os.Stat(config); return err == nil })
	m.litestream = exec.Command(m.program, "replicate", "-config", config, "-no-expand-env")
	m.litestream.SysProcAttr = together
	said := &output{address: make(chan string, 1)}
	m.litestream.Stdout, m.litestream.Stderr = said, said
	m.litestream.Env = m.litestreamEnv()
	if err := m.litestream.Start(); err != nil {
		m.t.Fatal(err)
	}
	litestream := m.litestream
	m.t.Cleanup(func() {
		end(litestream, syscall.SIGKILL)
		if m.t.Failed() {
			m.t.Logf("litestream said at the end: %s", said.tail(4000))
		}
	})
}

// litestreamEnv has nothing of this machine's settings for AWS.
func (m *machines) litestreamEnv() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.folder}, m.place.env()...)
}

func (m *machines) stopLitestream(by syscall.Signal) {
	end(m.litestream, by)
	m.litestream = nil
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
	way := []string{"killed", "killed", "stands still", "frozen", "cut off", "alive"}[m.random.IntN(6)]
	m.ways[way]++
	var took time.Duration
	m.pressAnd(ids, func() { took = m.lose(way) })
	return took
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
			_ = old.litestream.Process.Signal(syscall.SIGSTOP)
		}
	case "cut off":
		m.place.cut(old.number)
	}
	m.takeOver()
	took := time.Since(began)
	m.web.signIn(m.t)
	if way != "killed" {
		m.place.mend(old.number)
		_ = oldLife.command.Process.Signal(syscall.SIGCONT)
		if old.litestream != nil {
			_ = old.litestream.Process.Signal(syscall.SIGCONT)
		}
		m.pressBoth(oldWeb)
	}
	oldLife.kill()
	end(old.litestream, syscall.SIGKILL)
	return took
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

// takeOver promotes a new machine, which has the key and nothing else.
func (m *machines) takeOver() {
	m.machine = machine{
		number: m.drills, data: filepath.Join(m.folder, fmt.Sprintf("machine-%d", m.drills)),
		flags: m.place.reach(m.drills),
	}
	if err := os.Mkdir(m.data, 0o700); err != nil {
		m.t.Fatal(err)
	}
	copyFile(m.t, m.key, filepath.Join(m.data, "lineboard.key"))
	path, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	promote := exec.Command(path, m.with("promote", "--data", m.data, "--litestream", m.program)...)
	promote.Env = m.litestreamEnv()
	if said, err := promote.CombinedOutput(); err != nil {
		m.t.Fatalf("promote: %v\n%s", err, said)
	}
	m.begin()
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
