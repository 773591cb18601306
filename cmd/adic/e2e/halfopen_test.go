//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// An island is a network namespace that is reached over one link only.
type island struct {
	name string // of the namespace, and of the link's end here
	here string // the address of this side
	far  string // that of the other
}

// newIsland makes an island, which is gone when the test ends.
func newIsland(t *testing.T) *island {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test makes a network namespace and a veth pair, which needs root or CAP_NET_ADMIN and CAP_SYS_ADMIN: " +
			"run the tests as root, in a container with --cap-add NET_ADMIN --cap-add SYS_ADMIN")
	}
	n := os.Getpid() % 8192
	// RFC 2544 has these addresses for tests of networks; nobody routes them.
	subnet := 4 * n
	address := func(host int) string { return fmt.Sprintf("198.18.%d.%d", subnet>>8, subnet&0xff+host) }
	i := &island{name: fmt.Sprintf("adic%d", os.Getpid()), here: address(1), far: address(2)}
	i.ip(t, "netns", "add", i.name)
	i.removeLater(t, "netns", "delete", i.name)
	i.ip(t, "link", "add", i.name, "type", "veth", "peer", "name", "mainland", "netns", i.name)
	i.removeLater(t, "link", "delete", i.name) // the namespace would keep it for a moment
	i.ip(t, "address", "add", i.here+"/30", "dev", i.name)
	i.ip(t, "link", "set", i.name, "up")
	i.ip(t, "-n", i.name, "address", "add", i.far+"/30", "dev", "mainland")
	i.ip(t, "-n", i.name, "link", "set", "mainland", "up")
	return i
}

// ip runs ip(8).
func (i *island) ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := run(t, "", tool(t, "ip"), args...); err != nil {
		t.Fatalf("cannot make a network for the test: ip %v: %v: %s", args, err, out)
	}
}

// removeLater runs ip(8) when the test ends.
func (i *island) removeLater(t *testing.T, args ...string) {
	t.Cleanup(func() { // when the context of the test has ended
		if out, err := exec.Command(tool(t, "ip"), args...).CombinedOutput(); err != nil {
			t.Errorf("cannot remove the network of the test: ip %v: %v: %s", args, err, out)
		}
	})
}

// cut takes the far end of the link down: nothing arrives any more, and no side is told.
func (i *island) cut(t *testing.T) { i.ip(t, "-n", i.name, "link", "set", "mainland", "down") }

// mend takes it up again.
func (i *island) mend(t *testing.T) { i.ip(t, "-n", i.name, "link", "set", "mainland", "up") }

// Clients that are cut off without a word are found out by pings, or by what they
// should have taken, of both transports, with and without events; and it is no matter
// to the others.
func TestHalfOpenConnectionsAreFoundOut(t *testing.T) {
	const each = 100
	for _, events := range []bool{false, true} {
		t.Run(fmt.Sprintf("events %v", events), func(t *testing.T) {
			far := newIsland(t)
			r := startRouter(t, "--api.host", far.here, "--stream.ping_interval", "1s", "--stream.heartbeat_interval", "1s",
				"--stream.stall_timeout", "3s")
			c := newCrowd(t, r.addr)
			c.pace = 50 * time.Millisecond
			c.follow(t, 1)
			before := r.footprint(t)
			if events {
				c.publish(1)
			}
			clients := start(t, tool(t, "ip"), "netns", "exec", far.name, adic(), "bench", r.http(),
				"--websocket", fmt.Sprint(each), "--sse", fmt.Sprint(each), "--duration", "1h")
			eventually(t, "the clients have connected", func() bool {
				clients.mustRun(t)
				now := r.footprint(t)
				return now.webSockets == before.webSockets+each && now.sse == before.sse+each
			})
			if events {
				r.wantDeliveries(t, 10*each)
			}

			far.cut(t)
			began := time.Now()
			eventually(t, "the WebSockets are found out", func() bool { return r.footprint(t).webSockets == before.webSockets })
			t.Logf("after %v no WebSocket of the other side is left", time.Since(began))
			eventually(t, "the event streams are found out", func() bool { return r.footprint(t).sse == before.sse })
			t.Logf("after %v no event stream is left", time.Since(began))
			if got := r.metrics(t)["adic_clients_stalled_total"]; got < each { // pings find out WebSockets, and are not counted
				t.Errorf("%g clients are counted as stalled, want at least %d", got, each)
			}
			r.wantBack(t, before, 64<<20)
			clients.signal(os.Kill) // it cannot tell anybody
			c.hush(t)
			c.wantAll(t)
			c.wantUndisturbed(t)
		})
	}
}
