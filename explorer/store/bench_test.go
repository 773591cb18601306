package store

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

// BenchmarkAppend stores the events of a made-up network in batches. Beside the rate it
// tells the processor time of this process for an event, which another load on the machine
// changes less; PostgreSQL's own comes on top of it.
func BenchmarkAppend(b *testing.B) {
	for _, of := range []struct {
		name string
		dsn  func(b *testing.B) string
	}{
		{"SQLite", func(b *testing.B) string { return filepath.Join(b.TempDir(), "explorer.db") }},
		{"PostgreSQL", func(b *testing.B) string { return postgres.Database(b) }},
	} {
		for _, size := range []int{100, 1000, 5000} {
			b.Run(fmt.Sprintf("%s/batch=%d", of.name, size), func(b *testing.B) {
				s := open(b, of.dsn(b))
				entries, _ := demoEntries(b, 1, 100_000)
				var at Position
				b.ReportAllocs()
				stored := 0
				var used time.Duration
				for next := 0; b.Loop(); next += size {
					if next+size > len(entries) {
						b.StopTimer()
						// The next epoch begins with other messages.
						entries, _ = demoEntries(b, uint64(stored), 100_000)
						at.At.Pos = [event.NumPriorities]uint64{}
						at.At.Epoch++
						next = 0
						b.StartTimer()
					}
					batch := entries[next : next+size]
					to := at
					for _, e := range batch {
						to.At.Pos[e.Class] = e.Position
					}
					from, err := s.Position(context.Background())
					if err != nil {
						b.Fatal(err)
					}
					began := processorTime(b)
					if err := s.Append(context.Background(), from, batch, to); err != nil {
						b.Fatal(err)
					}
					used += processorTime(b) - began
					at = to
					stored += size
				}
				b.ReportMetric(float64(stored)/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64(used.Microseconds())/float64(stored), "cpu-us/event")
			})
		}
	}
}

// processorTime returns what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
