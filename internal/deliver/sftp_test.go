package deliver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/lineside"
)

// sftpPeer is a server whose user line1 begins in a folder.
type sftpPeer struct {
	address string
	hostKey string
	root    string
	cut     chan bool // true cuts the next connection after some bytes of a file
}

func newKey(t *testing.T) (ssh.Signer, secret.Text) {
	t.Helper()
	signer, private, err := lineside.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return signer, secret.New(string(private))
}

func newSFTP(t *testing.T, password string, allowed ssh.PublicKey) *sftpPeer {
	t.Helper()
	p := &sftpPeer{root: t.TempDir(), cut: make(chan bool, 10)}
	server, err := lineside.NewSFTP(lineside.Account{
		Name: "line1", Password: password, Key: allowed, Root: p.root, Breaks: p.breaks,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	p.address, p.hostKey = server.Address, server.HostKey
	return p
}

func (p *sftpPeer) breaks() int {
	select {
	case <-p.cut:
		return 250
	default:
		return 0
	}
}

func (p *sftpPeer) destination(kind packaging.SecretKind) packaging.Destination {
	return packaging.Destination{
		ID: 1, Name: "Line PC", Kind: packaging.SFTPDestination, Address: p.address, Username: "line1",
		HostKey: p.hostKey, SecretKind: kind,
		Format: packaging.CSVFormat, FileName: "in/{{.Order}}-{{.Number}}.csv", GiveUp: time.Hour,
	}
}

func TestAnSFTPServerGetsAWholeFileThoughConnectionsBreak(t *testing.T) {
	t.Parallel()
	p := newSFTP(t, "a password", nil)
	p.cut <- true
	p.cut <- true
	s := newShelf(p.destination(packaging.PasswordSecret))
	s.now, s.broken = secret.New("a password"), 1
	started(t, s, Options{Hosts: []string{p.address}})
	v := await(t, s.taken)
	name := only(t, p.root)
	if content, err := os.ReadFile(name); err != nil || string(content) != aList {
		t.Errorf("%q %v", content, err)
	}
	if rel, _ := filepath.Rel(p.root, name); filepath.ToSlash(rel) != v.Name {
		t.Errorf("%s", rel)
	}
	if try := await(t, s.failed); try.Problem == "" {
		t.Error("no connection broke")
	}
}

func TestAnSFTPServerIsSignedInToWithAKeyAndItsOwnKeyIsPinned(t *testing.T) {
	t.Parallel()
	signer, private := newKey(t)
	p := newSFTP(t, "", signer.PublicKey())
	s := newShelf()
	s.now = private
	d := New(s, Options{Hosts: []string{p.address}, Limit: 5 * time.Second, Now: time.Now})
	to := p.destination(packaging.KeySecret)
	if err := d.Try(t.Context(), to); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(p.root); err != nil || len(files) > 0 {
		t.Errorf("the test left %v %v", files, err)
	}
	if key, err := d.HostKey(t.Context(), p.address); err != nil || key != p.hostKey {
		t.Errorf("%s %v", key, err)
	}
	stranger, _ := newKey(t)
	for name, c := range map[string]struct {
		change func(*packaging.Destination)
		want   packaging.DeliveryProblem
	}{
		"another host key": {func(d *packaging.Destination) {
			d.HostKey = string(ssh.MarshalAuthorizedKey(stranger.PublicKey()))
		}, packaging.WrongHostKey},
		"another user": {func(d *packaging.Destination) { d.Username = "root" }, packaging.NotSignedIn},
		"a password": {
			func(d *packaging.Destination) { d.SecretKind = packaging.PasswordSecret }, packaging.NotSignedIn,
		},
		"a host not listed":   {func(d *packaging.Destination) { d.Address = "127.0.0.1:1" }, packaging.HostNotAllowed},
		"a host key of noone": {func(d *packaging.Destination) { d.HostKey = "x" }, packaging.WrongHostKey},
	} {
		other := to
		other.ID = 2
		c.change(&other)
		var failure *packaging.DeliveryFailure
		if err := d.Try(t.Context(), other); !errors.As(err, &failure) || failure.Problem != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoFileOfAnSFTPServerIsWrittenOver(t *testing.T) {
	t.Parallel()
	p := newSFTP(t, "a password", nil)
	to := p.destination(packaging.PasswordSecret)
	to.FileName = "{{.Line}}-{{.Number}}.csv"
	theirs := filepath.Join(p.root, "L1-1.csv")
	if err := os.WriteFile(theirs, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newShelf(to)
	s.now = secret.New("a password")
	started(t, s, Options{Hosts: []string{p.address}})
	if try := await(t, s.failed); try.Problem != packaging.OtherFileThere {
		t.Errorf("%+v", try)
	}
	if content, err := os.ReadFile(theirs); err != nil || string(content) != "theirs" {
		t.Errorf("%q %v", content, err)
	}
}

// repeating is a server of files that says nothing but what it was sent to sign in.
type repeating struct{ said error }

func (r repeating) Fileread(*sftp.Request) (io.ReaderAt, error)   { return nil, r.said }
func (r repeating) Filewrite(*sftp.Request) (io.WriterAt, error)  { return nil, r.said }
func (r repeating) Filecmd(*sftp.Request) error                   { return r.said }
func (r repeating) Filelist(*sftp.Request) (sftp.ListerAt, error) { return nil, r.said }

// Neither the page of a destination nor its lists nor the log show a password that the server repeats, be it cut off
// where what is kept of it ends.
func TestAServerThatRepeatsItsPasswordIsQuotedWithoutIt(t *testing.T) {
	t.Parallel()
	const password = "canary of the line PC"
	said := repeating{fmt.Errorf("%s was sent %s and %s as line1", strings.Repeat("x", maxDetail-70), password,
		base64.StdEncoding.EncodeToString([]byte("line1:"+password)))}
	server, err := lineside.NewSFTP(lineside.Account{
		Name: "line1", Password: password, Files: &sftp.Handlers{
			FileGet: said, FilePut: said, FileCmd: said, FileList: said,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	to := (&sftpPeer{address: server.Address, hostKey: server.HostKey}).destination(packaging.PasswordSecret)
	s := newShelf(to)
	s.now = secret.New(password)
	var log lines
	d := started(t, s, Options{Hosts: []string{server.Address}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	var failure *packaging.DeliveryFailure
	if err := d.Try(t.Context(), to); !errors.As(err, &failure) {
		t.Fatal(err)
	}
	for _, shown := range []string{failure.Detail, await(t, s.failed).Detail} {
		if !strings.Contains(shown, "was sent [secret]") {
			t.Errorf("it is quoted as %q", shown)
		}
		for _, part := range []string{"canary", "Y2FuYXJ5", "NhbmFyeS"} {
			if strings.Contains(shown+log.String(), part) {
				t.Errorf("%q is in %q or the log", part, shown)
			}
		}
	}
}

// lines are those of a log that several goroutines write.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestAServerThatNeverAnswersTimesOut(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := newSFTP(t, "a password", nil)
	to := p.destination(packaging.PasswordSecret)
	to.Address = listener.Addr().String()
	d := New(newShelf(), Options{Hosts: []string{"127.0.0.1"}, Limit: 50 * time.Millisecond, Now: time.Now})
	var failure *packaging.DeliveryFailure
	if err := d.Try(t.Context(), to); !errors.As(err, &failure) || failure.Problem != packaging.TimedOutThere {
		t.Error(err)
	}
}
