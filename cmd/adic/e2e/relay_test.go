package e2e

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// relayOf starts a relay of routers, the one to prefer first.
func relayOf(t *testing.T, addrs ...string) *router {
	t.Helper()
	return startOdd(t, nil, append(relayFlags(addrs...), roomy...)...)
}

func relayFlags(addrs ...string) (flags []string) {
	var urls []string
	for _, addr := range addrs {
		urls = append(urls, "ws://"+addr)
	}
	return []string{"--source.relay.url", strings.Join(urls, ","), "--stream.drain_timeout", "0s"}
}

// reserve returns an address that nobody listens on.
func reserve(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// portOf returns the flags that make a router listen on an address.
func portOf(addr string) []string {
	return []string{"--api.port", addr[strings.LastIndex(addr, ":")+1:]}
}

// A root, two relays of it and one below both: their clients move from one to the other
// when it is killed, and the relay below does. The root is killed, and comes back with
// its journal. Everybody receives everything once, with the cursors of the root.
func TestRelays(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), reserve(t)
	startRoot := func() *router { return withJournal(t, dir, append(portOf(addr), roomy...)...) }
	root := startRoot()
	a, b := relayOf(t, addr), relayOf(t, addr)
	below := relayOf(t, a.addr, b.addr)
	var at, deep address
	at.set(a)
	deep.set(below)
	survivors := []*survivor{survive(t, "WebSocket", &at), survive(t, "SSE", &at), survive(t, "polling", &at),
		survive(t, "WebSocket", &deep), survive(t, "SSE", &deep)}
	f := newFeed(root)
	published := func() (all []int) {
		for seq := range f.sent {
			all = append(all, seq+1)
		}
		return all
	}
	exchange := func(relays ...*router) {
		t.Helper()
		for range 10 {
			f.publish(t, 37)
		}
		for _, s := range survivors {
			eventually(t, "the "+s.transport+" client has all events", func() bool { s.check(t); return s.has(published()) })
		}
		for _, r := range relays {
			eventually(t, "the relay is where the root is", func() bool {
				return parsePage(t, r.get(t, "/v1/events")).Cursor == parsePage(t, root.get(t, "/v1/events")).Cursor
			})
		}
	}
	for _, r := range []*router{a, b, below} {
		eventually(t, "the relay has a stream", func() bool {
			status, _, _ := r.status(t, http.MethodGet, "/health/ready", "")
			return status == http.StatusOK
		})
	}
	exchange(a, b, below)
	a.kill()
	at.set(b)
	exchange(b, below)
	a = relayOf(t, addr)
	exchange(a, b, below)

	root.kill()
	eventually(t, "the health says that the root is away", func() bool {
		status, reasons := b.health(t)
		return status == "degraded" && strings.Contains(strings.Join(reasons, "\n"), "no upstream is followed")
	})
	root = startRoot()
	f.router = root
	exchange(a, b, below)
	for _, s := range survivors {
		s.stop()
		s.check(t)
	}

	// Nothing can be published to a relay.
	if status, _, body := b.status(t, http.MethodPost, "/v1/events", "[]"); status != http.StatusForbidden {
		t.Errorf("publishing to a relay: %d %s", status, body)
	}
	if m := b.metrics(t); m[`adic_source_up{source="relay"}`] != 1 || m[`adic_source_events_total{source="relay"}`] == 0 || m[`adic_source_errors_total{source="relay"}`] == 0 {
		t.Errorf("metrics of the relay: %v", b.get(t, "/metrics"))
	}
}

// A relay of itself, or of its own relay, is refused.
func TestRelayLoops(t *testing.T) {
	t.Parallel()
	one, two := reserve(t), reserve(t)
	self := startOdd(t, nil, append(relayFlags(one), portOf(one)...)...)
	eventually(t, "the loop is found", func() bool {
		return strings.Contains(self.get(t, "/v1/health/streaming"), "a loop; set source.relay.url")
	})
	if status, _, body := self.status(t, http.MethodGet, "/v1/events", ""); status != http.StatusServiceUnavailable {
		t.Errorf("a relay without a stream: %d %s", status, body)
	}
	self.kill()

	root := startOdd(t, nil, "--stream.drain_timeout", "0s")
	first := startOdd(t, nil, append(relayFlags(two, root.addr), portOf(one)...)...) // two is not there yet
	eventually(t, "the second is taken", func() bool { return strings.Contains(first.get(t, "/v1/health/streaming"), `"upstream":["`) })
	second := startOdd(t, nil, append(relayFlags(first.addr), portOf(two)...)...)
	eventually(t, "it follows the first", func() bool { return strings.Count(second.get(t, "/v1/health/streaming"), `","`) >= 2 })
	root.kill()
	eventually(t, "the first does not follow the second", func() bool {
		return strings.Contains(first.get(t, "/v1/health/streaming"), "a loop; set source.relay.url")
	})
}
