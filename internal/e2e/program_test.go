package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lineboard/internal/app"
	"lineboard/internal/testkit/thorough"
)

const (
	startLimit = 60 * time.Second // until a program says where it is, on a machine that is busy with other tests
	stopLimit  = 60 * time.Second
)

// built is the folder of the program; it goes when the tests end.
var built string

// abreast is how many tests run beside each other, unless -parallel says otherwise: they wait for pages more than they
// work.
const abreast = 4

func TestMain(m *testing.M) {
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["test.parallel"] {
		if err := flag.Set("test.parallel", strconv.Itoa(abreast)); err != nil {
			panic(err) // package testing has that flag
		}
	}
	os.Exit(func() int {
		var err error
		if built, err = os.MkdirTemp("", "lineboard-e2e-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(built)
		return m.Run()
	}())
}

// binary builds the program once, as it is shipped.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "lineboard")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-w", "-o", path, "lineboard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, said)
	}
	return path, nil
})

// program is a running lineboard.
type program struct {
	address string // "http://localhost:41234"

	t       testing.TB
	args    []string
	process *os.Process // of the program as it is shipped
	end     func() error
	ended   chan error
	said    *output
	stopped sync.Once
}

// start runs lineboard in this process until the test ends: there it begins in a third of the time, and hashes passwords
// at next to no cost. It sees nothing of this process's environment but what env says. The race detector has tried what
// runs here by tests that need no browser.
func start(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	thorough.Once(t)
	p := newProgram(t, args)
	ctx, end := context.WithCancel(context.Background())
	p.end = func() error { end(); return nil }
	of := func(name string) string {
		for _, setting := range env {
			if value, ok := strings.CutPrefix(setting, name+"="); ok {
				return value
			}
		}
		return ""
	}
	go func() { p.ended <- app.Run(ctx, args, app.Process{Getenv: of, Stdout: p.said, Stderr: p.said}) }()
	p.awaitAddress()
	return p
}

// startShipped is start for lineboard as it is shipped, in a process of its own.
func startShipped(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	thorough.Once(t)
	path, err := binary()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	p := newProgram(t, args)
	command := exec.Command(path, args...)
	command.Env = append([]string{"TMPDIR=" + t.TempDir()}, env...)
	command.Stdout, command.Stderr = p.said, p.said
	if err := command.Start(); err != nil {
		t.Fatalf("start the program: %v", err)
	}
	p.process = command.Process
	p.end = func() error { return command.Process.Signal(syscall.SIGTERM) } // as a service manager does
	go func() { p.ended <- command.Wait() }()
	p.awaitAddress()
	return p
}

func newProgram(t testing.TB, args []string) *program {
	return &program{t: t, args: args, ended: make(chan error, 1), said: &output{address: make(chan string, 1)}}
}

// awaitAddress waits until the program says where it is.
func (p *program) awaitAddress() {
	p.t.Helper()
	p.t.Cleanup(p.stop)
	select {
	case p.address = <-p.said.address:
	case <-time.After(startLimit):
		p.t.Fatalf("lineboard %s does not say where it is", strings.Join(p.args, " "))
	}
}

// stop ends the program. It must end well, and what it said must be fit for a log.
func (p *program) stop() {
	p.stopped.Do(func() {
		if err := p.end(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.t.Errorf("stop the program: %v", err)
		}
		select {
		case err := <-p.ended:
			if err != nil {
				p.t.Errorf("the program ended with %v", err)
			}
		case <-time.After(stopLimit):
			p.t.Errorf("the program does not end within %v", stopLimit)
			if p.process != nil {
				_ = p.process.Kill() // it has ended by itself at last
				<-p.ended
			}
		}
		said := p.said.String()
		for _, secret := range secrets {
			if strings.Contains(said, secret) {
				p.t.Errorf("a credential stands in what the program said")
			}
		}
		for _, alarm := range []string{"level=ERROR", "panic", "⟦"} {
			if strings.Contains(said, alarm) {
				p.t.Errorf("the program said %q", alarm)
			}
		}
		if p.t.Failed() {
			p.t.Logf("lineboard %s said:\n%s", strings.Join(p.args, " "), said)
		}
	})
}

// output keeps what a program says, and finds the address in it.
type output struct {
	mu      sync.Mutex
	text    []byte
	address chan string
	found   bool
}

var addressForm = regexp.MustCompile(`http://localhost:\d+\b`)

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	// A line may come in pieces: only whole ones are read.
	whole := o.text[:bytes.LastIndexByte(o.text, '\n')+1]
	if address := addressForm.Find(whole); address != nil && !o.found {
		o.found = true
		o.address <- string(address)
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
