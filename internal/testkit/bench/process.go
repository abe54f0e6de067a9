package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = time.Minute      // for a program to say where it is, and to be ready
	stopLimit  = 30 * time.Second // for a program to end when it is asked to
)

// build builds Lineboard as it is shipped.
func (b *bench) build(ctx context.Context) error {
	b.say("building lineboard")
	b.binary = filepath.Join(b.folder, "lineboard")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-w", "-o", b.binary, "lineboard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("lineboard can't be built: %w\n%s", err, said)
	}
	return nil
}

// program is another process that serves HTTP on this machine.
type program struct {
	name    string
	command *exec.Cmd
	base    string    // "http://127.0.0.1:PORT"
	execed  time.Time // just before it was started
	said    *tail
	ended   chan error
}

var addressForm = regexp.MustCompile(`http://\S+:(\d+)`)

// start starts a program and waits until it has said where it is. The run stops it when it ends, if nobody did before.
func (b *bench) start(ctx context.Context, name, file string, args ...string) (*program, error) {
	p := &program{name: name, said: &tail{}, ended: make(chan error, 1)}
	p.command = exec.CommandContext(ctx, file, args...)
	// Settings of whoever runs this would change what is measured.
	p.command.Env = slices.DeleteFunc(os.Environ(), func(set string) bool {
		return strings.HasPrefix(set, "LINEBOARD_")
	})
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = stopLimit
	p.command.Stderr = p.said
	out, in := io.Pipe()
	p.command.Stdout = in
	port := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if found := addressForm.FindStringSubmatch(lines.Text()); found != nil {
				select {
				case port <- found[1]:
				default:
				}
			}
		}
		_, _ = io.Copy(io.Discard, out) // a line too long for the scanner must not block the program
	}()
	p.execed = time.Now()
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("%s can't be started: %w", name, err)
	}
	b.running = append(b.running, p)
	go func() {
		p.ended <- p.command.Wait()
		in.Close()
	}()
	select {
	case number := <-port:
		p.base = "http://127.0.0.1:" + number
		return p, nil
	case err := <-p.ended:
		p.ended <- err
		return nil, fmt.Errorf("%s ended at once: %w\n%s", name, err, p.said)
	case <-time.After(startLimit):
		return nil, fmt.Errorf("%s did not say where it is\n%s", name, p.said)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve starts Lineboard on a data folder and waits until it is ready. It refreshes its orders once, at its start:
// another refresh would fall into some rounds and not into others.
func (b *bench) serve(ctx context.Context, name string) (*program, error) {
	return b.serveSite(ctx, name, b.provisionFile())
}

// serveFilled is serve for a database with rows that the program has not written itself. They are faults to its check
// after the start: pages are shown, and nothing is released.
func (b *bench) serveFilled(ctx context.Context, name string) (*program, error) {
	p, err := b.begin(ctx, name, b.provisionFile())
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, "/healthz"); err != nil {
		return nil, err
	}
	return p, p.awaitIdle(ctx)
}

// serveSite is serve with another provisioning file and further flags.
func (b *bench) serveSite(ctx context.Context, name, provision string, flags ...string) (*program, error) {
	p, err := b.begin(ctx, name, provision, flags...)
	if err != nil {
		return nil, err
	}
	return p, p.awaitReady(ctx)
}

func (b *bench) begin(ctx context.Context, name, provision string, flags ...string) (*program, error) {
	return b.start(ctx, "lineboard ("+name+")", b.binary, append([]string{
		"serve", "--addr", "127.0.0.1:0",
		"--data", b.dataFolder(name), "--provision", provision, "--refresh", "24h", "--rate-limit", "0",
		"--connection-limit", "0",
	}, flags...)...)
}

func (b *bench) dataFolder(name string) string { return filepath.Join(b.folder, name) }

func (b *bench) database(name string) string {
	return filepath.Join(b.dataFolder(name), "lineboard.db")
}

func (p *program) awaitReady(ctx context.Context) error { return p.await(ctx, "/readyz") }

func (p *program) await(ctx context.Context, path string) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		if ok, err := answers(ctx, p.base+path); err != nil || ok {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("%s is not ready\n%s", p.name, p.said)
}

// answers says whether a GET is answered with 200. The error is that of ctx alone.
func answers(ctx context.Context, url string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, ctx.Err()
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK, nil
}

// forget leaves it to others to end a program.
func (b *bench) forget(p *program) {
	b.running = slices.DeleteFunc(b.running, func(other *program) bool { return other == p })
}

// stop ends a program as a service manager does.
func (b *bench) stop(p *program) error {
	b.forget(p)
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s can't be stopped: %w", p.name, err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("%s failed: %w\n%s", p.name, err, p.said)
		}
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("%s did not stop\n%s", p.name, p.said), p.command.Process.Kill())
	}
}

// stopAll ends what is still running, so that the folder can be removed. How those programs end tells nothing.
func (b *bench) stopAll() {
	for len(b.running) > 0 {
		_ = b.stop(b.running[len(b.running)-1])
	}
}

var residentForm = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)

// resident is a program's memory in MB as Linux counts it; ok is false on other systems.
func (p *program) resident() (mb float64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, false
	}
	found := residentForm.FindSubmatch(status)
	if found == nil {
		return 0, false
	}
	kb, err := strconv.ParseFloat(string(found[1]), 64)
	return kb / 1024, err == nil
}

// ticksPerSecond is how Linux counts a process's time in /proc, on all machines that Go runs on.
const ticksPerSecond = 100

// processor is how long a program has used the processors; ok is false on other systems than Linux. What else the
// machine does changes it far less than the time that passes.
func (p *program) processor() (used time.Duration, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, false
	}
	// After the name, which may hold spaces, the fields are numbered from 3; 14 and 15 are user and system time.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, false
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, false
		}
		used += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	return used, true
}

// idle is the share of a processor that a program uses at most that has nothing to do.
const idle = 0.05

// awaitIdle returns once the program has nothing to do: its checks after the start are done, and what follows long
// lists.
func (p *program) awaitIdle(ctx context.Context) error {
	before, known := p.processor()
	for end := time.Now().Add(2 * startLimit); known; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		now, _ := p.processor()
		if now-before < time.Duration(idle*float64(time.Second)) {
			return nil
		}
		if before = now; time.Now().After(end) {
			return fmt.Errorf("%s is busy all the time", p.name)
		}
	}
	return nil
}

// tail keeps the end of what a program says, for when it fails.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
