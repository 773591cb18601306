//go:build linux

package e2e

import (
	"net"
	"slices"
	"strings"
	"testing"
)

// NATS is behind a link that is cut without a word: clients stay connected, the health
// says why they get nothing new, and when the link is back everything goes on from where
// it was.
func TestNATSCutOff(t *testing.T) {
	program, err := natsServer()
	if err != nil {
		t.Fatalf("cannot build nats-server: %v", err)
	}
	isle := newIsland(t)
	const port = "4222" // which is free there
	start(t, tool(t, "ip"), "netns", "exec", isle.name, program, "-js", "-sd", t.TempDir(), "-a", isle.far, "-p", port)
	eventually(t, "the NATS server listens", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort(isle.far, port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	r := startOdd(t, nil, append([]string{"--cluster.nats", "nats://" + net.JoinHostPort(isle.far, port), "--auth.publish_token", publishToken,
		"--stream.drain_timeout", "0s"}, roomy...)...)
	at := &address{}
	at.set(r)
	survivors := []*survivor{survive(t, "WebSocket", at), survive(t, "SSE", at)}
	f := newFeed(r)
	exchange := func() {
		t.Helper()
		f.publish(t, 100)
		for _, s := range survivors {
			eventually(t, "the "+s.transport+" client has all events", func() bool {
				s.check(t)
				_, n := s.received()
				return n >= f.sent
			})
		}
	}
	exchange()
	connected := func() float64 {
		m := r.metrics(t)
		return m["adic_websocket_connections"] + m["adic_sse_connections"]
	}
	before := connected()

	isle.cut(t)
	eventually(t, "the health says so", func() bool {
		status, reasons := r.health(t)
		return status == "degraded" && strings.Contains(strings.Join(reasons, "\n"), "the streams of the cluster are not followed")
	})
	if now := connected(); now != before {
		t.Errorf("%v clients are connected, were %v", now, before)
	}
	isle.mend(t)
	eventually(t, "the router follows again", func() bool {
		_, reasons := r.health(t)
		return !slices.ContainsFunc(reasons, func(s string) bool { return strings.Contains(s, "the streams of the cluster") })
	})
	exchange()
	for _, s := range survivors {
		s.stop()
		s.check(t)
	}
}
