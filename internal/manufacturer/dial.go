package manufacturer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// errPrivate keeps credentials from a host inside that somebody has a public name lead to.
var errPrivate = errors.New("the API's name leads to a private address; a gateway of the plant must be given by its address")

// dialer connects to the API's host. Its name must lead out of the plant; an address that was written down literally may
// be any. A proxy is whoever runs the server's own choice.
func dialer(base string) func(ctx context.Context, network, address string) (net.Conn, error) {
	free := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	guarded := free
	guarded.Control = func(_, address string, _ syscall.RawConn) error { return public(address) }
	host := ""
	if u, err := url.Parse(base); err == nil {
		host = u.Hostname()
	}
	_, err := netip.ParseAddr(host)
	named := err != nil && host != "localhost"
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if to, _, err := net.SplitHostPort(address); err == nil && named && to == host {
			return guarded.DialContext(ctx, network, address)
		}
		return free.DialContext(ctx, network, address)
	}
}

// public is errPrivate for an address, with its port, of no public network.
func public(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr().Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return errPrivate
	}
	return nil
}
