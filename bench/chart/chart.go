// Package chart draws the few charts that the benchmarks publish: SVG that is
// readable on light and on dark pages, with nothing in it but shapes and text.
package chart

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Point is a point of a series; both values are above 0.
type Point struct{ X, Y float64 }

// Series is a named line.
type Series struct {
	Name   string
	Points []Point
}

// Growth is a chart with both axes logarithmic: what grows evenly is a straight
// line, and what grows in proportion one of slope 1.
type Growth struct {
	Title  string
	X, Y   string // what the axes are, with their units
	Series []Series
	// Emphasis is the series that the chart is about: it is drawn in colour and the
	// others in grey. Without it each has its own colour.
	Emphasis string
}

// Add adds a series, its points in the order of their X, if there are any.
func (g *Growth) Add(name string, points []Point) {
	if len(points) > 0 {
		slices.SortFunc(points, func(a, b Point) int { return cmp.Compare(a.X, b.X) })
		g.Series = append(g.Series, Series{name, points})
	}
}

const (
	width, height            = 720, 420
	left, right, top, bottom = 80, 180, 48, 56
)

// colours are the lines' in turn: distinct for most kinds of colour blindness, and
// of a brightness that shows on black as on white.
var colours = []string{"#3b82c4", "#d9822b", "#3a9a5b", "#b5559b", "#8a7a2f", "#d1495b", "#2a9d9d", "#7a6fd0", "#888888"}

// greys are those of the lines that a chart is not about.
var greys = []string{"#7d7d7d", "#a3a3a3", "#8f8378", "#7f8fa0", "#9a8aa0", "#84937f", "#b0a58f", "#6f7a85"}

// style takes the page's preference for light or dark.
const style = `<style>
text{font:13px system-ui,sans-serif;fill:#222}.t{font-size:16px;font-weight:600}.g{stroke:#8884}.a{stroke:#888}
@media(prefers-color-scheme:dark){text{fill:#ddd}}
</style>`

// SVG returns the drawing. A chart without points is empty but valid.
func (g *Growth) SVG() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">%s`+"\n",
		width, height, html.EscapeString(g.Title), style)
	fmt.Fprintf(&b, `<text class="t" x="%d" y="26">%s</text>`+"\n", left, html.EscapeString(g.Title))
	x, y := g.axes()
	for _, d := range x.decades() {
		at := left + x.place(d)*(width-left-right)
		fmt.Fprintf(&b, `<path class="g" d="M%.1f %dV%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			at, top, height-bottom, at, height-bottom+18, number(d))
	}
	for _, d := range y.decades() {
		at := float64(height-bottom) - y.place(d)*(height-top-bottom)
		fmt.Fprintf(&b, `<path class="g" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, at, width-right, left-8, at+4, number(d))
	}
	fmt.Fprintf(&b, `<path class="a" fill="none" d="M%d %dV%dH%d"/>`+"\n", left, top, height-bottom, width-right)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-14, html.EscapeString(g.X))
	fmt.Fprintf(&b, `<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, html.EscapeString(g.Y))
	labels := g.labels(y)
	for i, s := range g.Series {
		colour, stroke := colours[i%len(colours)], "2"
		if g.Emphasis != "" {
			colour, stroke = greys[i%len(greys)], "1.5"
			if s.Name == g.Emphasis {
				colour, stroke = colours[0], "3"
			}
		}
		var path strings.Builder
		for j, p := range s.Points {
			px := left + x.place(p.X)*(width-left-right)
			py := float64(height-bottom) - y.place(p.Y)*(height-top-bottom)
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(j, 1)], px, py)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", px, py, colour)
		}
		fmt.Fprintf(&b, `<path fill="none" stroke="%s" stroke-width="%s" d="%s"/>`+"\n", colour, stroke, path.String())
		weight := "400"
		if s.Name == g.Emphasis {
			weight = "700"
		}
		fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="10" height="10" fill="%s"/><text font-weight="%s" x="%d" y="%.1f">%s</text>`+"\n",
			width-right+14, labels[i]-9, colour, weight, width-right+30, labels[i], html.EscapeString(s.Name))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// labels returns where the names of the series stand: as near to the ends of their
// lines as there is room.
func (g *Growth) labels(y axis) []float64 {
	const line = 18
	order := make([]int, len(g.Series))
	at := make([]float64, len(g.Series))
	for i, s := range g.Series {
		order[i], at[i] = i, top
		if n := len(s.Points); n > 0 {
			at[i] = float64(height-bottom) - y.place(s.Points[n-1].Y)*(height-top-bottom) + 4
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	for k := 1; k < len(order); k++ {
		at[order[k]] = max(at[order[k]], at[order[k-1]]+line)
	}
	bottomLine := float64(height - 8)
	for k := len(order) - 1; k >= 0; k-- { // those that were pushed out come back
		at[order[k]] = min(at[order[k]], bottomLine)
		bottomLine = at[order[k]] - line
	}
	return at
}

// axis is a logarithmic axis over whole decades.
type axis struct{ low, high float64 } // exponents of 10

func (g *Growth) axes() (x, y axis) {
	var xs, ys []float64
	for _, s := range g.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	return over(xs), over(ys)
}

func over(values []float64) axis {
	if len(values) == 0 {
		return axis{0, 1}
	}
	a := axis{math.Inf(1), math.Inf(-1)}
	for _, v := range values {
		a.low = min(a.low, math.Floor(math.Log10(v)))
		a.high = max(a.high, math.Ceil(math.Log10(v)))
	}
	a.high = max(a.high, a.low+1)
	return a
}

// place is where v is on the axis, 0 to 1.
func (a axis) place(v float64) float64 { return (math.Log10(v) - a.low) / (a.high - a.low) }

func (a axis) decades() (values []float64) {
	for e := a.low; e <= a.high; e++ {
		values = append(values, math.Pow(10, e))
	}
	return values
}

// number writes a power of ten as people read it: 10k, 1M, 0.01.
func number(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%gG", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%g", v)
}
