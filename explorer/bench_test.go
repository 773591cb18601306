package explorer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/source/demo"
)

// BenchmarkIndex is the way of events from a router over a real WebSocket into SQLite, and
// to who watches, as fast as the router takes them: 20,000 in each round. What is lost on
// the way is told: nothing, unless the indexer is given up as too slow.
func BenchmarkIndex(b *testing.B) {
	const round = 20_000
	n := startNode(b)
	s := openStore(b, b.TempDir())
	x := index(b, n.URL(), s, func(o *Options) {
		o.Metrics, o.Log = metrics.NewSet(), slog.New(slog.NewTextHandler(io.Discard, nil))
	})
	x.connected(b, client.WebSocket)
	total := 0
	for seed := uint64(1); b.Loop(); seed++ {
		b.StopTimer()
		batches := demoBatches(b, seed, round)
		b.StartTimer()
		for _, batch := range batches {
			for {
				err := n.Publish(batch)
				if err == nil {
					break
				}
				if !errors.Is(err, actors.ErrOverloaded) {
					b.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
		}
		total += round
		eventually(b, "all are stored, or lost", func() bool { return x.metrics.settled() >= uint64(total) })
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(x.metrics.settled()-uint64(stored(b, s))), "lost")
}

// settled is how many events were stored or lost.
func (c *counters) settled() (n uint64) {
	for p := range c.events {
		n += c.events[p].Get() + c.lost[p].Get()
	}
	return n
}

// demoBatches makes events of a made-up network.
func demoBatches(b *testing.B, seed uint64, count int) (batches [][]*event.Event) {
	b.Helper()
	source, err := demo.New(demo.MaxRate, seed, event.Default())
	if err != nil {
		b.Fatal(err)
	}
	parser := event.Parser{Catalogue: event.Default()}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var batch []*event.Event
	err = source.Run(ctx, func(p []byte) error {
		if count == 0 {
			cancel()
			return errors.New("enough")
		}
		e, err := parser.ParseEvent(p)
		if err != nil {
			return err
		}
		count--
		if batch = append(batch, e); len(batch) == 100 || count == 0 {
			batches = append(batches, batch)
			batch = nil
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return batches
}
