package wire

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// echo is the address of a server that answers the four bytes "ping" with "0123456789" and then waits.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := io.ReadFull(conn, make([]byte, 4)); err == nil {
					_, _ = io.WriteString(conn, "0123456789")
					_, _ = conn.Read(make([]byte, 1))
				}
			}()
		}
	}()
	return l.Addr().String()
}

// ask connects, sends "ping", and reads n bytes. It has all patience with the first of them, and little with the others.
func ask(w *Wire, n, first int) (string, error) {
	conn, err := net.Dial("tcp", w.Address())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "ping"); err != nil {
		return "", err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	got := make([]byte, n)
	read, err := io.ReadFull(conn, got[:first])
	if err == nil && first < n {
		_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		var more int
		more, err = io.ReadFull(conn, got[first:])
		read += more
	}
	return string(got[:read]), err
}

func TestFaults(t *testing.T) {
	timeout := func(err error) bool {
		var e net.Error
		return errors.As(err, &e) && e.Timeout()
	}
	is := func(want error) func(error) bool {
		return func(err error) bool { return errors.Is(err, want) }
	}
	for _, c := range []struct {
		name  string
		fault Fault
		got   string
		ends  func(error) bool
		up    int64
		waits bool
	}{
		{"sound", Fault{}, "0123456789", is(nil), 4, false},
		{"refuse", Fault{Kind: Refuse}, "", is(syscall.ECONNREFUSED), 0, false},
		{"accept, reset", Fault{Kind: Accept}, "", func(err error) bool {
			return errors.Is(err, syscall.ECONNRESET) ||
				errors.Is(err, syscall.EPIPE)
		}, 0, false},
		{"up, reset", Fault{Kind: Up, Bytes: 2}, "", is(syscall.ECONNRESET), 2, false},
		{"down, reset at once", Fault{Kind: Down}, "", is(syscall.ECONNRESET), 4, false},
		{"down, closed", Fault{Kind: Down, Bytes: 3, Orderly: true}, "012", is(io.ErrUnexpectedEOF), 4, false},
		{"stall", Fault{Kind: Stall, Bytes: 3}, "012", timeout, 4, true},
		{"trickle", Fault{Kind: Trickle, Bytes: 8, Pause: 5 * time.Millisecond}, "0123456789", is(nil), 4, false},
		{"trickle slowly", Fault{Kind: Trickle, Bytes: 8, Pause: time.Minute}, "01234567", timeout, 4, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := To(t, echo(t))
			w.Break(c.fault)
			first := 10
			if c.waits {
				first = len(c.got)
			}
			got, err := ask(w, 10, first)
			if got != c.got || !c.ends(err) {
				t.Errorf("got %q, %v", got, err)
			}
			if n := w.Count().Up; n != c.up {
				t.Errorf("%d bytes went up", n)
			}
			w.Mend()
			if got, err := ask(w, 10, 10); got != "0123456789" || err != nil {
				t.Errorf("mended: %q, %v", got, err)
			}
		})
	}
}

func TestAFaultIsForAsManyConnectionsAsItSays(t *testing.T) {
	w := To(t, echo(t))
	w.Break(Fault{Kind: Down, Bytes: 1, Orderly: true, Times: 2})
	for _, want := range []string{"0", "0", "0123456789", "0123456789"} {
		if got, _ := ask(w, 10, 10); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	w.Close()
	if c := w.Count(); c != (Count{Connections: 4, Up: 16, Down: 22}) {
		t.Errorf("counted %+v", c)
	}
	if _, err := ask(w, 1, 1); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("closed: %v", err)
	}
}
