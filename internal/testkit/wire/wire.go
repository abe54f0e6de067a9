// Package wire is a TCP proxy with faults: what a network does to a connection, done for real.
package wire

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Kind is what goes wrong with a connection.
type Kind int

// The kinds. Up is from who connects to the server behind the wire, down is back.
const (
	Sound   Kind = iota
	Refuse       // nobody listens
	Accept       // ends as soon as it is there, without a byte
	Up           // ends once Bytes have gone up
	Down         // ends once Bytes have gone down, and one more byte would
	Stall        // nothing goes down after Bytes, and it does not end
	Trickle      // after Bytes, one byte goes down each Pause
)

// Fault makes connections go wrong.
type Fault struct {
	Kind  Kind
	Bytes int64
	Pause time.Duration // with Trickle
	// Orderly ends as a closed connection does, the default is a reset.
	Orderly bool
	// Times is how many connections go wrong, 0 for all until the wire is mended. Refuse knows no times.
	Times int
}

// Count is what went over a wire.
type Count struct {
	Connections int64 // that were accepted
	Up, Down    int64 // bytes that were passed on
}

// Wire passes connections on to a server.
type Wire struct {
	t       testing.TB
	server  string
	address string
	stop    context.CancelFunc
	ctx     context.Context
	running sync.WaitGroup
	count   struct{ connections, up, down atomic.Int64 }

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	fault    Fault
}

// To makes a wire to the server that listens at address. It ends with the test.
func To(t testing.TB, address string) *Wire {
	t.Helper()
	w := &Wire{t: t, server: address, address: "127.0.0.1:0"}
	w.ctx, w.stop = context.WithCancel(context.Background())
	w.mu.Lock()
	w.listen()
	w.mu.Unlock()
	t.Cleanup(w.Close)
	return w
}

// Address is where the wire is connected to.
func (w *Wire) Address() string { return w.address }

// Break makes the connections go wrong that come from now on.
func (w *Wire) Break(f Fault) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
	switch refuses := f.Kind == Refuse; {
	case refuses && w.listener != nil:
		_ = w.listener.Close() // it only listens, and can't fail to stop that
		w.listener = nil
	case !refuses && w.listener == nil:
		w.listen()
	}
}

// Mend makes the connections go well that come from now on.
func (w *Wire) Mend() {
	w.t.Helper()
	w.Break(Fault{})
}

// Count says what has gone over the wire.
func (w *Wire) Count() Count {
	return Count{w.count.connections.Load(), w.count.up.Load(), w.count.down.Load()}
}

// Close cuts all connections, and comes back when nothing goes over the wire any more.
func (w *Wire) Close() {
	w.stop()
	w.mu.Lock()
	if w.listener != nil {
		_ = w.listener.Close()
		w.listener = nil
	}
	w.mu.Unlock()
	w.running.Wait()
}

// listen begins to accept, at the same address as before. The caller holds the lock.
func (w *Wire) listen() {
	w.t.Helper()
	l, err := net.Listen("tcp", w.address)
	if err != nil {
		w.t.Fatalf("wire: %v", err)
	}
	w.listener, w.address = l, l.Addr().String()
	w.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			w.count.connections.Add(1)
			w.running.Go(func() { w.carry(conn.(*net.TCPConn), w.next()) })
		}
	})
}

// next takes the fault that the next connection has.
func (w *Wire) next() Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.fault
	if f.Times > 0 {
		if w.fault.Times--; w.fault.Times == 0 {
			w.fault = Fault{}
		}
	}
	return f
}

// carry passes a connection on until either side or its fault ends it.
func (w *Wire) carry(client *net.TCPConn, f Fault) {
	defer w.end(client, f)
	if f.Kind == Accept {
		return
	}
	dialed, err := new(net.Dialer).DialContext(w.ctx, "tcp", w.server)
	if err != nil {
		return
	}
	server := dialed.(*net.TCPConn)
	defer w.end(server, f)

	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	var both sync.WaitGroup
	defer both.Wait()
	// A read that waits ends when the other direction has.
	defer context.AfterFunc(ctx, func() {
		_ = client.SetReadDeadline(time.Unix(1, 0))
		_ = server.SetReadDeadline(time.Unix(1, 0))
	})()
	up, down := Fault{}, Fault{}
	if f.Kind == Up {
		up = f
	} else {
		down = f
	}
	both.Go(func() { defer cancel(); pass(ctx, server, client, up, &w.count.up) })
	both.Go(func() { defer cancel(); pass(ctx, client, server, down, &w.count.down) })
	both.Wait()
}

// end closes a connection that its fault ended: with a reset, unless it is to be orderly.
func (w *Wire) end(conn *net.TCPConn, f Fault) {
	if f.Kind != Sound && !f.Orderly {
		_ = conn.SetLinger(0)
	}
	_ = conn.Close()
}

// pass copies what comes, until an end comes or the fault is there.
func pass(ctx context.Context, to io.Writer, from io.Reader, f Fault, count *atomic.Int64) {
	buffer := make([]byte, 32<<10)
	for passed := int64(0); ; {
		n, err := from.Read(buffer)
		chunk := buffer[:n]
		if f.Kind != Sound && passed+int64(n) > f.Bytes {
			chunk = buffer[:f.Bytes-passed]
		}
		written, failed := to.Write(chunk)
		passed += int64(written)
		count.Add(int64(written))
		switch {
		case failed != nil:
			return
		case len(chunk) < n || f.Kind == Up && passed == f.Bytes:
			goWrong(ctx, to, from, buffer[len(chunk):n], f, count)
			return
		case err != nil:
			return
		}
	}
}

// goWrong does what the fault does from its byte on; rest has come and was not passed on.
func goWrong(ctx context.Context, to io.Writer, from io.Reader, rest []byte, f Fault, count *atomic.Int64) {
	switch f.Kind {
	case Stall:
		<-ctx.Done()
	case Trickle:
		tick := time.NewTicker(f.Pause)
		defer tick.Stop()
		for {
			for _, b := range rest {
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
				if _, err := to.Write([]byte{b}); err != nil {
					return
				}
				count.Add(1)
			}
			rest = make([]byte, 1<<10)
			n, err := from.Read(rest)
			if err != nil {
				return
			}
			rest = rest[:n]
		}
	}
}
