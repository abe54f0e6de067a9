package app

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	_ "lineboard/internal/secret/cheaphash" // internal/e2e has the test of the real cost
)

type started struct {
	address string
	stop    context.CancelFunc
	ended   chan error
	said    *output // on the console
	log     *output
}

type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var addressForm = regexp.MustCompile(`https?://\S+:\d+`)

func start(t *testing.T, env map[string]string, args ...string) started {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	s := started{stop: stop, ended: make(chan error, 1), said: &output{}, log: &output{}}
	go func() {
		err := Run(ctx, args, Process{Getenv: environ(env), Stdout: write, Stderr: s.log})
		write.CloseWithError(io.EOF)
		s.ended <- err
		close(s.ended)
	}()
	buffer, said := make([]byte, 4096), ""
	for s.address == "" {
		n, err := read.Read(buffer)
		if err != nil {
			t.Fatalf("ended with %v before it listened", <-s.ended)
		}
		said += string(buffer[:n])
		s.address = addressForm.FindString(said)
	}
	_, _ = s.said.Write([]byte(said))
	go io.Copy(s.said, read) //nolint:errcheck // ends with the program
	t.Cleanup(func() {
		stop()
		for range s.ended { // it writes into folders that go with the test
		}
	})
	return s
}

func environ(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// command runs the program to its end and returns what it prints. It stops a server once that serves: one that must not
// start would else never end.
func command(t *testing.T, env map[string]string, args ...string) (printed string, err error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout := untilItServes{&output{}, stop}
	err = Run(ctx, args, Process{Getenv: environ(env), Stdout: stdout, Stderr: io.Discard})
	return stdout.String(), err
}

// untilItServes is the console of a program that is stopped once it says where it serves.
type untilItServes struct {
	*output
	stop func()
}

func (o untilItServes) Write(p []byte) (int, error) {
	if addressForm.Match(p) {
		o.stop()
	}
	return o.output.Write(p)
}

func (s started) end(t *testing.T) {
	t.Helper()
	s.stop()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("did not end")
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func site(t *testing.T, baseURL string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.yaml")
	text := `tenants:
  - slug: plant-ghent
    name: Plant Ghent
    time_zone: Europe/Brussels
    api: {base_url: ` + baseURL + `, api_key: env:KEY, api_secret: env:SECRET, channel_key: env:CHANNEL}
    lines: [{code: L1, name: Blister line 1}]
    users: [{username: supervisor1, name: First supervisor, role: supervisor, password: env:PASSWORD}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var credentials = map[string]string{
	"KEY":      "canary-key-0001",
	"SECRET":   "canary-secret-0001",
	"CHANNEL":  "canary-channel-0001",
	"PASSWORD": "canary-password-0001",
}

func with(more map[string]string) map[string]string {
	env := maps.Clone(credentials)
	maps.Copy(env, more)
	return env
}

func content(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
