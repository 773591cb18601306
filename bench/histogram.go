package bench

import (
	"math"
	"math/bits"
	"time"
)

const (
	// subBucketBits is the resolution: every power of two is cut into 128
	// buckets, so a bucket is narrower than 1/128 of the values in it.
	subBucketBits = 7
	// maxValueBits bounds the range at 2^42 ns, 73 minutes, longer than any
	// run is meant to be. Longer times are counted in the last bucket.
	maxValueBits = 42

	histogramBuckets = (maxValueBits - subBucketBits + 1) << subBucketBits
)

// histogram counts durations in buckets of logarithmically growing width. Its
// size is fixed (36 KiB), recording allocates nothing. Values below 256 ns are
// exact, others are overstated by less than 1/128. The zero value is empty and
// ready to use. It is not safe for concurrent use.
type histogram struct {
	buckets [histogramBuckets]uint64
	count   uint64
	max     int64
}

// record counts one duration in nanoseconds. Negative ones, which only a clock
// that was set back can produce, count as 0.
func (h *histogram) record(ns int64) {
	ns = max(ns, 0)
	h.buckets[bucketOf(ns)]++
	h.count++
	h.max = max(h.max, ns)
}

// quantile returns the value at q (0 to 1) by the nearest-rank method, rounded
// up to the end of its bucket, and 0 for an empty histogram.
func (h *histogram) quantile(q float64) int64 {
	if h.count == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(h.count)))
	rank = min(max(rank, 1), h.count)
	var seen uint64
	for i, n := range h.buckets {
		seen += n
		if seen >= rank && i < histogramBuckets-1 {
			return min(bucketEnd(i), h.max)
		}
	}
	return h.max
}

// percentiles summarises the histogram in milliseconds.
func (h *histogram) percentiles() Percentiles {
	ms := func(ns int64) float64 { return float64(ns) / float64(time.Millisecond) }
	return Percentiles{
		Count: h.count,
		P50:   ms(h.quantile(0.50)),
		P90:   ms(h.quantile(0.90)),
		P99:   ms(h.quantile(0.99)),
		P999:  ms(h.quantile(0.999)),
		Max:   ms(h.max),
	}
}

// distribution returns the histogram with eight of its buckets in one.
func (h *histogram) distribution() []Bucket {
	const together = 8
	buckets := []Bucket{}
	for first := 0; first < len(h.buckets); first += together {
		var n uint64
		for _, count := range h.buckets[first : first+together] {
			n += count
		}
		if n > 0 {
			end := min(bucketEnd(first+together-1), h.max)
			buckets = append(buckets, Bucket{EndMS: float64(end) / float64(time.Millisecond), Count: n})
		}
	}
	return buckets
}

// bucketOf keeps the leading bit of v and the seven bits after it. Values below
// 256 have no more bits than that and are their own bucket.
func bucketOf(v int64) int {
	shift := max(bits.Len64(uint64(v))-1-subBucketBits, 0)
	return min(shift<<subBucketBits+int(v>>shift), histogramBuckets-1)
}

// bucketEnd returns the largest value that falls into bucket i.
func bucketEnd(i int) int64 {
	shift := max(i>>subBucketBits-1, 0)
	leading := int64(i - shift<<subBucketBits)
	return (leading+1)<<shift - 1
}
