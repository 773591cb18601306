// Command million measures what very many connections cost the router itself: the
// real actors over transports in memory, up to a million in one process, so
// without a kernel. It prints a table, and with -svg draws how cost grows.
//
//	go run ./bench/million -svg docs/capacity.svg
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

func main() {
	counts := flag.String("connections", "1000,10000,100000,1000000", "numbers of connections, separated by commas")
	rounds := flag.Int("rounds", 20, "events published one by one, of which the median time is reported")
	svg := flag.String("svg", "", "`file` to draw the growth into")
	flag.Parse()
	if err := run(*counts, *rounds, *svg); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

func run(counts string, rounds int, svg string) error {
	var all []result
	fmt.Println("| connections | bytes each | to connect all | one event to all | ns a delivery | worst GC pause |")
	fmt.Println("| ---: | ---: | ---: | ---: | ---: | ---: |")
	for text := range strings.SplitSeq(counts, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return fmt.Errorf("-connections: %q is not a number of connections", text)
		}
		r, err := measure(n, rounds)
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %.0f | %v | %v | %.0f | %v |\n", r.connections, r.bytesEach, r.connect.Round(time.Millisecond),
			r.round.Round(10*time.Microsecond), float64(r.round.Nanoseconds())/float64(n), r.pause.Round(10*time.Microsecond))
		all = append(all, r)
	}
	if svg == "" {
		return nil
	}
	return os.WriteFile(svg, draw(all), 0o644)
}

// result is what a number of connections cost.
type result struct {
	connections int
	bytesEach   float64       // resident memory
	connect     time.Duration // to connect all of them
	round       time.Duration // from publishing an event until all have it, median
	pause       time.Duration // the longest stop of the garbage collector meanwhile
}

// sink is a client in memory that takes everything at once.
type sink struct{ writes *atomic.Int64 }

func (sink) Attach(actors.Notifier) error { return nil }
func (sink) Read([]byte) (int, error)     { return 0, nil }
func (sink) Acknowledged() (uint64, bool) { return 0, true }
func (sink) CloseWrite() error            { return nil }
func (sink) Close() error                 { return nil }
func (sink) RemoteAddr() string           { return "memory" }

func (s sink) Write(p []byte) (int, error) {
	s.writes.Add(1)
	return len(p), nil
}

func measure(connections, rounds int) (r result, err error) {
	before, err := resident()
	if err != nil {
		return r, err
	}
	router, err := actors.NewRouter(actors.Options{
		Settings: actors.Settings{
			Retain: [event.NumPriorities]int{1000, 500, 100}, PendingEvents: 1 << 16, PendingBytes: 64 << 20,
			HeartbeatInterval: 15 * time.Second, PingInterval: time.Hour, StallTimeout: 30 * time.Second,
			MaxMessageSize: 4 << 10, ClientMessageRate: 100,
		},
		Catalogue: event.Default(), Metrics: metrics.NewSet(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return r, err
	}
	defer router.Close()

	var writes atomic.Int64
	began := time.Now()
	for range connections {
		err := router.ServeWebSocket(actors.WebSocket{Client: actors.Client{
			Transport:    sink{&writes},
			Subscription: actors.Subscription{All: true, Priorities: event.AllPriorities},
		}})
		if err != nil {
			return r, err
		}
	}
	await(&writes, int64(connections)) // each is told what it is subscribed to
	r.connections, r.connect = connections, time.Since(began)

	after, err := resident()
	if err != nil {
		return r, err
	}
	r.bytesEach = float64(after-before) / float64(connections)

	parser := &event.Parser{Catalogue: event.Default(), MaxEventSize: 128 << 10, Now: time.Now}
	times := make([]time.Duration, 0, rounds)
	for i := range rounds {
		batch, err := parser.ParseBatch(fmt.Appendf(nil, `{"type":"MessageAdded","message_id":"%064d","depth":%d,"author":"adic1qxy2k8l5v9w3z7c4t6r0m2n8p5s1d3f7g"}`, i, i))
		if err != nil {
			return r, err
		}
		from, began := writes.Load(), time.Now()
		if err := router.Publish(batch); err != nil {
			return r, err
		}
		await(&writes, from+int64(connections))
		times = append(times, time.Since(began))
	}
	r.round = median(times)
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	for i, end := range stats.PauseEnd {
		if end.After(began) {
			r.pause = max(r.pause, stats.Pause[i])
		}
	}
	return r, nil
}

func await(writes *atomic.Int64, n int64) {
	for writes.Load() < n {
		runtime.Gosched()
	}
}

func median(d []time.Duration) time.Duration {
	for i := range d { // few
		for j := i; j > 0 && d[j] < d[j-1]; j-- {
			d[j], d[j-1] = d[j-1], d[j]
		}
	}
	return d[len(d)/2]
}

// resident is the resident memory of the process, without what the collector
// would free.
func resident() (int64, error) {
	debug.FreeOSMemory()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("cannot read the memory in use: %w", err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(data), &size, &pages); err != nil {
		return 0, fmt.Errorf("cannot read the memory in use: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}
