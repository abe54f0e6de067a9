package app

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// The service manager of Windows does with a command what this test does.
func TestAServiceManagerBeginsAndEndsServing(t *testing.T) {
	said, log := &output{}, &output{}
	var all commands
	parser, err := kong.New(&all, kong.Bind(Process{Getenv: environ(nil)}, &sources{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	m := &managed{
		command: func(r run) error {
			defer close(done)
			return all.Serve.run(r)
		},
		process: run{t.Context(), Process{Getenv: environ(nil), Stdout: said, Stderr: log}},
		failed:  func(err error) { t.Errorf("failed with %v", err) },
	}
	m.begin()
	for limit := time.Now().Add(60 * time.Second); addressForm.FindString(said.String()) == ""; time.Sleep(
		10 * time.Millisecond,
	) {
		if time.Now().After(limit) {
			t.Fatalf("it does not serve: %s", log)
		}
	}
	if status, _ := get(t, addressForm.FindString(said.String())+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	if err := m.end(); err != nil {
		t.Errorf("ended with %v", err)
	}
	select {
	case <-done:
	default:
		t.Error("it is said to have ended, and its command goes on")
	}
}

func TestAServiceManagerHearsOfACommandThatEndsByItself(t *testing.T) {
	heard, broken := make(chan error, 1), errors.New("broken")
	m := &managed{
		command: func(run) error { return broken }, process: run{Context: t.Context()},
		failed: func(err error) { heard <- err },
	}
	m.begin()
	if err := <-heard; !errors.Is(err, broken) {
		t.Errorf("heard %v", err)
	}
}

func TestTheEventLogKeepsEachLineByItsLevel(t *testing.T) {
	var kept []string
	as := func(kind string) func(string) error {
		return func(line string) error { kept = append(kept, kind+": "+line); return nil }
	}
	log := eventLog{failure: as("error"), warning: as("warning"), information: as("information")}
	for _, format := range []string{"text", "json"} {
		kept = nil
		logger := (&settings{LogFormat: format}).logger(log)
		logger.Error("first")
		logger.Warn("second")
		logger.Info("third", "said", "level=ERROR")
		for i, kind := range []string{"error: ", "warning: ", "information: "} {
			if len(kept) != 3 || !strings.HasPrefix(kept[i], kind) || strings.HasSuffix(kept[i], "\n") {
				t.Errorf("%s: %q", format, kept)
			}
		}
	}
	kept = nil
	if _, err := log.Write([]byte("\n")); err != nil || len(kept) != 0 {
		t.Errorf("an empty line: %v, %q", err, kept)
	}
	log.failure = func(string) error { return errors.New("full") }
	if _, err := log.Write([]byte("time=x level=ERROR msg=y\n")); err == nil {
		t.Error("a line that is not kept counts as written")
	}
}

func TestTheServiceOfWindowsIsRefusedElsewhere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it would install a service")
	}
	for _, action := range []string{"install", "remove", "start", "stop"} {
		if _, err := command(t, nil, "service", action); !errors.Is(err, errNotWindows) {
			t.Errorf("%s: %v", action, err)
		}
	}
	if _, err := command(t, nil, "service", "restart"); err == nil || !strings.Contains(err.Error(), "install") {
		t.Errorf("another action: %v", err)
	}
}

func TestThePackagedVersionIsNamed(t *testing.T) {
	before := []string{packaged, commit}
	packaged, commit = "1.2.3", "0123abc"
	defer func() { packaged, commit = before[0], before[1] }()
	printed, err := command(t, nil, "version")
	if lines := strings.Split(printed, "\n"); err != nil ||
		!slices.Equal(lines[:2], []string{"Lineboard 1.2.3", "commit 0123abc"}) {
		t.Errorf("%s, %v", printed, err)
	}
}

// What lineboard service install writes on Windows is what a first start there reads, whatever the folder is called.
func TestTheFirstSettingsOfWindowsStartALineboardThatKeepsItsDataThere(t *testing.T) {
	t.Parallel()
	data, settings := filepath.Join(t.TempDir(), `Lina's data\here`), filepath.Join(t.TempDir(), "lineboard.yaml")
	if err := os.WriteFile(settings, []byte(firstSettings(data)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, "serve", "--config", settings, "--addr", "127.0.0.1:0")
	if status, _ := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	s.end(t)
	for _, name := range []string{databaseFile, keyFile, anchorsFile} {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			t.Error(err)
		}
	}
}
