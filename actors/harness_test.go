package actors

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/event"
)

// catalogue is a small one: two types of each class, their classes mixed.
var catalogue = sync.OnceValue(func() *event.Catalogue {
	const fields = `"fields":[{"name":"n","type":"uint"},{"name":"timestamp","type":"timestamp"}]`
	c, err := event.ParseCatalogue([]byte(`{"events":[
		{"name":"Alarm", "alias":"safety.alarm", "priority":"high", ` + fields + `},
		{"name":"Tally", "alias":"stat.tally", "priority":"medium", ` + fields + `},
		{"name":"Trace", "alias":"debug.trace", "priority":"low", ` + fields + `},
		{"name":"Breach", "alias":"safety.breach", "priority":"high", ` + fields + `},
		{"name":"Quota", "alias":"stat.quota", "priority":"medium", ` + fields + `},
		{"name":"Sample", "alias":"debug.sample", "priority":"low", ` + fields + `}]}`))
	if err != nil {
		panic(err)
	}
	return c
})

// typeID returns the type with the name.
func typeID(t testing.TB, name string) event.TypeID {
	t.Helper()
	id, ok := catalogue().Lookup(name)
	if !ok {
		t.Fatalf("the test catalogue has no type %q", name)
	}
	return id
}

// newEvent returns an event that is not placed yet.
func newEvent(t testing.TB, name string, n int) *event.Event {
	t.Helper()
	p := event.Parser{Catalogue: catalogue()}
	e, err := p.ParseEvent(fmt.Appendf(nil, `{"type":%q,"n":%d,"timestamp":"2024-01-15T10:30:00Z"}`, name, n))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// testSettings have small rings, and no time limit that a test would run into
// without meaning to.
func testSettings() Settings {
	return Settings{
		Retain:            [event.NumPriorities]int{10, 5, 3},
		PendingEvents:     10_000,
		PendingBytes:      64 << 20,
		HeartbeatInterval: 15 * time.Second,
		PingInterval:      30 * time.Second,
		StallTimeout:      time.Hour,
		MaxMessageSize:    4 << 10,
		ClientMessageRate: 100,
	}
}

// rig is a router under test. It is made and used inside of a bubble.
type rig struct {
	*Router
	t   testing.TB
	set *metrics.Set
	n   int // number of the last event
}

func newRig(t testing.TB, change ...func(*Settings)) *rig {
	t.Helper()
	settings := testSettings()
	for _, f := range change {
		f(&settings)
	}
	return newRigOf(t, Options{Settings: settings})
}

// newRigOf is a rig with what is not set in o set.
func newRigOf(t testing.TB, o Options) *rig {
	t.Helper()
	set := metrics.NewSet()
	o.Catalogue, o.Metrics = catalogue(), set
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r, err := NewRouter(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		// protoactor counts dead letters by the second, on a goroutine.
		time.Sleep(2 * time.Second)
	})
	return &rig{Router: r, t: t, set: set}
}

// events returns events with the next numbers: "Alarm", or "3 Alarm" for three.
func (r *rig) events(names ...string) (batch []*event.Event) {
	r.t.Helper()
	for _, name := range names {
		count := 1
		if times, rest, ok := strings.Cut(name, " "); ok {
			if _, err := fmt.Sscan(times, &count); err != nil {
				r.t.Fatal(err)
			}
			name = rest
		}
		for range count {
			r.n++
			batch = append(batch, newEvent(r.t, name, r.n))
		}
	}
	return batch
}

// publish publishes events as one batch, and waits until nothing moves.
func (r *rig) publish(names ...string) {
	r.t.Helper()
	if err := r.Publish(r.events(names...)); err != nil {
		r.t.Fatalf("publish %v: %v", names, err)
	}
	synctest.Wait()
}

// metric returns the value of a metric.
func (r *rig) metric(name string) float64 {
	r.t.Helper()
	var text strings.Builder
	r.set.WritePrometheus(&text)
	for line := range strings.Lines(text.String()) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			var v float64
			if _, err := fmt.Sscan(value, &v); err != nil {
				r.t.Fatalf("%s: %v", line, err)
			}
			return v
		}
	}
	r.t.Fatalf("there is no metric %s", name)
	return 0
}

func (r *rig) dropped(p event.Priority) float64 {
	r.t.Helper()
	return r.metric(fmt.Sprintf("adic_events_dropped_total{priority=%q}", p))
}

// everything is a subscription to all there is.
var everything = Subscription{All: true, Priorities: event.AllPriorities}

// only is a subscription to the types named.
func only(t testing.TB, names ...string) Subscription {
	t.Helper()
	types, all, err := catalogue().ParseTypes(names)
	if err != nil {
		t.Fatal(err)
	}
	return Subscription{Types: types, All: all, Priorities: event.AllPriorities}
}

// client is a client of a rig: a pipe and what came through it.
type client struct {
	*pipe
	t      testing.TB
	decode decoder
	buf    []byte // received, not decoded
	total  int    // bytes received since the beginning
	gone   int    // times that OnClose was called
}

func newClient(t testing.TB, size int, d decoder) *client {
	return &client{pipe: newPipe(t, size), t: t, decode: d}
}

func (c *client) options(s Subscription, from Start) Client {
	return Client{Transport: c.pipe, Subscription: s, Start: from, OnClose: func() { c.gone++ }}
}

// connect connects a WebSocket whose send buffer is never full, and takes the
// first message off.
func (r *rig) connect(s Subscription, from Start) *client {
	r.t.Helper()
	c := r.connectSized(unlimited, s, from)
	if first := c.pull(); !strings.HasPrefix(first[0].String(), "Subscribed") {
		r.t.Fatalf("the first message is %v, want Subscribed", first[0])
	} else if len(first) > 1 {
		r.t.Fatalf("%v come after the first message; use connectSized", first[1:])
	}
	return c
}

// connectSized connects a WebSocket with a send buffer of size bytes, and waits
// until nothing moves.
func (r *rig) connectSized(size int, s Subscription, from Start) *client {
	r.t.Helper()
	c := newClient(r.t, size, &wsDecoder{})
	r.serveWS(c, WebSocket{Client: c.options(s, from)})
	return c
}

func (r *rig) serveWS(c *client, w WebSocket) {
	r.t.Helper()
	if err := r.ServeWebSocket(w); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

const sseHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

// connectSSE connects an event stream.
func (r *rig) connectSSE(size int, s Subscription, from Start) *client {
	r.t.Helper()
	c := newClient(r.t, size, &sseDecoder{})
	if err := r.ServeSSE(SSE{Client: c.options(s, from), Head: []byte(sseHead), Heartbeat: true}); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
	return c
}

// take receives up to n bytes and returns the messages that they complete.
func (c *client) take(n int) (messages []wireMessage, err error) {
	b := c.receive(n)
	c.total += len(b)
	c.buf = append(c.buf, b...)
	for {
		m, size, err := c.decode.next(c.buf)
		if err != nil {
			return messages, fmt.Errorf("after %v: %w", messages, err)
		}
		if size == 0 {
			return messages, nil
		}
		c.buf = c.buf[size:]
		m.end = c.total - len(c.buf)
		messages = append(messages, m)
	}
}

// drain receives n bytes, as they come, and returns what they say.
func (c *client) drain(n int) (messages []wireMessage) {
	c.t.Helper()
	synctest.Wait()
	for n > 0 {
		before := c.total
		more, err := c.take(n)
		if err != nil {
			c.t.Fatal(err)
		}
		messages = append(messages, more...)
		synctest.Wait()
		if c.total == before {
			break
		}
		n -= c.total - before
	}
	return messages
}

// pull receives all there is until nothing moves.
func (c *client) pull() []wireMessage {
	c.t.Helper()
	return c.drain(math.MaxInt)
}

// expect pulls and compares.
func (c *client) expect(want ...string) []wireMessage {
	c.t.Helper()
	got := c.pull()
	if !slices.Equal(short(got), want) {
		c.t.Fatalf("got  %q\nwant %q", short(got), want)
	}
	return got
}

func short(messages []wireMessage) []string {
	s := make([]string, 0, len(messages))
	for _, m := range messages {
		s = append(s, m.String())
	}
	return s
}

// say sends a text message, and waits until nothing moves.
func (c *client) say(text string) {
	c.send(maskedFrame(0x80|opText, []byte(text)))
	synctest.Wait()
}

// sendFrame sends a frame with its first byte, and waits until nothing moves.
func (c *client) sendFrame(first byte, payload []byte) {
	c.send(maskedFrame(first, payload))
	synctest.Wait()
}

// leave ends the connection as a client does that is gone.
func (c *client) leave() {
	c.end(io.EOF)
	synctest.Wait()
}

// maskedFrame is a frame as clients send it (RFC 6455 §5.2, §5.3).
func maskedFrame(first byte, payload []byte) []byte {
	key := [4]byte{0xa1, 0x02, 0x7f, 0x33}
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, key[:]...)
	for i, c := range payload {
		b = append(b, c^key[i&3])
	}
	return b
}

func closePayload(code uint16, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), reason...)
}
