package bench

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// duration draws times of all magnitudes, not mostly huge ones.
func duration() *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		bits := rapid.IntRange(0, maxValueBits-1).Draw(t, "bits")
		return rapid.Int64Range(0, 1<<bits).Draw(t, "ns")
	})
}

func TestHistogramAgreesWithSortedSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(duration(), 1, 300).Draw(t, "samples")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var h histogram
		for _, ns := range samples {
			h.record(ns)
		}
		slices.Sort(samples)
		rank := min(max(int(math.Ceil(q*float64(len(samples)))), 1), len(samples))
		exact, got := samples[rank-1], h.quantile(q)
		if got < exact || got > exact+exact/128 {
			t.Fatalf("quantile(%g) = %d, sorted samples have %d", q, got, exact)
		}
		if largest := samples[len(samples)-1]; h.quantile(1) != largest || h.max != largest {
			t.Fatalf("maximum %d and %d, want %d", h.quantile(1), h.max, largest)
		}
	})
}

func TestHistogramBucketsHaveNoSeams(t *testing.T) {
	for i := range histogramBuckets - 1 {
		end := bucketEnd(i)
		if bucketOf(end) != i || bucketOf(end+1) != i+1 {
			t.Fatalf("bucket %d ends at %d, which is in bucket %d, and %d in %d", i, end, bucketOf(end), end+1, bucketOf(end+1))
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	var h histogram
	if p := h.percentiles(); p != (Percentiles{}) {
		t.Errorf("empty: %+v", p)
	}
	h.record(-5)
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("a negative time counts as %d, want 0", got)
	}
	h.record(math.MaxInt64)
	if got := h.quantile(1); got != math.MaxInt64 {
		t.Errorf("a time beyond the range counts as %d, want the maximum itself", got)
	}
}

func TestHistogramAllocatesNothing(t *testing.T) {
	h, ns := new(histogram), int64(1)
	if n := testing.AllocsPerRun(100, func() { h.record(ns); ns *= 3 }); n != 0 {
		t.Errorf("record allocates %g times", n)
	}
}

func Example_histogram() {
	var h histogram
	for ms := range int64(1000) {
		h.record((ms + 1) * 1_000_000)
	}
	p := h.percentiles()
	fmt.Printf("p50 %.0f ms, p99 %.0f ms, max %.0f ms\n", p.P50, p.P99, p.Max)
	// Output: p50 501 ms, p99 994 ms, max 1000 ms
}

// The distribution holds every value, below the end of its bucket.
func TestDistribution(t *testing.T) {
	var h histogram
	for _, ms := range []int{1, 1, 5, 5000} {
		h.record(int64(ms) * int64(time.Millisecond))
	}
	got := h.distribution()
	for i, want := range []Bucket{{1, 2}, {5, 1}, {5000, 1}} {
		if i >= len(got) || got[i].Count != want.Count || got[i].EndMS < want.EndMS || got[i].EndMS > want.EndMS*17/16 {
			t.Fatalf("%v, want about %v at %d", got, want, i)
		}
	}
	if len(got) != 3 || got[2].EndMS != 5000 {
		t.Errorf("%v, want three, and the maximum exact", got)
	}
	if empty := new(histogram).distribution(); empty == nil || len(empty) > 0 {
		t.Errorf("%v of nothing, want an empty list", empty)
	}
}
