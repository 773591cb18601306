package config

import (
	"fmt"
	"net/netip"
)

// TrustedNetworks returns the networks of trusted_proxies. The error is that of an
// API that [Config.Validate] does not accept. No network is of IPv4 addresses in the
// form of IPv6 (RFC 4291 §2.5.5.2): what is compared with them must be unmapped.
func (a *API) TrustedNetworks() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, s := range a.TrustedProxies {
		network, p := parseNetwork(s)
		if p != nil {
			p.Key = "api.trusted_proxies"
			return nil, p
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// parseNetwork reads a network, or an address, which is a network of one.
func parseNetwork(s string) (netip.Prefix, *Problem) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, &Problem{What: quote(s) + " is not a network", Remedy: "use something like 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32"}
	}
	if masked := network.Masked(); masked != network {
		return netip.Prefix{}, &Problem{
			What:   fmt.Sprintf("%s has bits set behind its prefix of %d bits", quote(s), network.Bits()),
			Remedy: "write " + quote(masked.String()) + ", or the address alone",
		}
	}
	if network.Addr().Is4In6() {
		return netip.Prefix{}, &Problem{What: quote(s) + " is an IPv4 network in the form of IPv6", Remedy: "write it as IPv4"}
	}
	return network, nil
}
