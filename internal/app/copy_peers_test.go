//go:build peers

package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"golang.org/x/crypto/ssh"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/lineside"
)

// copiedBy is a machine whose copy the real Litestream makes.
type copiedBy struct {
	data, socket, program string
	place                 []string // flags
	env                   []string // of Litestream
}

// begin starts Lineboard and Litestream, and waits until it can release. What ends Litestream is returned too.
func (c copiedBy) begin(t *testing.T, remote string) (started, *exec.Cmd) {
	t.Helper()
	s := start(t, plantEnv(), append([]string{
		"serve", "--addr", "127.0.0.1:0", "--data", c.data, "--provision", site(t, remote),
		"--copy-socket", c.socket, "--ask-after", "100ms,200ms",
	}, c.place...)...)
	copier := exec.Command(c.program, "replicate", "-config", filepath.Join(c.data, litestreamConfig), "-no-expand-env")
	copier.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.data}, c.env...)
	said := &output{}
	copier.Stdout, copier.Stderr = said, said
	if err := copier.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = copier.Process.Kill()
		_ = copier.Wait()
		if t.Failed() {
			t.Logf("litestream: %s", said)
		}
	})
	readyOnce(t, s)
	return s, copier
}

// refuses presses release, which must be refused in bounded time, with nothing sent and the reason said.
func (s started) refuses(t *testing.T, data, key string) {
	t.Helper()
	order, browser := waitForOrder(t, data, key), s.signIn(t)
	began := time.Now()
	s.press(t.Context(), browser, order)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the press was answered after %s", took)
	}
	switch o := orderIn(t, data, key); {
	case o.Release == nil || o.Release.Outcome != packaging.Refused || o.Release.Reason != packaging.NotCopied:
		t.Errorf("the release: %+v", o.Release)
	}
}

func TestAPressIsAnsweredWhileLitestreamHangsForAMinuteOrItsDiskIsFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it needs root, to mount a small disk")
	}
	box, remote := remoteSandbox(t)
	folder := t.TempDir()
	place := filepath.Join(folder, "place")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place).CombinedOutput(); err != nil {
		t.Skipf("a small disk can't be mounted: %s", said)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", place).Run() })
	c := copiedBy{
		data: filepath.Join(folder, "data"), socket: filepath.Join(folder, "s"), program: litestream(t),
		place: []string{"--copy-to", place},
	}
	s, copier := c.begin(t, remote)

	if err := copier.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hung := time.Now()
	for time.Since(hung) < time.Minute {
		s.refuses(t, c.data, "Order143")
		time.Sleep(5 * time.Second)
	}
	if err := copier.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	readyOnce(t, s)
	s.releaseOne(t, c.data, "Order143")

	filler := filepath.Join(place, "full")
	_ = exec.Command("dd", "if=/dev/zero", "of="+filler, "bs=64k").Run() // until the disk is full
	s.refuses(t, c.data, "Order144")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	readyOnce(t, s)
	s.releaseOne(t, c.data, "Order144")
	if out := box.Released(); len(out) != 2 {
		t.Errorf("carried out: %+v", out)
	}
}

func TestAStandbyTakesOverFromLitestreamsCopyAtOpenSSHAndAtAnObjectStore(t *testing.T) {
	for name, at := range map[string]func(*testing.T) (place, env []string){
		"OpenSSH": openSSHPlace, "object store": storePlace,
	} {
		t.Run(name, func(t *testing.T) {
			box, remote := remoteSandbox(t)
			place, env := at(t)
			folder := t.TempDir()
			c := copiedBy{
				data: filepath.Join(folder, "data"), socket: filepath.Join(folder, "s"), program: litestream(t),
				place: place, env: env,
			}
			s, copier := c.begin(t, remote)
			s.releaseOne(t, c.data, "Order143")
			_ = copier.Process.Kill() // the machine is lost
			s.refuses(t, c.data, "Order145")

			second := filepath.Join(folder, "second")
			if err := errors.Join(
				os.Mkdir(second, 0o700), copyFile(filepath.Join(c.data, keyFile), filepath.Join(second, keyFile)),
			); err != nil {
				t.Fatal(err)
			}
			t.Setenv("AWS_CA_BUNDLE", "") // Litestream can't do with one
			said, err := command(t, nil, append([]string{
				"promote", "--data", second, "--litestream", c.program, "--copy-socket", c.socket,
			}, place...)...)
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if status, _ := get(t, s.address+"/readyz"); status != http.StatusServiceUnavailable {
				t.Errorf("the first says of itself %d", status)
			}
			s.end(t)
			c.data, c.socket = second, c.socket+"2"
			s, _ = c.begin(t, remote)
			if o := orderIn(t, second, "Order143"); o.Release == nil || o.Release.Outcome != packaging.Released {
				t.Errorf("at the standby: %+v", o.Release)
			}
			s.releaseOne(t, second, "Order144")
			if out := box.Released(); len(out) != 2 {
				t.Errorf("carried out: %+v", out)
			}
		})
	}
}

// openSSHPlace starts the server of OpenSSH, and returns the flags of a place there.
func openSSHPlace(t *testing.T) (place, env []string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("it needs root, to start sshd")
	}
	host, hostKey, err := lineside.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	user, userKey, err := lineside.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	folder, root, port := t.TempDir(), t.TempDir(), freePort(t)
	file := func(name string) string { return filepath.Join(folder, name) }
	settings := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\n"+
		"PermitRootLogin prohibit-password\nPidFile none\nSubsystem sftp internal-sftp\n", port, file("host"), file("allowed"))
	for name, content := range map[string][]byte{
		"host": hostKey, "key": userKey, "allowed": ssh.MarshalAuthorizedKey(user.PublicKey()), "sshd": []byte(settings),
	} {
		if err := os.WriteFile(file(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where sshd has no rights
		t.Fatal(err)
	}
	runProxy(t, port, "/usr/sbin/sshd", "-D", "-e", "-f", file("sshd"))
	return []string{
		"--copy-to", "sftp://root@127.0.0.1:" + port + root, "--copy-key-file", file("key"),
		"--copy-host-key", lineside.HostKey(host),
	}, nil
}

// storePlace starts an object store, and returns the flags of a place there and what Litestream's environment needs.
func storePlace(t *testing.T) (place, env []string) {
	t.Helper()
	buckets := s3mem.New()
	credentials := filepath.Join(t.TempDir(), "credentials")
	const keys = "[default]\naws_access_key_id = lineboard\naws_secret_access_key = sesame\n"
	if err := errors.Join(buckets.CreateBucket("copies"), os.WriteFile(credentials, []byte(keys), 0o600)); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(gofakes3.New(buckets).Server())
	t.Cleanup(s.Close)
	return []string{"--copy-to", "s3://copies/plant?endpoint=" + s.URL, "--copy-key-file", credentials},
		[]string{"AWS_SHARED_CREDENTIALS_FILE=" + credentials}
}
