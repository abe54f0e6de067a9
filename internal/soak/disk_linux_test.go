package soak

import (
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lineboard/internal/sandbox"
)

const (
	rooms  = 4         // for answers, which the program has taken beforehand
	little = 600 << 10 // bytes: room for a claim and for no answer
)

// fullDisk is a program whose data is on a small disk of its own.
type fullDisk struct {
	*soak
	data string
	gate chan struct{} // closed to let releases pass that wait at the other side
}

func TestAnAnswerThatCameWhileTheDiskWasFullIsThereAfterTheStop(t *testing.T) {
	if os.Getenv("SOAK_DISK") == "" {
		t.Skip("it mounts a disk: make soak runs it, as root")
	}
	for name, test := range map[string]struct {
		under int // releases that are under way
		end   func(*fullDisk)
	}{
		"stopped":                     {2, func(d *fullDisk) { d.end() }},
		"killed":                      {2, func(d *fullDisk) { d.running.kill() }},
		"stopped, started while full": {2, func(d *fullDisk) { d.end(); d.startFull() }},
		"all rooms taken, stopped, started while full": {rooms, func(d *fullDisk) { d.end(); d.startFull() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFullDisk(t).lives(test.under, test.end)
		})
	}
}

// The anchors are on a disk of their own, which is full.
func TestWhereTheDiskOfTheAnchorsIsFullProbeAndPressAgree(t *testing.T) {
	if os.Getenv("SOAK_DISK") == "" {
		t.Skip("it mounts a disk: make soak runs it, as root")
	}
	t.Parallel()
	d := newFullDisk(t)
	d.args[4] = filepath.Join(filepath.Dir(d.data), "own")
	d.args = append(d.args, "--anchors", filepath.Join(d.data, "anchors.log"))
	d.prepare(0)
	d.remote.box.ClearFaults()
	d.start()
	d.web.signIn(d.t)
	paths := d.web.find(d.t, d.prefix(0), newOrders)
	key := slices.Sorted(maps.Keys(paths))[0]
	if status, _, _, err := d.web.send(0, http.MethodGet, "/readyz", nil); err != nil || status != http.StatusOK {
		t.Fatalf("at first: %d, %v", status, err)
	}
	await(t, "the probe says that the disk is full", func() bool {
		d.fill()
		status, _, said, err := d.web.send(0, http.MethodGet, "/readyz", nil)
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(said, "anchors")
	})
	if p := d.web.press(0, key, paths[key]); p.taken || !strings.Contains(p.problem, "503") {
		t.Errorf("a press is answered with %+v", p)
	}
	if calls := d.remote.of(""); len(calls) > 0 {
		t.Errorf("%d calls left", len(calls))
	}
	d.empty()
	await(t, "the probe says that there is room", func() bool {
		status, _, _, err := d.web.send(0, http.MethodGet, "/readyz", nil)
		return err == nil && status == http.StatusOK
	})
	if p := d.web.press(0, key, paths[key]); !p.taken {
		t.Errorf("with room again, a press is not taken: %+v", p)
	}
	d.web.awaitOutcomes(t, []press{{order: key, path: paths[key]}}, map[string]bool{key: true})
	d.running.stop(t)
}

func newFullDisk(t *testing.T) *fullDisk {
	t.Helper()
	if _, err := binary(); err != nil {
		t.Fatalf("build the program: %v", err)
	}
	d := &fullDisk{soak: newSoak(t, rand.New(rand.NewPCG(seed(t), 0))), gate: make(chan struct{})}
	d.data, d.args[len(d.args)-1] = d.args[4], "30s" // the limit of a release, while the disk fills
	if err := os.Mkdir(d.data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", d.data, "tmpfs", 0, "size=16m,mode=700"); err != nil {
		t.Fatalf("mount a small disk (this needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

// lives fills the disk while releases are under way, ends the program, and looks what is there after that. The lists
// are in the answers alone.
func (d *fullDisk) lives(n int, end func(*fullDisk)) {
	d.prepare(0)
	d.remote.box.ClearFaults()
	d.remote.box.SetSerialsInDetails(false)
	d.start()
	d.web.signIn(d.t)
	paths := d.web.find(d.t, d.prefix(0), newOrders)
	keys := slices.Sorted(maps.Keys(paths))
	d.remote.with(func() { d.remote.fate = func() fate { return fate{until: d.gate} } })
	under := keys[:n]
	answered := make(chan press, len(under))
	for i, key := range under {
		go func() { answered <- d.web.press(i%admin, key, paths[key]) }()
	}
	if !d.remote.await(hang, func() bool { return len(d.remote.patches) == len(under) }) {
		d.t.Fatal("the releases do not arrive")
	}
	d.fill()
	if n == rooms {
		d.leavesRoom(keys[n], paths[keys[n]])
	}
	close(d.gate)
	if !d.remote.await(hang, func() bool {
		return !slices.ContainsFunc(d.remote.patches, func(p *patch) bool { return p.ended.IsZero() })
	}) {
		d.t.Fatal("the sandbox never ends")
	}
	for range under {
		if p := <-answered; p.problem != "" {
			d.t.Errorf("press of %s: %s", p.order, p.problem)
		}
	}
	d.takesNothing(keys[n], paths[keys[n]])
	end(d)
	d.empty()
	d.remote.with(func() { d.remote.fate = func() fate { return fate{} } })
	d.start()
	for _, key := range under {
		d.released(key, paths[key])
	}
	if p := d.web.press(0, keys[n], paths[keys[n]]); !p.taken {
		d.t.Errorf("with room again, a press is not taken: %+v", p)
	}
	d.running.stop(d.t)
	if said, code := (&drill{soak: d.soak}).command("verify", "--data", d.data); code != 0 {
		d.t.Errorf("verify ends with %d: %s", code, said)
	}
}

func (d *fullDisk) filler() string { return filepath.Join(d.data, "filler") }

// fill takes all room of the disk, to the last byte.
func (d *fullDisk) fill() {
	file, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *fullDisk) empty() {
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}

// leavesRoom: a press on a disk with too little room is refused, and takes nothing of what is left.
func (d *fullDisk) leavesRoom(key, path string) {
	info, err := os.Stat(d.filler())
	if err == nil {
		err = os.Truncate(d.filler(), info.Size()-little)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if p := d.web.press(0, key, path); p.taken || !strings.Contains(p.problem, "503") {
		d.t.Errorf("with little room, a press is answered with %+v", p)
	}
	if slots, err := filepath.Glob(filepath.Join(d.data, "anchors.log.reserve", "slot-*")); err != nil ||
		len(slots) != rooms {
		d.t.Errorf("after it there are the rooms %q, %v", slots, err)
	}
	before, err := os.Stat(d.filler())
	if err != nil {
		d.t.Fatal(err)
	}
	d.fill()
	after, err := os.Stat(d.filler())
	if err != nil {
		d.t.Fatal(err)
	}
	if left := after.Size() - before.Size(); left < little/2 {
		d.t.Errorf("a press leaves %d bytes of %d", left, little)
	}
}

// takesNothing: probe and press agree that nothing can be released.
func (d *fullDisk) takesNothing(key, path string) {
	await(d.t, "the probe says that the disk is full", func() bool {
		d.fill() // what the program gave back
		status, _, _, err := d.web.send(0, http.MethodGet, "/readyz", nil)
		return err == nil && status == http.StatusServiceUnavailable
	})
	calls := len(d.remote.of(""))
	if p := d.web.press(0, key, path); p.taken || !strings.Contains(p.problem, "503") {
		d.t.Errorf("on a full disk, a press is answered with %+v", p)
	}
	if len(d.remote.of("")) > calls {
		d.t.Errorf("%s was sent without a claim", key)
	}
}

// end stops the program with SIGTERM. It may end with an error, since it can't anchor.
func (d *fullDisk) end() {
	if err := d.running.command.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-d.running.ended:
	case <-time.After(hang):
		d.t.Errorf("the program does not end\n%s", d.running.said)
		d.running.kill()
	}
}

// startFull starts the program on the full disk. Whether it serves or says why it does not: nothing may be lost.
func (d *fullDisk) startFull() {
	d.launch()
	select {
	case <-d.running.said.address:
		d.end()
	case <-d.running.ended:
		if said := d.running.said.String(); strings.Contains(said, "panic") {
			d.t.Error(said)
		}
	case <-time.After(hang):
		d.t.Errorf("the program neither starts nor ends\n%s", d.running.said)
		d.running.kill()
	}
}

// released: an order's page says that it was released, by the call's own answer, and its list is the one that came.
func (d *fullDisk) released(key, path string) {
	var carried []sandbox.Released
	for _, r := range d.remote.box.Released() {
		if r.OrderID == key {
			carried = append(carried, r)
		}
	}
	if len(carried) != 1 {
		d.t.Fatalf("%s was carried out %d times", key, len(carried))
	}
	if page := d.web.page(d.t, path); page.Find(".result-released").Length() == 0 {
		d.t.Errorf("%s: its page says %q", key, strings.Join(strings.Fields(page.Find("main").Text()), " "))
	}
	(&drill{soak: d.soak}).checkDownload(path, carried)
	status, _, body, err := d.web.send(0, http.MethodGet, path+"/serials.json", nil)
	if err != nil || status != http.StatusOK {
		d.t.Errorf("%s: its list is answered with %d: %s, %v", key, status, body, err)
	}
}
