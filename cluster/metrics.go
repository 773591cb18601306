package cluster

import (
	"fmt"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/event"
)

// counters are the metrics of a cluster; server/metrics.go says what they are.
type counters struct {
	stored, failures, rejoins *metrics.Counter
	unknown                   *metrics.Counter // events of types that the catalogue lacks
	unusable                  [event.NumPriorities]*metrics.Counter
	lag                       [event.NumPriorities]atomic.Int64
	seconds                   *metrics.PrometheusHistogram
}

// storeSeconds are the upper bounds of the buckets.
var storeSeconds = []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

func newCounters(c *Cluster) *counters {
	set := c.o.Metrics
	m := &counters{
		stored:   set.NewCounter("adic_cluster_stored_total"),
		failures: set.NewCounter("adic_cluster_store_failures_total"),
		rejoins:  set.NewCounter("adic_cluster_rejoins_total"),
		unknown:  set.NewCounter("adic_events_unknown_total"),
		seconds:  set.NewPrometheusHistogramExt("adic_cluster_store_seconds", storeSeconds),
	}
	for _, p := range event.Priorities() {
		m.unusable[p] = set.NewCounter(fmt.Sprintf("adic_cluster_unusable_total{priority=%q}", p))
		set.NewGauge(fmt.Sprintf("adic_cluster_lag_events{priority=%q}", p), func() float64 { return float64(m.lag[p].Load()) })
	}
	set.NewGauge("adic_cluster_connected", func() float64 {
		if c.state.Load().away != nil {
			return 0
		}
		return 1
	})
	set.NewGauge("adic_cluster_streams_differ", func() float64 { return float64(len(c.state.Load().differs)) })
	return m
}
