//go:build linux

package bench

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeRouter speaks the router's protocol as far as the generator needs it, and
// makes on request every mistake that the generator has to find. It makes its
// frames by hand, so that nothing of package bench is tested against itself.
type fakeRouter struct {
	*httptest.Server
	t *testing.T

	// These are set before start. The hooks run with mu held.
	opening  func(w http.ResponseWriter, r *http.Request) (refused bool)
	publish  func(w http.ResponseWriter, events []fakeEvent) (refused bool)
	opened   func(c *fakeClient)
	deliver  func(c *fakeClient, e fakeEvent)
	split    bool   // write every byte by itself
	plain    bool   // no SSE stream in chunks
	greeting string // the first WebSocket message

	mu      sync.Mutex
	clients []*fakeClient
	all     sync.WaitGroup
}

// fakeEvent is a published event with what the fake reads from it.
type fakeEvent struct {
	Class  string
	Seq    int
	SentNS int64 `json:"sent_ns"`
	Type   string
	raw    string
}

// fakeClient is one connection. Its writes are made with the router's mu held.
type fakeClient struct {
	router  *fakeRouter
	index   int // in the order of opening
	sse     bool
	query   string
	conn    net.Conn
	chunked bool
	sent    int // events
	pongs   []string
	closed  int // close code received, -1 before
}

func newFakeRouter(t *testing.T) *fakeRouter {
	r := &fakeRouter{t: t, greeting: `{"type":"Subscribed","events":["all"]}`}
	r.deliver = func(c *fakeClient, e fakeEvent) { c.event(e) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ws/events", func(w http.ResponseWriter, q *http.Request) { r.open(w, q, false) })
	mux.HandleFunc("GET /v1/sse/events", func(w http.ResponseWriter, q *http.Request) { r.open(w, q, true) })
	mux.HandleFunc("POST /v1/events", r.post)
	r.Server = httptest.NewUnstartedServer(mux)
	t.Cleanup(func() {
		r.mu.Lock()
		for _, c := range r.clients {
			c.conn.Close()
		}
		r.mu.Unlock()
		r.all.Wait()
		r.Close()
	})
	return r
}

// start makes the router serve, and returns a configuration of a quick run
// against it: a burst of 100 events to three clients of each kind.
func (r *fakeRouter) start() Config {
	r.Start()
	cfg := DefaultConfig()
	cfg.URL = r.URL
	cfg.WebSocket, cfg.SSE = 3, 3
	cfg.Burst = 100
	cfg.Batch = 7
	cfg.Idle = 0
	cfg.Settle = 200 * time.Millisecond
	cfg.Token = "secret"
	return cfg
}

func (r *fakeRouter) open(w http.ResponseWriter, q *http.Request, sse bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opening != nil && r.opening(w, q) {
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		r.t.Errorf("cannot hijack: %v", err)
		return
	}
	c := &fakeClient{router: r, index: len(r.clients), sse: sse, query: q.URL.RawQuery, conn: conn, closed: -1}
	if sse {
		c.chunked = !r.plain && c.index%4 < 2 // of 1, 3, 5, ...: every second
		coding := ""
		if c.chunked {
			coding = "Transfer-Encoding: chunked\r\n"
		}
		c.raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" + coding + "\r\n")
		c.block("retry: 3000\n\n")
	} else {
		sum := sha1.Sum([]byte(q.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		// The first message comes in the same write as the head.
		c.raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n" +
			serverFrame(true, 1, r.greeting))
	}
	r.clients = append(r.clients, c)
	if r.opened != nil {
		r.opened(c)
	}
	r.all.Go(func() { c.listen(buffered.Reader) })
}

func (r *fakeRouter) post(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Errorf("cannot read a publish: %v", err)
		return
	}
	raws := []json.RawMessage{body}
	if body[0] == '[' {
		if err := json.Unmarshal(body, &raws); err != nil {
			r.t.Errorf("published what is no JSON array: %v: %s", err, body)
		}
	}
	events := make([]fakeEvent, len(raws))
	for i, raw := range raws {
		if err := json.Unmarshal(raw, &events[i]); err != nil {
			r.t.Errorf("published what is no JSON object: %v: %s", err, raw)
		}
		events[i].raw = string(raw)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.publish != nil && r.publish(w, events) {
		return
	}
	for _, c := range r.clients {
		for _, e := range events {
			r.deliver(c, e)
		}
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"accepted":%d}`, len(events))
}

// listen takes the frames of a WebSocket client until the connection ends.
func (c *fakeClient) listen(b *bufio.Reader) {
	for {
		var head [6]byte // Clients send control frames only, which are short and masked.
		if _, err := io.ReadFull(b, head[:]); err != nil {
			break
		}
		payload := make([]byte, head[1]&0x7F)
		if _, err := io.ReadFull(b, payload); err != nil {
			break
		}
		for i := range payload {
			payload[i] ^= head[2+i%4]
		}
		c.router.mu.Lock()
		switch {
		case head[1]&0x80 == 0:
			c.router.t.Error("a client frame is not masked")
		case head[0] == 0x80|10:
			c.pongs = append(c.pongs, string(payload))
		case head[0] == 0x80|8:
			c.closed = 1005
			if len(payload) >= 2 {
				c.closed = int(binary.BigEndian.Uint16(payload))
			}
			c.conn.Close()
		default:
			c.router.t.Errorf("unexpected client frame %#x", head[0])
		}
		c.router.mu.Unlock()
	}
	c.conn.Close()
}

// event sends an event as the router does.
func (c *fakeClient) event(e fakeEvent) {
	c.sent++
	if c.sse {
		c.block(fmt.Sprintf("id: c%d\nevent: %s\ndata: %s\n\n", c.sent, e.Type, e.raw))
		return
	}
	c.message(`{"type":"Event","event":` + e.raw + `}`)
}

// lagged sends a Lagged message. The counts are JSON, so that they can be null.
func (c *fakeClient) lagged(high, medium, low string) {
	message := fmt.Sprintf(`{"type":"Lagged","dropped":{"high":%s,"medium":%s,"low":%s}}`, high, medium, low)
	if c.sse {
		c.block("event: Lagged\ndata: " + message + "\n\n")
		return
	}
	c.message(message)
}

func (c *fakeClient) message(text string) { c.raw(serverFrame(true, 1, text)) }
func (c *fakeClient) ping(text string)    { c.raw(serverFrame(true, 9, text)) }
func (c *fakeClient) close(code int)      { c.raw(serverFrame(true, 8, closePayload(code, "bye"))) }
func closePayload(code int, why string) string {
	return string([]byte{byte(code >> 8), byte(code)}) + why
}

// block sends a piece of an SSE stream, as one chunk where the body has chunks.
func (c *fakeClient) block(text string) {
	if c.chunked {
		text = fmt.Sprintf("%x\r\n%s\r\n", len(text), text)
	}
	c.raw(text)
}

func (c *fakeClient) raw(bytes string) {
	for len(bytes) > 0 {
		n := len(bytes)
		if c.router.split {
			n = 1
		}
		// An error says that the client is gone, which every test that cares
		// for sees in the report.
		_, _ = io.WriteString(c.conn, bytes[:n])
		bytes = bytes[n:]
	}
}

// serverFrame makes an unmasked frame.
func serverFrame(fin bool, opcode byte, payload string) string {
	var b strings.Builder
	if fin {
		opcode |= 0x80
	}
	b.WriteByte(opcode)
	switch n := len(payload); {
	case n < 126:
		b.WriteByte(byte(n))
	case n < 1<<16:
		b.Write([]byte{126, byte(n >> 8), byte(n)})
	default:
		b.WriteByte(127)
		b.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	b.WriteString(payload)
	return b.String()
}
