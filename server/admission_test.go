package server

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/config"
)

func TestNetwork(t *testing.T) {
	for _, tt := range []struct {
		addr       string
		ipv4, ipv6 int
		want       string
	}{
		{"198.51.100.7", 32, 64, "198.51.100.7/32"},
		{"198.51.100.7", 24, 64, "198.51.100.0/24"},
		{"198.51.100.7", 1, 64, "128.0.0.0/1"},
		{"2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::/64"},
		{"2001:db8:1:2:3:4:5:6", 32, 56, "2001:db8:1::/56"},
		{"2001:db8:1:2:3:4:5:6", 32, 128, "2001:db8:1:2:3:4:5:6/128"},
		{"fe80::1%lo", 32, 64, "fe80::/64"},
	} {
		got := network(netip.MustParseAddr(tt.addr), &config.Limits{IPv4Prefix: tt.ipv4, IPv6Prefix: tt.ipv6})
		if got.String() != tt.want {
			t.Errorf("%s counts as %v, want %s", tt.addr, got, tt.want)
		}
	}
	if got := network(netip.Addr{}, &config.Limits{IPv4Prefix: 32, IPv6Prefix: 64}); got != (netip.Prefix{}) {
		t.Errorf("no address counts as %v", got)
	}
}

// check reports what is wrong with the table itself.
func (as *addresses) check() error {
	idle := 0
	var before *address
	for a := as.oldest; a != nil; before, a = a, a.newer {
		idle++
		switch {
		case a.older != before:
			return fmt.Errorf("%v is not linked to the one before it", a.network)
		case as.of[a.network] != a:
			return fmt.Errorf("%v is idle and not in the table", a.network)
		case a.connections != 0:
			return fmt.Errorf("%v is idle and has %d connections", a.network, a.connections)
		case before != nil && before.seen > a.seen:
			return fmt.Errorf("%v was seen before one that is older", a.network)
		}
	}
	connected := 0
	for network, a := range as.of {
		if a.network != network || a.connections < 0 {
			return fmt.Errorf("%v is %+v", network, a)
		}
		if a.connections > 0 {
			connected++
		}
	}
	if as.newest != before || as.idle != idle || len(as.of) != idle+connected {
		return fmt.Errorf("%d are in the list of %d idle, %d connected, %d in the table", idle, as.idle, connected, len(as.of))
	}
	return nil
}

// Whatever comes, leaves and is reloaded in whatever order: the counts are those of
// who is in, no limit is exceeded, and when all have left nothing is remembered.
func TestAdmissionProperty(t *testing.T) { rapid.Check(t, admissionProperty) }

func admissionProperty(t *rapid.T) {
	var now time.Duration
	a := &admission{clock: func() time.Duration { return now }}
	l := config.Limits{IPv4Prefix: 32, IPv6Prefix: 64}
	addrs := []netip.Addr{{}, netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8:1::1")}
	users := []string{"", "alice", "bob"}
	drawAddr := func(t *rapid.T) netip.Addr { return rapid.SampledFrom(addrs).Draw(t, "address") }
	var in []guest
	leave := func(i int) {
		a.leave(in[i])
		in = slices.Delete(in, i, i+1)
	}
	of := func(counted func(guest) bool) (n int) {
		for _, g := range in {
			if counted(g) {
				n++
			}
		}
		return n
	}
	t.Repeat(map[string]func(*rapid.T){
		"reload": func(t *rapid.T) {
			limit := rapid.IntRange(0, 3)
			l.ConnectionsPerAddress = limit.Draw(t, "per address")
			l.ConnectionsPerUser = limit.Draw(t, "per user")
			l.HandshakesPerSecond = limit.Draw(t, "handshakes")
			l.TotalHandshakesPerSecond = limit.Draw(t, "all handshakes")
			l.RequestsPerSecond = limit.Draw(t, "requests")
			l.IPv4Prefix = rapid.IntRange(8, 32).Draw(t, "IPv4 prefix")
			l.IPv6Prefix = rapid.IntRange(32, 128).Draw(t, "IPv6 prefix")
		},
		"enter": func(t *rapid.T) {
			addr, user := drawAddr(t), rapid.SampledFrom(users).Draw(t, "user")
			sameAddress := of(func(g guest) bool { return g.address != nil && g.address.network == network(addr, &l) })
			sameUser := of(func(g guest) bool { return g.user == user })
			addressFull := l.ConnectionsPerAddress > 0 && sameAddress >= l.ConnectionsPerAddress
			userFull := user != "" && l.ConnectionsPerUser > 0 && sameUser >= l.ConnectionsPerUser
			g, why, ok := a.enter(addr, user, &l)
			switch {
			case ok == (addressFull || userFull):
				t.Fatalf("let in: %v, with %d of the address and %d of the user, limits are %+v", ok, sameAddress, sameUser, l)
			case !ok && why != addressLimit && why != userLimit,
				!ok && why == addressLimit && !addressFull, !ok && why == userLimit && !userFull:
				t.Fatalf("refused because of %d, with %d of the address and %d of the user", why, sameAddress, sameUser)
			case ok:
				in = append(in, g)
			}
		},
		"leave": func(t *rapid.T) {
			if len(in) > 0 {
				leave(rapid.IntRange(0, len(in)-1).Draw(t, "who"))
			}
		},
		"handshake": func(t *rapid.T) {
			if wait, _ := a.handshake(drawAddr(t), &l); wait > 0 && l.HandshakesPerSecond+l.TotalHandshakesPerSecond == 0 {
				t.Fatal("limited without a limit")
			}
		},
		"request": func(t *rapid.T) {
			if wait := a.request(drawAddr(t), &l); wait > time.Second {
				t.Fatalf("told to wait %v", wait)
			}
		},
		"wait": func(t *rapid.T) {
			now += time.Duration(rapid.Int64Range(0, int64(2*refill)).Draw(t, "for"))
		},
		"": func(t *rapid.T) { // after each
			if err := a.addresses.check(); err != nil {
				t.Fatal(err)
			}
			for network, address := range a.addresses.of {
				if n := of(func(g guest) bool { return g.address == address }); n != address.connections {
					t.Fatalf("%v has %d connections, %d are counted", network, n, address.connections)
				}
			}
			for user, n := range a.users {
				if is := of(func(g guest) bool { return g.user == user }); is != n || n <= 0 {
					t.Fatalf("%s has %d connections, %d are counted", user, is, n)
				}
			}
		},
	})
	for len(in) > 0 {
		leave(rapid.IntRange(0, len(in)-1).Draw(t, "who leaves"))
	}
	// Those who come clear away those who are gone.
	now += refill
	remembered := len(a.addresses.of)
	for range remembered {
		a.request(netip.MustParseAddr("203.0.113.1"), &l)
	}
	if len(a.users) > 0 || len(a.addresses.of) > 1 || len(a.addresses.of) != a.addresses.idle {
		t.Fatalf("remembered when all have left: users %v, addresses %v", a.users, slices.Collect(maps.Keys(a.addresses.of)))
	}
	if err := a.addresses.check(); err != nil {
		t.Fatal(err)
	}
}

// A handshake that is one too many for all does not count for its address.
func TestHandshakesOfAllDoNotCountForOne(t *testing.T) {
	var now time.Duration
	a := &admission{clock: func() time.Duration { return now }}
	l := config.Limits{IPv4Prefix: 32, IPv6Prefix: 64, HandshakesPerSecond: 1, TotalHandshakesPerSecond: 1}
	busy, other := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	for i, want := range []struct {
		from netip.Addr
		wait time.Duration
		all  bool
	}{
		{busy, 0, true}, {busy, 0, true}, // twice the rate at once, of all and of one
		{busy, time.Second, false},
		{other, time.Second, true}, {other, time.Second, true}, {other, time.Second, true},
	} {
		if wait, all := a.handshake(want.from, &l); wait != want.wait || all != want.all {
			t.Fatalf("handshake %d: wait %v because of all: %v; want %v, %v", i, wait, all, want.wait, want.all)
		}
	}
	l.TotalHandshakesPerSecond = 0
	for range 2 {
		if wait, _ := a.handshake(other, &l); wait != 0 {
			t.Fatal("the handshakes that were refused for the sake of all count for their address")
		}
	}
}

// nthAddr is an address of a /32 that an attacker has, each in a /64 of its own.
func nthAddr(n int) netip.Addr {
	b := netip.MustParseAddr("2001:db8::1").As16()
	binary.BigEndian.PutUint32(b[4:], uint32(n))
	return netip.AddrFrom16(b)
}

// The table does not grow with those who come, and those with connections are not
// pushed out of it.
func TestAddressesAreBounded(t *testing.T) {
	var now time.Duration
	a := &admission{clock: func() time.Duration { return now }}
	l := config.Limits{IPv4Prefix: 32, IPv6Prefix: 64, ConnectionsPerAddress: 1, HandshakesPerSecond: 1}
	local := netip.MustParseAddr("127.0.0.1")
	if _, _, ok := a.enter(local, "", &l); !ok {
		t.Fatal("the first is not let in")
	}
	for n := range 3 * maxIdleAddresses {
		if wait, _ := a.handshake(nthAddr(n), &l); wait != 0 {
			t.Fatalf("address %d is limited", n)
		}
	}
	if n := len(a.addresses.of); n > maxIdleAddresses+1 {
		t.Errorf("%d addresses are remembered, at most %d should be", n, maxIdleAddresses+1)
	}
	if err := a.addresses.check(); err != nil {
		t.Error(err)
	}
	if _, _, ok := a.enter(local, "", &l); ok {
		t.Error("one that has a connection was forgotten")
	}

	// The last to come are still limited, and forgotten when that makes no difference.
	last := nthAddr(3*maxIdleAddresses - 1)
	for i, want := range []time.Duration{0, time.Second} {
		if wait, _ := a.handshake(last, &l); wait != want {
			t.Errorf("handshake %d more: wait %v, want %v", i+1, wait, want)
		}
	}
	now += refill
	for range maxIdleAddresses {
		a.handshake(last, &l)
	}
	if n := len(a.addresses.of); n != 2 { // it, and the one with a connection
		t.Errorf("%d addresses are remembered when they have stopped coming", n)
	}
}

// BenchmarkAdmission is what the limits cost a stream in all, if they are on: its
// handshake, its place, and giving that back.
func BenchmarkAdmission(b *testing.B) {
	l := config.Limits{IPv4Prefix: 32, IPv6Prefix: 64, ConnectionsPerAddress: 1 << 20, ConnectionsPerUser: 1 << 20,
		HandshakesPerSecond: 1_000_000, TotalHandshakesPerSecond: 1_000_000}
	for _, n := range []int{1, 1 << 18} {
		b.Run(fmt.Sprintf("addresses=%d", n), func(b *testing.B) {
			a := newAdmission()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					addr := nthAddr(i % n)
					a.handshake(addr, &l)
					if g, _, ok := a.enter(addr, "alice", &l); ok {
						a.leave(g)
					}
				}
			})
		})
	}
}
