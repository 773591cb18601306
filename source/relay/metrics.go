package relay

import (
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// counters are the metrics of a relay.
type counters struct {
	events, unusable, unknown, gaps, errors, connections *metrics.Counter
	// lag is how long after its timestamp, which counts seconds, the last event came.
	lag atomic.Int64 // nanoseconds
}

func newCounters(r *Relay) *counters {
	counter := func(what string) *metrics.Counter {
		return r.o.Metrics.NewCounter("adic_source_" + what + `_total{source="relay"}`)
	}
	c := &counters{events: counter("events"), unusable: counter("dropped"), gaps: counter("gaps"),
		errors: counter("errors"), connections: counter("connections"),
		unknown: r.o.Metrics.NewCounter("adic_events_unknown_total")}
	r.o.Metrics.NewGauge(`adic_source_up{source="relay"}`, func() float64 {
		if r.Up() {
			return 1
		}
		return 0
	})
	r.o.Metrics.NewGauge(`adic_source_lag_seconds{source="relay"}`, func() float64 {
		return time.Duration(c.lag.Load()).Seconds()
	})
	return c
}
