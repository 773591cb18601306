package explorer

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
)

// counters are the metrics of an indexer.
type counters struct {
	events, lost                                     [event.NumPriorities]*metrics.Counter
	batches, gaps, unusable, storeErrors, reconnects *metrics.Counter
	commit                                           *metrics.PrometheusHistogram
}

func newCounters(x *Indexer) *counters {
	set := x.o.Metrics
	c := &counters{
		batches:     set.NewCounter("adic_explorer_batches_total"),
		gaps:        set.NewCounter("adic_explorer_gaps_total"),
		unusable:    set.NewCounter("adic_explorer_unusable_events_total"),
		reconnects:  set.NewCounter("adic_explorer_reconnects_total"),
		storeErrors: set.NewCounter("adic_explorer_store_errors_total"),
		commit:      set.NewPrometheusHistogram("adic_explorer_commit_seconds"),
	}
	for _, p := range event.Priorities() {
		c.events[p] = set.NewCounter(fmt.Sprintf("adic_explorer_events_total{priority=%q}", p))
		c.lost[p] = set.NewCounter(fmt.Sprintf("adic_explorer_lost_events_total{priority=%q}", p))
	}
	set.NewGauge("adic_explorer_behind_seconds", func() float64 { return x.Status().Behind.Seconds() })
	set.NewGauge("adic_explorer_connected", func() float64 { return oneIf(x.state().Status == client.Connected) })
	for _, t := range client.Transports() {
		set.NewGauge(fmt.Sprintf("adic_explorer_transport{transport=%q}", t), func() float64 {
			s := x.state()
			return oneIf(s.Status == client.Connected && s.Transport == t)
		})
	}
	return c
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// committed counts what was stored.
func (c *counters) committed(entries []store.Entry, took time.Duration) {
	c.batches.Inc()
	c.commit.Update(took.Seconds())
	for i := range entries {
		e := &entries[i]
		if e.Lost == nil {
			c.events[e.Class].Inc()
			continue
		}
		c.gaps.Inc()
		for p, n := range e.Lost.Counts {
			c.lost[p].AddInt64(int64(n))
		}
	}
}
