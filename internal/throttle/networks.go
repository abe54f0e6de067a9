package throttle

import (
	"net/netip"
	"slices"
)

// Networks are the local networks of a site, besides those that are local everywhere. Each of their addresses stands
// for one machine.
type Networks []netip.Prefix

// localEverywhere are the link-local and the private addresses of IPv6.
var localEverywhere = Networks{netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("fc00::/7")}

// Of returns what an address counts as. An IPv6 address outside of local networks counts as its network of 64 bits,
// since a household has one to itself.
func (n Networks) Of(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil {
		return from
	}
	a = a.Unmap().WithZone("")
	if !a.Is6() || localEverywhere.contains(a) || n.contains(a) {
		return a.String()
	}
	network, _ := a.Prefix(64) // fails only for lengths that an address does not have
	return network.String()
}

func (n Networks) contains(a netip.Addr) bool {
	return slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(a) })
}
