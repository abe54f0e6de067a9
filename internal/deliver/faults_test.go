package deliver

import (
	"errors"
	"io"
	"io/fs"
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

// putting writes files below a folder.
func putting(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func contentOf(t *testing.T, elements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestNoWayToNameAFileGoesOverAnother(t *testing.T) {
	t.Parallel()
	for i, way := range ways {
		dir := t.TempDir()
		putting(t, dir, map[string]string{"a.part": "ours", "theirs": "theirs"})
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if err := way(root, "a.part", "fresh"); isUnknownWay(err) {
			continue // this machine does not know it
		} else if err != nil || contentOf(t, dir, "fresh") != "ours" {
			t.Errorf("way %d: %v", i, err)
		}
		putting(t, dir, map[string]string{"a.part": "ours"})
		if err := way(root, "a.part", "theirs"); !errors.Is(err, fs.ErrExist) || contentOf(t, dir, "theirs") != "theirs" {
			t.Errorf("way %d goes over another file: %v", i, err)
		}
	}
}

// inRoot returns a folder and a store with one list that becomes L1-1.csv in it.
func inRoot(t *testing.T) (root, part string, s *shelf) {
	t.Helper()
	to := aFolder(1)
	to.FileName = "{{.Line}}-{{.Number}}.csv"
	s = newShelf(to)
	return t.TempDir(), partOf(s.waiting[1].UID), s
}

func TestANameThatWasClaimedBeforeAKillGetsItsFile(t *testing.T) {
	t.Parallel()
	claim := claimOf(partOf(newShelf(aFolder(1)).waiting[1].UID))
	for name, said := range map[string]string{"whole": claim, "cut": claim[:len(claim)/2], "empty": ""} {
		root, part, s := inRoot(t)
		putting(t, root, map[string]string{part: aList, "L1-1.csv": said})
		started(t, s, Options{Roots: map[string]string{"drop": root}})
		select {
		case <-s.taken:
		case try := <-s.failed:
			t.Errorf("%s: %s %s", name, try.Problem, try.Detail)
			continue
		}
		if got := only(t, root); got != filepath.Join(root, "L1-1.csv") || contentOf(t, got) != aList {
			t.Errorf("%s: %s is there", name, got)
		}
	}
}

// A kill between the name and the end of the part leaves both as one file. The line may have moved it since.
func TestAPartThatIsAnotherFileToTheLineIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	for name, leads := range map[string]func(old, new string) error{"a link": os.Symlink, "the same file": os.Link} {
		root, part, s := inRoot(t)
		theirs := filepath.Join(root, "imported.csv")
		putting(t, root, map[string]string{"imported.csv": "theirs"})
		if err := leads(theirs, filepath.Join(root, part)); err != nil {
			t.Skip(err)
		}
		started(t, s, Options{Roots: map[string]string{"drop": root}})
		await(t, s.taken)
		if contentOf(t, theirs) != "theirs" || contentOf(t, root, "L1-1.csv") != aList {
			t.Errorf("%s was written to", name)
		}
	}
}

func TestAClockThatIsSetBackPutsNoListOff(t *testing.T) {
	t.Parallel()
	root, _, s := inRoot(t)
	v := s.waiting[1]
	v.Next, v.Tries = time.Now().Add(365*24*time.Hour), 3
	s.waiting[1] = v
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	await(t, s.taken)
}

func TestAListThatIsHeldWhileItIsMadeReadyDoesNotGoOut(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(packaging.Delivery) packaging.Delivery{
		"the first try": func(v packaging.Delivery) packaging.Delivery { return v },
		"a later one":   frozenOf,
	} {
		root, _, s := inRoot(t)
		s.held = true
		d := New(s, Options{
			Roots: map[string]string{"drop": root}, Limit: 10 * time.Second, Now: time.Now,
			Log: slog.New(slog.DiscardHandler),
		})
		if err := (&worker{Deliverer: d, id: 1}).bring(t.Context(), before(s.waiting[1])); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(root)
		if err != nil || len(files)+len(s.taken)+len(s.failed) > 0 {
			t.Errorf("%s: %v, %d taken, %d failed: %v", name, files, len(s.taken), len(s.failed), err)
		}
	}
}
