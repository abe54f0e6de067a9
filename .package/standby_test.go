package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// standbySettings are the settings file of docs/standby.md, but for the place: a folder that both machines mount.
const standbySettings = `data: /var/lib/lineboard
addr: :8080
provision: /etc/lineboard/site.yaml
copy-socket: /run/litestream/litestream.sock
copy-to: /mnt/copy
`

// operate has the configurations and scripts that the docs name.
var operate = filepath.Join("..", "docs", "operate")

// virtual is the address of docs/operate/keepalived.conf, which moves between the machines.
const virtual = "http://192.0.2.10:8080"

// standbyMachine is one of two machines on a network of their own.
type standbyMachine struct {
	debian
	address string
	lose    func()
}

// site is what both machines reach: a network, a folder for the copy, and the API.
type site struct {
	network string // name of the namespace whose bridge connects them
	place   string
	api     string // folder of the socket behind which the API is
}

// The check asks every second, and may do so in the moment in which the address comes.
func TestACheckThatIsUnderWayKeepsNoStandbyFromTakingOver(t *testing.T) {
	folder := t.TempDir()
	lock, held, took := filepath.Join(folder, "lock"), filepath.Join(folder, "held"), filepath.Join(folder, "took")
	for name, does := range map[string]string{
		"true": "touch " + held + "; exec sleep 1", "runuser": "touch " + took, "systemd-cat": `shift 2; exec "$@"`, "systemctl": "exit 0",
	} {
		stub := "#!/bin/sh\n" + does + "\n"
		if err := os.WriteFile(filepath.Join(folder, name), []byte(stub), 0o700); err != nil { //nolint:gosec // it is run
			t.Fatal(err)
		}
	}
	script := func(name string) *exec.Cmd {
		text, err := os.ReadFile(filepath.Join(operate, name))
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("sh", "-c", strings.ReplaceAll(string(text), "/run/lineboard-notify.lock", lock))
		c.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
		return c
	}
	check := script("lineboard-check")
	if err := check.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(held); err == nil {
			break
		}
	}
	if said, err := script("lineboard-notify").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	if _, err := os.Stat(took); err != nil {
		t.Error("the standby did not take over")
	}
	_ = check.Wait()
}

// Two machines with the unit files, the configuration of keepalived and the scripts of the docs. The first one is lost:
// its address moves to the other one, which takes over and releases an order.
func TestTheAddressMovesToTheStandbyAndItTakesOver(t *testing.T) {
	s, first, second := sharedAddress(t)
	order, serials := releaseAnOrder(t, second.client(nil), virtual)

	second.takesOver(t, "the machine is lost", first.lose)
	s.hasBegun(t, 2)
	browser := second.client(nil)
	signIn(t, browser, virtual)
	if there := serialsOf(t, browser, order); !slices.Equal(there, serials) {
		t.Errorf("at the standby: %q, not %q", there, serials)
	}
	releaseOrder(t, browser, virtual, "Order144")
	second.do(t, "systemctl is-enabled lineboard litestream") // it releases after a restart too
}

// Lineboard ends at one machine, and hangs at the other: each time the other machine gets the address and takes over.
// What comes back does not get it again before a person has made it the standby.
func TestTheAddressMovesWhereLineboardEndsOrHangs(t *testing.T) {
	s, first, second := sharedAddress(t)
	// No reason to move: the other machine could do no more.
	first.signal(t, "STOP", "api")
	first.do(t, "systemctl stop litestream")
	never(t, "the address moves when API and copy are gone", func() bool { return !first.hasVirtual() })
	first.signal(t, "CONT", "api")
	first.do(t, "systemctl start litestream")
	first.signal(t, "KILL", "lineboard") // systemd starts it again
	first.staysWith(t, "Lineboard was killed")
	s.hasBegun(t, 1)

	second.takesOver(t, "Lineboard ended", func() { first.do(t, "systemctl stop lineboard") })
	releaseAnOrder(t, second.client(nil), virtual)
	first.do(t, "systemctl start lineboard")
	second.staysWith(t, "the old one is back")
	s.hasBegun(t, 2)

	first.goesBack(t, 2)
	first.takesOver(t, "Lineboard hung", func() { second.signal(t, "STOP", "lineboard") })
	second.signal(t, "CONT", "lineboard")
	first.staysWith(t, "the old one goes on")
	first.do(t, "systemctl stop lineboard") // and nobody is a standby: a person is needed
	never(t, "the old one takes over by itself", second.hasVirtual)
	s.hasBegun(t, 3)
}

// The cable of one machine is pulled, and a switch between the machines goes dark: the other one takes over. Once they
// see each other again, the address is where releases are.
func TestTheAddressMovesWhereTheCableIsPulled(t *testing.T) {
	s, first, second := sharedAddress(t)
	second.takesOver(t, "the cable is pulled", func() { s.link(t, first, "down") })
	s.link(t, first, "up")
	second.staysWith(t, "the cable is plugged in again")
	s.hasBegun(t, 2)

	first.goesBack(t, 2)
	// Both think that they have the address. Of two equal ones keepalived leaves it to the one with the higher number,
	// until that one's check has seen for long enough that the other took over.
	first.takesOver(t, "the switch is dark", func() { s.link(t, second, "nomaster") })
	s.link(t, second, "master", "bridge")
	eventually(t, "the one that was cut off gives the address up", func() bool {
		return first.hasVirtual() && !second.hasVirtual()
	})
	first.staysWith(t, "the switch is back")
	s.hasBegun(t, 3)
}

// A standby that can't take over, since it lacks the key, gives the address back to the machine that still releases.
func TestAStandbyThatCanNotTakeOverGivesTheAddressBack(t *testing.T) {
	s, first, second := sharedAddress(t)
	second.do(t, "mv /var/lib/lineboard/lineboard.key /root")
	s.link(t, first, "down")
	eventually(t, "the standby has the address", second.hasVirtual)
	s.link(t, first, "up")
	eventually(t, "the first machine has it again", func() bool { return first.hasVirtual() && !second.hasVirtual() })
	first.staysWith(t, "the standby gave it back")
	s.hasBegun(t, 1)
}

// sharedAddress starts two machines, of which one releases and the other stands by, and keepalived on both.
func sharedAddress(t *testing.T) (s site, first, second *standbyMachine) {
	t.Helper()
	needs(t, "debootstrap", "systemd-nspawn", "nsenter", "dpkg", "ip")
	s = newSite(t)
	first, second = s.pair(t)
	s.startAPI(t, filepath.Join(first.root, "usr/bin/lineboard"))
	first.do(t, "systemctl restart lineboard && systemctl enable --now litestream")
	first.serves(t, first.client(nil), "http://127.0.0.1:8080")
	second.standBy(t, first)
	for _, m := range []*standbyMachine{first, second} {
		m.do(t, "systemctl enable --now keepalived")
		eventually(t, "the first machine has the address", first.hasVirtual)
	}
	return s, first, second
}

// signal sends a signal to the main process of a unit.
func (m *standbyMachine) signal(t *testing.T, which, unit string) {
	t.Helper()
	m.do(t, "kill -s "+which+" $(systemctl show -P MainPID "+unit+")")
}

// goesBack makes a machine that another took over from the standby, as docs/standby.md says. It waits until the machine
// follows an epoch, and until keepalived has seen that.
func (m *standbyMachine) goesBack(t *testing.T, epoch int) {
	t.Helper()
	m.do(t, "systemctl disable --now lineboard litestream && systemctl enable --now lineboard-follow")
	m.follows(t, epoch)
	eventually(t, "a standby", func() bool {
		said, _ := m.try("journalctl -u keepalived --no-pager | grep -o 'Entering [A-Z]* STATE' | tail -1")
		return strings.Contains(said, "BACKUP")
	})
}

// staysWith watches that the address stays at a machine for longer than keepalived's check needs to move it, and that
// it can release in the end.
func (m *standbyMachine) staysWith(t *testing.T, when string) {
	t.Helper()
	never(t, "the address moves, when "+when, func() bool { return !m.hasVirtual() })
	m.serves(t, m.client(nil), virtual)
}

// never watches that something does not happen within the time that the checks of docs/operate/keepalived.conf need to
// fail or to succeed, and that it takes the address to move.
func never(t *testing.T, what string, happens func() bool) {
	t.Helper()
	for limit := time.Now().Add(18 * time.Second); time.Now().Before(limit); time.Sleep(200 * time.Millisecond) {
		if happens() {
			t.Fatalf("it happened: %s", what)
		}
	}
}

// hasBegun fails unless so many epochs have begun: one, and one for each promotion.
func (s site) hasBegun(t *testing.T, epochs int) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(s.place, "epochs"))
	if err != nil || len(files) != epochs {
		t.Errorf("%d epochs, not %d: %v", len(files), epochs, err)
	}
}

// link changes the port of the network that a machine is connected to.
func (s site) link(t *testing.T, m *standbyMachine, to ...string) {
	t.Helper()
	onHost(t, "ip", append([]string{"-n", s.network, "link", "set", m.port()}, to...)...)
}

// port is the name of that port.
func (m *standbyMachine) port() string { return "port" + m.address[len("192.0.2."):len("192.0.2.")+1] }

// takesOver waits until a machine has the address and can release, after something has happened to the other one.
func (m *standbyMachine) takesOver(t *testing.T, when string, happens func()) {
	t.Helper()
	began := time.Now()
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := m.try("journalctl -t lineboard-notify -u keepalived -u lineboard-follow --no-pager | tail -40")
			t.Log(said)
		}
	})
	happens()
	eventually(t, "the address, when "+when, m.hasVirtual)
	moved := time.Since(began)
	m.serves(t, m.client(nil), virtual)
	t.Logf("%s: the address after %v, the release after %v", when, moved.Round(10*time.Millisecond),
		time.Since(began).Round(10*time.Millisecond))
}

// follows waits until a machine has the whole copy of an epoch at hand.
func (m *standbyMachine) follows(t *testing.T, epoch int) {
	t.Helper()
	eventually(t, "a followed copy", func() bool {
		_, err := m.try(fmt.Sprintf("ls /var/lib/lineboard/follower/%06d/lineboard.db-txid", epoch))
		return err == nil
	})
}

func newSite(t *testing.T) site {
	t.Helper()
	s := site{network: fmt.Sprintf("lineboard-%d", os.Getpid()), place: t.TempDir(), api: t.TempDir()}
	for _, folder := range []string{s.place, s.api} {
		if err := os.Chmod(folder, 0o777); err != nil { //nolint:gosec // the accounts of the machines use it
			t.Fatal(err)
		}
	}
	onHost(t, "ip", "netns", "add", s.network)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", s.network).Run() })
	onHost(t, "ip", "-n", s.network, "link", "add", "bridge", "type", "bridge")
	onHost(t, "ip", "-n", s.network, "link", "set", "bridge", "up")
	return s
}

func onHost(t *testing.T, name string, args ...string) {
	t.Helper()
	if said, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, said)
	}
}

// pair starts two machines that are set up as docs/standby.md says.
func (s site) pair(t *testing.T) (first, second *standbyMachine) {
	t.Helper()
	litestream := program(t, "litestream")
	folder := t.TempDir()
	fresh := freshMachine(t)
	for i, m := range []**standbyMachine{&first, &second} {
		*m = &standbyMachine{
			debian:  debian{root: filepath.Join(folder, fmt.Sprint("machine", i+1))},
			address: fmt.Sprintf("192.0.2.%d/24", i+1),
		}
		onHost(t, "cp", "-a", fresh, (*m).root)
		s.start(t, *m)
		(*m).setUp(t, litestream)
	}
	return first, second
}

// freshMachine returns the root of a Debian that has what the docs need beside Lineboard. It is made once for all
// tests.
func freshMachine(t *testing.T) string {
	t.Helper()
	d := debian{root: filepath.Join(made.folder, "machine")}
	if _, err := os.Stat(d.root); err != nil {
		d.install(t, "keepalived", "curl", "iproute2", "socat")
	}
	return d.root
}

// program returns a program that make peers installs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", ".bin", name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Skipf("it needs %s, which make peers installs: %v", name, err)
	}
	return path
}

// start starts a machine and connects it to the network.
func (s site) start(t *testing.T, m *standbyMachine) {
	t.Helper()
	m.lose = m.boot(t, "--bind="+s.place+":/mnt/copy", "--bind="+s.api+":/mnt/api")
	port := m.port()
	_ = exec.Command("ip", "-n", s.network, "link", "delete", port).Run() // of a machine that is lost
	onHost(
		t, "ip", "link", "add", port, "netns", s.network, "type", "veth", "peer", "name", "eth0", "netns", m.leader,
	)
	onHost(t, "ip", "-n", s.network, "link", "set", port, "master", "bridge", "up")
	m.do(t, "ip address add "+m.address+" dev eth0 && ip link set eth0 up")
	m.do(t, "systemd-run --unit=api socat TCP-LISTEN:8090,bind=127.0.0.1,fork,reuseaddr UNIX-CONNECT:/mnt/api/socket")
}

// startAPI starts the sandbox that both machines call.
func (s site) startAPI(t *testing.T, lineboard string) {
	t.Helper()
	sandbox := exec.CommandContext(t.Context(), lineboard, "sandbox", "--addr", "127.0.0.1:0")
	said, err := sandbox.StdoutPipe()
	if err == nil {
		err = sandbox.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sandbox.Wait() })
	var at *url.URL
	for lines := bufio.NewScanner(said); at == nil && lines.Scan(); {
		if found := regexp.MustCompile(`http://[\w.]+:\d+`).FindString(lines.Text()); found != "" {
			if at, err = url.Parse(found); err != nil {
				t.Fatal(err)
			}
		}
	}
	if at == nil {
		t.Fatal("the sandbox does not say where it is")
	}
	socket := filepath.Join(s.api, "socket")
	listener, err := net.Listen("unix", socket)
	if err == nil {
		err = os.Chmod(socket, 0o777) //nolint:gosec // the accounts of the machines use it
	}
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: httputil.NewSingleHostReverseProxy(at), ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) //nolint:errcheck // until it is closed
	t.Cleanup(func() { _ = server.Close() })
}

// setUp installs Lineboard, Litestream and what the docs have for them.
func (m *standbyMachine) setUp(t *testing.T, litestream string) {
	t.Helper()
	for from, to := range map[string]string{
		glob(t, current(t), "*.deb"): "/lineboard.deb",
		litestream:                   "/usr/local/bin/litestream",
		filepath.Join(operate, "litestream.service"):       "/etc/systemd/system/litestream.service",
		filepath.Join(operate, "keepalived.conf"):          "/etc/keepalived/keepalived.conf",
		filepath.Join(operate, "lineboard-notify"):         "/usr/local/sbin/lineboard-notify",
		filepath.Join(operate, "lineboard-check"):          "/usr/local/sbin/lineboard-check",
		filepath.Join(operate, "lineboard-follow.service"): "/etc/systemd/system/lineboard-follow.service",
	} {
		onHost(t, "install", "-D", "-m", "0644", from, filepath.Join(m.root, to))
	}
	m.do(t, "chmod 755 /usr/local/bin/litestream /usr/local/sbin/lineboard-* && dpkg -i /lineboard.deb")
	for _, unit := range []string{"lineboard", "litestream"} { // as the comment in each says
		m.put(t, "/etc/systemd/system/"+unit+".service.d/copy.conf", "[Service]\nReadWritePaths=/mnt/copy\n", 0o644)
	}
	for name, secret := range secrets {
		m.put(t, "/etc/lineboard/credentials/"+name, secret+"\n", 0o600)
	}
	m.put(t, "/etc/lineboard/site.yaml", fmt.Sprintf(drillSite, "/run/credentials/lineboard.service/credentials_"), 0o640)
	m.put(t, "/etc/lineboard/lineboard.yaml", standbySettings, 0o640)
	m.do(t, "cd /etc/lineboard && chgrp lineboard site.yaml lineboard.yaml && systemctl daemon-reload")
}

// standBy makes it the standby of another machine, as docs/standby.md says.
func (m *standbyMachine) standBy(t *testing.T, other *standbyMachine) {
	t.Helper()
	m.do(t, "systemctl disable --now lineboard && rm -rf /var/lib/lineboard/*")
	key, err := os.ReadFile(filepath.Join(other.root, "var/lib/lineboard/lineboard.key"))
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, "/var/lib/lineboard/lineboard.key", string(key), 0o600)
	m.do(t, "chown lineboard:lineboard /var/lib/lineboard/lineboard.key")
	if said, _ := m.try("runuser -u lineboard -- lineboard doctor --config /etc/lineboard/lineboard.yaml"); !strings.Contains(said, "opens what was sealed for the copy") {
		t.Errorf("doctor of the standby: %s", said)
	}
	m.do(t, "systemctl enable --now lineboard-follow")
	m.follows(t, 1)
}

// hasVirtual reports whether the address is at this machine.
func (m *standbyMachine) hasVirtual() bool {
	said, _ := m.try("ip -4 address show dev eth0")
	return strings.Contains(said, "192.0.2.10/24")
}
