package chart

import (
	"encoding/xml"
	"errors"
	"io"
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
		"bars":        &Bars{Title: "Some", Unit: "<KB>", Emphasis: "b", Bars: []Bar{{"a & a", 1}, {"b", 2.5}, {"c", 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := xml.NewDecoder(strings.NewReader(string(g.SVG())))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
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
	if got := x.decades(); len(got) != 3 || got[1] != 10 {
		t.Errorf("decades = %v, want 1, 10 and 100", got)
	}
}

// Names stand in the order of the ends of their lines, and not on each other.
func TestLabelsDoNotOverlap(t *testing.T) {
	var g Growth
	for i := range 9 {
		g.Add(string(rune('a'+i)), []Point{{10, 5 + float64(i)/10}, {1, 1}})
	}
	at := g.labels(axis{0, 1})
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
