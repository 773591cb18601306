package chart

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
)

// Bar is a named value, above 0, and the least and the most that was measured of
// it, 0 where there is only one.
type Bar struct {
	Name        string
	Value       float64
	Least, Most float64
}

// Bars is a chart of horizontal bars with the value beside each.
type Bars struct {
	Title, Unit string
	Bars        []Bar
	// Log makes the axis logarithmic, from the power of ten below the least on,
	// and shows it. Otherwise bars begin at 0.
	Log bool
	// Emphasis is the bar that the chart is about; the others are grey.
	Emphasis string
	// Bounds are the bars that nothing can be better than: they are hollow.
	Bounds []string
}

// SVG returns the drawing. A chart without bars is empty but valid.
func (c *Bars) SVG() []byte {
	const (
		barHeight, pitch = 20, 30
		head             = 46
		from, to         = 106, width - 150
	)
	foot := 12
	if c.Log {
		foot = 28
	}
	tall := head + pitch*len(c.Bars) + foot
	place, ticks := c.scale()
	at := func(v float64) float64 { return from + min(max(place(v), 0), 1)*(to-from) }
	var b bytes.Buffer
	begin(&b, c.Title, tall)
	for _, v := range ticks {
		fmt.Fprintf(&b, `<path class="g" d="M%.1f %dV%d"/><text class="u" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			at(v), head-6, tall-foot, at(v), tall-foot+16, number(v))
	}
	for i, bar := range c.Bars {
		y := head + pitch*i
		look := fmt.Sprintf(`fill="%s"`, muted[0])
		switch {
		case bar.Name == c.Emphasis:
			look = fmt.Sprintf(`fill="%s"`, colours[0])
		case slices.Contains(c.Bounds, bar.Name):
			look = fmt.Sprintf(`fill="%s" fill-opacity=".15" stroke="%s" stroke-dasharray="4 3"`, muted[0], muted[0])
		}
		end := max(at(bar.Value), from+1)
		fmt.Fprintf(&b, `<text class="%s" x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" rx="2" %s/>`+"\n",
			class(bar.Name == c.Emphasis), from-10, y+15, html.EscapeString(bar.Name), from, y, end-from, barHeight, look)
		if bar.Most > bar.Least {
			fmt.Fprintf(&b, `<path class="w" fill="none" d="M%.1f %dv8m0-4H%.1fm0-4v8"/>`+"\n", at(bar.Least), y+6, at(bar.Most))
			end = max(end, at(bar.Most))
		}
		fmt.Fprintf(&b, `<text class="%s" x="%.1f" y="%d">%s %s</text>`+"\n",
			class(bar.Name == c.Emphasis), end+8, y+15, value(bar.Value), html.EscapeString(c.Unit))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// scale returns where a value is, 0 to 1, and the ticks to show.
func (c *Bars) scale() (place func(v float64) float64, ticks []float64) {
	var values []float64
	for _, bar := range c.Bars {
		for _, v := range []float64{bar.Value, bar.Least, bar.Most} {
			if v > 0 {
				values = append(values, v)
			}
		}
	}
	if len(values) == 0 {
		return func(float64) float64 { return 0 }, nil
	}
	if !c.Log {
		most := slices.Max(values)
		return func(v float64) float64 { return v / most }, nil
	}
	a := over(values)
	a.low = math.Floor(a.low)
	return func(v float64) float64 {
		if v <= 0 {
			return 0
		}
		return a.place(v)
	}, a.ticks()
}

// value writes a number with three digits that matter.
func value(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
