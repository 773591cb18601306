package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// TestMain runs the program itself in the processes that tests start.
func TestMain(m *testing.M) {
	if os.Getenv("PEERS_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// running is a peer in a process of its own.
type running struct {
	description
	addr, door string
}

// startPeer serves a peer until the test ends, and then checks that SIGTERM ends
// it in time, with clients connected, with status 0 and without complaints.
func startPeer(t *testing.T, p peer, args ...string) running {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"serve", p.Name}, args...)...)
	detector := "GORACE=atexit_sleep_ms=0"
	if p.Name == "nbio" {
		// nbio reads across goroutines without synchronisation and exempts most of
		// its functions from the detector; what it finds in the rest is not ours.
		detector += " exitcode=0 log_path=" + t.TempDir() + "/nbio"
	}
	cmd.Env = append(os.Environ(), "PEERS_TEST_MAIN=1", detector)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(2*patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		err := cmd.Wait()
		late.Stop()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("after SIGTERM: %v\n%s", err, complaints.Bytes())
		}
	})
	r := running{description: p.description}
	lines := bufio.NewScanner(stdout)
	for r.addr == "" && lines.Scan() {
		switch word, address, _ := strings.Cut(lines.Text(), " "); word {
		case "publishing":
			r.door = address
		case "listening":
			r.addr = address
		default:
			t.Fatalf("unexpected line %q", lines.Text())
		}
	}
	if r.door == "" {
		r.door = r.addr
	}
	if r.addr == "" {
		t.Fatalf("the peer did not start: %s", complaints.String())
	}
	return r
}

// publish posts events as a batch.
func (r running) publish(t *testing.T, events []string) {
	t.Helper()
	body := "[" + strings.Join(events, ",") + "]"
	response, err := http.Post("http://"+r.door+"/v1/events", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if want := fmt.Sprintf(`{"accepted":%d}`, len(events)); err != nil || response.StatusCode != 202 || string(answer) != want {
		t.Fatalf("published and got %d %q, %v, want %s", response.StatusCode, answer, err, want)
	}
}

// connect subscribes a client to a channel and returns the bytes that come,
// from its readiness on. It knows a peer by its description only.
func (r running) connect(t *testing.T, sse bool, channel string) io.Reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	put := func(s string) string { return strings.ReplaceAll(s, placeholder, channel) }
	if sse {
		path := r.SSEPath
		if r.Transport == "sse" {
			path = r.Path
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.addr+put(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || !strings.HasPrefix(kind, "text/event-stream") {
			t.Fatalf("got %s, %s", response.Status, kind)
		}
		return r.ready(t, response.Body)
	}
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+r.addr+put(r.Path), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for _, m := range r.Hello {
		kind, body := websocket.TextMessage, m.Text
		if m.Binary != nil {
			kind, body = websocket.BinaryMessage, string(m.Binary)
		}
		if err := conn.WriteMessage(kind, []byte(put(body))); err != nil {
			t.Fatal(err)
		}
	}
	return r.ready(t, &messages{conn: conn})
}

// ready reads until the client is subscribed.
func (r running) ready(t *testing.T, stream io.Reader) io.Reader {
	t.Helper()
	var seen []byte
	for !bytes.Contains(seen, []byte(r.Ready)) {
		chunk := make([]byte, 512)
		n, err := stream.Read(chunk)
		if err != nil {
			t.Fatalf("%v before the client was ready: %q", err, seen)
		}
		seen = append(seen, chunk[:n]...)
	}
	return stream
}

// messages reads what the messages of a WebSocket hold, one after another.
type messages struct {
	conn *websocket.Conn
	rest []byte
}

func (m *messages) Read(p []byte) (int, error) {
	for len(m.rest) == 0 {
		_, message, err := m.conn.ReadMessage()
		if err != nil {
			return 0, err
		}
		m.rest = message
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// testEvents returns n events of a type, each with characters that encoders like
// to change.
func testEvents(kind string, n int) []string {
	events := make([]string, n)
	for i := range events {
		events[i] = fmt.Sprintf(`{"type":%q,"seq":%d,"html":"<a href='x'>&amp;</a>","text":"žluť \u0041 \"q\" \\","big":12345678901234567890.10}`, kind, i+1)
	}
	return events
}

// expect reads until the last of the events and checks that they came unchanged,
// in order, each once, and no other.
func expect(t *testing.T, stream io.Reader, events []string) {
	t.Helper()
	var seen []byte
	last := []byte(events[len(events)-1])
	for !bytes.Contains(seen, last) {
		chunk := make([]byte, 4096)
		n, err := stream.Read(chunk)
		if err != nil {
			t.Fatalf("%v after %d bytes, ending with %q", err, len(seen), seen[max(0, len(seen)-300):])
		}
		seen = append(seen, chunk[:n]...)
	}
	if n := bytes.Count(seen, []byte(`"seq":`)); n != len(events) {
		t.Fatalf("%d events came, want %d", n, len(events))
	}
	for i, event := range events {
		at := bytes.Index(seen, []byte(event))
		if at < 0 {
			t.Fatalf("event %d did not come unchanged and in order; what is left begins with %q", i+1, seen[:min(len(seen), 300)])
		}
		seen = seen[at+len(event):]
	}
}

// transports are what a peer serves, false for WebSocket and true for SSE.
func transports(p peer) map[string]bool {
	switch p.Transport {
	case "both":
		return map[string]bool{"websocket": false, "sse": true}
	case "sse":
		return map[string]bool{"sse": true}
	}
	return map[string]bool{"websocket": false}
}

func TestEveryClientGetsEveryEvent(t *testing.T) {
	for _, p := range peers() {
		for transport, sse := range transports(p) {
			t.Run(p.Name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				r := startPeer(t, p)
				var clients []io.Reader
				for range 5 {
					clients = append(clients, r.connect(t, sse, everything))
				}
				events := testEvents("MessageAdded", 50)
				r.publish(t, events[:1])
				r.publish(t, events[1:30])
				r.publish(t, events[30:])
				for _, c := range clients {
					expect(t, c, events)
				}
			})
		}
	}
}

func TestFilteredClientsGetTheirType(t *testing.T) {
	for _, p := range peers() {
		for transport, sse := range transports(p) {
			t.Run(p.Name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				r := startPeer(t, p, "--filter")
				tips, messages := r.connect(t, sse, "TipsUpdated"), r.connect(t, sse, "MessageAdded")
				ofTips, ofMessages := testEvents("TipsUpdated", 50), testEvents("MessageAdded", 50)
				var mixed []string
				for i := range ofTips {
					mixed = append(mixed, ofTips[i], ofMessages[i])
				}
				r.publish(t, mixed)
				expect(t, tips, ofTips)
				expect(t, messages, ofMessages)
			})
		}
	}
}

func TestFloorWaitsForItsDelay(t *testing.T) {
	p, err := findPeer("floor")
	if err != nil {
		t.Fatal(err)
	}
	r := startPeer(t, p, "--delay", "50ms")
	client := r.connect(t, false, everything)
	events := testEvents("MessageAdded", 10)
	start := time.Now()
	r.publish(t, events)
	expect(t, client, events)
	if waited := time.Since(start); waited < 50*time.Millisecond {
		t.Errorf("events came after %s, want at least the delay of 50ms", waited)
	}
}

// A list without --filter needs no channel put in, one with it does.
func TestList(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want bool
	}{
		{"everything", []string{"list", "--json"}, false},
		{"filter", []string{"list", "--json", "--filter"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), tt.args, &out); err != nil {
				t.Fatal(err)
			}
			var all []description
			if err := json.Unmarshal(out.Bytes(), &all); err != nil {
				t.Fatal(err)
			}
			if len(all) != len(peers()) {
				t.Errorf("%d peers, want %d", len(all), len(peers()))
			}
			for _, d := range all {
				where := d.Path
				for _, m := range d.Hello {
					where += m.Text + string(m.Binary)
				}
				if strings.Contains(where, placeholder) != tt.want {
					t.Errorf("%s: %q", d.Name, where)
				}
				if d.SSEPath != "" && strings.Contains(d.SSEPath, placeholder) != tt.want {
					t.Errorf("%s: %q", d.Name, d.SSEPath)
				}
				if (d.SSEPath != "") != (d.Transport == "both") {
					t.Errorf("%s: transport %s, sse_path %q", d.Name, d.Transport, d.SSEPath)
				}
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"nothing", "usage", nil},
		{"an unknown peer", `unknown peer "redis"`, []string{"serve", "redis"}},
		{"an unknown flag", "not defined", []string{"serve", "hub", "--fast"}},
		{"an argument too many", `unexpected argument "now"`, []string{"list", "now"}},
		{"a delay of another peer", "only the floor has one", []string{"serve", "hub", "--delay", "5ms"}},
		{"an address that is none", "cannot start hub", []string{"serve", "hub", "--addr", "nowhere"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := run(t.Context(), tt.args, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}
