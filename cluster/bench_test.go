package cluster

import (
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

// counter is a follower that only counts.
type counter struct{ events atomic.Int64 }

func (c *counter) Replicate(_ event.Cursor, batch []event.Placed) error {
	c.events.Add(int64(len(batch)))
	return nil
}

// BenchmarkStore stores batches through a nats-server on this machine, with its
// files, while a follower reads them.
func BenchmarkStore(b *testing.B) {
	for _, publishers := range []int{1, 16} {
		for _, size := range []int{1, 100} {
			b.Run(fmt.Sprintf("publishers=%d/batch=%d", publishers, size), func(b *testing.B) {
				c := benchCluster(b)
				f := new(counter)
				go c.Follow(b.Context(), f)
				<-c.CaughtUp()
				b.SetParallelism(publishers)
				began := time.Now()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := c.Publish(sample(b, size)); err != nil {
							b.Error(err)
							return
						}
					}
				})
				for f.events.Load() < int64(b.N*size) {
					time.Sleep(time.Millisecond)
				}
				b.ReportMetric(float64(b.N*size)/time.Since(began).Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkCatchUp is the way of stored events to a follower.
func BenchmarkCatchUp(b *testing.B) {
	c := benchCluster(b)
	for stored := 0; stored < b.N; stored += 1000 {
		if err := c.Publish(sample(b, 1000)); err != nil {
			b.Fatal(err)
		}
	}
	f := new(counter)
	b.ResetTimer()
	go c.Follow(b.Context(), f)
	for f.events.Load() < int64(b.N) {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func sample(b *testing.B, n int) []*event.Event {
	parser := event.Parser{Catalogue: event.Default()}
	batch := make([]*event.Event, n)
	for i := range batch {
		e, err := parser.ParseEvent([]byte(`{"type":"TransferRecorded","from_address":"adic1qxy2kgdygjrsqtzq2n0yrf2493p83kkf","to_address":"adic1q9zpgru5lw7wgk3p0hx9","amount":"1250.75","reason":"payment","tx_hash":"9f86d081884c7d65","timestamp":"2024-01-15T10:30:00Z"}`))
		if err != nil {
			b.Fatal(err)
		}
		batch[i] = e
	}
	return batch
}

func benchCluster(b *testing.B) *Cluster {
	b.Helper()
	addr := freeAddress(b)
	nats := exec.Command(natsServer, "-js", "-sd", filepath.Join(b.TempDir(), "store"), "-a", "127.0.0.1", "-p", addr[len("127.0.0.1:"):])
	if err := nats.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = nats.Process.Kill(); _ = nats.Wait() })
	o := options(nil, "nats://"+addr)
	o.Catalogue, o.Log = event.Default(), slog.New(slog.NewTextHandler(io.Discard, nil))
	o.Retain = [event.NumPriorities]int{1 << 30, 1 << 30, 1 << 30}
	c, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}
