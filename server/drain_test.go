package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/adic-network/router/config"
)

// beginDrain begins to shut a front down, and waits until it has begun. The
// result comes when it is over.
func (f *front) beginDrain(ctx context.Context, t *testing.T) <-chan error {
	t.Helper()
	f.drained = true
	over := make(chan error, 1)
	go func() { over <- f.Shutdown(ctx) }()
	eventually(t, "draining has begun", func() bool { return f.router.Status().Draining })
	return over
}

// endOfWS reads to the end, closes the connection and returns the close code.
func (c *wsClient) endOfWS() (messages, code int) {
	c.t.Helper()
	defer c.conn.Close()
	for {
		_, _, err := c.conn.ReadMessage()
		if err == nil {
			messages++
			continue
		}
		var bye *websocket.CloseError
		if !errors.As(err, &bye) {
			c.t.Fatalf("the connection ends with %v, want a close frame", err)
		}
		return messages, bye.Code
	}
}

// What a router that drains answers, while one client that does not answer its
// good-bye holds the end up.
func TestDraining(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	stuck, _ := f.open(t)
	ws, sse, kept := f.dialWS(t, ""), f.dialSSE(t, ""), f.dial(t)
	kept.request(f, "GET", "/health/ready", "")
	poll := f.longPoll(t, "wait=60")
	f.waitForLongPolls(t, 1)
	over := f.beginDrain(context.Background(), t)

	res, body := f.request(t, "GET", "/health/ready", "")
	if res.StatusCode != http.StatusServiceUnavailable || body != `{"status":"draining"}` {
		t.Errorf("readiness = %d %s, want 503", res.StatusCode, body)
	}
	res, body = f.request(t, "GET", "/v1/health/streaming", "")
	var page map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusServiceUnavailable || string(page["status"]) != `"draining"` || page["event_streaming"] == nil || page["metrics"] == nil {
		t.Errorf("streaming health = %d %s, want 503 and the whole page", res.StatusCode, body)
	}
	if res, body = f.request(t, "GET", "/health", ""); res.StatusCode != http.StatusOK || !strings.Contains(body, `"draining"`) {
		t.Errorf("health = %d %s, want 200 and draining", res.StatusCode, body)
	}
	if res, _ = f.request(t, "GET", "/health/live", ""); res.StatusCode != http.StatusOK {
		t.Errorf("liveness = %d, want 200", res.StatusCode)
	}
	if got := f.metric(t, "adic_draining"); got != "1" {
		t.Errorf("adic_draining = %s, want 1", got)
	}
	for _, request := range []struct {
		method, path string
		headers      []string
	}{
		{"GET", "/v1/sse/events", nil},
		{"GET", "/v1/ws/events", upgradeHeaders},
		{"GET", "/", upgradeHeaders},
		{"POST", "/v1/events", []string{bearer}},
	} {
		res, body := f.request(t, request.method, request.path, flatAdded, request.headers...)
		wantError(t, res, body, http.StatusServiceUnavailable, "shutting down")
		wantHeaders(t, res, "Retry-After: 1")
	}
	res, body = kept.request(f, "POST", "/v1/events", flatAdded, bearer)
	wantError(t, res, body, http.StatusServiceUnavailable, "shutting down")
	if n := f.rejections(t, "shutting_down"); n != 5 {
		t.Errorf("counted %d, want 5", n)
	}
	f.poll(t, "since=earliest") // what there is can still be fetched
	if p := <-poll; len(p.Events) != 0 {
		t.Errorf("the long poll is answered with %d events, want none", len(p.Events))
	}
	if _, code := ws.endOfWS(); code != websocket.CloseGoingAway {
		t.Errorf("close code %d, want 1001", code)
	}
	if rest, err := io.ReadAll(sse.body); err != nil || strings.Count(string(rest), "retry: ") != 2 {
		t.Errorf("the stream ends with %q, %v; want a time to come back", rest, err)
	}
	stuck.expect("close 1001")

	select {
	case err := <-over:
		t.Fatalf("the drain was over (%v) before its last client had answered", err)
	default:
	}
	stuck.Close()
	if err := <-over; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	if conn, err := net.Dial("tcp", f.addr); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
}

// What was accepted is delivered, and only then good-bye is said.
func TestDrainDelivers(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP, func(c *config.Config) {
		c.Events.HighPriorityBuffer = 10 // far less than what is under way
		c.Stream.DrainTimeout = 100 * time.Millisecond
	})
	const events = 2000
	var clients sync.WaitGroup
	for range 3 {
		ws, sse := f.dialWS(t, ""), f.dialSSE(t, "")
		clients.Go(func() {
			if n, code := ws.endOfWS(); n != events || code != websocket.CloseGoingAway {
				t.Errorf("WebSocket: %d messages and close code %d, want %d and 1001", n, code, events)
			}
		})
		clients.Go(func() {
			rest, err := io.ReadAll(sse.body)
			if n := strings.Count(string(rest), "\nevent: MessageAdded\n"); n != events || err != nil {
				t.Errorf("SSE: %d events, %v; want %d", n, err, events)
			}
		})
	}
	f.publish(t, added(1, events))
	if err := <-f.beginDrain(context.Background(), t); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	clients.Wait()
}

// Clients that connect while the router begins to drain get a clean answer, and
// leave nothing behind.
func TestConnectingWhileDraining(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	stuck, _ := f.open(t) // holds the end up
	var clients sync.WaitGroup
	results := make(chan string, 80)
	for i := range cap(results) {
		kind := streamRequests[i%len(streamRequests)]
		clients.Go(func() {
			conn, err := net.Dial("tcp", f.addr)
			if err != nil {
				results <- "refused"
				return
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Error(err)
			}
			if _, err := io.WriteString(conn, kind.request); err != nil {
				results <- "gone"
				return
			}
			in := bufio.NewReader(conn)
			switch line, err := in.ReadString('\n'); {
			case strings.HasPrefix(line, "HTTP/1.1 503 "):
				results <- "503"
			case strings.HasPrefix(line, "HTTP/1.1 101 "), strings.HasPrefix(line, "HTTP/1.1 200 "):
				results <- "stream"
				if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("a stream has not ended")
				}
			case line == "":
				results <- "gone"
			default:
				t.Errorf("got %q, %v", line, err)
			}
		})
		if i == cap(results)/2 {
			f.beginDrain(context.Background(), t)
		}
	}
	clients.Wait()
	stuck.Close()
	close(results)
	count := make(map[string]int)
	for r := range results {
		count[r]++
	}
	if late := cap(results)/2 - 1; count["503"] < late || count["refused"] > 0 {
		t.Errorf("the answers are %v, want 503 for the %d that came late, and an open listener", count, late)
	}
	eventually(t, "no place is taken", func() bool { return f.websockets.taken.Load() == 0 && f.sse.taken.Load() == 0 })
	if n := f.router.Status().Connections; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// A client whose handshake was answered just before the router began to drain is
// told why it is closed as all others are.
func TestHandshakeJustBeforeTheDrain(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	f.router.HangUp() // while the front lets clients in as before
	c := f.dialBareWS(t, "/v1/ws/events")
	if messages, code := c.endOfWS(); messages != 0 || code != websocket.CloseGoingAway {
		t.Errorf("%d messages and close code %d, want none and 1001", messages, code)
	}
}

// A second signal ends the drain at once: its context is done.
func TestDrainIsCutShort(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP, func(c *config.Config) { c.Stream.DrainTimeout = time.Hour })
	stuck, _ := f.open(t)
	sse := f.dialSSE(t, "")
	waiting := f.longPoll(t, "wait=60")
	f.waitForLongPolls(t, 1)
	ctx, second := context.WithCancel(context.Background())
	over := f.beginDrain(ctx, t)
	<-waiting
	select {
	case err := <-over:
		t.Fatalf("the drain was over at once: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	second()
	select {
	case err := <-over:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown = %v, want that it was cancelled", err)
		}
	case <-time.After(patience):
		t.Fatal("the drain goes on")
	}
	// All connections are closed, with or without a word.
	for name, in := range map[string]io.Reader{"WebSocket": stuck.in, "SSE": sse.body} {
		if _, err := io.ReadAll(in); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is still open", name)
		}
	}
	if n := f.websockets.taken.Load() + f.sse.taken.Load(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	// A process that is told twice does not wait for its transports: the test does.
	if err := f.transports.close(); err != nil {
		t.Error(err)
	}
}
