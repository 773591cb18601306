package e2e

import (
	"encoding/json"
	"slices"
	"testing"
)

const debianPython = "/usr/bin/python3" // the one that has Debian's packages

// clientPrograms are programs that follow a router by themselves: they connect
// again when the connection is lost, and resume.
var clientPrograms = []struct {
	name   string
	router []string // flags
	start  func(t *testing.T, addr string) *process
}{
	{name: "npm ws", start: func(t *testing.T, addr string) *process {
		return node(t, "websocket.js", map[string]any{"url": webSocketURL(addr)})
	}},
	{name: "npm ws, compressed", router: []string{"--stream.compression"}, start: func(t *testing.T, addr string) *process {
		return node(t, "websocket.js", map[string]any{"url": webSocketURL(addr)})
	}},
	{name: "npm eventsource", start: func(t *testing.T, addr string) *process {
		return node(t, "eventsource.js", map[string]any{"url": sseURL(addr), "types": kindNames()})
	}},
	{name: "aiohttp WebSocket", start: func(t *testing.T, addr string) *process {
		return start(t, tool(t, debianPython), "testdata/clients/ws_aiohttp.py", webSocketURL(addr))
	}},
	{name: "aiohttp SSE", start: func(t *testing.T, addr string) *process {
		return start(t, tool(t, debianPython), "testdata/clients/sse_aiohttp.py", sseURL(addr))
	}},
	{name: "websockets", start: func(t *testing.T, addr string) *process {
		return start(t, tool(t, debianPython), "testdata/clients/ws_websockets.py", webSocketURL(addr))
	}},
	{name: "websockets, compressed", router: []string{"--stream.compression"}, start: func(t *testing.T, addr string) *process {
		return start(t, tool(t, debianPython), "testdata/clients/ws_websockets.py", webSocketURL(addr))
	}},
	{name: "Chromium WebSocket", start: func(t *testing.T, addr string) *process {
		return browser(t, "http://"+addr+"/health/live", "websocket.js", map[string]any{"url": webSocketURL(addr)})
	}},
	{name: "Chromium WebSocket, compressed", router: []string{"--stream.compression"}, start: func(t *testing.T, addr string) *process {
		return browser(t, "http://"+addr+"/health/live", "websocket.js", map[string]any{"url": webSocketURL(addr)})
	}},
	{name: "Chromium EventSource", start: func(t *testing.T, addr string) *process {
		return browser(t, "http://"+addr+"/health/live", "eventsource.js", map[string]any{"url": sseURL(addr), "types": kindNames()})
	}},
}

func webSocketURL(addr string) string { return "ws://" + addr + "/v1/ws/events?ids=true&" + filter }
func sseURL(addr string) string       { return "http://" + addr + "/v1/sse/events?" + filter }

// kindNames are the types of all that a feed publishes, wanted or not.
func kindNames() []string {
	var names []string
	for _, kind := range kinds {
		names = append(names, kind.name)
	}
	return names
}

// node runs an application of testdata/clients in Node.js.
func node(t *testing.T, script string, args any) *process {
	t.Helper()
	return start(t, tool(t, "node"), "testdata/clients/node.js", "testdata/clients/"+script, mustJSON(t, args))
}

// browser runs an application of testdata/clients in a page of Chromium.
func browser(t *testing.T, page, script string, args any) *process {
	t.Helper()
	return start(t, tool(t, "node"), "testdata/clients/browser.js", page, "testdata/clients/"+script, mustJSON(t, args))
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each client receives and filters, and goes on without loss or repetition after
// its connection was cut in the middle of a batch and more was published while it
// was away.
func TestClientsReceiveFilterAndResume(t *testing.T) {
	t.Parallel()
	for _, program := range clientPrograms {
		t.Run(program.name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, program.router...)
			line := layCable(t, r.addr)
			p := program.start(t, line.addr())
			received := func() []record { return p.records(t) }
			eventually(t, "the stream is open", func() bool { return opened(received()) == 1 })

			f := newFeed(r)
			f.publish(t, 50)
			f.awaitIn(t, received)
			if n := count(received(), "ConsoleError"); n > 0 {
				t.Errorf("%d errors on the console", n)
			}

			f.publish(t, 50)
			line.cut()
			f.publish(t, 50)
			line.mend()
			eventually(t, "the stream is open again", func() bool { return opened(received()) == 2 })
			f.publish(t, 50)
			f.awaitIn(t, received)
		})
	}
}

// The client that the system's documents show works as it is, with events of
// both forms.
func TestDocumentedClient(t *testing.T) {
	t.Parallel()
	hosts := map[string]func(t *testing.T, r *router) *process{
		"npm ws": func(t *testing.T, r *router) *process {
			return node(t, "documented.js", map[string]any{"url": r.ws() + "/v1/ws/events"})
		},
		"Chromium": func(t *testing.T, r *router) *process {
			return browser(t, r.http()+"/health/live", "documented.js", map[string]any{"url": r.ws() + "/v1/ws/events"})
		},
	}
	for name, run := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t)
			p := run(t, r)
			eventually(t, "it is connected", func() bool { return opened(p.records(t)) == 1 })
			r.publish(t, `{"type":"TipsUpdated","tips":["a1","b2"],"count":2,"timestamp":"2024-01-15T10:30:00Z"}
				{"type":"finality.update","data":{"message_id":"ab12","finality_type":"kcore","timestamp":1705314601}}
				{"type":"DiversityUpdated","diversity_score":0.75,"axes":[],"total_tips":3,"timestamp":1705314602}
				{"type":"MessageAdded","message_id":"cd34","depth":7,"timestamp":"2024-01-15T10:30:03Z"}`)
			want := []string{ // in the order of their timestamps, which need not be that of arrival
				"2024-01-15T10:30:00Z 2 tips: a1 b2",
				"2024-01-15T10:30:01Z ab12 is final by kcore",
				"2024-01-15T10:30:02Z diversity 0.75 over 0 axes",
				"2024-01-15T10:30:03Z MessageAdded",
			}
			eventually(t, "it shows all events", func() bool { return count(p.records(t), "Shown") == len(want) })
			var got []string
			for _, r := range p.records(t) {
				switch r.Type {
				case "Shown":
					got = append(got, r.Text)
				case "ConsoleError":
					t.Errorf("error on the console: %s", r.Text)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("it shows %q, want %q", got, want)
			}
		})
	}
}
