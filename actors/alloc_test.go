package actors

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/event"
)

// sink is a Transport that takes everything and keeps nothing. It counts what it
// is given in a counter that it shares with others.
type sink struct{ bytes *atomic.Int64 }

func (s *sink) Attach(Notifier) error        { return nil }
func (s *sink) Read([]byte) (int, error)     { return 0, nil }
func (s *sink) Acknowledged() (uint64, bool) { return 0, true }
func (s *sink) CloseWrite() error            { return nil }
func (s *sink) Close() error                 { return nil }
func (s *sink) RemoteAddr() string           { return "sink" }
func (s *sink) Write(p []byte) (int, error) {
	s.bytes.Add(int64(len(p)))
	return len(p), nil
}

// driven is a Connection that belongs to no actor: a test gives it its turns.
func driven(t testing.TB, enc event.Encoding, s Subscription) (*Connection, *atomic.Int64) {
	t.Helper()
	hub := &Router{
		catalogue: catalogue(),
		log:       slog.New(slog.DiscardHandler),
		started:   time.Now(),
		metrics:   newMetrics(metrics.NewSet(), catalogue()),
	}
	settings := testSettings()
	hub.set.Store(&settings)
	written := new(atomic.Int64)
	stream := newStream(1, [event.NumPriorities]int{1000, 500, 100}, catalogue())
	c := &Connection{hub: hub, stream: stream, conn: &sink{written}, talk: &wsSession{}, enc: enc, sub: s}
	c.box.gate = &hub.gate
	c.box.state.Store(isScheduled) // its turns are ours
	c.box.scratch = newScratch()
	c.box.setWants(s.wanted(hub.catalogue))
	return c, written
}

// placed returns events that have their place in the stream and their frames.
func placed(t testing.TB, n int, enc event.Encoding, names ...string) []*event.Event {
	t.Helper()
	at := event.Cursor{Epoch: 1}
	events := make([]*event.Event, n)
	for i := range events {
		e := newEvent(t, names[i%len(names)], i)
		at.Pos[e.Priority]++
		e.Place(at, uint64(i+1))
		e.Frame(enc)
		events[i] = e
	}
	return events
}

func (s *stream) append(e *event.Event) {
	c := &s.classes[e.Priority]
	c.emitted.Store(e.Seq)
	c.append(e)
}

// To deliver an event, alone or in a batch, wanted or not, allocates nothing.
func TestDeliveryAllocatesNothing(t *testing.T) {
	const runs = 200
	for _, test := range []struct {
		name  string
		enc   event.Encoding
		batch int
		sub   Subscription
	}{
		{"one by WebSocket", event.WSFlat, 1, everything},
		{"one by WebSocket with a cursor", event.WSFlatID, 1, everything},
		{"one by WebSocket, compressed", event.WSFlatDeflate, 1, everything},
		{"one by SSE", event.SSETagged, 1, everything},
		{"a batch by WebSocket", event.WSFlat, 48, everything},
		{"a batch by WebSocket with cursors", event.WSFlatID, 48, everything},
		{"a batch by SSE", event.SSEFlat, 48, everything},
		{"half of a batch is not wanted", event.WSFlat, 48, only(t, "Alarm", "Trace")},
		{"nothing is wanted", event.WSFlat, 48, only(t, "Breach")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.sub.All {
				test.sub.Types = catalogue().All()
			}
			c, written := driven(t, test.enc, test.sub)
			names := []string{"Alarm", "Tally", "Trace", "Quota"}
			events := placed(t, (runs+1)*test.batch, test.enc, names...)
			next := 0
			got := testing.AllocsPerRun(runs, func() {
				for range test.batch {
					c.stream.append(events[next])
					next++
				}
				c.flush(nil)
			})
			if got != 0 {
				t.Errorf("%v allocations for %d events", got, test.batch)
			}
			var wantBytes int64
			for _, e := range events {
				if test.sub.Types.Has(e.Type) && !test.enc.HasCursor() {
					wantBytes += int64(len(e.Frame(test.enc)))
				}
			}
			if n := written.Load(); !test.enc.HasCursor() && n != wantBytes || test.enc.HasCursor() && n == 0 {
				t.Errorf("%d bytes were written, want %d", n, wantBytes)
			}
		})
	}
}

// startFanout starts a router with connections to sinks, and returns what publishes
// events and waits until every connection has them all.
func startFanout(t testing.TB, connections int, s Subscription) (r *Router, publish func(batch []*event.Event)) {
	t.Helper()
	settings := testSettings()
	settings.Retain = [event.NumPriorities]int{1000, 500, 100}
	r, err := NewRouter(Options{
		Settings: settings, Catalogue: catalogue(), Metrics: metrics.NewSet(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	written := new(atomic.Int64)
	for range connections {
		if err := r.ServeWebSocket(WebSocket{Client: Client{Transport: &sink{written}, Subscription: s}}); err != nil {
			t.Fatal(err)
		}
	}
	if s.All {
		s.Types = catalogue().All()
	}
	first := len(event.AppendTextFrame(nil, []byte(`{"type":"Subscribed","events":["all"]}`)))
	due := int64(first * connections)
	wait := func() {
		for deadline := time.Now().Add(time.Minute); written.Load() < due; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d bytes are written after a minute", written.Load(), due)
			}
		}
	}
	wait()
	return r, func(batch []*event.Event) {
		if err := r.Publish(batch); err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			if s.Types.Has(e.Type) {
				due += int64(connections * len(e.Frame(event.WSFlat)))
			}
		}
		wait()
	}
}

// What an event costs in allocations does not depend on how many connections
// there are.
func TestFanOutAllocatesByTheEvent(t *testing.T) {
	const runs, most = 50, 50
	cost := func(connections int) float64 {
		_, publish := startFanout(t, connections, everything)
		batches := make([][]*event.Event, runs+1)
		for i := range batches {
			batches[i] = []*event.Event{newEvent(t, "Alarm", i)}
		}
		next := 0
		return testing.AllocsPerRun(runs, func() {
			publish(batches[next])
			next++
		})
	}
	few, many := cost(10), cost(1000)
	if few > most || many > most || many > few+5 {
		t.Errorf("%v allocations for an event to 10 connections, %v to 1000", few, many)
	}
}

func BenchmarkFanOut(b *testing.B) {
	for _, connections := range []int{1, 1000} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			_, publish := startFanout(b, connections, everything)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				publish([]*event.Event{newEvent(b, "Alarm", n)})
			}
			perDelivery(b, connections)
		})
	}
}

// A burst of as many events as the rings hold.
func BenchmarkBurst(b *testing.B) {
	const connections = 100
	_, publish := startFanout(b, connections, everything)
	const total = 1600
	names := slices.Concat(slices.Repeat([]string{"Alarm"}, 10), slices.Repeat([]string{"Tally"}, 5), []string{"Trace"})
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		batch := make([]*event.Event, total)
		for i := range batch {
			batch[i] = newEvent(b, names[i%len(names)], i)
		}
		b.StartTimer()
		publish(batch)
	}
	perDelivery(b, total*connections)
}

func perDelivery(b *testing.B, deliveries int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*deliveries), "ns/delivery")
}

// A connection passes over a ring full of events that it does not want.
func BenchmarkFilterMiss(b *testing.B) {
	c, _ := driven(b, event.WSFlat, only(b, "Quota"))
	for _, e := range placed(b, 500, event.WSFlat, "Tally") {
		c.stream.append(e)
	}
	set := c.box.wanted()
	b.ReportAllocs()
	for b.Loop() {
		c.pos = [event.NumPriorities]uint64{}
		if _, waiting := c.look(&set); waiting {
			b.Fatal("something is wanted")
		}
	}
}

// The queue passes over connections that do not want any type of a batch.
func BenchmarkWakeMiss(b *testing.B) {
	const connections = 10_000
	c, _ := driven(b, event.WSFlat, everything)
	q := &PriorityQueue{&fanout{}, c.hub}
	wants := only(b, "Quota")
	for range connections {
		m := new(mailbox)
		m.setWants(wants.Types)
		q.lanes[0].roster = append(q.lanes[0].roster, m)
	}
	types := setOf(typeID(b, "Alarm"), typeID(b, "Trace"))
	b.ReportAllocs()
	for b.Loop() {
		q.tell(&types)
	}
	perDelivery(b, connections)
}
