package soak

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	fewFiles    = 1024             // that the program may have open
	strangers   = 6                // addresses
	ofEach      = 200              // connections of each that never read
	answerLimit = 10 * time.Second // on a busy machine; without the bound it is half a minute
	endLimit    = 50 * time.Second // for 30 seconds without progress, on a busy machine
)

// Six addresses ask for much over more connections than the program may have files, and read nothing. There is no bound
// of an address.
func TestConnectionsThatNeverReadKeepNobodyOut(t *testing.T) {
	if os.Getenv("SOAK_CONNECTIONS") == "" {
		t.Skip("it waits for connections to end: make soak runs it")
	}
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	s := newSoak(t, rand.New(rand.NewPCG(seed(t), 0)))
	limited := fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, fewFiles)
	args := append([]string{"-c", limited, path}, append(s.args, "--connection-limit", "0")...)
	s.running = startCommand(t, exec.Command("/bin/sh", args...), s.env)
	s.web.base = s.running.address(t)
	s.web.signIn(t)
	paths := []string{"/healthz", "/readyz", "/login", "/orders"}
	s.answers(paths, time.Second)
	atRest := s.sockets()
	style := s.web.page(t, "/orders").Find("link[rel=stylesheet]").AttrOr("href", "")
	for i := range strangers * ofEach {
		s.askAndNeverRead(fmt.Sprintf("127.0.0.%d", 2+i%strangers), style)
	}
	await(t, "most of its connections are taken", func() bool { return s.sockets() > fewFiles*2/3 })
	s.answers(paths, 5*time.Second)
	if taken := s.sockets(); taken > fewFiles*4/5 {
		t.Errorf("the program has %d connections of %d files", taken, fewFiles)
	}
	latest := time.Now().Add(endLimit)
	for s.sockets() > atRest+10 {
		if time.Now().After(latest) {
			t.Fatalf("after %v the program has %d connections, at rest %d", endLimit, s.sockets(), atRest)
		}
		s.answers(paths, time.Second)
	}
	for _, line := range s.running.alarms() {
		t.Error(line)
	}
}

// askAndNeverRead asks for more than the system's buffers hold.
func (s *soak) askAndNeverRead(from, path string) {
	s.t.Helper()
	to := strings.TrimPrefix(s.web.base, "http://")
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: answerLimit}
	conn, err := dialer.Dial("tcp", to)
	if err != nil {
		s.t.Fatalf("%s can't connect: %v", from, err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: lineboard\r\n\r\n", path)
	_, _ = io.WriteString(conn, strings.Repeat(request, 100)) // one that had to make room for others takes nothing
}

// answers asks for pages for so long, and fails if one takes long.
func (s *soak) answers(paths []string, long time.Duration) {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < long; {
		for _, path := range paths {
			asked := time.Now()
			status, _, _, err := s.web.send(0, http.MethodGet, path, nil)
			if took := time.Since(asked); err != nil || status >= http.StatusBadRequest || took > answerLimit {
				s.t.Fatalf("GET %s: %d after %v, %v", path, status, took, err)
			}
		}
		time.Sleep(50 * time.Millisecond) // so that these are no flood themselves
	}
}

// sockets returns how many connections the program has.
func (s *soak) sockets() (n int) {
	s.t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", s.running.command.Process.Pid)
	files, err := os.ReadDir(folder)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range files {
		if to, err := os.Readlink(folder + "/" + f.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
