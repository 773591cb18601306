package server

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

// adminOf serves operators of a front, and returns a front whose address is theirs.
// Its server ends with the front's.
func adminOf(t *testing.T, f *front) *front {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.ServeAdmin(ln) }()
	t.Cleanup(func() { // before the front's
		f.drain(t)
		if err := <-ended; err != nil {
			t.Errorf("ServeAdmin: %v", err)
		}
	})
	return &front{Server: f.Server, addr: ln.Addr().String(), over: overTCP, drained: true}
}

// listed returns the connections that operators are shown.
func listed(t *testing.T, admin *front, query string) connectionsPage {
	t.Helper()
	res, body := admin.get(t, "/admin/connections"+query)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("listing connections: %d %s", res.StatusCode, body)
	}
	var page connectionsPage
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	return page
}

func TestAdminListsAndClosesConnections(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	admin := adminOf(t, f)
	if page := listed(t, admin, ""); page.Total != 0 || page.Connections == nil {
		t.Errorf("without clients: %+v", page)
	}
	ws := f.dialWS(t, "events=vrf.*&priority=high,low")
	var sse *sseClient
	eventually(t, "the WebSocket is listed", func() bool { return listed(t, admin, "").Total == 1 })
	sse = f.dialSSE(t, "format=tagged")
	eventually(t, "both are listed", func() bool { return len(listed(t, admin, "").Connections) == 2 })

	page := listed(t, admin, "?sort=age&limit=1")
	if page.Total != 2 || len(page.Connections) != 1 {
		t.Fatalf("limited to one: %+v", page)
	}
	first := page.Connections[0]
	if first.Transport != "websocket" || first.Address != ws.conn.LocalAddr().String() || first.Format != "flat" ||
		strings.Join(first.Priorities, " ") != "high low" || len(first.Events) == 0 || first.Events[0] == "all" ||
		first.Messages != 1 || first.Bytes == 0 || first.User != "" || first.Blocked {
		t.Errorf("the WebSocket: %+v", first)
	}
	second := listed(t, admin, "?sort=bytes").Connections
	for _, c := range second {
		if c.ID != first.ID && (c.Transport != "sse" || c.Format != "tagged" || strings.Join(c.Events, " ") != "all" || c.Address != sse.LocalAddr().String()) {
			t.Errorf("the event stream: %+v", c)
		}
	}

	for _, c := range second {
		if res, body := admin.request(t, "DELETE", "/admin/connections/"+c.ID, ""); res.StatusCode != http.StatusNoContent || body != "" {
			t.Errorf("closing %s: %d %s", c.ID, res.StatusCode, body)
		}
	}
	if _, code := ws.endOfWS(); code != 1008 {
		t.Errorf("the WebSocket was closed with %d, want 1008", code)
	}
	for { // what the stream still has, and then its end
		if _, err := sse.body.ReadString('\n'); err != nil {
			break
		}
	}
	eventually(t, "both have gone", func() bool { return listed(t, admin, "").Total == 0 })
	res, body := admin.request(t, "DELETE", "/admin/connections/"+first.ID, "")
	wantError(t, res, body, http.StatusNotFound, "no connection")
}

func TestAdminEndpoints(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	admin := adminOf(t, f)
	for _, path := range []string{"/metrics", "/v1/metrics", "/health", "/health/live", "/health/ready", "/v1/health/streaming",
		"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2", "/debug/pprof/symbol",
		"/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=0.01", "/admin/connections"} {
		if res, body := admin.get(t, path); res.StatusCode != http.StatusOK || body == "" {
			t.Errorf("GET %s = %d %s", path, res.StatusCode, body)
		}
		if strings.HasPrefix(path, "/debug") || strings.HasPrefix(path, "/admin") {
			res, body := f.get(t, path) // never to the public
			wantError(t, res, body, http.StatusNotFound, "no such path")
		}
	}
	for _, test := range []struct {
		method, path, header string
		status               int
		says                 string
	}{
		{"GET", "/", "", 404, "/admin/connections"},
		{"GET", "/v1/sse/events", "", 404, "no such path"},
		{"POST", "/v1/events", "", 404, "no such path"},
		{"GET", "/debug/pprof", "", 404, "/debug/pprof/"},
		{"POST", "/metrics", "", 405, "GET"},
		{"DELETE", "/admin/connections", "", 405, "GET"},
		{"GET", "/admin/connections/1", "", 405, "DELETE"},
		{"PATCH", "/admin/connections/1", "", 405, "DELETE"},
		{"DELETE", "/admin/connections/", "", 404, "no connection"},
		{"DELETE", "/admin/connections/queue", "", 404, "no connection"},
		{"DELETE", "/admin/connections/7", "", 404, "no connection"},
		{"DELETE", "/admin/connections/7", "Origin: http://" + admin.addr, 403, "browsers"},
		{"GET", "/admin/connections?sort=size", "", 400, "age, bytes, drops, lag"},
		{"GET", "/admin/connections?limit=0", "", 400, "1 to 1000"},
		{"GET", "/admin/connections?limit=1001&order=x", "", 400, "unknown parameter"},
		{"GET", "/admin/connections?limit=x", "", 400, "limit"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			var headers []string
			if test.header != "" {
				headers = append(headers, test.header)
			}
			res, body := admin.request(t, test.method, test.path, "", headers...)
			wantError(t, res, body, test.status, test.says)
		})
	}
}

func TestMetricsMayBeForOperatorsOnly(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP, func(c *config.Config) { c.API.EnableMetrics = false })
	admin := adminOf(t, f)
	for _, path := range []string{"/metrics", "/v1/metrics"} {
		res, body := f.get(t, path)
		wantError(t, res, body, http.StatusNotFound, "no such path")
		if res, _ := admin.get(t, path); res.StatusCode != http.StatusOK {
			t.Errorf("GET %s at the admin address = %d", path, res.StatusCode)
		}
	}
}

// An operator sees how a drain goes on, until all clients have left.
func TestAdminWatchesTheDrain(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	admin := adminOf(t, f)
	stuck, _ := f.open(t)
	over := f.beginDrain(context.Background(), t)
	if res, body := admin.get(t, "/health/ready"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readiness = %d %s, want 503", res.StatusCode, body)
	}
	if page := listed(t, admin, ""); page.Total != 1 {
		t.Errorf("%d connections are listed, want 1", page.Total)
	}
	stuck.Close()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", admin.addr); err == nil {
		conn.Close()
		t.Error("the admin address is open after the drain")
	}
}
