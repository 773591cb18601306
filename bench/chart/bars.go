package chart

import (
	"bytes"
	"fmt"
	"html"
)

// Bar is a named value, above 0.
type Bar struct {
	Name  string
	Value float64
}

// Bars is a chart of horizontal bars from 0 on, with the value beside each.
type Bars struct {
	Title, Unit string
	Bars        []Bar
	// Emphasis is the bar that the chart is about; the others are grey.
	Emphasis string
}

// SVG returns the drawing. A chart without bars is empty but valid.
func (c *Bars) SVG() []byte {
	const (
		barHeight, pitch = 20, 30
		head, foot       = 46, 12
		from, to         = 110, width - 120
	)
	tall := head + pitch*len(c.Bars) + foot
	most := 0.0
	for _, bar := range c.Bars {
		most = max(most, bar.Value)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">%s`+"\n",
		width, tall, html.EscapeString(c.Title), style)
	fmt.Fprintf(&b, `<text class="t" x="16" y="26">%s</text>`+"\n", html.EscapeString(c.Title))
	for i, bar := range c.Bars {
		y := head + pitch*i
		colour, weight := greys[0], "400"
		if bar.Name == c.Emphasis {
			colour, weight = colours[0], "700"
		}
		long := 1.0
		if most > 0 {
			long = max(1, bar.Value/most*(to-from))
		}
		fmt.Fprintf(&b, `<text font-weight="%s" x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+
			`<text font-weight="%s" x="%.1f" y="%d">%s %s</text>`+"\n",
			weight, from-10, y+15, html.EscapeString(bar.Name), from, y, long, barHeight, colour,
			weight, from+long+8, y+15, value(bar.Value), html.EscapeString(c.Unit))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
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
