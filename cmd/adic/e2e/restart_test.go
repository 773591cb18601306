package e2e

import (
	"testing"
	"time"
)

// A graceful restart takes no client its stream. Those that are asked to leave
// early in the drain come back while the old router still refuses streams: a
// WebSocket application tries again, but an EventSource gives up for good on an
// answer other than 200, so it has to be told to wait until the drain is over.
// With the new router they resume from a cursor of a stream that is lost, and so
// get all that there is, after a Lagged that says that nobody knows what else
// there was.
func TestClientsSurviveARestart(t *testing.T) {
	t.Parallel()
	const drain = 6 * time.Second // longer than an EventSource waits by itself
	old := startRouter(t, "--stream.drain_timeout", drain.String())
	line := layCable(t, old.addr)
	clients := []*process{node(t, "websocket.js", map[string]any{"url": webSocketURL(line.addr())})}
	for range 3 {
		clients = append(clients, node(t, "eventsource.js", map[string]any{"url": sseURL(line.addr()), "types": kindNames()}))
	}
	for _, p := range clients {
		eventually(t, "the streams are open", func() bool { return opened(p.records(t)) == 1 })
	}
	f := newFeed(old)
	f.publish(t, len(kinds))
	for _, p := range clients {
		f.awaitIn(t, func() []record { return p.records(t) })
	}

	old.terminate()
	next := startRouter(t)
	newFeed(next).publish(t, len(kinds))
	line.lead(next.addr)

	for _, p := range clients {
		var got []record
		eventually(t, "the clients follow the new router", func() bool {
			got = p.records(t)
			for _, r := range got {
				if r.Type == "Closed" && r.Final {
					t.Fatal("an EventSource has given up for good")
				}
			}
			return count(got, "Event") >= 6
		})
		var seqs []int
		for _, r := range got {
			switch r.Type {
			case "Event":
				seqs = append(seqs, r.Event.Seq)
			case "Lagged":
				if len(seqs) != 3 || r.Dropped["high"] != nil || r.Dropped["medium"] != nil || r.Dropped["low"] != nil {
					t.Errorf("received %s after the events %v", r.raw, seqs)
				}
			case "Closed":
				if r.Code != 0 && r.Code != 1001 && r.Code != 1006 { // nothing known, going away, refused
					t.Errorf("closed with %d", r.Code)
				}
			}
		}
		if len(seqs) != 6 || count(got, "Lagged") != 1 {
			t.Errorf("received the events %v and %d Lagged, want three events of each router and one Lagged", seqs, count(got, "Lagged"))
		}
	}
	if ws := clients[0].records(t); !hasCode(ws, 1001) {
		t.Error("the WebSocket was not closed with 1001 (going away)")
	}
}

func hasCode(records []record, code int) bool {
	for _, r := range records {
		if r.Code == code {
			return true
		}
	}
	return false
}
