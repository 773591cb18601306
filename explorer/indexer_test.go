package explorer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"pgregory.net/rapid"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
)

// What a node emits is indexed and then shown, over every transport that works.
func TestTransports(t *testing.T) {
	for name, test := range map[string]struct {
		node  func(*config.Config)
		using []client.Transport
		want  client.Transport
	}{
		"the best":             {func(*config.Config) {}, nil, client.WebSocket},
		"no WebSocket":         {func(c *config.Config) { c.API.EnableWebSocket = false }, nil, client.SSE},
		"nothing but polling":  {func(c *config.Config) { c.API.EnableWebSocket, c.API.EnableSSE = false, false }, nil, client.Polling},
		"polling is asked for": {func(*config.Config) {}, []client.Transport{client.Polling}, client.Polling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, test.node)
			n.publish(event.High, 3)
			s := openStore(t, t.TempDir())
			x := index(t, n.URL(), s, func(o *Options) { o.Client.Transports = test.using })
			x.connected(t, test.want)
			n.publish(event.Low, 2)
			n.publish(event.Medium, 2)
			eventually(t, "everything is shown", func() bool { return x.live.count() == 7 })
			if got, want := fmt.Sprint(numbers(t, s)), "[[1 2 3] [6 7] [4 5]]"; got != want {
				t.Errorf("indexed %s, want %s", got, want)
			}
			status := x.Status()
			if status.Enabled != (test.using == nil) || status.ByType["MessageAdded"] != 3 || status.LastEvent.IsZero() || status.Err != nil {
				t.Errorf("%+v", status)
			}
			if x.live.lacks() != 0 {
				t.Errorf("%d events were left out of what is shown", x.live.lacks())
			}
		})
	}
}

// An indexer that was away goes on where it left off; what the node did not keep is
// stored as a loss, exactly; who watches is shown what was newest before.
func TestGoesOn(t *testing.T) {
	n := startNode(t, func(c *config.Config) {
		c.Events.HighPriorityBuffer, c.Events.MediumPriorityBuffer, c.Events.LowPriorityBuffer = 50, 20, 10
	})
	s := openStore(t, t.TempDir())
	x := index(t, n.URL(), s)
	x.connected(t, client.WebSocket)
	n.publish(event.High, 10)
	eventually(t, "it is indexed", func() bool { return stored(t, s) == 10 })
	if err := x.stop(); err != nil {
		t.Fatal(err)
	}
	n.publish(event.High, 40) // kept
	n.publish(event.Low, 30)  // ten of them are kept

	x = index(t, n.URL(), s)
	eventually(t, "the rest is indexed", func() bool { return stored(t, s) == 60 })
	got := numbers(t, s)
	if want := sequence(1, 50); !slices.Equal(got[event.High], want) {
		t.Errorf("high: %v", got[event.High])
	}
	if want := sequence(71, 80); !slices.Equal(got[event.Low], want) {
		t.Errorf("low: %v", got[event.Low])
	}
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Gaps != 1 || stats.Lost["low"] != 20 || stats.Lost["high"] != 0 {
		t.Errorf("%d gaps, %v lost", stats.Gaps, stats.Lost)
	}
	if status := x.Status(); status.Lost.Counts[event.Low] != 20 || status.LastLoss.IsZero() {
		t.Errorf("%+v", status)
	}
	eventually(t, "everything is shown", func() bool { return x.live.count() == 60 })
	if x.live.lacks() != 20 {
		t.Errorf("those who watch are told of %d lost events, want 20", x.live.lacks())
	}
}

func sequence(from, to int) (s []int) {
	for n := from; n <= to; n++ {
		s = append(s, n)
	}
	return s
}

// failing is a Store that fails when it is told to.
type failing struct {
	*store.Store
	fail atomic.Pointer[error]
}

func (f *failing) Append(ctx context.Context, from store.Position, entries []store.Entry, to store.Position) error {
	if err := f.fail.Load(); err != nil {
		return *err
	}
	return f.Store.Append(ctx, from, entries, to)
}

// A store that cannot be used for a while costs no event, and is told.
func TestStoreFails(t *testing.T) {
	n := startNode(t)
	s := &failing{Store: openStore(t, t.TempDir())}
	s.fail.Store(&store.ErrUnavailable)
	x := index(t, n.URL(), s)
	x.connected(t, client.WebSocket)
	n.publish(event.High, 500)
	n.publish(event.Low, 500)
	eventually(t, "the trouble is told", func() bool {
		status := x.Status()
		return errors.Is(status.Storing, store.ErrUnavailable) && status.Behind > 0
	})
	if x.live.count() > 0 {
		t.Error("events are shown that are not stored")
	}
	s.fail.Store(nil)
	eventually(t, "everything is stored", func() bool { return stored(t, s.Store) == 1000 })
	eventually(t, "the trouble is over", func() bool { status := x.Status(); return status.Storing == nil && status.Behind == 0 })
}

// Two that index into one database are one too many.
func TestConflictEndsRun(t *testing.T) {
	n := startNode(t)
	s := openStore(t, t.TempDir())
	x := index(t, n.URL(), s)
	n.publish(event.High, 1)
	eventually(t, "the first one indexes", func() bool { return stored(t, s) == 1 })
	at, err := s.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to := at
	to.At.Pos[event.High]++
	if err := s.Append(t.Context(), at, []store.Entry{{Class: event.High, Position: 2, Type: "MessageAdded",
		Time: time.Now(), Received: time.Now(), Data: []byte(`{"type":"MessageAdded","message_id":"x","depth":1,"timestamp":"2024-01-15T10:30:00Z"}`)}}, to); err != nil {
		t.Fatal(err)
	}
	n.publish(event.High, 1)
	select {
	case err := <-x.ended:
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("Run ends with %v", err)
		}
		x.ended <- err
	case <-time.After(patience):
		t.Fatal("Run goes on")
	}
}

// strange starts a node that says what it is told to over each WebSocket.
func strange(t *testing.T, poll string, says func(connection int) []string) string {
	t.Helper()
	var connections atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/ws/events", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for _, text := range says(int(connections.Add(1))) {
			if conn.Write(r.Context(), websocket.MessageText, []byte(text)) != nil {
				return
			}
		}
		if connections.Load() > 1 {
			_, _, _ = conn.Read(r.Context()) // until the client leaves
		}
	})
	mux.HandleFunc("/v1/events", func(w http.ResponseWriter, r *http.Request) {
		if poll == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, poll)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// A node that gives no cursors is numbered here; what it emits while there is no
// connection is lost, and that is stored, also over a restart of the indexer.
func TestNodeWithoutCursors(t *testing.T) {
	url := strange(t, "", func(connection int) []string {
		return []string{
			fmt.Sprintf(`{"type":"Event","event":{"type":"MessageAdded","data":{"message_id":"a","depth":%d,"timestamp":1705314600}}}`, 2*connection-1),
			fmt.Sprintf(`{"type":"Event","event":{"type":"message.new","data":{"message_id":"b","depth":%d,"timestamp":1705314600}}}`, 2*connection),
		}
	})
	s := openStore(t, t.TempDir())
	x := index(t, url, s)
	eventually(t, "two connections", func() bool { return stored(t, s) == 4 })
	if err := x.stop(); err != nil {
		t.Fatal(err)
	}
	index(t, url, s)
	eventually(t, "the third", func() bool { return stored(t, s) == 6 })
	if got := numbers(t, s)[event.High]; !slices.Equal(got, sequence(1, 6)) {
		t.Errorf("%v", got)
	}
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Gaps != 2 {
		t.Errorf("%d gaps, want one for each time without a connection", stats.Gaps)
	}
	if at, err := s.Position(t.Context()); err != nil || !at.Own || at.Cursor != "" {
		t.Errorf("%+v, %v", at, err)
	}
}

// A type that nobody knows is indexed; an event that is none is told and passed over; one
// from the future and one from long ago are events like others.
func TestStrangeEvents(t *testing.T) {
	const epoch = "00000000abcd"
	texts := []string{
		`{"type":"Event","id":"` + epoch + `-1-0-0","event":{"type":"MessageAdded","message_id":"m","depth":1,"timestamp":"9999-12-31T23:59:59Z"}}`,
		`{"type":"Event","id":"` + epoch + `-1-1-0","event":{"type":"QuantumLeap","qubits":7,"timestamp":"2024-01-15T10:30:00Z"}}`,
		`{"type":"Event","id":"` + epoch + `-2-1-0","event":{"type":"MessageAdded","message_id":7,"depth":2,"timestamp":"2024-01-15T10:30:00Z"}}`,
		`{"type":"Event","id":"` + epoch + `-3-1-0","event":{"type":"MessageAdded","message_id":"\u0000'; DROP TABLE events; --","depth":3,"timestamp":"0000-01-01T00:00:00Z"}}`,
	}
	url := strange(t, `{"events":[],"cursor":"`+epoch+`-0-0-0","dropped":null}`, func(int) []string { return texts })
	s := openStore(t, t.TempDir())
	x := index(t, url, s)
	eventually(t, "all that can be", func() bool { return stored(t, s) == 3 })
	if got := numbers(t, s)[event.High]; !slices.Equal(got, []int{1, 3}) {
		t.Errorf("%v", got)
	}
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.ByType["QuantumLeap"] != 1 || x.metrics.unusable.Get() != 1 {
		t.Errorf("%v, %d unusable", stats.ByType, x.metrics.unusable.Get())
	}
	if x.live.lacks() != 1 {
		t.Errorf("%d events were left out of what is shown, want the one that is none", x.live.lacks())
	}
}

// Where an index begins nothing is missing from it, however soon the node loses what it
// was about to send.
func TestBeginning(t *testing.T) {
	const epoch = "00000000abcd"
	url := strange(t, `{"events":[],"cursor":"`+epoch+`-9-0-0","dropped":null}`, func(int) []string {
		return []string{
			`{"type":"Lagged","dropped":{"high":2,"medium":0,"low":0}}`,
			`{"type":"Event","id":"` + epoch + `-5-0-0","event":{"type":"MessageAdded","message_id":"m","depth":1,"timestamp":"2024-01-15T10:30:00Z"}}`,
			`{"type":"Lagged","dropped":{"high":3,"medium":0,"low":0}}`,
			`{"type":"Event","id":"` + epoch + `-9-0-0","event":{"type":"MessageAdded","message_id":"m","depth":2,"timestamp":"2024-01-15T10:30:00Z"}}`,
		}
	})
	s := openStore(t, t.TempDir())
	index(t, url, s)
	eventually(t, "both events", func() bool { return stored(t, s) == 2 })
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Gaps != 1 || stats.Lost["high"] != 3 {
		t.Errorf("%d gaps, %v lost", stats.Gaps, stats.Lost)
	}
}

// Where nothing has happened yet who watches can begin to.
func TestEmptyNode(t *testing.T) {
	n := startNode(t)
	x := index(t, n.URL(), openStore(t, t.TempDir()))
	eventually(t, "the stream begins", func() bool { x.live.mu.Lock(); defer x.live.mu.Unlock(); return x.live.begun })
	n.publish(event.Medium, 2)
	eventually(t, "it goes on", func() bool { return x.live.count() == 2 })
	if x.live.lacks() != 0 {
		t.Errorf("%d were left out", x.live.lacks())
	}
}

// Who watches and is too slow does not hold up the index.
func TestLiveTakesNothing(t *testing.T) {
	n := startNode(t)
	s := openStore(t, t.TempDir())
	x := index(t, n.URL(), s)
	x.connected(t, client.WebSocket)
	x.live.mu.Lock()
	x.live.full = true
	x.live.mu.Unlock()
	n.publish(event.High, 1)
	eventually(t, "it is stored", func() bool { return stored(t, s) == 1 })
	n.publish(event.High, 1)
	eventually(t, "the next one too", func() bool { return stored(t, s) == 2 })
}

// A node that refuses is asked again: somebody may put that right.
func TestRefused(t *testing.T) {
	n := startNode(t, func(c *config.Config) {
		c.Auth.Subscribe, c.Auth.JWTSecret = config.SubscribeJWT, "0123456789abcdef0123456789abcdef"
	})
	s := openStore(t, t.TempDir())
	x := index(t, n.URL(), s)
	eventually(t, "it is told", func() bool {
		refusal, ok := errors.AsType[*client.StatusError](x.Status().Err)
		return ok && refusal.Code == http.StatusUnauthorized
	})
	n.Change(func(c *config.Config) { c.Auth.Subscribe = config.SubscribeOpen })
	n.publish(event.High, 1)
	eventually(t, "it is indexed", func() bool { return stored(t, s) == 1 })
	if err := x.Status().Err; err != nil {
		t.Errorf("still %v", err)
	}
}

// Old events go, when there is a retention.
func TestRetention(t *testing.T) {
	n := startNode(t)
	s := openStore(t, t.TempDir())
	x := index(t, n.URL(), s)
	n.publish(event.High, 5)
	eventually(t, "it is indexed", func() bool { return stored(t, s) == 5 })
	if err := x.stop(); err != nil {
		t.Fatal(err)
	}
	index(t, n.URL(), s, func(o *Options) { o.Retention = time.Nanosecond })
	eventually(t, "they are gone", func() bool { return stored(t, s) == 0 })
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Events != 5 {
		t.Errorf("%d events are counted, %v", stats.Events, err)
	}
}

// Whatever happens to the node, the store and the indexer: in each class the events of
// each stream are there in order, none twice, and those that are missing are stored as
// lost, unless nobody can count them.
func TestNothingIsMissing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := startNode(t, func(c *config.Config) {
			c.Events.HighPriorityBuffer, c.Events.MediumPriorityBuffer, c.Events.LowPriorityBuffer = 30, 20, 10
		})
		defer n.Stop()
		s := &failing{Store: openStore(t, t.TempDir())}
		x := index(t, n.URL(), s)
		defer func() { _ = x.stop() }()
		n.publish(event.High, 1)
		eventually(t, "the beginning", func() bool { return stored(t, s.Store) == 1 })
		published, streams := 1, 1
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			default:
				count := rapid.IntRange(1, 40).Draw(rt, "events")
				n.publish(rapid.SampledFrom([]event.Priority{event.High, event.Medium, event.Low}).Draw(rt, "class"), count)
				published += count
			case 6:
				if err := x.stop(); err != nil {
					rt.Fatal(err)
				}
				x = index(t, n.URL(), s)
			case 7:
				s.fail.Store(&store.ErrUnavailable)
			case 8:
				s.fail.Store(nil)
			case 9:
				n.Restart()
				streams++
			}
		}
		s.fail.Store(nil)
		if err := x.stop(); err != nil {
			rt.Fatal(err)
		}
		x = index(t, n.URL(), s)
		x.connected(t, client.WebSocket)
		n.publish(event.High, 1) // behind all the others
		published++
		eventually(t, "the last one", func() bool {
			high := numbers(t, s.Store)[event.High]
			return len(high) > 0 && high[len(high)-1] == published
		})
		total := 0
		for p, got := range numbers(t, s.Store) {
			total += len(got)
			if !slices.IsSorted(got) || len(slices.Compact(got)) != len(got) {
				rt.Fatalf("%v: %v", event.Priority(p), got)
			}
		}
		stats, err := s.Stats(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		lost := int(stats.Lost["high"] + stats.Lost["medium"] + stats.Lost["low"])
		if known := streams == 1; known && total+lost != published || total+lost > published {
			rt.Fatalf("%d indexed and %d lost of %d in %d streams", total, lost, published, streams)
		}
	})
}

// Status can be asked for at any time.
func TestStatusWhileItRuns(t *testing.T) {
	n := startNode(t)
	s := openStore(t, t.TempDir())
	x := index(t, n.URL(), s)
	done := make(chan struct{})
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = x.Status()
				}
			}
		})
	}
	for range 20 {
		n.publish(event.High, 5)
	}
	eventually(t, "all are indexed", func() bool { return stored(t, s) == 100 })
	close(done)
	asking.Wait()
}
