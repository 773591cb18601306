//go:build linux

package bench

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRunClosesCleanly(t *testing.T) {
	newFakeRouter(t).start() // The runtime's own descriptors come with the first listener.
	before := descriptors(t)
	r := newFakeRouter(t)
	mustRun(t, r.start())
	r.mu.Lock()
	for _, c := range r.clients {
		if !c.sse && c.closed != 1000 {
			t.Errorf("client %d closed with %d, want 1000", c.index, c.closed)
		}
	}
	r.mu.Unlock()
	r.CloseClientConnections()
	r.Close()
	deadline := time.Now().Add(5 * time.Second)
	for descriptors(t) > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors after the run, %d before", descriptors(t), before)
		}
		time.Sleep(time.Millisecond)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestRunAnswersPings(t *testing.T) {
	r := newFakeRouter(t)
	payload := strings.Repeat("p", 125)
	r.deliver = func(c *fakeClient, e fakeEvent) {
		if !c.sse && e.Class == "high" && e.Seq == 3 {
			c.ping(payload)
		}
		c.event(e)
	}
	wantProblems(t, mustRun(t, r.start()))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		if !c.sse && !slices.Equal(c.pongs, []string{payload}) {
			t.Errorf("client %d answered a ping with %q", c.index, c.pongs)
		}
	}
}

func TestRunCountsDisconnects(t *testing.T) {
	r := newFakeRouter(t)
	r.deliver = func(c *fakeClient, e fakeEvent) {
		if e.Class == "high" && e.Seq == 5 {
			switch {
			case c.sse && c.chunked:
				c.raw("0\r\n\r\n")
			case c.sse:
				c.conn.Close()
			case c.index == 0:
				c.lagged("9", "0", "0") // What it is about will not come any more.
				c.close(1001)
			case c.index == 2:
				c.raw(serverFrame(true, 8, ""))
			case c.index == 4:
				c.conn.Close()
			case c.index == 6:
				c.raw(serverFrame(true, 2, "binary"))
			case c.index == 8:
				c.raw("\xc1\x00")
			}
			return
		}
		c.event(e)
	}
	cfg := r.start()
	cfg.WebSocket, cfg.SSE = 5, 5
	cfg.ConnectConcurrency = 1 // Clients then are numbered as they were opened.
	report := mustRun(t, cfg)
	want := map[string]int{
		"WebSocket: close code 1001":            1,
		"WebSocket: close code 1005":            1,
		"WebSocket: end without a close frame":  1,
		"WebSocket: binary message":             1,
		"WebSocket: " + errReservedBits.Error(): 1,
		"SSE: end of stream":                    5,
	}
	if got := report.Connections.Disconnects; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("disconnects %v\nwant %v", got, want)
	}
	if l := report.Loss; l.Unsaid.Sum() != 0 || l.Overtold.Sum() != 0 {
		t.Errorf("%v lost and %v overtold, but clients that were disconnected resume", l.Unsaid, l.Overtold)
	}
}

func TestRunCountsRefusals(t *testing.T) {
	r := newFakeRouter(t)
	seen := 0
	r.opening = func(w http.ResponseWriter, q *http.Request) bool {
		seen++
		switch seen {
		case 1, 4:
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"error":"too many connections"}`, http.StatusServiceUnavailable)
		case 2:
			http.Error(w, `{"error":"slow down"}`, http.StatusTooManyRequests)
		default:
			return false
		}
		return true
	}
	report := mustRun(t, r.start())
	want := []Refusal{{429, 1, `{"error":"slow down"}`}, {503, 2, `{"error":"too many connections"}`}}
	if got := report.Connections.Refused; !slices.Equal(got, want) {
		t.Errorf("refused %v, want %v", got, want)
	}
	wantProblems(t, report, "1 connections were refused with status 429", "2 connections were refused with status 503: "+want[1].Message)
	if report.Deliveries.Total != 300 {
		t.Errorf("%d deliveries to the three that were opened, want 300", report.Deliveries.Total)
	}
}

func TestRunCountsConnectErrors(t *testing.T) {
	tests := []struct {
		name   string
		answer string // to every request; empty answers nothing
		sse    bool
		want   string
	}{
		{"silence", "", false, "WebSocket: no answer in 50ms"},
		{"no HTTP", "220 ESMTP\r\n\r\n", false, `WebSocket: handshake: no HTTP/1 answer: "220 ESMTP"`},
		{"accept key", "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", false,
			"WebSocket: handshake: wrong Sec-WebSocket-Accept"},
		{"no upgrade", "HTTP/1.1 101 OK\r\n\r\n", false, "WebSocket: handshake: status 101 without an upgrade to websocket"},
		{"content type", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", true,
			`SSE: handshake: content type "text/html", want text/event-stream`},
		{"transfer coding", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: gzip\r\n\r\n", true,
			`SSE: handshake: transfer coding "gzip"`},
		{"endless head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead), true,
			"SSE: handshake: response head over 16384 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newFakeRouter(t)
			r.opening = func(w http.ResponseWriter, q *http.Request) bool {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Errorf("cannot hijack: %v", err)
					return true
				}
				c := &fakeClient{router: r, conn: conn}
				r.clients = append(r.clients, c)
				c.raw(tt.answer)
				return true
			}
			cfg := r.start()
			cfg.WebSocket, cfg.SSE = 2, 0
			if tt.sse {
				cfg.WebSocket, cfg.SSE = 0, 2
			}
			if tt.answer == "" {
				cfg.ConnectTimeout = 50 * time.Millisecond
			}
			report := mustRun(t, cfg)
			if got := report.Connections.Errors; len(got) != 1 || got[tt.want] != 2 {
				t.Errorf("errors %v, want two of %q", got, tt.want)
			}
			wantProblems(t, report, "2 connections could not be opened: "+tt.want)
		})
	}
}

func TestRunWantsSubscribedFirst(t *testing.T) {
	for greeting, want := range map[string]string{
		`{"type":"Event","event":{}}`: `first message is "Event", want Subscribed`,
		`hello`:                       "message that is not JSON: invalid character 'h' looking for beginning of value",
	} {
		r := newFakeRouter(t)
		r.greeting = greeting
		cfg := r.start()
		cfg.SSE = 0
		report := mustRun(t, cfg)
		if got := report.Connections.Errors; len(got) != 1 || got["WebSocket: "+want] != 3 {
			t.Errorf("%s: errors %v, want three of %q", greeting, got, want)
		}
	}
}
