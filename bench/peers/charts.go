package main

import (
	"github.com/adic-network/router/bench/chart"
)

// charts draws the results, by name.
func (r *results) charts() map[string][]byte {
	svgs := make(map[string][]byte)
	bars := func(name, title, unit, load string, f figure, more bool) {
		c := chart.Bars{Title: title, Unit: unit, Emphasis: router}
		for _, row := range r.rows(load, f, more) {
			c.Bars = append(c.Bars, chart.Bar{Name: row.server, Value: row.first.median})
		}
		svgs[name] = c.SVG()
	}
	bars("memory", "Memory of an idle connection, 10,000 of them", "KB", "10000", memory, false)
	bars("bursts", "Deliveries a second of CPU, 2,000 events at once to 1,000", "million", "burst-1000", perCPU, true)

	latency := chart.Growth{Title: "Latency, 100 events/s to 1,000 connections", X: "the slowest one in so many deliveries", Y: "takes ms", Emphasis: router}
	counts := chart.Growth{Title: "CPU of a delivery, 100 events/s", X: "connections", Y: "us", Emphasis: router}
	delays := chart.Growth{Title: "p99 latency, 100 events/s", X: "connections", Y: "ms", Emphasis: router}
	for _, name := range serverNames() {
		if name == "floor-64k" {
			continue
		}
		var points, costs, late []chart.Point
		for oneIn, f := range map[float64]figure{2: p50, 10: p90, 100: p99, 1000: p999} {
			if s, ok := r.of("1000", name, f); ok {
				points = append(points, chart.Point{X: oneIn, Y: s.median})
			}
		}
		for connections, load := range map[float64]string{1000: "1000", 5000: "5000", 10000: "10000"} {
			if s, ok := r.of(load, name, cpu); ok {
				costs = append(costs, chart.Point{X: connections, Y: s.median})
			}
			if s, ok := r.of(load, name, p99); ok {
				late = append(late, chart.Point{X: connections, Y: s.median})
			}
		}
		latency.Add(name, points)
		counts.Add(name, costs)
		delays.Add(name, late)
	}
	svgs["latency"], svgs["growth-cpu"], svgs["growth-latency"] = latency.SVG(), counts.SVG(), delays.SVG()
	return svgs
}
