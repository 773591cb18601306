package server

import (
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/config"
)

// admission counts who is in and how often who comes, by address and by user: what
// the section [limits] bounds. What no limit asks for is not counted.
type admission struct {
	clock     func() time.Duration // counts from any moment
	mu        sync.Mutex
	total     bucket // handshakes of all
	addresses addresses
	users     map[string]int // connections
}

func newAdmission() *admission {
	began := time.Now()
	return &admission{clock: func() time.Duration { return time.Since(began) }}
}

// network returns what counts as one address with addr.
func network(addr netip.Addr, l *config.Limits) netip.Prefix {
	bits := l.IPv6Prefix
	if addr.Is4() {
		bits = l.IPv4Prefix
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // of what has no address
	}
	return p
}

// handshake counts the beginning of a stream. Where that is one too many it returns
// how long to wait, and whether that is because of all or of this address alone.
func (a *admission) handshake(from netip.Addr, l *config.Limits) (wait time.Duration, all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock()
	var who *address
	if l.HandshakesPerSecond > 0 {
		who = a.addresses.see(network(from, l), now)
		if wait := who.handshakes.take(now, l.HandshakesPerSecond); wait > 0 {
			return wait, false
		}
	}
	wait = a.total.take(now, l.TotalHandshakesPerSecond)
	if wait > 0 && who != nil {
		who.handshakes.putBack(l.HandshakesPerSecond)
	}
	return wait, true
}

// request counts a request to publish or to poll, and returns 0, or how long to wait
// where it is one too many.
func (a *admission) request(from netip.Addr, l *config.Limits) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock()
	return a.addresses.see(network(from, l), now).requests.take(now, l.RequestsPerSecond)
}

// guest is a connection that was counted. A nil address and an empty user were not.
type guest struct {
	address *address
	user    string
}

// enter counts a connection. If it is one too many it reports the reason, and counts
// nothing. leave takes back what was counted.
func (a *admission) enter(from netip.Addr, user string, l *config.Limits) (g guest, why reason, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if user != "" && l.ConnectionsPerUser > 0 {
		if a.users[user] >= l.ConnectionsPerUser {
			return guest{}, userLimit, false
		}
		g.user = user
	}
	if l.ConnectionsPerAddress > 0 {
		g.address = a.addresses.see(network(from, l), a.clock())
		if g.address.connections >= l.ConnectionsPerAddress {
			return guest{}, addressLimit, false
		}
		a.addresses.connect(g.address)
	}
	if g.user != "" {
		if a.users == nil {
			a.users = make(map[string]int)
		}
		a.users[user]++
	}
	return g, 0, true
}

// leave takes back what enter has counted.
func (a *admission) leave(g guest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g.address != nil {
		a.addresses.disconnect(g.address, a.clock())
	}
	if g.user != "" {
		if a.users[g.user]--; a.users[g.user] == 0 {
			delete(a.users, g.user)
		}
	}
}

// mayBegin answers handshakes that are too many for their address, or for all.
func (s *Server) mayBegin(ctx *fasthttp.RequestCtx) bool {
	l := &s.config.Load().Limits
	if l.HandshakesPerSecond == 0 && l.TotalHandshakesPerSecond == 0 {
		return true
	}
	switch wait, all := s.admission.handshake(s.clientAddr(ctx), l); {
	case wait == 0:
		return true
	case all:
		s.metrics.reject(totalHandshakeRate)
		refuse(ctx, fasthttp.StatusServiceUnavailable, "more streams are begun than this router takes (limits.total_handshakes_per_second is %d)", l.TotalHandshakesPerSecond)
		retryAfter(ctx, wait)
	default:
		s.metrics.reject(handshakeRate)
		refuse(ctx, fasthttp.StatusTooManyRequests, "this address begins more than %d streams a second (limits.handshakes_per_second)", l.HandshakesPerSecond)
		retryAfter(ctx, wait)
	}
	return false
}

// mayAsk answers requests that are too many for their address.
func (s *Server) mayAsk(ctx *fasthttp.RequestCtx) bool {
	l := &s.config.Load().Limits
	if l.RequestsPerSecond == 0 {
		return true
	}
	wait := s.admission.request(s.clientAddr(ctx), l)
	if wait > 0 {
		s.metrics.reject(requestRate)
		refuse(ctx, fasthttp.StatusTooManyRequests, "this address asks more than %d times a second (limits.requests_per_second); publish in batches, use a stream", l.RequestsPerSecond)
		retryAfter(ctx, wait)
	}
	return wait == 0
}

// fullWait is what clients are told to wait that have all the connections they may.
// Nobody knows when one of them ends.
const fullWait = 10 * time.Second

// mayStay answers connections that are too many for their address or their user,
// which is empty where anyone may subscribe. For another one it returns what gives
// its place among all of its kind and in the limits back, to be called once.
func (s *Server) mayStay(ctx *fasthttp.RequestCtx, user string, kind *slots) (leave func(), ok bool) {
	l := &s.config.Load().Limits
	if l.ConnectionsPerAddress == 0 && (l.ConnectionsPerUser == 0 || user == "") {
		return kind.free, true
	}
	who, why, ok := s.admission.enter(s.clientAddr(ctx), user, l)
	if !ok {
		kind.free()
		s.metrics.reject(why)
		if why == userLimit {
			refuse(ctx, fasthttp.StatusTooManyRequests, "this user has all %d connections that one user may have (limits.connections_per_user)", l.ConnectionsPerUser)
		} else {
			refuse(ctx, fasthttp.StatusTooManyRequests, "this address has all %d connections that one address may have (limits.connections_per_address)", l.ConnectionsPerAddress)
		}
		retryAfter(ctx, fullWait)
		return nil, false
	}
	return func() {
		kind.free()
		s.admission.leave(who)
	}, true
}

// retryAfter says how long to wait, in whole seconds (RFC 9110 §10.2.3).
func retryAfter(ctx *fasthttp.RequestCtx, wait time.Duration) {
	ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}
