package api

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// counters are the metrics of a Handler. Their labels are the paths of routes.
type counters struct {
	panics  *metrics.Counter
	byRoute map[*route]*routeCounters
	other   *routeCounters // files of the pages, and what is not there
}

// routeCounters are those of one path.
type routeCounters struct {
	byClass [6]*metrics.Counter // by the first digit of the status
	seconds *metrics.PrometheusHistogram
}

// requestSeconds are the upper bounds of the buckets.
var requestSeconds = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

func newCounters(set *metrics.Set) *counters {
	c := &counters{
		panics:  set.NewCounter("adic_explorer_http_panics_total"),
		byRoute: make(map[*route]*routeCounters),
		other:   newRouteCounters(set, "other"),
	}
	for i := range routes {
		c.byRoute[&routes[i]] = newRouteCounters(set, routes[i].path)
	}
	return c
}

func newRouteCounters(set *metrics.Set, path string) *routeCounters {
	c := &routeCounters{
		seconds: set.NewPrometheusHistogramExt(fmt.Sprintf("adic_explorer_http_request_seconds{route=%q}", path), requestSeconds),
	}
	for digit := 2; digit < len(c.byClass); digit++ {
		c.byClass[digit] = set.NewCounter(fmt.Sprintf("adic_explorer_http_requests_total{route=%q,status=\"%dxx\"}", path, digit))
	}
	return c
}

// note counts a request that was answered. Without a status it was given up.
func (c *counters) note(to *route, status int, took time.Duration) {
	of := c.byRoute[to]
	if of == nil {
		of = c.other
	}
	if status == 0 {
		status = 500
	}
	of.byClass[status/100].Inc()
	of.seconds.Update(took.Seconds())
}
