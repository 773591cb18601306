package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/adic-network/router/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// taker is a Follower that remembers what it was given.
type taker struct {
	mu     sync.Mutex
	events []string // "7-2 TipsUpdated": the epoch, the position and the type; "gap" where some were left out
	at     event.Cursor
	full   int // attempts that find no room
}

func (f *taker) Replicate(at event.Cursor, batch []event.Placed) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full > 0 {
		f.full--
		return errors.New("no room")
	}
	if at.Epoch == f.at.Epoch && at != f.at {
		f.events = append(f.events, "gap")
	}
	f.at = at
	for _, p := range batch {
		if p.Position > f.at.Pos[p.Event.Priority]+1 {
			f.events = append(f.events, "gap")
		}
		f.at.Pos[p.Event.Priority] = p.Position
		f.events = append(f.events, fmt.Sprintf("%d %s", p.Position, p.Event.Name()))
	}
	return nil
}

func (f *taker) seen() ([]string, event.Cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events), f.at
}

func (f *taker) await(t *testing.T, want ...string) event.Cursor {
	t.Helper()
	eventually(t, fmt.Sprint(want), func() bool { got, _ := f.seen(); return len(got) >= len(want) })
	got, at := f.seen()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	return at
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited %v in vain for: %s", patience, what)
		}
	}
}

// relayTo runs a relay of nodes until the test ends.
func relayTo(t *testing.T, f Follower, urls ...string) *Relay {
	t.Helper()
	return relayWith(t, f, event.Default(), urls...)
}

func relayWith(t *testing.T, f Follower, types *event.Catalogue, urls ...string) *Relay {
	t.Helper()
	r := New(Options{URLs: urls, Catalogue: types, Batch: 4, Follower: f, Instance: "me",
		Metrics: metrics.NewSet(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return r
}

// node is a server that says what it is told to.
type node struct {
	mu           sync.Mutex
	health, poll string     // the answers, "" for 404
	sockets      [][]string // what each WebSocket says; nil, and after the last one, there is none
	connections  atomic.Int32
	hangUp       chan struct{} // lets a socket end, unless it is the last one
}

func (n *node) start(t *testing.T) string {
	t.Helper()
	n.hangUp = make(chan struct{})
	mux := http.NewServeMux()
	text := func(answer *string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n.mu.Lock()
			body := *answer
			n.mu.Unlock()
			if body == "" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, body)
		}
	}
	mux.HandleFunc("/v1/health/streaming", text(&n.health))
	mux.HandleFunc("/v1/events", text(&n.poll))
	mux.HandleFunc("/v1/ws/events", func(w http.ResponseWriter, r *http.Request) {
		i := int(n.connections.Add(1)) - 1
		if i >= len(n.sockets) || n.sockets[i] == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for _, message := range n.sockets[i] {
			if conn.Write(r.Context(), websocket.MessageText, []byte(message)) != nil {
				return
			}
		}
		if i+1 < len(n.sockets) {
			select {
			case <-n.hangUp:
				conn.Close(websocket.StatusGoingAway, "")
			case <-r.Context().Done():
			}
			return
		}
		_, _, _ = conn.Read(r.Context())
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// The messages of nodes: with cursors and flat, or without and tagged.
func flat(id, name string, n int) string {
	return fmt.Sprintf(`{"type":"Event","id":"%s","event":%s}`, id, fmt.Sprintf(samples[name], n))
}

func tagged(n int) string {
	return fmt.Sprintf(`{"type":"Event","event":{"type":"TipsUpdated","data":{"tips":[],"count":%d,"timestamp":1705314600}}}`, n)
}

var samples = map[string]string{
	"TipsUpdated":  `{"type":"TipsUpdated","tips":[],"count":%d,"timestamp":1705314600}`,
	"KCoreUpdated": `{"type":"KCoreUpdated","finalized_count":%d,"pending_count":2,"timestamp":1705314600}`,
	"Unheard":      `{"type":"Unheard","n":%d}`,
	"Wrong":        `{"type":"TipsUpdated","tips":%d}`,
}

const lagged = `{"type":"Lagged","dropped":{"high":0,"medium":3,"low":120}}`

// Events keep their places, whatever the upstream says between them.
func TestPlacesAreKept(t *testing.T) {
	const at = "0000000000aa-"
	for _, test := range []struct {
		name     string
		poll     string
		messages []string
		want     []string
		end      [event.NumPriorities]uint64
	}{
		{"from the first on", `{"events":[],"cursor":"` + at + `2-1-0"}`,
			[]string{flat(at+"1-0-0", "TipsUpdated", 1), flat(at+"2-0-0", "TipsUpdated", 2), flat(at+"2-1-0", "KCoreUpdated", 1)},
			[]string{"1 TipsUpdated", "2 TipsUpdated", "1 KCoreUpdated"}, [3]uint64{2, 1, 0}},
		{"the first is not the first of all", `{"events":[],"cursor":"` + at + `a-9-8"}`,
			[]string{lagged, flat(at+"a-8-8", "TipsUpdated", 1), flat(at+"a-9-8", "KCoreUpdated", 2)},
			[]string{"10 TipsUpdated", "9 KCoreUpdated"}, [3]uint64{10, 9, 8}},
		{"a gap", `{"events":[],"cursor":"` + at + `0-0-0"}`,
			[]string{flat(at+"1-0-0", "TipsUpdated", 1), lagged, flat(at+"4-0-7", "TipsUpdated", 2)},
			[]string{"1 TipsUpdated", "gap", "4 TipsUpdated"}, [3]uint64{4, 0, 0}},
		{"repeats", `{"events":[],"cursor":"` + at + `0-0-0"}`,
			[]string{flat(at+"1-0-0", "TipsUpdated", 1), flat(at+"1-0-0", "TipsUpdated", 1), flat(at+"2-0-0", "TipsUpdated", 2)},
			[]string{"1 TipsUpdated", "2 TipsUpdated"}, [3]uint64{2, 0, 0}},
		{"unknown and broken events", `{"events":[],"cursor":"` + at + `0-0-0"}`,
			[]string{flat(at+"1-0-0", "TipsUpdated", 1), flat(at+"2-0-0", "Unheard", 2), flat(at+"3-0-0", "Wrong", 3), flat(at+"4-0-0", "TipsUpdated", 4)},
			[]string{"1 TipsUpdated", "gap", "4 TipsUpdated"}, [3]uint64{4, 0, 0}},
		{"of another priority", `{"events":[],"cursor":"` + at + `0-0-0"}`,
			[]string{flat(at+"0-1-0", "KCoreUpdated", 1), flat(at+"0-2-0", "TipsUpdated", 1), flat(at+"1-2-0", "TipsUpdated", 2)},
			[]string{"1 KCoreUpdated", "1 TipsUpdated"}, [3]uint64{1, 1, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &taker{full: 3}
			n := &node{poll: test.poll, sockets: [][]string{test.messages}}
			r := relayTo(t, f, n.start(t))
			got := f.await(t, test.want...)
			if got.Epoch != 0xaa || got.Pos[event.High] != test.end[event.High] {
				t.Errorf("at %v, want %v", got, test.end)
			}
			if !r.Up() || r.Reasons() != nil {
				t.Errorf("up: %v, %v", r.Up(), r.Reasons())
			}
		})
	}
}

// Events of types that are not known here can be passed on, where they are.
func TestUnknownTypesPass(t *testing.T) {
	t.Parallel()
	const at = "0000000000aa-"
	f := &taker{}
	n := &node{poll: `{"events":[],"cursor":"` + at + `0-0-0"}`, sockets: [][]string{{
		flat(at+"1-0-0", "TipsUpdated", 1), flat(at+"2-0-0", "Unheard", 2), flat(at+"2-0-1", "Unheard", 3), flat(at+"3-0-1", "TipsUpdated", 4)}}}
	types, err := event.Default().WithUnknown()
	if err != nil {
		t.Fatal(err)
	}
	relayWith(t, f, types, n.start(t))
	if end := f.await(t, "1 TipsUpdated", "2 Unheard", "1 Unheard", "3 TipsUpdated"); end.Pos != [3]uint64{3, 0, 1} {
		t.Errorf("at %v", end)
	}
}

// Nothing is retained above: the relay begins at the end, without an event.
func TestNothingRetained(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{"0000000000aa-0-0-0", "0000000000aa-5-6-7"} {
		f := &taker{}
		n := &node{poll: `{"events":[],"cursor":"` + cursor + `"}`, sockets: [][]string{{}}}
		relayTo(t, f, n.start(t))
		eventually(t, "it begins", func() bool { _, at := f.seen(); return string(at.AppendText(nil)) == cursor })
	}
}

// The upstream's stream begins anew: so does the relay's.
func TestAnotherEpoch(t *testing.T) {
	t.Parallel()
	f := &taker{}
	n := &node{poll: `{"events":[],"cursor":"0000000000aa-0-0-0"}`, sockets: [][]string{
		{flat("0000000000aa-1-0-0", "TipsUpdated", 1)},
		{`{"type":"Lagged","dropped":{"high":null,"medium":null,"low":null}}`, flat("0000000000bb-6-0-0", "TipsUpdated", 6), flat("0000000000bb-7-0-0", "TipsUpdated", 7)},
	}}
	relayTo(t, f, n.start(t))
	f.await(t, "1 TipsUpdated")
	n.hangUp <- struct{}{}
	if at := f.await(t, "1 TipsUpdated", "6 TipsUpdated", "7 TipsUpdated"); at.Epoch != 0xbb {
		t.Errorf("at %v", at)
	}
}

// A node without cursors is numbered here, and what may have been missed between two
// connections is left out.
func TestNodeWithoutCursors(t *testing.T) {
	t.Parallel()
	f := &taker{}
	n := &node{sockets: [][]string{{tagged(1), tagged(2)}, {tagged(3)}}}
	relayTo(t, f, n.start(t))
	f.await(t, "1 TipsUpdated", "2 TipsUpdated")
	n.hangUp <- struct{}{}
	f.await(t, "1 TipsUpdated", "2 TipsUpdated", "gap", "4 TipsUpdated")
}

// The next upstream takes over, from the same place.
func TestFailover(t *testing.T) {
	t.Parallel()
	f := &taker{}
	poll := `{"events":[],"cursor":"0000000000aa-0-0-0"}`
	first := &node{poll: poll, sockets: [][]string{{flat("0000000000aa-1-0-0", "TipsUpdated", 1)}, nil}}
	second := &node{poll: poll, sockets: [][]string{{flat("0000000000aa-1-0-0", "TipsUpdated", 1), flat("0000000000aa-2-0-0", "TipsUpdated", 2)}}}
	r := relayTo(t, f, "http://127.0.0.1:1", first.start(t), second.start(t))
	f.await(t, "1 TipsUpdated")
	first.mu.Lock()
	first.poll = "" // or it would be polled
	first.mu.Unlock()
	first.hangUp <- struct{}{}
	f.await(t, "1 TipsUpdated", "2 TipsUpdated")
	if !r.Up() {
		t.Error(r.Reasons())
	}
}

func TestRefusedUpstreams(t *testing.T) {
	for _, test := range []struct {
		name string
		node *node
		want string
	}{
		{"itself", &node{health: `{"status":"healthy","instance":"me"}`, poll: `{}`}, "a loop"},
		{"a relay of it", &node{health: `{"status":"healthy","instance":"x","upstream":["y","me"]}`, poll: `{}`}, "a loop"},
		{"nothing at all", &node{}, "404"},
		{"a cursor that is none", &node{poll: `{"events":[],"cursor":"abc"}`}, "a cursor that is none"},
		{"a page", &node{poll: `<h1>It works</h1>`}, "503"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := relayTo(t, &taker{}, test.node.start(t))
			eventually(t, "the reason is told", func() bool { return strings.Contains(fmt.Sprint(r.Reasons()), test.want) })
			if r.Up() {
				t.Error("it is up")
			}
		})
	}
}
