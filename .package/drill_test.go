package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// debian is a fresh Debian that runs its own systemd, apart from this machine's network.
type debian struct {
	root   string
	leader string // process number of its systemd, seen from here
}

// needs skips a test that can't run here, and says why.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("it needs root")
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("it needs %s: %v", program, err)
		}
	}
}

// bootDebian installs a Debian with its systemd and other packages, and starts it until the test ends.
func bootDebian(t *testing.T, packages ...string) debian {
	t.Helper()
	d := debian{root: filepath.Join(t.TempDir(), "debian")}
	d.install(t, packages...)
	d.boot(t)
	return d
}

// install installs a Debian with its systemd and other packages.
func (d debian) install(t *testing.T, packages ...string) {
	t.Helper()
	include := "--include=" + strings.Join(append([]string{"systemd", "systemd-sysv"}, packages...), ",")
	install := exec.CommandContext(t.Context(), "debootstrap", "--variant=minbase", include, "bookworm", d.root)
	if fresh := os.Getenv("FRESH_DEBIAN"); fresh != "" { // a folder with what debootstrap made, for tries in a row
		install = exec.CommandContext(t.Context(), "cp", "-a", fresh, d.root)
	}
	if said, err := install.CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v: %s", err, said[max(0, len(said)-2000):])
	}
}

// boot starts the machine until the test ends, and returns what takes its power away.
func (d *debian) boot(t *testing.T, options ...string) (lose func()) {
	t.Helper()
	args := append([]string{"--quiet", "--register=no", "--keep-unit", "--private-network", "--boot", "-D", d.root}, options...)
	var said bytes.Buffer
	boot := exec.Command("systemd-nspawn", args...)
	boot.Stdout, boot.Stderr = &said, &said
	if err := boot.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = boot.Process.Signal(unix.SIGTERM) // it halts the machine
		_ = boot.Wait()
	})
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", boot.Process.Pid)
	d.leader = ""
	eventually(t, "a systemd", func() bool {
		text, _ := os.ReadFile(children)
		if fields := strings.Fields(string(text)); len(fields) > 0 {
			d.leader = fields[0]
		}
		if d.leader == "" {
			return false
		}
		said, _ := d.try("systemctl is-system-running")
		return strings.Contains(said, "running") || strings.Contains(said, "degraded")
	})
	return func() {
		leader, err := strconv.Atoi(d.leader)
		if err == nil {
			err = unix.Kill(leader, unix.SIGKILL)
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = boot.Wait()
	}
}

// try runs a shell command in the machine and returns what it prints.
func (d debian) try(command string) (said string, err error) {
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, "nsenter", "-t", d.leader, "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"DEBIAN_FRONTEND=noninteractive", "sh", "-c", command)
	out, err := c.CombinedOutput()
	return string(out), err
}

// do runs a shell command in the machine that must succeed.
func (d debian) do(t *testing.T, command string) string {
	t.Helper()
	said, err := d.try(command)
	if err != nil {
		log, _ := d.try("journalctl -u lineboard --no-pager | tail -30")
		t.Fatalf("%s: %v: %s\nthe journal: %s", command, err, said, log)
	}
	return said
}

// put writes a file of the machine.
func (d debian) put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(d.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// client returns a browser on the machine's own network, which trusts a certificate.
func (d debian) client(trusted *x509.CertPool) *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:       func(_ context.Context, network, address string) (net.Conn, error) { return d.dial(network, address) },
			TLSClientConfig:   &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true,
		},
	}
}

// dial connects from within the machine. Its thread is in the other network then, and ends with it.
func (d debian) dial(network, address string) (net.Conn, error) {
	type answer struct {
		conn net.Conn
		err  error
	}
	answers := make(chan answer)
	go func() {
		runtime.LockOSThread()
		space, err := os.Open("/proc/" + d.leader + "/ns/net")
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer space.Close()
		if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
			answers <- answer{err: err}
			return
		}
		at, err := net.ResolveTCPAddr(network, address)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		conn, err := net.DialTCP(network, nil, at)
		answers <- answer{conn, err}
	}()
	a := <-answers
	if a.err != nil {
		return nil, a.err
	}
	return a.conn, nil
}

// eventually waits until something is so, for two minutes at most.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := time.Now().Add(2 * time.Minute); !is(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("it did not come: %s", what)
		}
	}
}

// packagesOf makes the packages for this machine of a source.
func packagesOf(t *testing.T, source, version string) (out string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "packages")
	if err := run(t.Context(), []string{
		"-source", source, "-out", out, "-version", version, "-targets", "linux-" + runtime.GOARCH,
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// made makes the packages of this source once for all tests, in the folder that TestMain removes.
var made = struct {
	once   sync.Once
	folder string
	err    error
}{}

func TestMain(m *testing.M) {
	var err error
	if made.folder, err = os.MkdirTemp("", "lineboard-packages"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(made.folder)
	os.Exit(code)
}

// current returns the folder of the packages of this source, of version 1.1.0.
func current(t *testing.T) string {
	t.Helper()
	if ready := os.Getenv("PACKAGES"); ready != "" { // a folder with what was made, for tries in a row
		return ready
	}
	out := filepath.Join(made.folder, "current")
	made.once.Do(func() {
		made.err = run(context.Background(), []string{"-out", out, "-version", "1.1.0", "-targets", "linux-" + runtime.GOARCH})
	})
	if made.err != nil {
		t.Fatal(made.err)
	}
	return out
}

// previous returns the source of the commit before this one, with another settings file than today's.
func previous(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "previous")
	git(t, "..", "clone", "--quiet", "--no-hardlinks", ".", folder)
	if git(t, folder, "ls-tree", "--name-only", "HEAD~1", ".package/nfpm.yaml") != "" {
		git(t, folder, "checkout", "--quiet", "HEAD~1")
	}
	settings := filepath.Join(folder, "docs", "operate", "lineboard.yaml")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, append(text, "# of the version before\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir = folder
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, said)
	}
	return string(said)
}

// secrets are what the site of the drill names: those of the sandbox, and a password.
var secrets = map[string]string{
	"api-key":     "s_ajk42KdKAhGr!7MFmcT6S8SCsCChssdhMtERSA!CpP8ed93ShmCHhhr2Nh7cGA",
	"api-secret":  "Abcd1234!",
	"channel-key": "Ky1SpfEXmjj05fW3USBFD3pgoEi9AQ29Atsnj4Zy",
	"password":    "words that nobody guesses",
}

const drillSite = `tenants:
  - slug: plant
    name: Plant
    time_zone: Europe/Brussels
    api: {base_url: "http://127.0.0.1:8090", api_key: "file:%[1]sapi-key", api_secret: "file:%[1]sapi-secret", channel_key: "file:%[1]schannel-key"}
    lines: [{code: L1, name: Line 1}]
    users: [{username: supervisor1, name: Supervisor, role: supervisor, password: "file:%[1]spassword"}]
`

const drillSettings = `data: /var/lib/lineboard
addr: 127.0.0.1:8443
tls-cert: /etc/lineboard/cert.pem
tls-key: /etc/lineboard/key.pem
backup-dir: /mnt/backup
provision: /etc/lineboard/site.yaml
`

// A whole life on a fresh Debian under its own systemd: installed, set up, a release, examined, upgraded, restored
// elsewhere, removed and purged. Then the .rpm on the same machine, without Debian's helpers.
func TestALifeOnDebian(t *testing.T) {
	needs(t, "debootstrap", "systemd-nspawn", "nsenter", "dpkg", "git", "rpm")
	lifeOf(t, packagesOf(t, previous(t), "1.0.0"), current(t))
}

// lifeOf lives that life with two versions of the packages.
func lifeOf(t *testing.T, first, second string) {
	t.Helper()
	d := bootDebian(t)
	for from, to := range map[string]string{first: "/one.deb", second: "/two.deb"} {
		file := glob(t, from, "*.deb")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d.put(t, to, string(content), 0o644)
	}

	d.do(t, "dpkg -i /one.deb")
	d.serves(t, d.client(nil), "http://127.0.0.1:8080")
	if said := d.do(t, "systemctl is-enabled lineboard; ps -o user= -C lineboard || stat -c %U /proc/$(systemctl show -P MainPID lineboard)"); !strings.Contains(said, "enabled") || !strings.Contains(said, "lineboard") {
		t.Errorf("enabled, and whose: %s", said)
	}
	if said := d.do(t, "journalctl -u lineboard --no-pager"); !strings.Contains(said, "/setup/") && !strings.Contains(said, "first one") {
		t.Errorf("the journal has no link to the set-up: %s", said)
	}

	trusted := d.configure(t)
	d.do(t, "systemctl restart lineboard")
	browser := d.client(trusted)
	d.serves(t, browser, "https://127.0.0.1:8443")
	order, serials := releaseAnOrder(t, browser, "https://127.0.0.1:8443")
	eventually(t, "a backup", func() bool {
		said, _ := d.try("ls /mnt/backup")
		return strings.Contains(said, ".db")
	})
	eventually(t, "a doctor that finds nothing", func() bool {
		said, err := d.try("lineboard doctor --config /etc/lineboard/lineboard.yaml")
		if err != nil {
			t.Log(said)
		}
		return err == nil
	})
	d.do(t, "systemd-analyze security --threshold=20 lineboard.service")

	before := d.do(t, "systemctl show -P MainPID lineboard; lineboard version; cat /etc/lineboard/lineboard.yaml")
	d.do(t, "dpkg --force-confdef --force-confold -i /two.deb </dev/null")
	d.serves(t, browser, "https://127.0.0.1:8443")
	after := d.do(t, "systemctl show -P MainPID lineboard; lineboard version; cat /etc/lineboard/lineboard.yaml")
	if !strings.Contains(before, "Lineboard 1.0.0") || !strings.Contains(after, "Lineboard 1.1.0") ||
		!strings.HasSuffix(after, drillSettings) || strings.Fields(before)[0] == strings.Fields(after)[0] {
		t.Errorf("upgraded from %s to %s", before, after)
	}
	if kept := serialsOf(t, browser, order); !slices.Equal(kept, serials) {
		t.Errorf("after the upgrade: %q, before %q", kept, serials)
	}
	d.do(t, "lineboard verify --data /var/lib/lineboard")

	d.do(t, "mv /etc/lineboard/lineboard.yaml /var/tmp/ && dpkg -i /two.deb && mv /var/tmp/lineboard.yaml /etc/lineboard/")
	d.do(t, "systemctl reset-failed lineboard; systemctl restart lineboard")

	d.restoredElsewhere(t, trusted, order, serials)
	d.purged(t)
	d.livesByRPM(t, first, second)
}

// configure gives the machine a sandbox, a certificate, a disk for backups, secrets and a site, as docs/operate.md says.
func (d debian) configure(t *testing.T) (trusted *x509.CertPool) {
	t.Helper()
	d.do(t, "systemd-run --unit=sandbox lineboard sandbox --addr 127.0.0.1:8090")
	d.do(t, "mkdir -p /mnt/backup && mount -t tmpfs backup /mnt/backup && chown lineboard:lineboard /mnt/backup && chmod 0700 /mnt/backup")
	d.put(t, "/etc/systemd/system/lineboard.service.d/backup.conf", "[Service]\nReadWritePaths=/mnt/backup\n", 0o644)
	for name, secret := range secrets {
		d.put(t, "/etc/lineboard/credentials/"+name, secret+"\n", 0o600)
	}
	d.put(t, "/etc/lineboard/site.yaml", fmt.Sprintf(drillSite, "/run/credentials/lineboard.service/credentials_"), 0o640)
	d.put(t, "/etc/lineboard/lineboard.yaml", drillSettings, 0o640)
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // its certificate is for 127.0.0.1, for many years
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	d.put(t, "/etc/lineboard/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})), 0o640)
	d.put(t, "/etc/lineboard/cert.pem",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), 0o640)
	d.do(t, "cd /etc/lineboard && chgrp lineboard site.yaml key.pem cert.pem && systemctl daemon-reload")
	trusted = x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	return trusted
}

// serves waits until a Lineboard is ready.
func (d debian) serves(t *testing.T, browser *http.Client, address string) {
	t.Helper()
	last := ""
	for limit := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		response, err := browser.Get(address + "/readyz")
		if err == nil {
			response.Body.Close()
			if last = response.Status; response.StatusCode == http.StatusOK {
				return
			}
		} else {
			last = err.Error()
		}
		if time.Now().After(limit) {
			log, _ := d.try("systemctl status lineboard --no-pager; journalctl -u lineboard --no-pager | tail -30")
			t.Fatalf("%s is not ready: %s: %s", address, last, log)
		}
	}
}

// restoredElsewhere restores a backup to another folder, and looks at the order there.
func (d debian) restoredElsewhere(t *testing.T, trusted *x509.CertPool, order string, serials []string) {
	t.Helper()
	d.do(t, "install -d -o lineboard -g lineboard -m 0700 /srv/elsewhere")
	d.do(t, "lineboard backup --data /var/lib/lineboard --to /srv/copy.db")
	d.do(t, "lineboard restore --from /srv/copy.db --data /srv/elsewhere --anchors /srv/elsewhere/anchors.log")
	d.do(t, "cp /var/lib/lineboard/lineboard.key /srv/elsewhere/ && cp /srv/copy.db.anchors.log /srv/elsewhere/anchors.log"+
		" && chown -R lineboard:lineboard /srv/elsewhere")
	d.do(t, "lineboard verify --data /srv/elsewhere")
	d.do(t, "systemd-run --unit=elsewhere -p User=lineboard lineboard serve --data /srv/elsewhere --addr 127.0.0.1:8444"+
		" --tls-cert /etc/lineboard/cert.pem --tls-key /etc/lineboard/key.pem")
	browser, address := d.client(trusted), "https://127.0.0.1:8444"
	d.serves(t, browser, address)
	signIn(t, browser, address)
	if there := serialsOf(t, browser, strings.Replace(order, ":8443", ":8444", 1)); !slices.Equal(there, serials) {
		t.Errorf("restored: %q, not %q", there, serials)
	}
	d.do(t, "systemctl stop elsewhere")
}

// purged removes the package in two steps. What people wrote stays.
func (d debian) purged(t *testing.T) {
	t.Helper()
	d.do(t, "dpkg -r lineboard")
	if said := d.do(t, "ls /etc/lineboard/lineboard.yaml /var/lib/lineboard/lineboard.db; systemctl is-active lineboard || true; "+
		"journalctl -u lineboard --no-pager | tail -5"); !strings.Contains(said, "inactive") || strings.Contains(said, "Failed with") {
		t.Errorf("removed: %s", said)
	}
	d.do(t, "dpkg -P lineboard")
	if said, err := d.try("ls /usr/bin/lineboard /etc/lineboard/lineboard.yaml /usr/lib/systemd/system/lineboard.service /usr/share/doc/lineboard"); err == nil ||
		strings.Count(said, "No such file") != 4 {
		t.Errorf("left after the purge: %s", said)
	}
	if said := d.do(t, "stat -c '%U %a' /var/lib/lineboard; ls /var/lib/lineboard/lineboard.key /etc/lineboard/site.yaml /etc/lineboard/credentials/api-key"); !strings.HasPrefix(said, "lineboard 700") {
		t.Errorf("the data after the purge: %s", said)
	}
}

// livesByRPM installs, upgrades and removes the .rpm, whose scripts must go without what only Debian has.
func (d debian) livesByRPM(t *testing.T, first, second string) {
	t.Helper()
	d.do(t, "userdel lineboard && rm -r /var/lib/lineboard /etc/lineboard && rm /usr/bin/deb-systemd-helper /usr/bin/deb-systemd-invoke")
	rpm := func(args ...string) {
		t.Helper()
		args = append([]string{"--root", d.root, "--force-debian", "--nodeps"}, args...)
		if said, err := exec.CommandContext(t.Context(), "rpm", args...).CombinedOutput(); err != nil {
			t.Fatalf("rpm %v: %v: %s", args, err, said)
		}
	}
	rpm("-i", glob(t, first, "*.rpm"))
	if said := d.do(t, "stat -c '%U:%G %a' /var/lib/lineboard /etc/lineboard /etc/lineboard/lineboard.yaml"); said !=
		"lineboard:lineboard 700\nroot:lineboard 750\nroot:lineboard 640\n" {
		t.Errorf("installed: %s", said)
	}
	d.do(t, "systemctl daemon-reload && systemctl enable --now lineboard")
	d.serves(t, d.client(nil), "http://127.0.0.1:8080")
	d.do(t, "echo 'verbose: true' >>/etc/lineboard/lineboard.yaml")
	rpm("-U", glob(t, second, "*.rpm"))
	d.do(t, "systemctl daemon-reload && systemctl restart lineboard")
	d.serves(t, d.client(nil), "http://127.0.0.1:8080")
	if said := d.do(t, "lineboard version; tail -1 /etc/lineboard/lineboard.yaml"); !strings.HasPrefix(said, "Lineboard 1.1.0\n") ||
		!strings.HasSuffix(said, "verbose: true\n") {
		t.Errorf("upgraded: %s", said)
	}
	d.do(t, "systemctl disable --now lineboard")
	rpm("-e", "lineboard")
	if said := d.do(t, "ls /usr/bin/lineboard /usr/lib/systemd/system/lineboard.service 2>&1; "+
		"ls /etc/lineboard /var/lib/lineboard/lineboard.db"); strings.Count(said, "No such file") != 2 ||
		!strings.Contains(said, "lineboard.yaml.rpmsave") || !strings.Contains(said, "lineboard.db") {
		t.Errorf("removed: %s", said)
	}
}

// releaseAnOrder signs in, waits for an order of the sandbox, releases it, and returns its address and its serials.
func releaseAnOrder(t *testing.T, browser *http.Client, address string) (order string, serials []string) {
	t.Helper()
	signIn(t, browser, address)
	return releaseOrder(t, browser, address, "Order143")
}

// releaseOrder waits for an order of the sandbox, releases it, and returns its address and its serials.
func releaseOrder(t *testing.T, browser *http.Client, address, key string) (order string, serials []string) {
	t.Helper()
	eventually(t, "the order", func() bool {
		_, page := ask(t, browser, http.MethodGet, address+"/orders?q="+key, "")
		_, after, found := strings.Cut(page, `href="/orders/`)
		number, _, _ := strings.Cut(after, `"`)
		order = address + "/orders/" + number
		return found
	})
	_, page := ask(t, browser, http.MethodGet, order+"?arm=1", "")
	_, after, _ := strings.Cut(page, `name="revision" value="`)
	revision, _, _ := strings.Cut(after, `"`)
	if status, said := ask(t, browser, http.MethodPost, order+"/release", "revision="+revision); status != http.StatusSeeOther {
		t.Fatalf("release: %d %.500s", status, said)
	}
	eventually(t, "the serials", func() bool {
		status, text := ask(t, browser, http.MethodGet, order+"/serials.json", "")
		return status == http.StatusOK && strings.Contains(text, "serials")
	})
	if serials = serialsOf(t, browser, order); len(serials) == 0 {
		t.Fatal("no serials")
	}
	return order, serials
}

func signIn(t *testing.T, browser *http.Client, address string) {
	t.Helper()
	form := url.Values{"username": {"supervisor1"}, "password": {secrets["password"]}}.Encode()
	if status, said := ask(t, browser, http.MethodPost, address+"/login", form); status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d %.500s", status, said)
	}
}

func serialsOf(t *testing.T, browser *http.Client, order string) []string {
	t.Helper()
	status, text := ask(t, browser, http.MethodGet, order+"/serials.json", "")
	var list struct {
		Serials []string `json:"serials"`
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%d %v: %.300s", status, err, text)
	}
	return list.Serials
}

// ask sends a request as a browser does.
func ask(t *testing.T, browser *http.Client, method, address, form string) (status int, said string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	response, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// glob returns the one file of a folder that has a pattern.
func glob(t *testing.T, folder, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %q, %v", pattern, files, err)
	}
	return files[0]
}
