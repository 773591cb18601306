package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestSVGIsWellFormed(t *testing.T) {
	for name, g := range map[string]Growth{
		"nothing":     {Title: "Nothing"},
		"one point":   {Title: "One", Series: []Series{{"a", []Point{{1, 1}}}}},
		"odd names":   {Title: `<&">`, X: "<x>", Y: "&y", Series: []Series{{`"<s>"`, []Point{{1, 2}, {10, 0.5}}}}},
		"many series": {Series: make([]Series, 20)},
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

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0.01: "0.01", 1: "1", 100: "100", 1e4: "10k", 1e6: "1M", 1e9: "1G"} {
		if got := number(v); got != want {
			t.Errorf("number(%g) = %s, want %s", v, got, want)
		}
	}
}
