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

	"golang.org/x/net/idna"
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
	host = ascii(host)
	return slices.ContainsFunc(hosts, func(h string) bool { return ascii(h) == host })
}

// ascii returns a name as it is asked for in DNS, where an internationalised one has only ASCII.
func ascii(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if encoded, err := idna.Lookup.ToASCII(host); err == nil {
		return encoded
	}
	return host
}

// checkPublic returns ErrPrivate if an address with its port is in no public network.
func checkPublic(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := embedded(to.Addr().Unmap())
	special := slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(ip) })
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || special {
		return ErrPrivate
	}
	return nil
}

// notPublic are networks that are private by none of the properties of their addresses: of IPv4 this network,
// carrier-grade NAT, protocol assignments, benchmarking and those that are reserved; of IPv6 the old local networks.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("fec0::/10"),
}

// embedding are the networks of IPv6 whose addresses lead to an IPv4 address within them, by where that begins.
var embedding = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"):    12, // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"):  12, // NAT64 of a plant's own: networks of 96 bits within it
	netip.MustParsePrefix("2002::/16"):       2,  // 6to4
	netip.MustParsePrefix("::/96"):           12, // as written for IPv4 once
	netip.MustParsePrefix("::ffff:0:0:0/96"): 12, // SIIT
}

// embedded returns the IPv4 address that an IPv6 address leads to, or the address itself.
func embedded(ip netip.Addr) netip.Addr {
	for network, at := range embedding {
		if network.Contains(ip) {
			whole := ip.As16()
			return netip.AddrFrom4([4]byte(whole[at : at+4]))
		}
	}
	return ip
}

// ErrNotListed is the error of a host that the server was not started with.
var ErrNotListed = errors.New("the server was not started with this host")

// Only returns a dialer that reaches the listed hosts and no others: names or addresses, with a port or for any port.
// What a listed name resolves to is up to who listed it.
func Only(hosts []string) DialFunc {
	free := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if !Listed(hosts, address) {
			return nil, ErrNotListed
		}
		return free.DialContext(ctx, network, address)
	}
}

// Listed says whether an address, host and port, is among the hosts.
func Listed(hosts []string, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(hosts, func(listed string) bool {
		if name, only, err := net.SplitHostPort(listed); err == nil {
			return only == port && ascii(name) == ascii(host)
		}
		return ascii(strings.Trim(listed, "[]")) == ascii(host)
	})
}
