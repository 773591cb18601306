package bench_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/journal"
)

// BenchmarkJournal is what it costs publishers to have batches accepted, by how the
// journal is synced. With 0s a commit is for all that wait for one, so that more
// publishers are accepted more. It measures the disk of the directory for temporary
// files (TMPDIR) as well.
func BenchmarkJournal(b *testing.B) {
	for _, mode := range []struct {
		name string
		sync time.Duration
		on   bool
	}{{"off", 0, false}, {"100ms", 100 * time.Millisecond, true}, {"0s", 0, true}} {
		for _, shape := range []struct{ publishers, batch int }{{1, 1}, {16, 1}, {16, 100}} {
			b.Run(fmt.Sprintf("sync=%s/publishers=%d/batch=%d", mode.name, shape.publishers, shape.batch), func(b *testing.B) {
				f := newFixture(b, func(o *actors.Options) {
					if !mode.on {
						return
					}
					j, err := journal.Open(journal.Options{Dir: b.TempDir(), Sync: mode.sync, Retain: o.Settings.Retain,
						Catalogue: event.Default(), Log: slog.New(slog.DiscardHandler)})
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(func() {
						if err := j.Close(); err != nil {
							b.Error(err)
						}
					})
					o.Journal = j
				})
				b.ReportAllocs()
				for b.Loop() {
					var all sync.WaitGroup
					for range shape.publishers {
						all.Go(func() {
							if err := f.router.Publish(f.parse(b, shape.batch)); err != nil {
								b.Error(err)
							}
						})
					}
					all.Wait()
				}
				b.ReportMetric(float64(b.N*shape.publishers*shape.batch)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
