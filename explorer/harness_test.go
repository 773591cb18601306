package explorer

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
	"github.com/adic-network/router/server/servertest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// A life of a node and an index takes a second, most of it waiting.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("20"); err != nil {
			panic(err)
		}
	}
	servertest.Run(m)
}

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited %v in vain for: %s", patience, what)
		}
	}
}

// node is a router in this process, which tests publish to.
type node struct {
	*servertest.Node
	t testing.TB
	n int // number of the last event
}

func startNode(t testing.TB, change ...func(*config.Config)) *node {
	t.Helper()
	return &node{Node: servertest.Start(t, change...), t: t}
}

// samples are events of the three classes, with their number.
var samples = [event.NumPriorities]string{
	event.High:   `{"type":"MessageAdded","message_id":"m%d","depth":%[1]d}`,
	event.Medium: `{"type":"KCoreUpdated","finalized_count":%d,"pending_count":0}`,
	event.Low:    `{"type":"AdmissibilityUpdated","c1_rate":1,"c2_rate":1,"c3_rate":1,"overall_rate":1,"sample_size":%d}`,
}

// publish publishes events of a class, numbered on.
func (n *node) publish(p event.Priority, count int) {
	n.t.Helper()
	parser := event.Parser{Catalogue: event.Default()}
	for range count {
		n.n++
		e, err := parser.ParseEvent(fmt.Appendf(nil, samples[p], n.n))
		if err == nil {
			err = n.Publish([]*event.Event{e})
		}
		if err != nil {
			n.t.Fatal(err)
		}
	}
}

// watcher is a Live that remembers what it was shown.
type watcher struct {
	mu     sync.Mutex
	at     event.Cursor
	shown  []string
	begun  bool
	missed int  // positions that were left out
	full   bool // it takes nothing
}

func (w *watcher) Replicate(at event.Cursor, batch []event.Placed) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return errors.New("no room")
	}
	if !w.begun || w.at.Epoch != at.Epoch {
		w.at = at
	}
	w.begun = true
	for p, n := range at.Pos {
		w.missed += int(n - w.at.Pos[p])
		w.at.Pos[p] = n
	}
	for _, placed := range batch {
		p := placed.Event.Priority
		w.missed += int(placed.Position - w.at.Pos[p] - 1)
		w.at.Pos[p] = placed.Position
		w.shown = append(w.shown, string(placed.Event.JSON(event.Flat)))
	}
	return nil
}

// lacks is how many positions were left out of what was shown.
func (w *watcher) lacks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.missed
}

func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.shown)
}

// running is an indexer that runs.
type running struct {
	*Indexer
	live  *watcher
	end   context.CancelFunc
	ended chan error
}

// stop ends the indexer, and returns what Run does.
func (r *running) stop() error {
	r.end()
	err := <-r.ended
	r.ended <- err
	return err
}

// index runs an indexer until it is stopped, or the test ends.
func index(t testing.TB, url string, s Store, change ...func(*Options)) *running {
	t.Helper()
	catalogue, err := event.Default().WithUnknown()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{live: &watcher{}, ended: make(chan error, 1)}
	o := Options{
		Node: url, Catalogue: catalogue, Store: s, Live: r.live, Retained: [event.NumPriorities]int{1000, 500, 100},
		Metrics: metrics.NewSet(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	o.Client.RetryFirst, o.Client.RetryLast = 5*time.Millisecond, 100*time.Millisecond
	for _, f := range change {
		f(&o)
	}
	r.Indexer = New(o)
	r.pause = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	r.end = cancel
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// openStore opens the index in a directory.
func openStore(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(dir, "explorer.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the index: %v", err)
		}
	})
	return s
}

// numbers are the numbers of the events that are stored, by class in the order in which
// they were.
func numbers(t testing.TB, s *store.Store) (got [event.NumPriorities][]int) {
	t.Helper()
	q := store.EventQuery{Page: store.Page{Limit: 1000, Oldest: true}}
	for {
		events, err := s.Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			var n struct {
				Depth      int
				Finalized  int `json:"finalized_count"`
				SampleSize int `json:"sample_size"`
			}
			if err := json.Unmarshal(e.Event, &n); err != nil {
				t.Fatal(err)
			}
			p, err := event.ParsePriority(e.Priority)
			if err != nil {
				t.Fatal(err)
			}
			got[p] = append(got[p], n.Depth+n.Finalized+n.SampleSize)
			q.After = store.Key{Seq: e.Seq}
		}
		if len(events) < q.Limit {
			return got
		}
	}
}

// stored is how many events there are.
func stored(t testing.TB, s *store.Store) int64 {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats.Stored
}

// connected waits for a connection over a transport.
func (r *running) connected(t testing.TB, over client.Transport) {
	t.Helper()
	eventually(t, fmt.Sprintf("connected over %s", over), func() bool {
		s := r.Status()
		return s.Connection == client.Connected && s.Mode == over
	})
}
