// Command screenshots takes the pictures in docs/: it starts the demo, does the main job in a real browser, and keeps
// what a person sees.
package main

import (
	"bufio"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"

	"lineboard/internal/config"
	"lineboard/internal/testkit/browser"
)

func main() {
	log.SetFlags(0)
	t := &run{}
	defer t.end()
	address := t.demo()
	p := browser.Open(t)
	picture := func(name string) { p.Screenshot(filepath.Join("docs", name+".png")) }

	p.Goto(address)
	p.Fill("Username", "supervisor1")
	p.Fill("Password", config.DemoPassword)
	p.Click("Sign in")
	p.See("Blister line 1")
	picture("lines-tablet")
	p.Viewport(1920, 1080)
	p.Goto(address + "/?wall")
	picture("lines-wall")
	p.Goto(address)
	p.Viewport(1280, 800)
	p.In("main").Click("Blister line 1 L1")
	p.See("Next to release")
	picture("line-tablet")
	p.Dark(true)
	picture("line-tablet-dark")
	p.Dark(false)
	p.In("main").Click("Release to line")
	p.See("Release Order143 to Blister line 1")
	picture("release-armed-tablet")
	p.Viewport(390, 844)
	picture("release-armed-phone")
	p.Viewport(1280, 800)
	p.Click("Release Order143 to Blister line 1")
	p.See("Order143 Released · 11 serials")
	picture("line-released-tablet")
	var released string // the link's name has the time in it
	p.Eval(`[...document.querySelectorAll("main a")].find(a => a.innerText.includes("Released")).href`, &released)
	p.Goto(released)
	p.See("Order143 is released to Blister line 1.")
	picture("order-released-tablet")
	p.Click("See all 11 serial numbers")
	p.See("as many as expected")
	picture("serials-tablet")
	p.In("nav").Click("History")
	p.See("Release requested")
	picture("history-tablet")
	p.Goto(address + "/shifts")
	var report string // of the latest shift in which something went wrong
	p.Eval(`document.querySelector("a.shift-row:has(.with-n)").href`, &report)
	p.Goto(report)
	p.See("Exceptions")
	picture("shift-report-tablet")
	p.Goto(address + "/shifts/trends")
	p.See("By week")
	picture("trends-tablet")
}

// run takes the place of a test: what fails ends the program, after what was started is taken down.
type run struct{ cleanups []func() }

// Helper marks a helper of a test, which a program has no use for.
func (*run) Helper() {}

// Cleanup has f called at the end.
func (r *run) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// Fatalf ends the program.
func (r *run) Fatalf(format string, args ...any) {
	r.end()
	log.Fatalf(format, args...)
}

func (r *run) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
	r.cleanups = nil
}

var addressForm = regexp.MustCompile(`http://\S+`)

// demo starts the demo and gives its address.
func (r *run) demo() string {
	folder, err := os.MkdirTemp("", "lineboard-screenshots-")
	if err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(func() { os.RemoveAll(folder) })
	program := filepath.Join(folder, "lineboard")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
	demo := exec.Command(program, "demo", "--addr", "127.0.0.1:0")
	demo.Stderr = os.Stderr
	said, err := demo.StdoutPipe()
	if err != nil {
		r.Fatalf("%v", err)
	}
	if err := demo.Start(); err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(func() {
		if err := demo.Process.Signal(syscall.SIGTERM); err == nil {
			_ = demo.Wait() // it was told to end
		}
	})
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if address := addressForm.FindString(lines.Text()); address != "" {
			return address
		}
	}
	r.Fatalf("the demo ended before it listened")
	return ""
}
