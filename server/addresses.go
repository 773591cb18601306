package server

import (
	"net/netip"
	"time"
)

// address is what is known of those who come from one network.
type address struct {
	network     netip.Prefix
	connections int
	handshakes  bucket
	requests    bucket

	// Those without connections are in a list, by the time they were seen last.
	seen         time.Duration
	older, newer *address
}

// maxIdleAddresses bounds the addresses that are remembered although they have no
// connection: about 10 MB. Who has a whole IPv6 network can send from more.
const maxIdleAddresses = 1 << 16

// addresses are those who have a connection, and those who came so lately that
// their buckets may not be full again. Of more than maxIdleAddresses of the latter
// the one that was not seen for the longest is forgotten: its buckets are full when
// it comes again, which limits less than they should. Then only the limit of all
// handshakes holds.
type addresses struct {
	of             map[netip.Prefix]*address
	idle           int
	oldest, newest *address
}

// see returns the address of a network, which has come at now.
func (as *addresses) see(network netip.Prefix, now time.Duration) *address {
	// Two go for one that comes, so that a rush does not stay, and none waits for
	// many to be cleared away.
	for range 2 {
		if as.oldest == nil || now-as.oldest.seen < refill {
			break
		}
		as.forget(as.oldest)
	}
	a := as.of[network]
	switch {
	case a == nil:
		if as.idle >= maxIdleAddresses {
			as.forget(as.oldest)
		}
		if as.of == nil {
			as.of = make(map[netip.Prefix]*address)
		}
		a = &address{network: network}
		as.of[network] = a
	case a.connections == 0:
		as.unlink(a)
	}
	a.seen = now
	if a.connections == 0 {
		as.link(a)
	}
	return a
}

// connect counts a connection of a, which see has returned.
func (as *addresses) connect(a *address) {
	if a.connections == 0 {
		as.unlink(a)
	}
	a.connections++
}

// disconnect takes back one connect, at now.
func (as *addresses) disconnect(a *address, now time.Duration) {
	a.connections--
	if a.connections > 0 {
		return
	}
	a.seen = now
	as.link(a)
	if as.idle > maxIdleAddresses {
		as.forget(as.oldest)
	}
}

// forget removes an idle address.
func (as *addresses) forget(a *address) {
	as.unlink(a)
	delete(as.of, a.network)
}

// link makes a the newest of the idle.
func (as *addresses) link(a *address) {
	a.older, a.newer = as.newest, nil
	if as.newest != nil {
		as.newest.newer = a
	} else {
		as.oldest = a
	}
	as.newest = a
	as.idle++
}

func (as *addresses) unlink(a *address) {
	if a.older != nil {
		a.older.newer = a.newer
	} else {
		as.oldest = a.newer
	}
	if a.newer != nil {
		a.newer.older = a.older
	} else {
		as.newest = a.older
	}
	a.older, a.newer = nil, nil
	as.idle--
}
