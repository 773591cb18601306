package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// few keeps what a router may need of the system's limits out of a test.
func few(c *config.Config) { c.API.MaxWebSocketConnections, c.API.MaxSSEConnections = 20, 20 }

func TestStreamingHealth(t *testing.T) {
	tests := []struct {
		name           string
		webSocket, sse bool
		want           string
	}{
		{"both", true, true, `{"enabled":true,"websocket_enabled":true,"sse_enabled":true}`},
		{"WebSocket", true, false, `{"enabled":true,"websocket_enabled":true,"sse_enabled":false}`},
		{"SSE", false, true, `{"enabled":true,"websocket_enabled":false,"sse_enabled":true}`},
		{"none", false, false, `{"enabled":false,"websocket_enabled":false,"sse_enabled":false}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := startFront(t, overTCP, few, func(c *config.Config) { c.API.EnableWebSocket, c.API.EnableSSE = tt.webSocket, tt.sse })
			res, body := f.request(t, "GET", "/v1/health/streaming", "")
			want := `{"status":"healthy","event_streaming":` + tt.want + `,"metrics":{"events_emitted_total":0,` +
				`"websocket_connections":0,"sse_connections":0,"websocket_messages_sent":0,"sse_messages_sent":0}}`
			if res.StatusCode != http.StatusOK || body != want {
				t.Errorf("%d\ngot  %s\nwant %s", res.StatusCode, body, want)
			}
		})
	}
}

// The numbers of the health page are those of the metrics.
func TestStreamingHealthCounts(t *testing.T) {
	f := startFront(t, overTCP, few)
	clients := []subscriber{f.dialWS(t, ""), f.dialWS(t, "events=MessageAdded"), f.dialSSE(t, "")}
	f.publish(t, flatAdded)
	f.publish(t, flatAdded+"\n"+flatAdded)
	for _, c := range clients {
		for range 3 {
			c.next()
		}
	}
	// Every text message counts, Subscribed as well.
	const want = `"metrics":{"events_emitted_total":3,"websocket_connections":2,"sse_connections":1,"websocket_messages_sent":8,"sse_messages_sent":3}}`
	eventually(t, "all is counted", func() bool {
		_, body := f.request(t, "GET", "/v1/health/streaming", "")
		return strings.HasSuffix(body, want)
	})
	for name, want := range map[string]string{
		"adic_events_emitted_total": "3", "adic_websocket_connections": "2", "adic_sse_connections": "1",
		"adic_websocket_messages_sent_total": "8", "adic_sse_messages_sent_total": "3",
	} {
		if got := f.metric(t, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

func TestNodeHealth(t *testing.T) {
	f := startFront(t, overTCP, few)
	for path, want := range map[string]string{
		"/health":       `{"status":"healthy","version":"test"}`,
		"/health/live":  `{"status":"live"}`,
		"/health/ready": `{"status":"ready"}`,
	} {
		if res, body := f.request(t, "GET", path, ""); res.StatusCode != http.StatusOK || body != want {
			t.Errorf("%s: %d %s, want 200 %s", path, res.StatusCode, body, want)
		}
	}
}

// wantDegraded expects the one reason, on both health pages, with 200.
func (f *front) wantDegraded(t *testing.T, reason string) {
	t.Helper()
	for _, path := range []string{"/v1/health/streaming", "/health"} {
		res, body := f.request(t, "GET", path, "")
		var page struct {
			Status  string
			Reasons []string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK || page.Status != "degraded" || len(page.Reasons) != 1 || !strings.Contains(page.Reasons[0], reason) {
			t.Errorf("%s: %d %s, want 200 and degraded because %q", path, res.StatusCode, body, reason)
		}
	}
	if res, _ := f.request(t, "GET", "/health/ready", ""); res.StatusCode != http.StatusOK {
		t.Errorf("not ready (%d), want ready: it serves on", res.StatusCode)
	}
}

func TestDegradedHealth(t *testing.T) {
	t.Parallel()
	t.Run("nearly all WebSocket connections taken", func(t *testing.T) {
		f := startFront(t, overTCP, few)
		for range 19 {
			f.dialWS(t, "")
		}
		f.wantDegraded(t, "19 of 20 WebSocket connections are taken (api.max_websocket_connections)")
	})
	t.Run("nearly all SSE connections taken", func(t *testing.T) {
		f := startFront(t, overTCP, few)
		for range 19 {
			f.dialSSE(t, "")
		}
		f.wantDegraded(t, "19 of 20 SSE connections are taken (api.max_sse_connections)")
	})
	t.Run("too few descriptors", func(t *testing.T) {
		f := startFront(t, overTCP, few)
		f.reload(t, func(c *config.Config) { c.API.MaxWebSocketConnections = math.MaxInt32 })
		f.wantDegraded(t, "open files")
	})
	t.Run("a high event was lost", func(t *testing.T) {
		f := startFront(t, overTCP, few, func(c *config.Config) { c.Events.HighPriorityBuffer = 2 })
		begin := f.poll(t, "").Cursor
		f.publish(t, added(1, 5))
		f.settle(t)
		f.poll(t, "since="+begin)
		f.wantDegraded(t, "lost high-priority events")
	})
	t.Run("a low event was lost", func(t *testing.T) { // as it may be
		f := startFront(t, overTCP, few, func(c *config.Config) { c.Events.LowPriorityBuffer = 2 })
		begin := f.poll(t, "").Cursor
		f.publish(t, nodeStarted(5))
		f.settle(t)
		if p := f.poll(t, "since="+begin); p.Dropped == nil {
			t.Fatal("nothing was lost")
		}
		if _, body := f.request(t, "GET", "/health", ""); !strings.Contains(body, `"healthy"`) {
			t.Errorf("%s, want healthy", body)
		}
	})
	t.Run("a part was restarted", func(t *testing.T) {
		f := startFront(t, overTCP, few)
		if err := f.router.Publish([]*event.Event{nil}); err == nil { // no event: the emitter panics
			t.Fatal("the emitter took a nil event")
		}
		f.wantDegraded(t, "restarted")
		f.publish(t, flatAdded) // and it goes on
	})
	t.Run("too much is pending", func(t *testing.T) {
		f := startFront(t, overTCP, few, func(c *config.Config) {
			c.Events.HighPriorityBuffer, c.Events.PendingEvents = 2, 5
			c.Stream.SendBuffer = 4 << 10
		})
		f.dialSSE(t, "") // reads nothing
		large := strings.Replace(flatAdded, "ab12", strings.Repeat("x", 100<<10), 1)
		eventually(t, "the pages say that too much is pending", func() bool {
			batch, err := f.parser.ParseBatch([]byte(large))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.router.Publish(batch); err == nil {
				return false
			} else if !errors.Is(err, actors.ErrOverloaded) {
				t.Fatal(err)
			}
			_, body := f.request(t, "GET", "/v1/health/streaming", "")
			return strings.Contains(body, fmt.Sprintf("%d %% of the room", 100))
		})
	})
}
