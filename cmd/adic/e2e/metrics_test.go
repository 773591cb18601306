package e2e

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// metrics returns the values of the metrics, by name with labels.
func (r *router) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	for line := range strings.Lines(r.get(t, "/metrics")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimSpace(line)
		cut := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			t.Fatalf("no value: %s", line)
		}
		values[line[:cut]] = value
	}
	return values
}

// The metrics that the protocol promises count what happens.
func TestMetricsMove(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--events.low_priority_buffer", "2")
	moves := func(what string, want map[string]float64, before map[string]float64) {
		t.Helper()
		var after map[string]float64
		eventually(t, "the metrics move: "+what, func() bool {
			after = r.metrics(t)
			for name, by := range want {
				if after[name]-before[name] < by {
					return false
				}
			}
			return true
		})
		for name, by := range want {
			if after[name]-before[name] != by {
				t.Errorf("%s: %s went from %g to %g, want %g more", what, name, before[name], after[name], by)
			}
		}
	}

	before := r.metrics(t)
	for _, name := range []string{
		"adic_events_emitted_total", "adic_websocket_connections", "adic_sse_connections",
		"adic_websocket_messages_sent_total", "adic_sse_messages_sent_total", `adic_events_dropped_total{priority="low"}`,
	} {
		if _, ok := before[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}

	socket := node(t, "websocket.js", map[string]any{"url": webSocketURL(r.addr)})
	stream := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", sseURL(r.addr))
	moves("two clients", map[string]float64{
		"adic_websocket_connections":         1,
		"adic_sse_connections":               1,
		"adic_websocket_messages_sent_total": 1, // Subscribed
	}, before)

	before = r.metrics(t)
	newFeed(r).publish(t, 2*len(kinds))
	moves("ten events, six of which are wanted", map[string]float64{
		"adic_events_emitted_total":          10,
		"adic_websocket_messages_sent_total": 6,
		"adic_sse_messages_sent_total":       6,
	}, before)

	// Who comes back after more low events than are retained has lost the rest.
	before = r.metrics(t)
	cursor := parsePage(t, r.get(t, "/v1/events")).Cursor
	const low = `{"type":"EconomicsUpdated","total_supply":"1","circulating_supply":"1","treasury_balance":"1"}` + "\n"
	r.publish(t, strings.Repeat(low, 5))
	late := start(t, tool(t, "curl"), "--silent", "--no-buffer", r.http()+"/v1/sse/events?since="+cursor)
	moves("three events lost", map[string]float64{
		"adic_events_emitted_total":                 5,
		`adic_events_dropped_total{priority="low"}`: 3,
		"adic_sse_messages_sent_total":              3, // Lagged and two events
	}, before)

	for _, p := range []*process{socket, stream, late} {
		p.terminate()
	}
	eventually(t, "the connections are counted down", func() bool {
		now := r.metrics(t)
		return now["adic_websocket_connections"] == 0 && now["adic_sse_connections"] == 0
	})
}

// The metrics of a router at work are complete, and promtool has nothing to say
// about them.
func TestMetricsAreCleanAndComplete(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=100")
	curl := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", r.http()+"/v1/sse/events")
	node(t, "websocket.js", map[string]any{"url": r.ws() + "/v1/ws/events?since=nonsense"}) // is refused over and over
	eventually(t, "events arrive and streams are refused", func() bool {
		return count(parseSSE(t, curl.stdout.lines()), "Event") > 0 &&
			r.metrics(t)[`adic_rejections_total{reason="bad_parameter"}`] > 0
	})

	metrics := r.metrics(t)
	for _, prefix := range []string{ // what the protocol page wants besides
		"adic_events_dropped_total{priority=", "adic_connections_lagging", "adic_rejections_total{reason=",
		"adic_delivery_latency_seconds_bucket{le=", "adic_bytes_sent_total{transport=", "adic_ring_events{priority=",
		"adic_events_pending{priority=", "adic_actor_restarts_total{actor=", "adic_source_", "go_goroutines",
		"process_resident_memory_bytes",
	} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(metrics)), func(name string) bool { return strings.HasPrefix(name, prefix) }) {
			t.Errorf("there is no %s", prefix)
		}
	}
	for _, name := range []string{
		`adic_bytes_sent_total{transport="sse"}`, "adic_delivery_latency_seconds_count", `adic_ring_events{priority="high"}`,
	} {
		if metrics[name] <= 0 {
			t.Errorf("%s is %g", name, metrics[name])
		}
	}

	for _, path := range []string{"/metrics", "/v1/metrics"} {
		if out, err := run(t, r.get(t, path), tool(t, "promtool"), "check", "metrics"); err != nil || out != "" {
			t.Errorf("promtool about %s: %v\n%s", path, err, out)
		}
	}
}
