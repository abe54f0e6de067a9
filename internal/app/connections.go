package app

import (
	"net"
	"net/netip"
	"slices"

	"lineboard/internal/throttle"
)

// sendBuffer is how much of an answer the system holds, in bytes. It takes more only once a third of it has left: with
// a large one, an answer to a slow reader would seem to stand still.
const sendBuffer = 128 << 10

// boundedListener closes connections beyond so many of an address at once. Addresses of proxies have no such bound:
// many people are behind each.
type boundedListener struct {
	net.Listener
	open     *throttle.Concurrency
	networks throttle.Networks
	proxies  []netip.Prefix
}

// Accept returns the next connection that is within the bound.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetWriteBuffer(sendBuffer) // without it, all but the slowest are served as well
		}
		key, bounded := l.keyOf(conn.RemoteAddr())
		if !bounded {
			return conn, nil
		}
		if leave, ok := l.open.Enter(key); ok {
			return &countedConn{Conn: conn, leave: leave}, nil
		}
		_ = conn.Close() // nobody waits for what comes of it
	}
}

// keyOf returns what an address counts as, and whether it is bounded at all.
func (l *boundedListener) keyOf(from net.Addr) (key string, bounded bool) {
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return "", false
	}
	address := at.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(l.proxies, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return "", false
	}
	return l.networks.Of(address.String()), true
}

// countedConn is a connection that counts until it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
