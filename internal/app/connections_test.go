package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

// serving runs a server on a port of its own until the test ends, and returns its address.
func serving(t *testing.T, s server) string {
	t.Helper()
	listening, ended := make(chan string, 1), make(chan error, 1)
	s.addr, s.announce = "127.0.0.1:0", func(address string) { listening <- address }
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- s.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	_, port, err := net.SplitHostPort((<-listening)[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// ask opens a connection from an address and asks for a page.
func ask(t *testing.T, from, to string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: lineboard\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

const large = 24 << 20 // more than the system's buffers hold

func TestAnAnswerThatNobodyReadsEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	to := serving(t, server{stall: 200 * time.Millisecond, handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, large))
			ended <- err
		},
	)})
	ask(t, "127.0.0.1", to)
	select {
	case err := <-ended:
		if err == nil {
			t.Error("all of it was written")
		}
	case <-time.After(60 * time.Second):
		t.Error("it goes on")
	}
}

func TestAnAnswerThatIsReadSlowlyGoesOn(t *testing.T) {
	t.Parallel()
	const stall = 400 * time.Millisecond
	to := serving(t, server{stall: stall, handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			for _, part := range []int{1 << 10, large - 1<<10} {
				time.Sleep(stall + stall/4) // what takes long to make is not stalled
				_, _ = w.Write(make([]byte, part))
			}
		},
	)})
	for try := range 10 {
		reader := &slowly{Conn: ask(t, "127.0.0.1", to)}
		response, err := http.ReadResponse(bufio.NewReaderSize(reader, 64<<10), nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		n, err := io.Copy(io.Discard, response.Body)
		took := time.Since(began)
		_ = response.Body.Close()
		switch {
		case err == nil && n == large && took >= 2*stall:
			return
		case reader.stood < stall/2:
			t.Fatalf("%d bytes within %s, %v", n, took, err)
		}
		t.Logf("try %d: this machine stood still for %s", try, reader.stood)
	}
}

// slowly reads at 24 MB a second, and notes for how long it stood still at most.
type slowly struct {
	net.Conn
	last  time.Time
	stood time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	time.Sleep(time.Duration(n) * time.Second / (24 << 20))
	now := time.Now()
	if !s.last.IsZero() {
		s.stood = max(s.stood, now.Sub(s.last))
	}
	s.last = now
	return n, err
}

// crowd are connections to a server that answers their first request and never ends.
type crowd struct {
	t      *testing.T
	to     string
	stands <-chan struct{} // gets one as soon as a connection stands still
}

func newCrowd(t *testing.T, s server) crowd {
	t.Helper()
	stands, gone := make(chan struct{}), make(chan struct{})
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "served")
		_ = http.NewResponseController(w).Flush()
		select {
		case stands <- struct{}{}:
			<-gone
		case <-gone: // the test has ended before
		}
	})
	c := crowd{t, serving(t, s), stands}
	t.Cleanup(func() { close(gone) })
	return c
}

// enter opens a connection, waits until it stands still, and fails unless it is served.
func (c crowd) enter(from string) net.Conn {
	c.t.Helper()
	conn := ask(c.t, from, c.to)
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		c.t.Fatalf("%s is not served: %v", from, err)
	}
	<-c.stands
	return conn
}

// open returns which of the connections the server has not closed. It looks again while there are more than are to be:
// where this machine stands still, a look ends before it was taken.
func (c crowd) open(of []net.Conn, most int) (still []int) {
	for limit := time.Now().Add(60 * time.Second); ; still = nil {
		for i, conn := range of {
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				still = append(still, i)
			}
		}
		if len(still) <= most || time.Now().After(limit) {
			return still
		}
	}
}

func TestAnAddressHasSoManyConnectionsAndAProxyAnyNumber(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, server{connections: 3, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}})
	for from, want := range map[string][]int{
		"127.0.0.2": {5, 6, 7},
		"127.0.0.3": {5, 6, 7},
		"127.0.0.9": {0, 1, 2, 3, 4, 5, 6, 7},
	} {
		var of []net.Conn
		for range 8 {
			of = append(of, c.enter(from))
		}
		if got := c.open(of, len(want)); !slices.Equal(got, want) {
			t.Errorf("%s: connections %v are open, want the latest: %v", from, got, want)
		}
	}
}

func TestWhereAllConnectionsAreTakenTheAddressWithTheMostMakesRoom(t *testing.T) {
	t.Parallel()
	const proxy = "127.0.0.9"
	c := newCrowd(t, server{allConnections: 12, proxies: []netip.Prefix{netip.MustParsePrefix(proxy + "/32")}})
	var behindProxy, few, many []net.Conn
	for range 5 {
		behindProxy = append(behindProxy, c.enter(proxy))
	}
	for range 2 {
		few = append(few, c.enter("127.0.0.2"))
	}
	for range 20 {
		many = append(many, c.enter("127.0.0.3"))
	}
	newcomer := []net.Conn{c.enter("127.0.0.4")}
	if got := c.open(many, 4); !slices.Equal(got, []int{16, 17, 18, 19}) {
		t.Errorf("of the address with the most, %v are open, want the last four", got)
	}
	for who, of := range map[string][]net.Conn{"behind the proxy": behindProxy, "few": few, "newcomer": newcomer} {
		if got := c.open(of, len(of)); len(got) != len(of) {
			t.Errorf("%s: %v of %d are open", who, got, len(of))
		}
	}
	for i := range 12 { // each of an address of its own, as in a network where everybody may have many
		c.enter(fmt.Sprintf("127.0.1.%d", i))
	}
	if got := c.open(behindProxy, len(behindProxy)); len(got) != len(behindProxy) {
		t.Errorf("behind the proxy, %v are open", got)
	}
	for range 20 {
		behindProxy = append(behindProxy, c.enter(proxy))
	}
	c.enter("127.0.0.4") // fails unless one behind the proxy makes room
}

func TestConnectionsLeaveAQuarterOfTheFilesToTheProgram(t *testing.T) {
	t.Parallel()
	for files, want := range map[uint64]int{
		0: 0, 100: 75, 1024: 768, 4096: 3072, 1 << 20: 10_000, math.MaxUint64: 10_000,
	} {
		if got := connectionsWithin(files); got != want {
			t.Errorf("of %d files, %d connections, want %d", files, got, want)
		}
	}
}
