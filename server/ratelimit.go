package server

import "time"

// bucket is a token bucket in eight bytes: it gets rate tokens a second and holds
// twice as many. The zero bucket is full. It is the generic cell rate algorithm: what
// is kept is the time at which the bucket will be full again.
//
// Times count from any moment, the same for all uses. A bucket that nothing was
// taken from for refill is full, whatever the rate.
type bucket time.Duration

// refill is how long an empty bucket takes to be full.
const refill = 2 * time.Second

// take takes a token and returns 0. Where there is none it returns how long until
// there is. A rate of 0 is no limit.
func (b *bucket) take(now time.Duration, rate int) (wait time.Duration) {
	if rate == 0 {
		return 0
	}
	full := max(time.Duration(*b), now) + time.Second/time.Duration(rate)
	if wait := full - now - refill; wait > 0 {
		return wait
	}
	*b = bucket(full)
	return 0
}

// putBack puts back the token that was taken last.
func (b *bucket) putBack(rate int) {
	if rate != 0 {
		*b -= bucket(time.Second / time.Duration(rate))
	}
}
