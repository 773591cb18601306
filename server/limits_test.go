package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

// streamRequests are what the streams of each kind begin with.
var streamRequests = []struct {
	name, request, connections, reason, key string
}{
	{"WebSocket", "GET /v1/ws/events HTTP/1.1\r\nHost: router\r\n" + strings.Join(upgradeHeaders, "\r\n") + "\r\n\r\n",
		"adic_websocket_connections", "websocket_limit", "api.max_websocket_connections"},
	{"WebSocket on /", "GET / HTTP/1.1\r\nHost: router\r\n" + strings.Join(upgradeHeaders, "\r\n") + "\r\n\r\n",
		"adic_websocket_connections", "websocket_limit", "api.max_websocket_connections"},
	{"SSE", "GET /v1/sse/events HTTP/1.1\r\nHost: router\r\n\r\n",
		"adic_sse_connections", "sse_limit", "api.max_sse_connections"},
}

func TestConnectionLimits(t *testing.T) {
	for _, kind := range streamRequests {
		t.Run(kind.name, func(t *testing.T) {
			f := startFront(t, overTCP, func(c *config.Config) { c.API.MaxWebSocketConnections, c.API.MaxSSEConnections = 2, 2 })
			// begin opens a stream, or returns the answer that refuses it.
			begin := func() (*rawClient, *http.Response) {
				c := f.rawRequest(t, kind.request)
				res, err := http.ReadResponse(c.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				return c, res
			}
			var clients []*rawClient
			for range 2 {
				c, res := begin()
				if res.StatusCode >= 300 {
					t.Fatalf("status = %d, want a stream", res.StatusCode)
				}
				clients = append(clients, c)
			}
			for range 3 {
				c := f.rawRequest(t, kind.request)
				res, text := c.expectError(http.StatusServiceUnavailable)
				if !strings.Contains(text, "all 2") || !strings.Contains(text, kind.key) {
					t.Errorf("the error %q does not name the limit %s", text, kind.key)
				}
				wantHeaders(t, res, "Retry-After: 1")
			}
			if n := f.rejections(t, kind.reason); n != 3 {
				t.Errorf("counted %d, want 3", n)
			}
			if got := f.metric(t, kind.connections); got != "2" {
				t.Errorf("%s = %s, want 2", kind.connections, got)
			}
			if got := f.metric(t, kind.connections+"_limit"); got != "2" {
				t.Errorf("%s_limit = %s, want 2", kind.connections, got)
			}

			clients[0].Close()
			eventually(t, "there is room", func() bool { return f.metric(t, kind.connections) == "1" })
			if _, res := begin(); res.StatusCode >= 300 {
				t.Errorf("status = %d after a client left, want a stream", res.StatusCode)
			}
			f.reload(t, func(c *config.Config) { c.API.MaxWebSocketConnections, c.API.MaxSSEConnections = 3, 3 })
			if _, res := begin(); res.StatusCode >= 300 {
				t.Errorf("status = %d after the limit was raised, want a stream", res.StatusCode)
			}
		})
	}
}

// A request that never becomes a stream does not keep its place.
func TestPlacesAreGivenBack(t *testing.T) {
	f := startFront(t, overTCP)
	noPlaceTaken := func(t *testing.T) {
		t.Helper()
		eventually(t, "no place is taken", func() bool { return f.websockets.taken.Load() == 0 && f.sse.taken.Load() == 0 })
	}
	const none = 0 // such a request has no line to change
	tests := []struct {
		name, old, new        string
		webSocket, slash, sse int // status
	}{
		{"a connection to be closed", "Connection: Upgrade", "Connection: Upgrade, close", 400, 400, none},
		{"a connection to be closed, said twice", "Connection: Upgrade", "Connection: Upgrade\r\nConnection: close", 400, 400, none},
		{"an older HTTP", "HTTP/1.1", "HTTP/1.0", 426, 200, 200},
		{"an older HTTP that goes on", "HTTP/1.1\r\n", "HTTP/1.0\r\nConnection: keep-alive\r\n", 426, 200, 200},
		{"a body", "\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}", 101, 101, 200},
	}
	for _, tt := range tests {
		for i, want := range []int{tt.webSocket, tt.slash, tt.sse} {
			kind := streamRequests[i]
			if want == none {
				continue
			}
			t.Run(tt.name+"/"+kind.name, func(t *testing.T) {
				c := f.rawRequest(t, strings.Replace(kind.request, tt.old, tt.new, 1))
				res, err := http.ReadResponse(c.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != want {
					t.Errorf("status = %d, want %d", res.StatusCode, want)
				}
				c.Close()
				noPlaceTaken(t)
			})
		}
	}
	for _, kind := range streamRequests {
		t.Run("gone before the answer/"+kind.name, func(t *testing.T) {
			for range 50 {
				c := f.rawRequest(t, kind.request)
				if err := c.tcp.SetLinger(0); err != nil { // a reset
					t.Fatal(err)
				}
				c.Close()
			}
			noPlaceTaken(t)
		})
	}
}
