package soak

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"lineboard/internal/testkit/wideorders"
)

const (
	littleMemory  = 4 << 20 // KiB of addresses that the program may have
	memoryAllowed = 200     // MiB that a request may take above rest
)

// The largest requests that there are, to a program that has four gigabytes.
func TestTheLargestRequestsTake200MiBAtMost(t *testing.T) {
	if os.Getenv("SOAK_MEMORY") == "" {
		t.Skip("it imports 300,000 orders: make soak runs it")
	}
	path, err := binary()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	s := newSoak(t, rand.New(rand.NewPCG(seed(t), 0)))
	limited := fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, littleMemory)
	args := append([]string{"-c", limited, path}, s.args...)
	s.running = startCommand(t, exec.Command("/bin/sh", args...), s.env)
	s.web.base = s.running.address(t)
	s.web.signIn(t)
	s.web.page(t, "/orders")
	rest := s.memory("VmRSS")
	orders := wideorders.Rows("W", "L2")
	for _, format := range wideorders.Formats() {
		file, err := format.Write(orders)
		if err != nil {
			t.Fatal(err)
		}
		var preview, page string
		s.measured("check "+format.Name, rest, func() { preview = s.upload(format.Name, file) })
		s.measured("show "+format.Name, rest, func() { page = s.ask(http.MethodGet, preview, nil, http.StatusOK) })
		if format.Name != "orders.csv" { // the others say the same
			continue
		}
		digest := regexp.MustCompile(`name="digest" value="([0-9a-f]+)"`).FindStringSubmatch(page)
		if digest == nil {
			t.Fatalf("the preview has no digest: %.300s", page)
		}
		s.measured("import "+format.Name, rest, func() {
			s.ask(
				http.MethodPost, preview, url.Values{"digest": {digest[1]}, "confirm": {"true"}}, http.StatusSeeOther,
			)
		})
	}
	pasted, err := wideorders.CSV(orders[:len(orders)/3]) // a letter takes six bytes there
	if err != nil {
		t.Fatal(err)
	}
	s.measured("check pasted text", rest, func() {
		s.ask(http.MethodPost, "/imports", url.Values{"orders": {string(pasted)}}, http.StatusSeeOther)
	})
	for _, file := range []string{"/imports/orders.csv", "/imports/orders.xlsx"} {
		s.measured("export "+file, rest, func() { s.ask(http.MethodGet, file, nil, http.StatusOK) })
	}
	for _, line := range s.running.alarms() {
		t.Error(line)
	}
}

// measured fails if the program needs more memory for do, above rest, than a request may take.
func (s *soak) measured(what string, rest int, do func()) {
	s.t.Helper()
	pid := s.running.command.Process.Pid
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		s.t.Fatal(err)
	}
	do()
	took := s.memory("VmHWM") - rest
	s.t.Logf("%s: %d MiB above rest, which is %d", what, took, rest)
	if took > memoryAllowed {
		s.t.Errorf("%s takes %d MiB above rest", what, took)
	}
}

// memory returns what the program takes by that name, in MiB.
func (s *soak) memory(name string) int {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.running.command.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		s.t.Fatalf("no %s in %s", name, status)
	}
	kb, err := strconv.Atoi(string(found[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	return kb >> 10
}

// ask sends a request as a supervisor.
func (s *soak) ask(method, path string, form url.Values, want int) string {
	s.t.Helper()
	status, _, body, err := s.web.send(0, method, path, form)
	if err != nil || status != want {
		s.t.Fatalf("%s %s: %d, %v: %.300s", method, path, status, err, body)
	}
	return body
}

// upload has a file checked, and returns the path of its preview.
func (s *soak) upload(name string, content []byte) string {
	s.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.web.base+"/imports", &form)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	a, err := s.web.people[0].Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	if text, err := io.ReadAll(a.Body); err != nil || a.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("%s: %d, %v: %.300s", name, a.StatusCode, err, text)
	}
	return a.Header.Get("Location")
}
