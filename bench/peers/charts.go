package main

import (
	"maps"
	"slices"

	"github.com/adic-network/router/bench/chart"
)

// charts draws the results, by name.
func (r *results) charts() map[string][]byte {
	svgs := make(map[string][]byte)
	bars := func(name, title, unit, load string, f figure, more bool) {
		c := chart.Bars{Title: title, Unit: unit, Log: more, Emphasis: router, Bounds: []string{"floor", "floor-64k"}}
		for _, row := range r.rows(load, f, more) {
			c.Bars = append(c.Bars, chart.Bar{Name: row.server, Value: row.first.median, Least: row.first.least, Most: row.first.most})
		}
		svgs[name] = c.SVG()
	}
	bars("memory", "Memory of an idle WebSocket connection, 10,000 of them", "KB", "10000", memory, false)
	bars("bursts", "Deliveries per second of CPU, 2,000 events at once to 1,000 clients", "million", "burst-1000", perCPU, true)
	svgs["latency"] = r.latencies("1000").SVG()
	svgs["growth-cpu"] = r.growth("CPU of a delivery, 100 events/s", "us", cpu).SVG()
	svgs["growth-latency"] = r.growth("99 % of deliveries within, 100 events/s", "ms", p99).SVG()
	return svgs
}

// growth is a figure over the number of connections.
func (r *results) growth(title, unit string, f figure) *chart.Growth {
	g := &chart.Growth{Title: title, X: "connections", Y: unit, Emphasis: router, Bound: "floor",
		XTicks: []chart.Tick{{At: 1000, Name: "1,000"}, {At: 5000, Name: "5,000"}, {At: 10000, Name: "10,000"}}}
	for _, name := range serverNames() {
		var points []chart.Point
		for connections, load := range map[float64]string{1000: "1000", 5000: "5000", 10000: "10000"} {
			if s, ok := r.of(load, name, f); ok && s.median > 0 {
				points = append(points, chart.Point{X: connections, Y: s.median})
			}
		}
		g.Add(name, points)
	}
	return g
}

// latencies is the distribution of latencies under a load, all its runs taken
// together: what the faster half stays within, and nine tenths, and so on.
func (r *results) latencies(load string) *chart.Growth {
	g := &chart.Growth{Title: "Latency, " + loadNamed(load).title, X: "share of deliveries that took no longer", Y: "ms", Emphasis: router, Bound: "floor",
		XTicks: []chart.Tick{{At: 2, Name: "50 %"}, {At: 10, Name: "90 %"}, {At: 100, Name: "99 %"}, {At: 1000, Name: "99.9 %"}, {At: 10000, Name: "99.99 %"}}}
	for _, name := range serverNames() {
		counts := make(map[float64]uint64)
		var total uint64
		for _, run := range r.Runs {
			if run.Load != load || run.Server != name || run.Report == nil {
				continue
			}
			for _, bucket := range run.Report.Deliveries.Distribution {
				counts[bucket.EndMS] += bucket.Count
				total += bucket.Count
			}
		}
		var points []chart.Point
		left := total // deliveries that took longer
		for _, end := range slices.Sorted(maps.Keys(counts)) {
			if left -= counts[end]; left*10_000 < total {
				break
			}
			if x := float64(total) / float64(left); x >= 2 {
				points = append(points, chart.Point{X: x, Y: end})
			}
		}
		g.Add(name, points)
	}
	return g
}
