package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestSVGIsWellFormed(t *testing.T) {
	for name, g := range map[string]interface{ SVG() []byte }{
		"nothing":     &Growth{Title: "Nothing"},
		"one point":   &Growth{Title: "One", Series: []Series{{"a", []Point{{1, 1}}}}},
		"odd names":   &Growth{Title: `<&">`, X: "<x>", Y: "&y", Series: []Series{{`"<s>"`, []Point{{1, 2}, {10, 0.5}}}}},
		"many series": &Growth{Series: make([]Series, 20)},
		"emphasis":    &Growth{Emphasis: "b", Series: []Series{{"a", []Point{{1, 1}}}, {"b", []Point{{1, 1}, {10, 3}}}}},
		"no bars":     &Bars{Title: "<none>"},
		"bars":        &Bars{Title: "Some", Unit: "<KB>", Emphasis: "b", Bars: []Bar{{"a & a", 1, 0.5, 2}, {"b", 2.5, 0, 0}, {"c", 0, 0, 0}}},
		"log bars":    &Bars{Log: true, Bounds: []string{"b"}, Bars: []Bar{{"a", 100, 90, 110}, {"b", 2.5, 0, 0}, {"c", 0, 0, 0}}},
		"ticks":       &Growth{XTicks: []Tick{{10, "<ten>"}}, Bound: "b", Series: []Series{{"b", []Point{{1, 1}, {100, 3}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := xml.NewDecoder(strings.NewReader(string(g.SVG())))
			for {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				element, _ := token.(xml.StartElement)
				for _, attribute := range element.Attr {
					if strings.Contains(attribute.Value, "NaN") || strings.Contains(attribute.Value, "Inf") {
						t.Errorf("%s has %s=%q", element.Name.Local, attribute.Name.Local, attribute.Value)
					}
				}
			}
		})
	}
}

// What grows in proportion is a straight line: its middle lies half-way.
func TestProportionIsAStraightLine(t *testing.T) {
	x := over([]float64{1, 100})
	if got := x.place(10); got != 0.5 {
		t.Errorf("10 is at %g of an axis from 1 to 100, want 0.5", got)
	}
	if got := x.ticks(); len(got) != 3 || got[1] != 10 {
		t.Errorf("ticks = %v, want 1, 10 and 100", got)
	}
}

func TestAxis(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   []float64 // the ends and the ticks
	}{
		{[]float64{8.5, 17}, []float64{5, 20, 5, 10, 20}},
		{[]float64{1000, 5000, 10000}, []float64{1000, 10000, 1000, 2000, 5000, 10000}},
		{[]float64{0.03, 900}, []float64{0.02, 1000, 0.1, 1, 10, 100, 1000}},
		{[]float64{2}, []float64{2, 20, 2, 5, 10, 20}},
		{nil, []float64{1, 10, 1, 2, 5, 10}},
	} {
		a := over(tt.values)
		got := append([]float64{math.Pow(10, a.low), math.Pow(10, a.high)}, a.ticks()...)
		if !slices.EqualFunc(got, tt.want, func(a, b float64) bool { return math.Abs(a/b-1) < 1e-6 }) {
			t.Errorf("over %v: %v, want %v", tt.values, got, tt.want)
		}
	}
}

// Names stand in the order of the ends of their lines, and not on each other.
func TestLabelsDoNotOverlap(t *testing.T) {
	var g Growth
	for i := range 9 {
		g.Add(string(rune('a'+i)), []Point{{10, 5 + float64(i)/10}, {1, 1}})
	}
	at := g.labels(func(v float64) float64 { return 400 - 30*v })
	for i := 1; i < len(at); i++ {
		if at[i-1]-at[i] < 17 {
			t.Errorf("series %d is labelled at %g and %d at %g", i-1, at[i-1], i, at[i])
		}
	}
	if g.Series[0].Points[0].X != 1 {
		t.Error("points are not in order")
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0.01: "0.01", 1: "1", 100: "100", 1e4: "10k", 1e6: "1M", 1e9: "1G"} {
		if got := number(v); got != want {
			t.Errorf("number(%g) = %s, want %s", v, got, want)
		}
	}
}
