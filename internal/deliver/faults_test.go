package deliver

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
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
	started(t, s, Options{Hosts: []string{address}, Limit: 200 * time.Millisecond})
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
