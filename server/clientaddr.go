package server

import (
	"net"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
)

// clientAddr returns the address that a request comes from: of the client, where
// trusted proxies say so, else of whoever is connected. It is invalid where a
// connection has none.
func (s *Server) clientAddr(ctx *fasthttp.RequestCtx) netip.Addr {
	if addr := s.forwardedFor(ctx); addr.IsValid() {
		return addr
	}
	return peerAddr(ctx)
}

// forwardedFor returns the address of a client that came through trusted proxies, or
// an invalid one if it came directly.
func (s *Server) forwardedFor(ctx *fasthttp.RequestCtx) netip.Addr {
	trusted := *s.trusted.Load()
	if len(trusted) == 0 {
		return netip.Addr{}
	}
	return trusted.client(peerAddr(ctx), ctx.Request.Header.PeekAll("X-Forwarded-For"))
}

func peerAddr(ctx *fasthttp.RequestCtx) netip.Addr {
	tcp, ok := ctx.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}

// proxies are the networks that api.trusted_proxies names.
type proxies []netip.Prefix

func (p proxies) contain(addr netip.Addr) bool {
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// client returns the address of the client for which peer forwards a request with
// these X-Forwarded-For lines, or an invalid one if peer is not trusted or names none.
//
// Every proxy appends the address that it was connected from, so the entries are
// read from the right, and each is believed only because the one that wrote it is
// trusted: the client is the first that is not. What stands left of it may be made
// up. An entry that is no address ends the walk as well, at the last that is.
func (p proxies) client(peer netip.Addr, lines [][]byte) (client netip.Addr) {
	if !p.contain(peer) {
		return netip.Addr{}
	}
	for i := len(lines) - 1; i >= 0; i-- {
		rest := string(lines[i])
		for more := true; more; {
			var entry string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				entry, more = rest, false
			}
			addr := parseForwarded(strings.Trim(entry, " \t"))
			if !addr.IsValid() {
				return client
			}
			if client = addr; !p.contain(addr) {
				return client
			}
		}
	}
	return client
}

// parseForwarded reads an entry of X-Forwarded-For: an address, which some proxies
// write with its port, and IPv6 in brackets. A zone means nothing here.
func parseForwarded(entry string) netip.Addr {
	const longest = len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535")
	if len(entry) > longest {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(entry)
	if err != nil {
		if bare, ok := strings.CutPrefix(entry, "["); ok && strings.HasSuffix(bare, "]") {
			addr, err = netip.ParseAddr(bare[:len(bare)-1])
		} else {
			var withPort netip.AddrPort
			withPort, err = netip.ParseAddrPort(entry)
			addr = withPort.Addr()
		}
	}
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// forwarded is the transport of a client behind a proxy. One that is connected
// itself has none: the kernel knows its address.
type forwarded struct {
	actors.Transport
	client netip.Addr
}

// RemoteAddr implements actors.Transport.
func (f *forwarded) RemoteAddr() string { return f.client.String() }

// through returns t with the address of the client that forwardedFor has found.
func through(t actors.Transport, client netip.Addr) actors.Transport {
	if !client.IsValid() {
		return t
	}
	return &forwarded{t, client}
}
