package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// request sends a request over a connection of its own and returns the answer.
// Each of headers is a line, "Name: value".
func (f *front) request(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	c := f.dial(t)
	defer c.Close()
	return c.request(f, method, path, body, headers...)
}

// request is front.request over a connection that is open.
func (c *rawClient) request(f *front, method, path, body string, headers ...string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequest(method, "http://"+f.addr+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	if err := r.Write(c.duplex); err != nil {
		c.t.Fatalf("cannot send the request: %v", err)
	}
	res, err := http.ReadResponse(c.in, r)
	if err != nil {
		c.t.Fatalf("cannot read the response: %v", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("cannot read the body: %v", err)
	}
	return res, string(answer)
}

// wantError checks the form of an error, and that its text holds all of parts.
func wantError(t *testing.T, res *http.Response, body string, status int, parts ...string) {
	t.Helper()
	if res.StatusCode != status {
		t.Fatalf("status = %d, want %d; the body is %s", res.StatusCode, status, body)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want JSON", got)
	}
	var e struct{ Error string }
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Error == "" {
		t.Fatalf("the body is %q, want {\"error\":\"...\"}", body)
	}
	for _, part := range parts {
		if !strings.Contains(e.Error, part) {
			t.Errorf("the error %q does not hold %q", e.Error, part)
		}
	}
}

// wantHeaders checks headers, each "Name: value"; "Name: " must be absent.
func wantHeaders(t *testing.T, res *http.Response, lines ...string) {
	t.Helper()
	for _, line := range lines {
		name, want, _ := strings.Cut(line, ": ")
		if got := strings.Join(res.Header.Values(name), ", "); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// bearer is the header of a publisher.
const bearer = "Authorization: Bearer " + publishToken

// upgradeHeaders are those of a WebSocket handshake (RFC 6455 §1.3).
var upgradeHeaders = []string{
	"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
}

// pages are the endpoints that answer a plain GET with 200.
var pages = []struct{ path, contentType, cache string }{
	{"/", "text/html; charset=utf-8", "no-cache"},
	{"/v1/events", "application/json", "no-store"},
	{"/v1/events/types", "application/json", "no-cache"},
	{"/v1/health/streaming", "application/json", "no-store"},
	{"/health", "application/json", "no-store"},
	{"/health/live", "application/json", "no-store"},
	{"/health/ready", "application/json", "no-store"},
	{"/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store"},
	{"/v1/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store"},
}

func TestEveryPageAnswers(t *testing.T) {
	f := startFront(t, overTCP)
	for _, p := range pages {
		t.Run(strings.ReplaceAll(p.path, "/", "_"), func(t *testing.T) {
			res, body := f.request(t, "GET", p.path, "")
			if res.StatusCode != http.StatusOK || body == "" {
				t.Fatalf("GET = %d with %d bytes, want 200 and a body", res.StatusCode, len(body))
			}
			vary := "Origin"
			if p.path == "/" {
				vary = "Origin, Accept-Encoding"
			}
			wantHeaders(t, res, "Content-Type: "+p.contentType, "Cache-Control: "+p.cache, "Vary: "+vary, "Server: ")
			head, rest := f.request(t, "HEAD", p.path, "")
			if head.StatusCode != http.StatusOK || rest != "" {
				t.Errorf("HEAD = %d with body %q, want 200 without one", head.StatusCode, rest)
			}
			wantHeaders(t, head, "Content-Type: "+p.contentType, "Cache-Control: "+p.cache)
			if n, err := strconv.Atoi(head.Header.Get("Content-Length")); err != nil || n == 0 {
				t.Errorf("Content-Length of HEAD = %q, want that of GET", head.Header.Get("Content-Length"))
			}
		})
	}
}

func TestLivePageNamesTheEndpoints(t *testing.T) {
	f := startFront(t, overTCP)
	_, body := f.request(t, "GET", "/", "")
	for _, path := range []string{"/v1/ws/events", "/v1/sse/events", "/v1/events", "/v1/events/types", "/v1/health/streaming",
		"/health", "/live", "/ready", "/metrics"} {
		if !strings.Contains(body, path) {
			t.Errorf("the page does not name %s", path)
		}
	}
}

func TestCatalogue(t *testing.T) {
	f := startFront(t, overTCP)
	res, body := f.request(t, "GET", "/v1/events/types", "")
	var page struct {
		Types []struct {
			Name, Alias, Priority string
			Fields                []struct{ Name, Type string }
		}
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	if n := len(page.Types); n != 54 {
		t.Fatalf("%d types, want 54", n)
	}
	for _, e := range page.Types {
		if _, err := event.ParsePriority(e.Priority); err != nil || e.Name == "" || e.Alias == "" || len(e.Fields) == 0 {
			t.Errorf("%+v lacks something", e)
		}
	}
	etag := res.Header.Get("ETag")
	again, rest := f.request(t, "GET", "/v1/events/types", "", "If-None-Match: "+etag)
	if again.StatusCode != http.StatusNotModified || rest != "" {
		t.Errorf("with If-None-Match %s: %d with %d bytes, want 304 without a body", etag, again.StatusCode, len(rest))
	}
	wantHeaders(t, again, "ETag: "+etag)
	if other, _ := f.request(t, "GET", "/v1/events/types", "", `If-None-Match: "another"`); other.StatusCode != http.StatusOK {
		t.Errorf("with another ETag: %d, want 200", other.StatusCode)
	}
}

func TestUnknownPath(t *testing.T) {
	f := startFront(t, overTCP)
	for _, path := range []string{"/v1", "/v1/", "/v1/events/", "/v1/ws", "/metrics/x", "/favicon.ico", "/V1/events"} {
		res, body := f.request(t, "GET", path, "")
		wantError(t, res, body, http.StatusNotFound, "GET /")
	}
	if got := f.metric(t, `adic_rejections_total{reason="not_found"}`); got != "7" {
		t.Errorf("counted %s, want 7", got)
	}
}

func TestMethods(t *testing.T) {
	f := startFront(t, overTCP)
	paths := []string{"/v1/ws/events", "/v1/sse/events"}
	for _, p := range pages {
		paths = append(paths, p.path)
	}
	rejected := 0
	for _, path := range paths {
		allow := "GET, HEAD, OPTIONS"
		if path == "/v1/events" {
			allow = "GET, HEAD, POST, OPTIONS"
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} {
			if method == "POST" && path == "/v1/events" {
				continue
			}
			rejected++
			res, body := f.request(t, method, path, "", bearer)
			name := method
			if method == "BREW" {
				name = "this method" // what is sent is not sent back
			}
			wantError(t, res, body, http.StatusMethodNotAllowed, name, allow)
			wantHeaders(t, res, "Allow: "+allow)
		}
		res, body := f.request(t, "OPTIONS", path, "")
		if res.StatusCode != http.StatusNoContent || body != "" {
			t.Errorf("OPTIONS %s = %d %q, want 204", path, res.StatusCode, body)
		}
		wantHeaders(t, res, "Allow: "+allow)
	}
	if got := f.metric(t, `adic_rejections_total{reason="method_not_allowed"}`); got != strconv.Itoa(rejected) {
		t.Errorf("counted %s, want %d", got, rejected)
	}
}

func TestWebSocketPathWithoutAHandshake(t *testing.T) {
	without := func(name string) []string {
		return slices.DeleteFunc(slices.Clone(upgradeHeaders), func(line string) bool { return strings.HasPrefix(line, name+":") })
	}
	tests := []struct {
		name    string
		method  string
		path    string
		headers []string
		status  int
		part    string
		want    []string // headers of the answer
	}{
		{"a plain GET", "GET", "/v1/ws/events", nil, 426, "/v1/sse/events",
			[]string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"}},
		{"a plain HEAD", "HEAD", "/v1/ws/events", nil, 426, "", []string{"Upgrade: websocket", "Sec-WebSocket-Version: 13"}},
		{"no Connection: Upgrade", "GET", "/v1/ws/events", without("Connection"), 426, "WebSocket client", []string{"Upgrade: websocket"}},
		{"another protocol", "GET", "/v1/ws/events", append(without("Upgrade"), "Upgrade: h2c"), 426, "", []string{"Upgrade: websocket"}},
		{"an old version", "GET", "/v1/ws/events", append(without("Sec-WebSocket-Version"), "Sec-WebSocket-Version: 8"), 426, "version 13",
			[]string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"}},
		{"no version", "GET", "/v1/ws/events", without("Sec-WebSocket-Version"), 426, "version 13", []string{"Sec-WebSocket-Version: 13"}},
		{"no key", "GET", "/v1/ws/events", without("Sec-WebSocket-Key"), 400, "Sec-WebSocket-Key", nil},
		{"a short key", "GET", "/v1/ws/events", append(without("Sec-WebSocket-Key"), "Sec-WebSocket-Key: c2hvcnQ="), 400, "Sec-WebSocket-Key", nil},
		{"a HEAD with a handshake", "HEAD", "/v1/ws/events", upgradeHeaders, 405, "", []string{"Allow: GET"}},
		{"an old version on /", "GET", "/", append(without("Sec-WebSocket-Version"), "Sec-WebSocket-Version: 8"), 426, "version 13", nil},
	}
	f := startFront(t, overTCP)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := f.request(t, tt.method, tt.path, "", tt.headers...)
			if tt.method == "HEAD" {
				if res.StatusCode != tt.status {
					t.Errorf("status = %d, want %d", res.StatusCode, tt.status)
				}
			} else {
				wantError(t, res, body, tt.status, tt.part)
			}
			wantHeaders(t, res, tt.want...)
		})
	}
	if got := f.metric(t, `adic_rejections_total{reason="bad_handshake"}`); got != strconv.Itoa(len(tests)) {
		t.Errorf("counted %s, want %d", got, len(tests))
	}
}

func TestStreamsThatAreSwitchedOff(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.API.EnableWebSocket, c.API.EnableSSE = false, false })
	for path, key := range map[string]string{"/v1/ws/events": "api.enable_websocket", "/": "api.enable_websocket", "/v1/sse/events": "api.enable_sse"} {
		res, body := f.request(t, "GET", path, "", upgradeHeaders...)
		wantError(t, res, body, http.StatusServiceUnavailable, "switched off", key)
		wantHeaders(t, res, "Retry-After: ") // coming back does not help
	}
	f.publish(t, messageAdded("a"))
	if res, _ := f.request(t, "GET", "/v1/events?since=earliest", ""); res.StatusCode != http.StatusOK {
		t.Errorf("polling = %d, want 200", res.StatusCode)
	}
	if got := f.metric(t, `adic_rejections_total{reason="switched_off"}`); got != "3" {
		t.Errorf("counted %s, want 3", got)
	}
}

// messageAdded is an event in the flat form.
func messageAdded(id string) string {
	return fmt.Sprintf(`{"type":"MessageAdded","message_id":%q,"depth":1,"timestamp":"2024-01-15T10:30:00Z"}`, id)
}

// rawRequest sends bytes as they are.
func (f *front) rawRequest(t *testing.T, bytes string) *rawClient {
	t.Helper()
	c := f.dial(t)
	c.send(bytes)
	return c
}

func TestWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP, func(c *config.Config) {
		c.API.HeaderTimeout = 200 * time.Millisecond
		c.API.MaxHeaderSize = 4 << 10
	})
	tests := []struct {
		name, bytes string
		status      int
		part        string
		reason      string
	}{
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "HTTP request", "malformed_request"},
		{"a head that is too large", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 8<<10) + "\r\n\r\n", 431, "api.max_header_size", "header_too_large"},
		{"half a head and silence", "GET / HTTP/1.1\r\nHost: a\r\n", 408, "api.header_timeout", "request_timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := f.rawRequest(t, tt.bytes)
			_, text := c.expectError(tt.status)
			if !strings.Contains(text, tt.part) {
				t.Errorf("the error %q does not hold %q", text, tt.part)
			}
			if got := f.metric(t, fmt.Sprintf("adic_rejections_total{reason=%q}", tt.reason)); got != "1" {
				t.Errorf("%s = %s, want 1", tt.reason, got)
			}
		})
	}
	t.Run("silence", func(t *testing.T) { f.dial(t).expectEnd() })
}

// A panic in a handler costs the request, and nothing else.
func TestPanicInAHandler(t *testing.T) {
	f := startFront(t, overTCP)
	f.Server.parser = nil // publishing panics
	res, body := f.request(t, "POST", "/v1/events", messageAdded("a"), bearer)
	wantError(t, res, body, http.StatusInternalServerError, "internal error")
	if !res.Close {
		t.Error("the connection stays open")
	}
	if res, _ := f.request(t, "GET", "/v1/events", ""); res.StatusCode != http.StatusOK {
		t.Errorf("the next request is answered with %d, want 200", res.StatusCode)
	}
	if got := f.metric(t, "adic_http_panics_total"); got != "1" {
		t.Errorf("adic_http_panics_total = %s, want 1", got)
	}
}

// One in what begins a stream, behind the handler, costs the stream, and its place is
// free again.
func TestPanicInBeginningAStream(t *testing.T) {
	f := startFront(t, overTCP)
	server, client := tcpPair(t)
	left := 0
	f.Server.handOver(server, func() { left++ }, func(actors.Transport, []byte) error { panic("injected") })
	if n, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read %d bytes, %v: the connection is not closed", n, err)
	}
	if left != 1 {
		t.Errorf("the place was given back %d times", left)
	}
	if got := f.metric(t, "adic_http_panics_total"); got != "1" {
		t.Errorf("adic_http_panics_total = %s, want 1", got)
	}
}

func TestRequestsShareAConnection(t *testing.T) {
	f := startFront(t, overTCP)
	c := f.dial(t)
	for range 3 {
		if res, _ := c.request(f, "GET", "/health/live", ""); res.StatusCode != http.StatusOK || res.Close {
			t.Fatalf("status %d, closing %v; want 200 and an open connection", res.StatusCode, res.Close)
		}
		if res, body := c.request(f, "GET", "/nowhere", ""); res.StatusCode != http.StatusNotFound || res.Close {
			t.Fatalf("status %d %s, closing %v; want 404 and an open connection", res.StatusCode, body, res.Close)
		}
	}
}
