// Package outbound connects to the hosts that administrators name. A name must lead out of the plant: somebody could
// otherwise have a public name lead credentials to a host inside.
package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrPrivate keeps credentials from a host inside that somebody has a public name lead to.
var ErrPrivate = errors.New("the name leads to a private address; a host of the plant must be given by its address")

// Dial connects as [net.Dialer.DialContext] does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// To makes a Dial for hosts that were named. The names among them must lead out of the plant, but for those that inside
// lists; an address that was written down literally may be any. What is none of the hosts is a proxy, which is whoever runs
// the server's own choice.
func To(hosts, inside []string) Dial {
	free := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	guarded := free
	guarded.Control = func(_, address string, _ syscall.RawConn) error { return public(address) }
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if to, _, err := net.SplitHostPort(address); err == nil && guards(to, hosts, inside) {
			return guarded.DialContext(ctx, network, address)
		}
		return free.DialContext(ctx, network, address)
	}
}

// guards says whether a host is one that was named, and must lead out of the plant.
func guards(host string, hosts, inside []string) bool {
	_, err := netip.ParseAddr(host)
	name := err != nil && host != "localhost"
	return name && has(hosts, host) && !has(inside, host)
}

func has(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// public is ErrPrivate for an address, with its port, of no public network.
func public(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr().Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return ErrPrivate
	}
	return nil
}
