// Package outbound connects to hosts that administrators enter. It refuses public names that resolve to private
// addresses: such a name could send credentials to a host inside the plant.
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

// ErrPrivate is the error of a name that resolves to a private address.
var ErrPrivate = errors.New("the name leads to a private address; a host of the plant must be given by its address")

// DialFunc connects as [net.Dialer.DialContext] does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Dialer returns a dialer that refuses private addresses for the given host names (SSRF guard), with ErrPrivate.
// Literal IP addresses and the names in allowPrivate are exempt. So are all other hosts: they are proxies, which the
// operator of the server has chosen.
func Dialer(hosts, allowPrivate []string) DialFunc {
	free := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	guarded := free
	guarded.Control = func(_, address string, _ syscall.RawConn) error { return checkPublic(address) }
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(address); err == nil && isGuarded(host, hosts, allowPrivate) {
			return guarded.DialContext(ctx, network, address)
		}
		return free.DialContext(ctx, network, address)
	}
}

// isGuarded reports whether host is one of the given names and not exempt.
func isGuarded(host string, hosts, allowPrivate []string) bool {
	_, err := netip.ParseAddr(host)
	isName := err != nil && host != "localhost"
	return isName && contains(hosts, host) && !contains(allowPrivate, host)
}

func contains(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// checkPublic returns ErrPrivate if an address with its port is in no public network.
func checkPublic(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr().Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return ErrPrivate
	}
	return nil
}
