package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fasthttp/websocket"
)

// slowStreams are clients that read nothing until told to.
var slowStreams = []struct {
	name string
	// open connects. read then returns what the client has received so far, as
	// records; it may be called from one goroutine.
	open func(t *testing.T, r *router) (read func() []record)
}{
	{"WebSocket", func(t *testing.T, r *router) func() []record {
		dialer := &websocket.Dialer{NetDialContext: dialSlowly}
		conn, _, err := dialer.Dial(r.ws()+"/v1/ws/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &socket{conn: conn, done: make(chan struct{})}
		begin := sync.OnceFunc(func() { go s.read() })
		t.Cleanup(func() {
			begin()
			s.close()
		})
		return func() []record {
			begin()
			return s.records(t)
		}
	}},
	{"SSE", func(t *testing.T, r *router) func() []record {
		transport := &http.Transport{DialContext: dialSlowly, ReadBufferSize: 1 << 10}
		res, err := (&http.Client{Transport: transport}).Get(r.http() + "/v1/sse/events")
		if err != nil {
			t.Fatal(err)
		}
		received, done := new(output), make(chan struct{})
		begin := sync.OnceFunc(func() {
			go func() {
				defer close(done)
				_, _ = io.Copy(received, res.Body) // ends when the test closes the body
			}()
		})
		t.Cleanup(func() {
			begin()
			res.Body.Close()
			<-done
			transport.CloseIdleConnections()
		})
		return func() []record {
			begin()
			return parseSSE(t, received.lines())
		}
	}},
}

// dialSlowly makes a connection whose client's end takes little.
func dialSlowly(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetReadBuffer(16 << 10)
}

// A client that has lagged is told what it lost, goes on from there with what is
// retained, and gets everything of every class that comes later.
func TestLaggedClientsGoOn(t *testing.T) {
	t.Parallel()
	for _, stream := range slowStreams {
		t.Run(stream.name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, "--events.high_priority_buffer", "50", "--events.medium_priority_buffer", "30",
				"--events.low_priority_buffer", "10")
			published := make(map[string][]int) // numbers of the events, by class
			n := 0
			publish := func(rounds int) {
				t.Helper()
				var body bytes.Buffer
				for range rounds {
					for _, kind := range kinds {
						n++
						fmt.Fprintf(&body, `{"type":%q,%s,"seq":%d,"padding":%q}`+"\n", kind.name, kind.fields, n, strings.Repeat("x", 4000))
						published[kind.class] = append(published[kind.class], n)
					}
				}
				r.publish(t, body.String())
			}
			healthy := []*socket{openSocket(t, r, ""), openSocket(t, r, "")}
			read := stream.open(t, r)
			for r.metrics(t)["adic_connections_lagging"] == 0 {
				publish(1)
			}
			publish(100) // more than is retained, of every class
			eventually(t, "the router goes on without it", func() bool {
				m := r.metrics(t)
				return m[`adic_events_pending{priority="high"}`]+m[`adic_events_pending{priority="medium"}`]+m[`adic_events_pending{priority="low"}`] == 0
			})

			eventually(t, "it has caught up", func() bool { return accounted(read()) == n })
			if lost := wantAccounted(t, read(), published); lost["high"] == 0 || lost["medium"] == 0 || lost["low"] == 0 {
				t.Errorf("it has lost only %v", lost)
			}
			behind := len(read())
			for range 10 {
				publish(1)
				eventually(t, "events arrive", func() bool { return accounted(read()) == n })
			}
			wantAccounted(t, read(), published)
			if got := len(read()) - behind; got != 10*len(kinds) {
				t.Errorf("received %d messages for %d later events", got, 10*len(kinds))
			}
			for _, s := range healthy {
				eventually(t, "the others have everything", func() bool { return accounted(s.records(t)) == n })
				if lost := wantAccounted(t, s.records(t), published); len(lost) > 0 {
					t.Errorf("a client that reads has lost %v", lost)
				}
			}
		})
	}
}

// accounted returns how many events were received or told to be lost.
func accounted(records []record) int {
	n := count(records, "Event")
	for _, r := range records {
		for _, dropped := range r.Dropped {
			if dropped != nil {
				n += *dropped
			}
		}
	}
	return n
}

// wantAccounted checks that every published event was received, in its place, or
// told to be lost before the next one of its class, and returns how many were.
func wantAccounted(t *testing.T, records []record, published map[string][]int) (lost map[string]int) {
	t.Helper()
	lost = make(map[string]int)
	next, told := make(map[string]int), make(map[string]int)
	for _, r := range records {
		switch r.Type {
		case "Lagged":
			for class, count := range r.Dropped {
				if count == nil {
					t.Fatalf("a count is missing: %s", r.raw)
				}
				told[class] += *count
				lost[class] += *count
			}
		case "Event":
			class := classOf(r.Event.Type)
			at := slices.Index(published[class], r.Event.Seq)
			if gap := at - next[class]; gap < 0 || gap != told[class] {
				t.Fatalf("event %d of class %s comes after %d others, %d of which were told to be lost", r.Event.Seq, class, gap, told[class])
			}
			next[class], told[class] = at+1, 0
		}
	}
	for class, seqs := range published {
		if rest := len(seqs) - next[class]; rest != told[class] {
			t.Errorf("%d events of class %s have not come, and %d were told to be lost", rest, class, told[class])
		}
	}
	return lost
}
