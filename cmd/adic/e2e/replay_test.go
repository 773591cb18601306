package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// A client of a cluster that comes back from further away than the router's memory
// reaches gets what it has missed from JetStream, over every transport.
func TestClusterRemembers(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	startNATS(t, addr, t.TempDir())
	r := startOdd(t, nil, "--cluster.nats", "nats://"+addr, "--auth.publish_token", publishToken, "--stream.drain_timeout", "0s",
		"--events.high_priority_buffer", "10", "--events.medium_priority_buffer", "5", "--events.low_priority_buffer", "3")
	begin := parsePage(t, r.get(t, "/v1/events")).Cursor
	const count = 700
	var batch strings.Builder
	for i := range count {
		fmt.Fprintf(&batch, "%s}\n", numbered(i))
	}
	r.publish(t, batch.String())
	eventually(t, "all have come", func() bool { return r.metrics(t)["adic_events_emitted_total"] == count })
	for _, transport := range []string{"websocket", "sse", "polling"} {
		out, err := run(t, "", adic(), "tail", "--json", "--since", begin, "--count", "700", "--transport", transport, r.http())
		if err != nil {
			t.Fatalf("%s: %v", transport, err)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		for i, line := range lines {
			if !strings.HasPrefix(line, numbered(i)) {
				t.Fatalf("%s: event %d of %d is %s", transport, i, len(lines), line)
			}
		}
		if len(lines) != count {
			t.Errorf("%s: %d events, want %d", transport, len(lines), count)
		}
	}
}

// numbered is the beginning of an event.
func numbered(n int) string {
	return fmt.Sprintf(`{"type":"MessageAdded","message_id":"m%d","depth":42`, n)
}
