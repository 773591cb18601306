package server

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBucket(t *testing.T) {
	const ms = time.Millisecond
	type take struct{ at, wait time.Duration }
	for _, tt := range []struct {
		name  string
		rate  int
		takes []take
	}{
		{"twice the rate at once", 2, []take{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 500 * ms}}},
		{"one a second", 1, []take{{0, 0}, {0, 0}, {0, 1000 * ms}, {999 * ms, 1 * ms}, {1000 * ms, 0}, {1000 * ms, 1000 * ms}}},
		{"what was refused does not count", 1, []take{{0, 0}, {0, 0}, {0, 1000 * ms}, {0, 1000 * ms}, {0, 1000 * ms}, {1000 * ms, 0}}},
		{"never more than twice the rate", 1, []take{{time.Hour, 0}, {time.Hour, 0}, {time.Hour, 1000 * ms}}},
		{"no limit", 0, []take{{0, 0}, {0, 0}, {0, 0}, {0, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bucket
			for i, take := range tt.takes {
				if wait := b.take(take.at, tt.rate); wait != take.wait {
					t.Fatalf("take %d at %v: wait %v, want %v", i, take.at, wait, take.wait)
				}
			}
		})
	}
}

// Whatever comes when: no more than twice the rate at once, no more than the rate in
// the long run, who waits as told is let through, and after refill the bucket is full
// at any rate.
func TestBucketProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bucket
		rate := rapid.IntRange(1, 1_000_000).Draw(t, "rate")
		cost := time.Second / time.Duration(rate)
		var now, taken time.Duration
		for range rapid.IntRange(1, 100).Draw(t, "takes") {
			now += time.Duration(rapid.Int64Range(0, int64(2*cost)).Draw(t, "pause"))
			wait := b.take(now, rate)
			if wait > 0 {
				if wait > cost {
					t.Fatalf("told to wait %v, a token takes %v", wait, cost)
				}
				now += wait
				if again := b.take(now, rate); again != 0 {
					t.Fatalf("waited %v as told, and was told to wait %v more", wait, again)
				}
			}
			if taken += cost; taken > now+refill {
				t.Fatalf("%d tokens in %v", taken/cost, now)
			}
		}
		now += refill
		rate = rapid.IntRange(1, 1000).Draw(t, "another rate")
		for i := range 2 * rate {
			if wait := b.take(now, rate); wait != 0 {
				t.Fatalf("token %d of a full bucket: wait %v", i, wait)
			}
		}
	})
}

func TestBucketPutBack(t *testing.T) {
	var b bucket
	for range 10 {
		if wait := b.take(0, 1); wait != 0 {
			t.Fatalf("wait %v for a token that was put back", wait)
		}
		b.putBack(1)
	}
}
