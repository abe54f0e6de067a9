package soak

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hang is how long a program is waited for that answers nothing. It is the only limit by the clock: on a machine that
// is busy with other tests everything takes long, and proves nothing.
const hang = 15 * time.Minute

// binary builds the program once, as it is shipped: without cgo and without the race detector.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "lineboard")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-w", "-o", path, "lineboard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, said)
	}
	return path, nil
})

// program is one life of lineboard.
type program struct {
	command *exec.Cmd
	said    *output
	ended   chan struct{} // closed when the process is gone and err is set
	err     error
}

// start runs lineboard. It ends with the test at the latest.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	return startCommand(t, exec.Command(path, args...), env)
}

// startCommand runs a command that becomes lineboard.
func startCommand(t *testing.T, command *exec.Cmd, env []string) *program {
	t.Helper()
	p := &program{command: command, ended: make(chan struct{}), said: &output{address: make(chan string, 1)}}
	p.command.Env, p.command.SysProcAttr = env, together
	p.command.Stdout, p.command.Stderr = p.said, p.said
	if err := p.command.Start(); err != nil {
		t.Fatalf("start the program: %v", err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// address waits until the program says where it is.
func (p *program) address(t *testing.T) string {
	t.Helper()
	limit := time.NewTimer(hang)
	defer limit.Stop()
	select {
	case address := <-p.said.address:
		return address
	case <-p.ended:
		t.Fatalf("the program ended before it served: %v\n%s", p.err, p.said)
	case <-limit.C:
		t.Fatalf("the program does not say where it is\n%s", p.said)
	}
	return ""
}

// gone reports whether the process has ended.
func (p *program) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill takes the process away, and comes back when it is gone.
func (p *program) kill() {
	_ = p.command.Process.Kill() // it may be gone already
	<-p.ended
}

// stop ends the program as a service manager does. It must end well.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop the program: %v", err)
	}
	limit := time.NewTimer(hang)
	defer limit.Stop()
	select {
	case <-p.ended:
		if p.err != nil {
			t.Errorf("the program ended with %v\n%s", p.err, p.said)
		}
	case <-limit.C:
		t.Errorf("the program does not end within %v of SIGTERM\n%s", hang, p.said)
		p.kill()
	}
}

// alarms are the lines that no life of the program may say.
func (p *program) alarms() (lines []string) {
	for line := range strings.Lines(p.said.String()) {
		for _, alarm := range []string{"level=ERROR", "panic", "⟦"} {
			if strings.Contains(line, alarm) {
				lines = append(lines, strings.TrimSpace(line))
				break
			}
		}
	}
	return lines
}

// output keeps what a program says, and finds the address in it.
type output struct {
	mu      sync.Mutex
	text    []byte
	address chan string
	found   bool
}

var portForm = regexp.MustCompile(`http://localhost:(\d+)\b`)

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	whole := o.text[:bytes.LastIndexByte(o.text, '\n')+1] // a line may come in pieces
	if port := portForm.FindSubmatch(whole); port != nil && !o.found {
		o.found = true
		o.address <- "http://127.0.0.1:" + string(port[1])
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// tail is the end of what a program said, of so many bytes at most.
func (o *output) tail(most int) string {
	all := o.String()
	return all[max(0, len(all)-most):]
}
