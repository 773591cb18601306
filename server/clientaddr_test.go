package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

// trusting returns the proxies of api.trusted_proxies.
func trusting(t testing.TB, networks ...string) proxies {
	t.Helper()
	api := config.API{TrustedProxies: networks}
	p, err := api.TrustedNetworks()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestForwardedFor(t *testing.T) {
	local := []string{"127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"}
	const none = "invalid IP"
	for _, tt := range []struct {
		name    string
		trusted []string
		peer    string
		lines   []string
		want    string
	}{
		{"nobody is trusted", nil, "127.0.0.1", []string{"198.51.100.7"}, none},
		{"another is trusted", []string{"10.0.0.0/8"}, "127.0.0.1", []string{"198.51.100.7"}, none},
		{"no header", local, "127.0.0.1", nil, none},
		{"an empty header", local, "127.0.0.1", []string{""}, none},
		{"one proxy", local, "127.0.0.1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"a proxy in IPv6", local, "2001:db8::1", []string{"2001:db9::7"}, "2001:db9::7"},
		{"a proxy trusted by its address", []string{"127.0.0.1"}, "127.0.0.1", []string{"198.51.100.7"}, "198.51.100.7"},

		{"made up by the client", local, "127.0.0.1", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"made up as trusted", local, "127.0.0.1", []string{"10.0.0.1, 198.51.100.7"}, "198.51.100.7"},
		{"made up as a line", local, "127.0.0.1", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"two proxies", local, "127.0.0.1", []string{"203.0.113.9, 198.51.100.7, 10.0.0.1"}, "198.51.100.7"},
		{"two proxies, a line each", local, "127.0.0.1", []string{"203.0.113.9, 198.51.100.7", "10.0.0.1"}, "198.51.100.7"},
		{"all are trusted", local, "127.0.0.1", []string{"10.0.0.2, 10.0.0.1"}, "10.0.0.2"},

		{"no address", local, "127.0.0.1", []string{"unknown"}, none},
		{"no address before a trusted one", local, "127.0.0.1", []string{"198.51.100.7, unknown, 10.0.0.1"}, "10.0.0.1"},
		{"an empty entry", local, "127.0.0.1", []string{"198.51.100.7, , 10.0.0.1"}, "10.0.0.1"},
		{"an empty entry at the end", local, "127.0.0.1", []string{"198.51.100.7,"}, none},
		{"an empty line", local, "127.0.0.1", []string{"198.51.100.7", "", "10.0.0.1"}, "10.0.0.1"},
		{"garbage left of the client", local, "127.0.0.1", []string{"<b>, 198.51.100.7"}, "198.51.100.7"},
		{"far too long", local, "127.0.0.1", []string{strings.Repeat("1", 1000)}, none},
		{"quoted", local, "127.0.0.1", []string{`"198.51.100.7"`}, none},
		{"two in an entry", local, "127.0.0.1", []string{"198.51.100.7 198.51.100.8"}, none},
		{"a short form", local, "127.0.0.1", []string{"127.1"}, none},
		{"octal", local, "127.0.0.1", []string{"0198.051.0100.07"}, none},

		{"white space", local, "127.0.0.1", []string{" \t198.51.100.7\t , \t10.0.0.1 "}, "198.51.100.7"},
		{"without white space", local, "127.0.0.1", []string{"203.0.113.9,198.51.100.7,10.0.0.1"}, "198.51.100.7"},
		{"with a port", local, "127.0.0.1", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		{"with a port that is none", local, "127.0.0.1", []string{"198.51.100.7:65536"}, none},
		{"IPv6", local, "127.0.0.1", []string{"2001:DB9:0::7"}, "2001:db9::7"},
		{"IPv6 in brackets", local, "127.0.0.1", []string{"[2001:db9::7]"}, "2001:db9::7"},
		{"IPv6 with a port", local, "127.0.0.1", []string{"[2001:db9::7]:4711"}, "2001:db9::7"},
		{"a zone", local, "127.0.0.1", []string{"fe80::1%eth0"}, none},
		{"IPv4 in IPv6", local, "127.0.0.1", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"a trusted one in IPv6", local, "127.0.0.1", []string{"198.51.100.7, ::ffff:10.0.0.1"}, "198.51.100.7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines [][]byte
			for _, line := range tt.lines {
				lines = append(lines, []byte(line))
			}
			if got := trusting(t, tt.trusted...).client(netip.MustParseAddr(tt.peer), lines); got.String() != tt.want {
				t.Errorf("client is %v, want %s", got, tt.want)
			}
		})
	}
}

// Whatever a client sends in X-Forwarded-For before the proxy appends its address, it
// is taken for that address; and of what a proxy sends no more is made than an address.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "198.51.100.7", "a, b", ",,,", "[::1]:80", "10.0.0.1,10.0.0.2", "::ffff:10.0.0.1", "fe80::1%lo", "\x00", "127.0.0.1 ,", "[", "[]", "]", "1:2:3", strings.Repeat("1,", 1000)} {
		f.Add(seed)
	}
	trusted := trusting(f, "127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32")
	proxy := netip.MustParseAddr("127.0.0.1")
	f.Fuzz(func(t *testing.T, sent string) {
		const client = "198.51.100.7"
		for _, lines := range [][][]byte{{[]byte(sent + ", " + client)}, {[]byte(sent), []byte(client)}} {
			if got := trusted.client(proxy, lines); got.String() != client {
				t.Errorf("%q: client is %v", lines, got)
			}
		}
		got := trusted.client(proxy, [][]byte{[]byte(sent)})
		if got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q: client is %v", sent, got)
		}
		if got.IsValid() && !trusted.contain(got) { // then it is the first from the right that is not
			again := trusted.client(proxy, [][]byte{fmt.Appendf(nil, "%s, 10.0.0.1", got)})
			if again != got {
				t.Errorf("%q: client is %v, then %v", sent, got, again)
			}
		}
		if trusted.client(netip.MustParseAddr("203.0.113.1"), [][]byte{[]byte(sent)}).IsValid() {
			t.Errorf("%q is believed of somebody who is not trusted", sent)
		}
	})
}
