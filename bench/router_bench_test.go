package bench_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// sink is a client in memory that takes everything at once.
type sink struct{ writes, bytes *atomic.Int64 }

func (sink) Attach(actors.Notifier) error { return nil }
func (sink) Read([]byte) (int, error)     { return 0, nil }
func (sink) Acknowledged() (uint64, bool) { return 0, true }
func (sink) CloseWrite() error            { return nil }
func (sink) Close() error                 { return nil }
func (sink) RemoteAddr() string           { return "memory" }

func (s sink) Write(p []byte) (int, error) {
	s.writes.Add(1)
	s.bytes.Add(int64(len(p)))
	return len(p), nil
}

// benchmarkEvent is about 200 bytes, as a node's events are.
const benchmarkEvent = `{"type":"MessageAdded","message_id":"8f3c1d5e7a9b2c4d6e8f0a1b3c5d7e9f8f3c1d5e7a9b2c4d6e8f0a1b3c5d7e9f",` +
	`"depth":123456,"author":"adic1qxy2k8l5v9w3z7c4t6r0m2n8p5s1d3f7g","timestamp":"2026-01-15T10:30:00Z"}`

type fixture struct {
	router *actors.Router
	parser *event.Parser
	writes atomic.Int64
	bytes  atomic.Int64
}

func newFixture(b *testing.B, change ...func(*actors.Options)) *fixture {
	b.Helper()
	f := &fixture{parser: &event.Parser{Catalogue: event.Default(), MaxEventSize: 128 << 10, Now: time.Now}}
	options := actors.Options{
		Settings: actors.Settings{
			Retain: [event.NumPriorities]int{1000, 500, 100}, PendingEvents: 1 << 16, PendingBytes: 64 << 20,
			HeartbeatInterval: time.Hour, PingInterval: time.Hour, StallTimeout: time.Hour,
			MaxMessageSize: 4 << 10, ClientMessageRate: 100,
		},
		Catalogue: event.Default(), Metrics: metrics.NewSet(), Log: slog.New(slog.DiscardHandler),
	}
	for _, set := range change {
		set(&options)
	}
	var err error
	if f.router, err = actors.NewRouter(options); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(f.router.Close)
	return f
}

// connect adds clients that want the named types.
func (f *fixture) connect(b *testing.B, clients int, names ...string) {
	b.Helper()
	types, all, err := event.Default().ParseTypes(names)
	if err != nil {
		b.Fatal(err)
	}
	before := f.writes.Load()
	for range clients {
		err := f.router.ServeWebSocket(actors.WebSocket{Client: actors.Client{
			Transport:    sink{&f.writes, &f.bytes},
			Subscription: actors.Subscription{Types: types, All: all, Priorities: event.AllPriorities},
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	f.await(before + int64(clients)) // Subscribed is the first write of each
}

// await waits for a number of writes; every client makes at least one an event
// when events are published one by one.
func (f *fixture) await(writes int64) {
	for f.writes.Load() < writes {
		runtime.Gosched()
	}
}

func (f *fixture) parse(b *testing.B, events int) []*event.Event {
	b.Helper()
	body := make([]byte, 0, events*len(benchmarkEvent))
	for range events {
		body = append(append(body, benchmarkEvent...), '\n')
	}
	batch, err := f.parser.ParseBatch(body)
	if err != nil {
		b.Fatal(err)
	}
	return batch
}

func (f *fixture) publish(b *testing.B, batch []*event.Event) {
	b.Helper()
	if err := f.router.Publish(batch); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEmit is what it costs a publisher to have an event accepted, parsing
// included.
func BenchmarkEmit(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			f := newFixture(b)
			b.ReportAllocs()
			for b.Loop() {
				f.publish(b, f.parse(b, size))
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkFanOut is one event to many clients that all want it: the router's own
// part of a delivery, without a kernel.
func BenchmarkFanOut(b *testing.B) {
	for _, clients := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			f := newFixture(b)
			f.connect(b, clients, "all")
			b.ReportAllocs()
			for b.Loop() {
				before := f.writes.Load()
				f.publish(b, f.parse(b, 1))
				f.await(before + int64(clients))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients), "ns/delivery")
		})
	}
}

// BenchmarkBurst is a thousand events at once to a thousand clients.
func BenchmarkBurst(b *testing.B) {
	const clients, events = 1000, 1000
	f := newFixture(b)
	f.connect(b, clients, "all")
	frame := int64(len(f.parse(b, 1)[0].Frame(event.WSFlat)))
	b.ReportAllocs()
	for b.Loop() {
		before := f.bytes.Load()
		f.publish(b, f.parse(b, events))
		for f.bytes.Load() < before+clients*events*frame {
			runtime.Gosched()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients*events), "ns/delivery")
}

// BenchmarkFilter is an event that one client in ten wants.
func BenchmarkFilter(b *testing.B) {
	const clients = 10_000
	f := newFixture(b)
	f.connect(b, clients*9/10, "EconomicsUpdated")
	f.connect(b, clients/10, "MessageAdded")
	b.ReportAllocs()
	for b.Loop() {
		before := f.writes.Load()
		f.publish(b, f.parse(b, 1))
		f.await(before + clients/10)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients), "ns/client")
}

// BenchmarkFraming is the first frame of an event, and every later one.
func BenchmarkFraming(b *testing.B) {
	parser := &event.Parser{Catalogue: event.Default(), MaxEventSize: 128 << 10, Now: time.Now}
	place := func() *event.Event {
		e, err := parser.ParseEvent([]byte(benchmarkEvent))
		if err != nil {
			b.Fatal(err)
		}
		e.Place(event.Cursor{Epoch: 1, Pos: [event.NumPriorities]uint64{1, 0, 0}}, 1)
		return e
	}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			place().Frame(event.SSEFlat)
		}
	})
	b.Run("shared", func(b *testing.B) {
		e := place()
		b.ReportAllocs()
		for b.Loop() {
			e.Frame(event.SSEFlat)
		}
	})
	b.Run("own-cursor", func(b *testing.B) {
		e := place()
		buf := make([]byte, 0, 1<<10)
		at := event.Cursor{Epoch: 1, Pos: [event.NumPriorities]uint64{1, 2, 3}}
		b.ReportAllocs()
		for b.Loop() {
			buf = e.AppendFrame(buf[:0], event.SSEFlat, at)
		}
	})
}
