package app

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lineboard/internal/throttle"
)

const (
	// sendBuffer is how much of an answer the system holds, in bytes. It takes more only once a third of it has left:
	// with a large one, an answer to a slow reader would seem to stand still.
	sendBuffer = 128 << 10
	// maxConnections is more than a site has devices. It bounds memory where the system would allow many more.
	maxConnections = 10_000
)

// connectionsWithin returns how many connections fit so many open files. A quarter stays for the database, calls of the
// API, and backups.
func connectionsWithin(files uint64) int { return int(min(files-files/4, maxConnections)) }

// boundedListener closes connections beyond so many at once, of an address and of all. It never refuses a new one: that
// one takes the place of the one that has stood still for longest, so that those who never read keep nobody out.
type boundedListener struct {
	net.Listener
	ofAddress int // 0 for no bound
	ofAll     int // 0 for no bound
	networks  throttle.Networks
	proxies   []netip.Prefix // of these an address has no bound: many people are behind each

	mu    sync.Mutex
	open  map[string]map[*countedConn]struct{}
	total int
}

// Accept returns the next connection.
func (l *boundedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // without it, all but the slowest are served as well
	}
	key, proxy := l.keyOf(conn.RemoteAddr())
	entering := &countedConn{Conn: conn, of: l, key: key, proxy: proxy}
	entering.moved()
	if leaving := l.enter(entering); leaving != nil {
		leaving.drop()
	}
	return entering, nil
}

// keyOf returns what an address counts as, and whether it is a proxy's.
func (l *boundedListener) keyOf(from net.Addr) (key string, proxy bool) {
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return from.String(), false
	}
	address := at.Addr().Unmap().WithZone("")
	proxy = slices.ContainsFunc(l.proxies, func(p netip.Prefix) bool { return p.Contains(address) })
	return l.networks.Of(address.String()), proxy
}

// enter counts a connection, and returns the one that it takes the place of, or nil.
func (l *boundedListener) enter(c *countedConn) (leaving *countedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.open[c.key]
	switch {
	case l.ofAddress > 0 && !c.proxy && len(own) >= l.ofAddress:
		leaving = stillest(own)
	case l.ofAll > 0 && l.total >= l.ofAll:
		leaving = l.stillestOfMost(c.key)
	}
	if leaving != nil {
		l.forget(leaving)
	}
	if l.open[c.key] == nil {
		l.open[c.key] = map[*countedConn]struct{}{}
	}
	l.open[c.key][c] = struct{}{}
	l.total++
	return leaving
}

// stillestOfMost returns the connection that has stood still for longest of the address that has the most, with the
// entering one. One of a proxy is taken only where there are no others: the people behind it have no other way.
func (l *boundedListener) stillestOfMost(entering string) (leaving *countedConn) {
	most := 0
	for key, of := range l.open {
		c, n := stillest(of), len(of)
		if key == entering {
			n++
		}
		if leaving == nil || cmp.Or(
			compareBool(c.proxy, leaving.proxy),
			cmp.Compare(most, n),
			cmp.Compare(c.still.Load(), leaving.still.Load()),
		) < 0 {
			leaving, most = c, n
		}
	}
	return leaving
}

// compareBool sorts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// stillest returns the connection that has stood still for longest.
func stillest(of map[*countedConn]struct{}) (c *countedConn) {
	for other := range of {
		if c == nil || other.still.Load() < c.still.Load() {
			c = other
		}
	}
	return c
}

// forget stops counting a connection. It does nothing for one that does not count any more.
func (l *boundedListener) forget(c *countedConn) {
	if _, ok := l.open[c.key][c]; !ok {
		return
	}
	delete(l.open[c.key], c)
	if len(l.open[c.key]) == 0 {
		delete(l.open, c.key)
	}
	l.total--
}

// processStart is what times of connections are measured from: no change of the clock moves it.
var processStart = time.Now()

// countedConn is a connection that counts until it is closed.
type countedConn struct {
	net.Conn
	of    *boundedListener
	key   string
	proxy bool
	still atomic.Int64 // since when nothing was read or written, in nanoseconds since the start
}

func (c *countedConn) moved() { c.still.Store(int64(time.Since(processStart))) }

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.moved()
	}
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.moved()
	}
	return n, err
}

func (c *countedConn) Close() error {
	c.of.mu.Lock()
	c.of.forget(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// drop closes a connection without waiting until the other side has taken what was sent.
func (c *countedConn) drop() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // otherwise the system keeps what nobody reads
	}
	_ = c.Conn.Close() // nobody waits for what comes of it
}
