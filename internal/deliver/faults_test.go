package deliver

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// closedPort returns an address of this machine at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestAWebhookThatWasRefusedSlowAndCutGetsTheSameMessageEachTime(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	s := newShelf(aWebhook("http://" + address))
	s.now = New(s, Options{}).NewSigningSecret()
	started(t, s, Options{Hosts: []string{address}, Limit: 2 * time.Second})
	if try := await(t, s.failed); try.Problem != packaging.Unreachable {
		t.Errorf("refused: %+v", try)
	}
	var mu sync.Mutex
	var ids, bodies []string
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		mu.Lock()
		ids, bodies = append(ids, q.Header.Get("webhook-id")), append(bodies, string(body))
		n := len(ids)
		mu.Unlock()
		switch n {
		case 1: // slow: it answers only once nobody waits any more
			<-q.Context().Done()
		case 2: // cut within the answer's head
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 20")
				_ = conn.Close()
			}
		}
	}))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("somebody else has the port: %v", err)
	}
	_ = receiver.Listener.Close()
	receiver.Listener = listener
	receiver.Start()
	t.Cleanup(receiver.Close)
	v := await(t, s.taken)
	seen := map[packaging.DeliveryProblem]bool{}
	for len(s.failed) > 0 {
		seen[(<-s.failed).Problem] = true
	}
	if !seen[packaging.TimedOutThere] || !seen[packaging.Unreachable] {
		t.Errorf("problems: %v", seen)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range ids {
		if ids[i] != v.UID || bodies[i] != bodies[0] {
			t.Errorf("message %d: %s %s", i, ids[i], bodies[i])
		}
	}
	if len(ids) != 3 {
		t.Errorf("it came %d times", len(ids))
	}
}

func TestAnSFTPServerThatIsNotThereIsTriedAgain(t *testing.T) {
	t.Parallel()
	to := newSFTP(t, "a password", nil).destination(packaging.PasswordSecret)
	to.Address = closedPort(t)
	s := newShelf(to)
	s.now = secret.New("a password")
	started(t, s, Options{Hosts: []string{to.Address}})
	for range 2 {
		if try := await(t, s.failed); try.Problem != packaging.Unreachable {
			t.Errorf("%+v", try)
		}
	}
}

func TestAFileThatHasItsNameAlreadyLeavesNoPartBeside(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	to := aFolder(1)
	to.FileName = "{{.Line}}-{{.Number}}.csv"
	s := newShelf(to)
	name, part := filepath.Join(root, "L1-1.csv"), filepath.Join(root, partOf(s.waiting[1].UID))
	if err := os.WriteFile(part, []byte(aList), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(part, name); err != nil { // and there the program was killed
		t.Skip(err)
	}
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	await(t, s.taken)
	if got := only(t, root); got != name {
		t.Errorf("%s is there", got)
	}
}

func TestAWebhookWithACertificateOfNobodyGetsNothing(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	r := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.StartTLS()
	t.Cleanup(r.Close)
	s := newShelf(aWebhook(r.URL))
	s.now = New(s, Options{}).NewSigningSecret()
	started(t, s, Options{Hosts: []string{hostOf(t, r.URL)}})
	if try := await(t, s.failed); try.Problem != packaging.Unreachable || !strings.Contains(try.Detail, "certificate") ||
		heard.Load() > 0 {
		t.Errorf("%+v, heard %d times", try, heard.Load())
	}
}

// As a network share that is not mounted.
func TestAFolderThatIsNotThereTakesTheListOnceItIs(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "mount")
	s := newShelf(aFolder(1))
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	if try := await(t, s.failed); try.Problem == "" {
		t.Errorf("%+v", try)
	}
	if _, err := os.Stat(root); err == nil {
		t.Fatal("it made the root itself: the share would hide what it wrote")
	}
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	await(t, s.taken)
	if content, err := os.ReadFile(only(t, root)); err != nil || string(content) != aList {
		t.Errorf("%q %v", content, err)
	}
}
