package access

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRate(t *testing.T) {
	now := time.Unix(1e9, 0)
	r := &Rate{perSecond: 10}
	step := func(after time.Duration, n int, want time.Duration) {
		t.Helper()
		now = now.Add(after)
		if got := r.Take(n, now); got != want {
			t.Errorf("%d events: wait %v, want %v", n, got, want)
		}
	}
	step(0, 20, 0)
	step(0, 1, 100*time.Millisecond)
	step(0, 5, 500*time.Millisecond)
	step(99*time.Millisecond, 1, time.Millisecond)
	step(time.Millisecond, 1, 0)
	step(0, 1, 100*time.Millisecond)
	r.Return(1)
	step(0, 1, 0)
	step(time.Hour, 20, 0)
	step(0, 1, 100*time.Millisecond)
	step(time.Hour, 21, 100*time.Millisecond) // over the burst: never
}

func TestNoRate(t *testing.T) {
	r := &Rate{}
	for range 10 {
		if wait := r.Take(1<<20, time.Unix(1e9, 0)); wait != 0 {
			t.Fatalf("wait %v without a limit", wait)
		}
		r.Return(1)
	}
}

// In no time does more pass than the rate and its burst allow; and what was told
// to wait and waited passes.
func TestRateHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Rate{perSecond: rapid.IntRange(1, 5000).Draw(t, "rate")}
		now := time.Unix(1e9, 0)
		began, passed := now, 0
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "after")))
			n := rapid.IntRange(1, r.Burst()).Draw(t, "n")
			if wait := r.Take(n, now); wait > 0 {
				now = now.Add(wait)
				if again := r.Take(n, now); again != 0 {
					t.Fatalf("waited %v and was told to wait %v more", wait, again)
				}
			}
			passed += n
			most := float64(r.Burst()) + now.Sub(began).Seconds()*float64(r.perSecond)*(1+1e-3) + 1
			if float64(passed) > most {
				t.Fatalf("%d events passed in %v, at most %v may", passed, now.Sub(began), most)
			}
		}
	})
}
