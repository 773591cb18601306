// Package chart draws the few charts that the benchmarks publish: SVG that is
// readable on light and on dark pages, with nothing in it but shapes and text.
package chart

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
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

// Tick is a named place on an axis.
type Tick struct {
	At   float64
	Name string
}

// Growth is a chart with both axes logarithmic: what grows evenly is a straight
// line, and what grows in proportion one of slope 1.
type Growth struct {
	Title  string
	X, Y   string // what the axes are, with their units
	XTicks []Tick // instead of round numbers
	Series []Series
	// Emphasis is the series that the chart is about: it is drawn in colour and the
	// others in muted hues. Without it each has its own colour.
	Emphasis string
	// Bound is the series that nothing can be better than: its line is dashed.
	Bound string
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
	left, right, top, bottom = 64, 130, 48, 56
	// fewPoints have a dot each.
	fewPoints = 12
)

// colours are the lines' in turn: distinct for most kinds of colour blindness, and
// of a brightness that shows on black as on white.
var colours = []string{"#2f81d6", "#d9822b", "#3a9a5b", "#b5559b", "#8a7a2f", "#d1495b", "#2a9d9d", "#7a6fd0", "#888888"}

// muted are those of what a chart is not about.
var muted = []string{"#8c8c8c", "#b08968", "#7f9c8a", "#9585a8", "#a89b5a", "#7b98ad", "#b5838d", "#87906f"}

// style takes the page's preference for light or dark.
const style = `<style>
text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-size:16px;font-weight:600}.u{fill:#59636e}.e{font-weight:600;fill:#2f81d6}
.g{stroke:#8883}.a{stroke:#888}.w{stroke:#1f2328;stroke-opacity:.55}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.u{fill:#9198a1}.e{fill:#58a6ff}.w{stroke:#fff}}
</style>`

// begin writes what every drawing begins with.
func begin(b *bytes.Buffer, title string, tall int) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">%s`+"\n",
		width, tall, html.EscapeString(title), style)
	fmt.Fprintf(b, `<text class="t" x="12" y="24">%s</text>`+"\n", html.EscapeString(title))
}

// SVG returns the drawing. A chart without points is empty but valid.
func (g *Growth) SVG() []byte {
	var b bytes.Buffer
	begin(&b, g.Title, height)
	x, y := g.axes()
	placeX := func(v float64) float64 { return left + x.place(v)*(width-left-right) }
	placeY := func(v float64) float64 { return float64(height-bottom) - y.place(v)*(height-top-bottom) }
	ticks := g.XTicks
	if ticks == nil {
		for _, v := range x.ticks() {
			ticks = append(ticks, Tick{v, number(v)})
		}
	}
	for _, tick := range ticks {
		fmt.Fprintf(&b, `<path class="g" d="M%.1f %dV%d"/><text class="u" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			placeX(tick.At), top, height-bottom, placeX(tick.At), height-bottom+18, html.EscapeString(tick.Name))
	}
	for _, v := range y.ticks() {
		fmt.Fprintf(&b, `<path class="g" d="M%d %.1fH%d"/><text class="u" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, placeY(v), width-right, left-8, placeY(v)+4, number(v))
	}
	fmt.Fprintf(&b, `<path class="a" fill="none" d="M%d %dV%dH%d"/>`+"\n", left, top, height-bottom, width-right)
	fmt.Fprintf(&b, `<text class="u" x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-14, html.EscapeString(g.X))
	fmt.Fprintf(&b, `<text class="u" transform="translate(18 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, html.EscapeString(g.Y))
	labels := g.labels(placeY)
	for _, i := range g.order() {
		s := g.Series[i]
		if len(s.Points) == 0 {
			continue
		}
		colour, form := g.look(i)
		var path strings.Builder
		for j, p := range s.Points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(j, 1)], placeX(p.X), placeY(p.Y))
			if len(s.Points) <= fewPoints {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", placeX(p.X), placeY(p.Y), colour)
			}
		}
		end := s.Points[len(s.Points)-1]
		fmt.Fprintf(&b, `<path fill="none" stroke-linejoin="round" stroke="%s" %s d="%s"/>`+"\n", colour, form, path.String())
		// A thin line leads from where the series ends to its name.
		fmt.Fprintf(&b, `<path fill="none" stroke="%s" stroke-width=".8" d="M%.1f %.1fL%d %.1fh6"/><text class="%s" x="%d" y="%.1f">%s</text>`+"\n",
			colour, placeX(end.X), placeY(end.Y), width-right+16, labels[i], class(s.Name == g.Emphasis), width-right+26, labels[i]+4, html.EscapeString(s.Name))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// class is that of a name, emphasized or not.
func class(emphasized bool) string {
	if emphasized {
		return "e"
	}
	return "n"
}

// look returns how series i is drawn.
func (g *Growth) look(i int) (colour, form string) {
	colour, form = colours[i%len(colours)], `stroke-width="2"`
	if g.Emphasis != "" {
		colour, form = muted[i%len(muted)], `stroke-width="1.5"`
	}
	switch g.Series[i].Name {
	case g.Emphasis:
		colour, form = colours[0], `stroke-width="3"`
	case g.Bound:
		form += ` stroke-dasharray="5 4"`
	}
	return colour, form
}

// order returns the series in the order in which they are drawn: the one that
// the chart is about is not covered by others.
func (g *Growth) order() (order []int) {
	last := -1
	for i, s := range g.Series {
		if g.Emphasis != "" && s.Name == g.Emphasis {
			last = i
			continue
		}
		order = append(order, i)
	}
	if last >= 0 {
		order = append(order, last)
	}
	return order
}

// labels returns where the names of the series stand: as near to the ends of their
// lines as there is room.
func (g *Growth) labels(placeY func(float64) float64) []float64 {
	const line = 18
	order := make([]int, len(g.Series))
	at := make([]float64, len(g.Series))
	for i, s := range g.Series {
		order[i], at[i] = i, top
		if n := len(s.Points); n > 0 {
			at[i] = placeY(s.Points[n-1].Y)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	// Names that would touch form a block around their middle, within the drawing.
	type block struct {
		members []int
		middle  float64
	}
	half := func(b block) float64 { return float64(len(b.members)) * line / 2 }
	within := func(b block) block {
		b.middle = min(max(b.middle, line+half(b)), height-8-half(b))
		return b
	}
	var blocks []block
	for _, i := range order {
		blocks = append(blocks, within(block{[]int{i}, at[i]}))
		for n := len(blocks); n > 1 && blocks[n-2].middle+half(blocks[n-2]) > blocks[n-1].middle-half(blocks[n-1]); n = len(blocks) {
			above, below := blocks[n-2], blocks[n-1]
			a, b := float64(len(above.members)), float64(len(below.members))
			both := block{append(above.members, below.members...), (a*above.middle + b*below.middle) / (a + b)}
			blocks = append(blocks[:n-2], within(both))
		}
	}
	for _, b := range blocks {
		for k, i := range b.members {
			at[i] = b.middle - half(b) + line*(float64(k)+0.5)
		}
	}
	return at
}

func (g *Growth) axes() (x, y axis) {
	var xs, ys []float64
	for _, s := range g.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	for _, tick := range g.XTicks {
		xs = append(xs, tick.At)
	}
	return over(xs), over(ys)
}
