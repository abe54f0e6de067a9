package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
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
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}

func TestAnAnswerThatIsReadSlowlyGoesOn(t *testing.T) {
	t.Parallel()
	const stall = 400 * time.Millisecond
	to := serving(t, server{stall: stall, handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(stall + stall/4) // what takes long to make is not stalled
			_, _ = w.Write(make([]byte, large))
		},
	)})
	response, err := http.ReadResponse(bufio.NewReaderSize(slowly{ask(t, "127.0.0.1", to)}, 64<<10), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	began := time.Now()
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil || n != large {
		t.Errorf("%d bytes, %v", n, err)
	}
	if took := time.Since(began); took < 2*stall {
		t.Errorf("it was read within %s: too fast to show anything", took)
	}
}

// slowly reads at 24 MB a second.
type slowly struct {
	net.Conn
}

func (s slowly) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	time.Sleep(time.Duration(n) * time.Second / (24 << 20))
	return n, err
}

func TestAnAddressHasSoManyConnectionsAndAProxyAnyNumber(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	block := make(chan struct{})
	to := serving(t, server{
		connections: 3,
		proxies:     []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")},
		handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			fmt.Fprint(w, "served")
			_ = http.NewResponseController(w).Flush()
			<-block
		}),
	})
	t.Cleanup(func() { close(block) })
	served := func(from string) bool {
		_, err := http.ReadResponse(bufio.NewReader(ask(t, from, to)), nil)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			var broken *net.OpError
			if !errors.As(err, &broken) {
				t.Fatal(err)
			}
		}
		return err == nil
	}
	for from, want := range map[string]int{"127.0.0.2": 3, "127.0.0.3": 3, "127.0.0.9": 8} {
		got := 0
		for range 8 {
			if served(from) {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d connections, want %d", from, got, want)
		}
	}
	if n := asked.Load(); n != 14 {
		t.Errorf("%d requests came through", n)
	}
}
