package chart

import (
	"fmt"
	"math"
)

// axis is a logarithmic axis that begins and ends at 1, 2 or 5 times a power of
// ten.
type axis struct{ low, high float64 } // exponents of 10

// steps are where an axis may begin, end and have a tick within a decade.
var steps = []float64{1, 2, 5, 10}

// over returns the axis that just holds the values, which are above 0.
func over(values []float64) axis {
	if len(values) == 0 {
		return axis{0, 1}
	}
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	a := axis{exponentBelow(least), exponentAbove(most)}
	if a.high <= a.low {
		a.high = a.low + 1
	}
	return a
}

// inaccuracy is what a power of ten may be off by.
const inaccuracy = 1e-9

func exponentBelow(v float64) (e float64) {
	decade := math.Floor(math.Log10(v) + inaccuracy)
	for _, step := range steps {
		if x := decade + math.Log10(step); x <= math.Log10(v)+inaccuracy {
			e = x
		}
	}
	return e
}

func exponentAbove(v float64) float64 {
	decade := math.Floor(math.Log10(v))
	for _, step := range steps {
		if x := decade + math.Log10(step); x >= math.Log10(v)-inaccuracy {
			return x
		}
	}
	return decade + 1
}

// place is where v is on the axis, 0 to 1.
func (a axis) place(v float64) float64 { return (math.Log10(v) - a.low) / (a.high - a.low) }

// ticks returns the powers of ten on the axis, and on a short one 2 and 5 times
// them as well.
func (a axis) ticks() (values []float64) {
	for decade := math.Floor(a.low); decade <= a.high; decade++ {
		for _, step := range steps[:3] {
			e := decade + math.Log10(step)
			if e >= a.low-inaccuracy && e <= a.high+inaccuracy && (step == 1 || a.high-a.low < 2) {
				values = append(values, step*math.Pow(10, decade))
			}
		}
	}
	return values
}

// number writes a tick as people read it: 10k, 2M, 0.05.
func number(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%gG", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}
