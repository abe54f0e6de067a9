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
	"syscall"
	"testing"
	"time"
)

// machines are two of them, one of which releases while the other stands by, and the place that both reach.
type machines struct {
	*soak
	program    string // Litestream's
	folder     string
	sockets    string
	place, key string
	data       string // of the one that releases
	litestream *exec.Cmd
	drills     int
}

// siteDrills is how many drills one site has: each leaves a machine's data behind.
const siteDrills = 30

func TestNothingIsLostOrDoubledThoughAMachineIsLostAndAStandbyTakesOver(t *testing.T) {
	litestream := os.Getenv("SOAK_LITESTREAM")
	if litestream == "" {
		t.Skip("make soak names the program of Litestream (SOAK_LITESTREAM)")
	}
	eachSite(t, times(t, "SOAK_DRILLS", "10"), siteDrills, func(t *testing.T, random *rand.Rand, drills int) {
		loseMachines(t, newSoak(t, random), litestream, drills)
	})
}

// loseMachines loses the machine of a site so many times, and compares the books.
func loseMachines(t *testing.T, s *soak, litestream string, drills int) {
	sockets, err := os.MkdirTemp("", "lb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	m := &machines{
		soak: s, program: litestream, folder: t.TempDir(), sockets: sockets, place: t.TempDir(), data: s.args[4],
	}
	began := time.Now()
	var slowest time.Duration
	m.begin()
	for m.drills < drills {
		slowest = max(slowest, m.drill())
	}
	m.remote.box.ClearFaults()
	m.settle()
	m.running.stop(t)
	m.stopLitestream(syscall.SIGTERM)
	m.judge()
	t.Logf("%d drills in %v, from the loss to readiness at most %v",
		m.drills, time.Since(began).Round(time.Second), slowest.Round(time.Millisecond))
}

// begin starts Lineboard and Litestream on the machine that releases, and waits until it can.
func (m *machines) begin() {
	m.args[4] = m.data
	m.launch()
	m.web.base = m.running.address(m.t)
	m.startLitestream()
	if m.key == "" {
		m.key = filepath.Join(m.folder, "key")
		copyFile(m.t, filepath.Join(m.data, "lineboard.key"), m.key)
	}
	await(m.t, "the machine can release", m.ready)
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

func (m *machines) launch() {
	args := append(append([]string{}, m.args...), "--copy-to", m.place, "--copy-socket", m.socket())
	m.running = start(m.t, m.env, args...)
	m.lives = append(m.lives, m.running)
}

// socket returns a path that is short enough for one, whatever the test is called.
func (m *machines) socket() string { return filepath.Join(m.sockets, strconv.Itoa(m.drills)) }

func (m *machines) startLitestream() {
	config := filepath.Join(m.data, "litestream.yml")
	await(m.t, "the configuration of Litestream", func() bool { _, err := os.Stat(config); return err == nil })
	m.litestream = exec.Command(m.program, "replicate", "-config", config, "-no-expand-env")
	m.litestream.SysProcAttr = together
	if err := m.litestream.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { m.stopLitestream(syscall.SIGKILL) })
}

func (m *machines) stopLitestream(by syscall.Signal) {
	if m.litestream == nil {
		return
	}
	_ = m.litestream.Process.Signal(by) // it may be gone
	_ = m.litestream.Wait()
	m.litestream = nil
}

// drill presses release of some orders, loses a machine in the midst of it, and has the other take over. It returns how
// long that took.
func (m *machines) drill() time.Duration {
	m.drills++
	m.prepare(m.drills)
	m.web.signIn(m.t)
	if m.random.IntN(4) == 0 {
		m.settle()
	}
	ids := m.web.find(m.t, m.prefix(m.drills), newOrders)
	if m.random.IntN(4) == 0 { // Litestream goes first, and presses go on
		m.stopLitestream(syscall.SIGKILL)
	}
	var took time.Duration
	m.pressAnd(ids, func() { took = m.lose(m.random.IntN(3) == 0) })
	return took
}

// lose loses the machine that releases, and has another take over: it returns how long that took. A machine that stands
// still comes back then, and believes that it is the one.
func (m *machines) lose(stands bool) time.Duration {
	old, oldLitestream := m.running, m.litestream
	if stands {
		_ = old.command.Process.Signal(syscall.SIGSTOP)
	} else {
		m.kill()
	}
	began := time.Now()
	if m.random.IntN(2) == 0 {
		m.stopLitestream(syscall.SIGKILL)
		oldLitestream = nil
	}
	if !stands && m.random.IntN(2) == 0 {
		if err := os.RemoveAll(m.data); err != nil {
			m.t.Fatal(err)
		}
	}
	m.takeOver()
	took := time.Since(began)
	if stands {
		_ = old.command.Process.Signal(syscall.SIGCONT)
		time.Sleep(m.some(time.Second))
		old.kill()
	}
	if oldLitestream != nil {
		_ = oldLitestream.Process.Kill()
		_ = oldLitestream.Wait()
	}
	return took
}

// takeOver promotes a new machine, which has the key and nothing else.
func (m *machines) takeOver() {
	m.data = filepath.Join(m.folder, fmt.Sprintf("machine-%d", m.drills))
	if err := os.Mkdir(m.data, 0o700); err != nil {
		m.t.Fatal(err)
	}
	copyFile(m.t, m.key, filepath.Join(m.data, "lineboard.key"))
	path, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	promote := exec.Command(
		path, "promote", "--data", m.data, "--copy-to", m.place, "--copy-socket", m.socket(), "--litestream", m.program,
	)
	if said, err := promote.CombinedOutput(); err != nil {
		m.t.Fatalf("promote: %v\n%s", err, said)
	}
	m.begin()
}

// judge compares the books. A press that was refused while the copy was not there, and is lost with its machine, was
// never sent: that it was told so is true.
func (m *machines) judge() {
	books := m.readBooks()
	carried := map[string]bool{}
	for _, c := range books.carried {
		carried[c.OrderID] = true
	}
	excused := 0
	for _, problem := range books.compare() {
		key, _, _ := strings.Cut(strings.TrimPrefix(problem, "order "), ":")
		if strings.Contains(problem, "was taken, but there is no claim") && !carried[key] {
			excused++
			continue
		}
		m.t.Error(problem)
	}
	m.t.Logf("%s; %d presses were refused and are lost", books.counts(), excused)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err = errors.Join(err, os.WriteFile(to, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}
