//go:build peers

package deliver

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// openSSH is the SFTP server of OpenSSH, whose user nobody begins in a folder of their own.
type openSSH struct {
	address, hostKey string
	folder           string
	key              secret.Text // with which nobody signs in
	owner            int
}

// newOpenSSH starts the server (as root), which ends with the test. full mounts a small disk as the folder.
func newOpenSSH(t *testing.T, full bool) *openSSH {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("sshd lets others than its own user in only where root started it")
	}
	below, err := os.MkdirTemp("", "lineboard-sshd-") // not in a folder that only the owner of the test may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(below) })
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	s := &openSSH{folder: filepath.Join(below, "lists")}
	if s.owner, err = strconv.Atoi(nobody.Uid); err != nil {
		t.Fatal(err)
	}
	mkdir(t, s.folder, full)
	if err := os.Chmod(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(s.folder, s.owner, -1); err != nil {
		t.Fatal(err)
	}
	signer, private := newKey(t)
	s.key = private
	host, hostKey := newKey(t)
	s.hostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host.PublicKey())))
	files := map[string]string{
		"host":    hostKey.Reveal(),
		"allowed": string(ssh.MarshalAuthorizedKey(signer.PublicKey())),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(below, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(below, "allowed"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(t, below)
	return s
}

// mkdir makes a folder, on a disk of 128 KB of its own where small is set.
func mkdir(t *testing.T, folder string, small bool) {
	t.Helper()
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if !small {
		return
	}
	if said, err := exec.Command(
		"mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tmpfs", folder,
	).CombinedOutput(); err != nil {
		t.Skipf("a small disk can't be mounted: %s", said)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", folder).Run() })
}

func (s *openSSH) run(t *testing.T, below string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(s.address)
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where sshd has no rights
		t.Fatal(err)
	}
	settings := fmt.Sprintf(`
Port %s
ListenAddress 127.0.0.1
HostKey %s
AuthorizedKeysFile %s
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d %s
`, port, filepath.Join(below, "host"), filepath.Join(below, "allowed"), s.folder)
	file := filepath.Join(below, "sshd_config")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var said strings.Builder
	command := exec.CommandContext(ctx, "/usr/sbin/sshd", "-D", "-e", "-f", file)
	command.Stderr, command.WaitDelay = &said, 5*time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("sshd does not listen: %v", err)
		}
	}
}

func (s *openSSH) destination() packaging.Destination {
	return packaging.Destination{
		ID: 1, Name: "Printer", Kind: packaging.SFTPDestination, Address: s.address, Username: "nobody",
		HostKey:    s.hostKey,
		SecretKind: packaging.KeySecret, Format: packaging.TextFormat, FileName: "{{.Line}}-{{.Number}}.txt",
		GiveUp: time.Hour,
	}
}

const peerSerials = 6_000

// aLongShelf has one list of some 126 KB for a destination.
func aLongShelf(to packaging.Destination, key secret.Text) (s *shelf, content string) {
	s = newShelf(to)
	s.now, s.serials = key, make([]string, peerSerials)
	for i := range s.serials {
		s.serials[i] = fmt.Sprintf("%020d", i)
	}
	v := s.waiting[1]
	v.Facts.Count = peerSerials
	s.waiting[1] = v
	return s, strings.Join(s.serials, "\n") + "\n"
}

// holds fails the test unless a folder has the list, whole and alone, and under its name.
func holds(t *testing.T, folder, content string) {
	t.Helper()
	name := only(t, folder)
	if got, err := os.ReadFile(name); err != nil || string(got) != content || filepath.Base(name) != "L1-1.txt" {
		t.Errorf("%s has %d bytes, %v", name, len(got), err)
	}
}

func TestOpenSSHTakesAListAndShowsTheKeyThatIsPinned(t *testing.T) {
	p := newOpenSSH(t, false)
	s, content := aLongShelf(p.destination(), p.key)
	d := started(t, s, Options{Hosts: []string{p.address}})
	await(t, s.taken)
	holds(t, p.folder, content)
	if key, err := d.HostKey(t.Context(), p.address); err != nil || key != p.hostKey {
		t.Errorf("%s %v", key, err)
	}
	if err := d.Try(t.Context(), p.destination()); err != nil {
		t.Error(err)
	}
	holds(t, p.folder, content) // the test has left nothing
}

func TestOpenSSHWithAnotherHostKeyGetsNeitherListNorSignIn(t *testing.T) {
	p := newOpenSSH(t, false)
	to := p.destination()
	stranger, _ := newKey(t)
	to.HostKey = string(ssh.MarshalAuthorizedKey(stranger.PublicKey()))
	s, _ := aLongShelf(to, p.key)
	started(t, s, Options{Hosts: []string{p.address}})
	if try := await(t, s.failed); try.Problem != packaging.WrongHostKey || !strings.Contains(try.Detail, "SHA256:") {
		t.Errorf("%+v", try)
	}
	if files, err := os.ReadDir(p.folder); err != nil || len(files) > 0 {
		t.Errorf("%v %v", files, err)
	}
}

func TestOpenSSHHasNoHalfFileWhereConnectionsBreak(t *testing.T) {
	p := newOpenSSH(t, false)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	var n atomic.Int64
	go func() { // the first connections break after 30, 60 and 90 KB
		for {
			conn, err := proxy.Accept()
			if err != nil {
				return
			}
			go forward(conn, p.address, n.Add(1)*30_000)
		}
	}()
	to := p.destination()
	to.Address = proxy.Addr().String()
	s, content := aLongShelf(to, p.key)
	started(t, s, Options{Hosts: []string{to.Address}})
	await(t, s.taken)
	holds(t, p.folder, content)
	if n.Load() < 3 {
		t.Errorf("%d connections", n.Load())
	}
}

// forward hands a connection on until so many bytes came.
func forward(conn net.Conn, address string, most int64) {
	defer conn.Close()
	there, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer there.Close()
	go func() { _, _ = io.Copy(conn, there) }()
	_, _ = io.CopyN(there, conn, most)
}

func TestOpenSSHWhoseDiskIsFullTakesTheListOnceThereIsRoom(t *testing.T) {
	p := newOpenSSH(t, true)
	filler := filepath.Join(p.folder, "filler")
	if err := os.WriteFile(filler, make([]byte, 60_000), 0o600); err != nil {
		t.Fatal(err)
	}
	to := p.destination()
	s, content := aLongShelf(to, p.key)
	started(t, s, Options{Hosts: []string{p.address}})
	if try := await(t, s.failed); try.Problem != packaging.NotWritten {
		t.Errorf("%+v", try)
	}
	if _, err := os.Stat(filepath.Join(p.folder, "L1-1.txt")); err == nil {
		t.Error("a part of the list has its name")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, s.taken)
	holds(t, p.folder, content)
}

func TestOpenSSHThatDeniesPermissionTakesTheListOnceItAllowsIt(t *testing.T) {
	p := newOpenSSH(t, false)
	if err := os.Chown(p.folder, 0, -1); err != nil {
		t.Fatal(err)
	}
	s, content := aLongShelf(p.destination(), p.key)
	started(t, s, Options{Hosts: []string{p.address}})
	if try := await(t, s.failed); try.Problem != packaging.NotWritten ||
		!strings.Contains(strings.ToLower(try.Detail), "permission") {
		t.Errorf("%+v", try)
	}
	if err := os.Chown(p.folder, p.owner, -1); err != nil {
		t.Fatal(err)
	}
	await(t, s.taken)
	holds(t, p.folder, content)
}

func TestOpenSSHDoesNotWriteOverAnotherFile(t *testing.T) {
	p := newOpenSSH(t, false)
	theirs := filepath.Join(p.folder, "L1-1.txt")
	if err := os.WriteFile(theirs, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, _ := aLongShelf(p.destination(), p.key)
	started(t, s, Options{Hosts: []string{p.address}})
	if try := await(t, s.failed); try.Problem != packaging.OtherFileThere {
		t.Errorf("%+v", try)
	}
	if content, err := os.ReadFile(theirs); err != nil || string(content) != "theirs" {
		t.Errorf("%q %v", content, err)
	}
}

func TestOpenSSHAsideAFolderWhoseDiskIsFullTakesTheListOnceThereIsRoom(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root mounts a small disk")
	}
	root := filepath.Join(t.TempDir(), "lists")
	mkdir(t, root, true)
	filler := filepath.Join(root, "filler")
	if err := os.WriteFile(filler, make([]byte, 60_000), 0o600); err != nil {
		t.Fatal(err)
	}
	to := aFolder(1)
	to.Format, to.FileName = packaging.TextFormat, "{{.Line}}-{{.Number}}.txt"
	s, content := aLongShelf(to, secret.Text{})
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	if try := await(t, s.failed); try.Problem != packaging.NotWritten || !strings.Contains(try.Detail, "no space") {
		t.Errorf("%+v", try)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, s.taken)
	holds(t, root, content)
}
