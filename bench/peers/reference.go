package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/adic-network/router/event"
)

// referencePeer is the design of the reference node, which is in Rust, written
// in Go: a broadcast channel for each priority, and a task for each connection
// that receives from all three, encodes every event for itself and writes it.
//
// Its documents: tokio::sync::broadcast for the channels (see broadcastRing), the
// node's configuration for their capacities, and its two paths.
func referencePeer() peer {
	return peer{
		description: description{
			Name:      "reference",
			Module:    "std",
			Transport: "both",
			Path:      "/v1/ws/events?events=" + placeholder,
			SSEPath:   "/v1/sse/events?events=" + placeholder,
			Setup: "The reference node's design in Go: a ring for each priority after tokio::sync::broadcast with the node's " +
				"capacities of 1,000, 500 and 100 events, each receiver encoding (encoding/json) and writing every event for " +
				"itself; net/http for SSE, gorilla/websocket for WebSocket with a second goroutine for each connection that " +
				"reads. A receiver that is overtaken skips what it missed and goes on.",
		},
		start: startReference,
	}
}

// broadcastRing is a broadcast channel after tokio's: a send overwrites the
// oldest slot, however far receivers are, and wakes all that wait. It is safe for
// concurrent use.
type broadcastRing struct {
	mu    sync.RWMutex
	slots []referenceEvent
	next  uint64        // position of the next event
	sent  chan struct{} // closed by the next send
}

type referenceEvent struct {
	channel string
	body    json.RawMessage
}

func newBroadcastRing(capacity int) *broadcastRing {
	return &broadcastRing{slots: make([]referenceEvent, capacity), sent: make(chan struct{})}
}

// send places an event.
func (b *broadcastRing) send(e referenceEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slots[b.next%uint64(len(b.slots))] = e
	b.next++
	close(b.sent)
	b.sent = make(chan struct{})
}

// receive returns the event at a position, or the oldest that is left if that
// has been overwritten, and moves the position behind it. Without an event it
// returns what is closed when there is one.
func (b *broadcastRing) receive(position *uint64) (e referenceEvent, ok bool, wait <-chan struct{}) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if *position == b.next {
		return referenceEvent{}, false, b.sent
	}
	*position = max(*position, b.next-min(b.next, uint64(len(b.slots))))
	e = b.slots[*position%uint64(len(b.slots))]
	*position++
	return e, true, nil
}

// head returns the position of the next event.
func (b *broadcastRing) head() uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.next
}

// reference is the node's event system: high, medium and low.
type reference struct {
	rings [event.NumPriorities]*broadcastRing
	quit  chan struct{}
	tasks sync.WaitGroup
}

// receiver is the end of one connection.
type receiver struct {
	from      *reference
	channel   string
	positions [event.NumPriorities]uint64
}

// subscribe returns a receiver of what is published from now on.
func (n *reference) subscribe(channel string) *receiver {
	r := &receiver{from: n, channel: channel}
	for i, ring := range n.rings {
		r.positions[i] = ring.head()
	}
	return r
}

// receive returns the next event that the receiver wants, high before medium
// before low. It waits for one until gone is closed or the node ends.
func (r *receiver) receive(gone <-chan struct{}) (body json.RawMessage, ok bool) {
	for {
		var waits [event.NumPriorities]<-chan struct{}
		found := false
		for i, ring := range r.from.rings {
			var e referenceEvent
			if e, found, waits[i] = ring.receive(&r.positions[i]); found {
				if e.channel == r.channel {
					return e.body, true
				}
				break
			}
		}
		if found {
			continue
		}
		select {
		case <-waits[0]:
		case <-waits[1]:
		case <-waits[2]:
		case <-gone:
			return nil, false
		case <-r.from.quit:
			return nil, false
		}
	}
}

// publish sends an event to the ring of its priority. One without a type of the
// catalogue counts as high.
func (n *reference) publish(channel string, body []byte) error {
	var e struct{ Type string }
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	priority := event.High
	if id, ok := event.Default().Lookup(e.Type); ok {
		priority = event.Default().Type(id).Priority
	}
	n.rings[priority].send(referenceEvent{channel, body})
	return nil
}

// serveWebSocket writes events as messages {"type":"Event","event":...}.
func (n *reference) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	receiver := n.subscribe(r.URL.Query().Get("events"))
	upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has been answered
	}
	gone := make(chan struct{})
	n.tasks.Go(func() {
		defer close(gone)
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	})
	n.tasks.Go(func() {
		defer func() { _ = conn.Close() }()
		for {
			received, ok := receiver.receive(gone)
			if !ok {
				return
			}
			body, err := encode(struct {
				Type  string          `json:"type"`
				Event json.RawMessage `json:"event"`
			}{"Event", received})
			if err != nil || conn.WriteMessage(websocket.TextMessage, body) != nil {
				return
			}
		}
	})
}

// serveSSE writes events as server-sent events, each flushed.
func (n *reference) serveSSE(w http.ResponseWriter, r *http.Request) {
	receiver := n.subscribe(r.URL.Query().Get("events"))
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	flusher := http.NewResponseController(w)
	if err := flusher.Flush(); err != nil {
		return
	}
	for {
		received, ok := receiver.receive(r.Context().Done())
		if !ok {
			return
		}
		body, err := encode(received)
		if err != nil {
			return
		}
		_, err = w.Write(append(append([]byte("data: "), body...), "\n\n"...))
		if err != nil || flusher.Flush() != nil {
			return
		}
	}
}

// encode is json.Marshal that leaves <, > and & as they were published.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func startReference(addr string, _ options) (server, error) {
	n := &reference{
		rings: [event.NumPriorities]*broadcastRing{
			event.High: newBroadcastRing(1000), event.Medium: newBroadcastRing(500), event.Low: newBroadcastRing(100),
		},
		quit: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ws/events", n.serveWebSocket)
	mux.HandleFunc("GET /v1/sse/events", n.serveSSE)
	streams, err := serveHTTP(addr, mux)
	if err != nil {
		return server{}, err
	}
	return server{
		addr:    streams.addr,
		publish: oneByOne(n.publish),
		close: func() error {
			close(n.quit)
			err := streams.close()
			n.tasks.Wait()
			return err
		},
	}, nil
}
