package main

import "github.com/adic-network/router/bench/chart"

// draw shows how the cost of connecting and of a delivery to all grows.
func draw(all []result) []byte {
	connect := chart.Series{Name: "connect all"}
	round := chart.Series{Name: "one event to all"}
	even := chart.Series{Name: "in proportion"}
	for _, r := range all {
		x := float64(r.connections)
		connect.Points = append(connect.Points, chart.Point{X: x, Y: r.connect.Seconds()})
		round.Points = append(round.Points, chart.Point{X: x, Y: r.round.Seconds()})
		even.Points = append(even.Points, chart.Point{X: x, Y: x * all[0].round.Seconds() / float64(all[0].connections)})
	}
	g := chart.Growth{
		Title:  "Growth with connections (in memory)",
		X:      "connections",
		Y:      "seconds",
		Series: []chart.Series{connect, round, even},
	}
	return g.SVG()
}
