package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/config"
)

// A client may go on over any transport where it was on any other, after any
// event.
func TestResumeAcrossTransports(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, oneOfEach)
	f.settle(t)
	for _, format := range []string{"flat", "tagged"} {
		want := f.poll(t, "since=earliest&format="+format).Events
		for _, from := range followers {
			for _, to := range followers {
				t.Run(format+"/"+from.name+" to "+to.name, func(t *testing.T) {
					first := from.open(t, f, "earliest", "format="+format)
					for i := range len(want) - 1 {
						got := first.next()
						if got.data != string(want[i]) || !cursorText.MatchString(got.id) {
							t.Fatalf("event %d = %+v\nwant %s", i, got, want[i])
						}
						second := to.open(t, f, got.id, "format="+format)
						if rest := second.next(); rest.data != string(want[i+1]) {
							t.Errorf("after event %d: %+v\nwant %s", i, rest, want[i+1])
						}
					}
				})
			}
		}
	}
}

// What is published reaches every client that waits, in the form it asked for,
// and in the order of emission.
func TestPublishReachesEveryTransport(t *testing.T) {
	f := startFront(t, overTCP)
	end := f.poll(t, "").Cursor
	clients := make(map[string]subscriber)
	for _, way := range followers {
		for _, format := range []string{"flat", "tagged"} {
			clients[way.name+" "+format] = way.open(t, f, end, "events=MessageAdded,NodeStarted&format="+format)
		}
	}
	for range 20 {
		f.publish(t, `{"type":"NodeStarted","node_id":"n","version":"1","timestamp":"2024-01-15T10:30:00Z"}`)
		f.publish(t, `{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,"current_k_value":null}`) // for nobody
		want := map[string]string{
			"flat":   `{"type":"NodeStarted","node_id":"n","version":"1","timestamp":"2024-01-15T10:30:00Z"}`,
			"tagged": `{"type":"NodeStarted","data":{"node_id":"n","version":"1","timestamp":1705314600}}`,
		}
		for name, c := range clients {
			if got, form := c.next(), strings.Fields(name)[1]; got.data != want[form] {
				t.Errorf("%s got %+v", name, got)
			}
		}
		f.publish(t, taggedAdded)
		want = map[string]string{"flat": flatAdded, "tagged": taggedAdded}
		for name, c := range clients {
			if got, form := c.next(), strings.Fields(name)[1]; got.data != want[form] {
				t.Errorf("%s got %+v", name, got)
			}
		}
	}
}

func TestWebSocketMessages(t *testing.T) {
	f := startFront(t, overTCP)
	tests := []struct{ path, subscribed string }{
		{"/v1/ws/events", `{"type":"Subscribed","events":["all"]}`},
		{"/", `{"type":"Subscribed","events":["all"]}`},
		{"/v1/ws/events?events=finality.update,TipsUpdated", `{"type":"Subscribed","events":["TipsUpdated","MessageFinalized"]}`},
		{"/?events=vrf.*", `{"type":"Subscribed","events":["VRFCommitSubmitted","VRFRevealOpened","VRFRandomnessFinalized"]}`},
		{"/v1/ws/events?events=TipsUpdated,all", `{"type":"Subscribed","events":["all"]}`},
	}
	for _, tt := range tests {
		c := f.dialBareWS(t, tt.path)
		if got := c.next(); got.data != tt.subscribed {
			t.Errorf("%s: %s, want %s", tt.path, got.data, tt.subscribed)
		}
		c.leave()
	}
	f.publish(t, flatAdded)
	f.settle(t)
	id := f.poll(t, "since=earliest").Cursor
	for query, want := range map[string]string{
		"":                        `{"type":"Event","event":` + flatAdded + `}`,
		"&ids=false":              `{"type":"Event","event":` + flatAdded + `}`,
		"&ids=true":               `{"type":"Event","id":"` + id + `","event":` + flatAdded + `}`,
		"&format=tagged":          `{"type":"Event","event":` + taggedAdded + `}`,
		"&format=tagged&ids=true": `{"type":"Event","id":"` + id + `","event":` + taggedAdded + `}`,
	} {
		c := f.dialWS(t, "since=earliest"+query)
		if _, got, err := c.conn.ReadMessage(); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", query, got, err, want)
		}
		c.leave()
	}
}

func TestSSEForm(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, flatAdded)
	f.settle(t)
	id := f.poll(t, "since=earliest").Cursor
	for query, event := range map[string]string{
		"format=flat":            "event: MessageAdded\ndata: " + flatAdded,
		"format=tagged":          "event: message.new\ndata: " + taggedAdded,
		"format=tagged&ids=true": "event: message.new\ndata: " + taggedAdded, // ids are always there
	} {
		c := f.dialSSE(t, "since=earliest&"+query)
		wantHeaders(t, c.head, "Content-Type: text/event-stream", "Cache-Control: no-cache", "X-Accel-Buffering: no", "Content-Length: ", "Transfer-Encoding: ")
		c.next()
		retry, rest, _ := strings.Cut(strings.Join(c.lines, "\n"), "\n\n")
		if want := "id: " + id + "\n" + event + "\n"; rest != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, rest, want)
		}
		var ms int
		if _, err := fmt.Sscanf(retry, "retry: %d", &ms); err != nil || ms <= 0 {
			t.Errorf("the stream begins with %q, want a time to retry", retry)
		}
	}
	c := f.dial(t)
	for range 2 { // the connection does not become a stream
		head, body := c.request(f, "HEAD", "/v1/sse/events", "")
		if head.StatusCode != http.StatusOK || body != "" {
			t.Errorf("HEAD = %d %q, want 200", head.StatusCode, body)
		}
		wantHeaders(t, head, "Content-Type: text/event-stream", "Cache-Control: no-cache")
	}
}

func TestSSEHeartbeat(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP, func(c *config.Config) { c.Stream.HeartbeatInterval = time.Second })
	with := []*sseClient{f.dialSSE(t, ""), f.dialSSE(t, "heartbeat=true")}
	without := f.dialSSE(t, "heartbeat=false")
	for _, c := range with {
		for c.heartbeats < 2 {
			c.line()
		}
	}
	f.publish(t, flatAdded)
	for _, c := range append(with, without) {
		if got := c.next(); got.data != flatAdded {
			t.Errorf("got %+v, want the event", got)
		}
		if c.retries != 1 {
			t.Errorf("%d times to retry, want one at the start", c.retries)
		}
	}
	if without.heartbeats != 0 {
		t.Errorf("%d heartbeats where none are wanted", without.heartbeats)
	}
	eventually(t, "3 messages are counted, and no comments", func() bool { return f.metric(t, "adic_sse_messages_sent_total") == "3" })
}
