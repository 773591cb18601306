package actors

import (
	"testing"
	"time"
)

func TestRateLimit(t *testing.T) {
	const perSecond = 100
	for _, test := range []struct {
		name  string
		start time.Duration
		gap   time.Duration // between messages
		n     int           // messages sent
		want  int           // let through before the first refusal
	}{
		{"twice the rate at once", 0, 0, 300, 200},
		{"at once after a long silence", time.Hour, 0, 300, 200},
		{"at the rate for ever", time.Minute, 10 * time.Millisecond, 10_000, 10_000},
		{"slightly above the rate", 0, 9 * time.Millisecond, 10_000, 1991}, // gains a tenth of a place each
		{"far below", 0, time.Second, 500, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r rateLimit
			got := 0
			for at := test.start; got < test.n && r.allow(at, perSecond); at += test.gap {
				got++
			}
			if got != test.want {
				t.Errorf("%d of %d messages were let through, want %d", got, test.n, test.want)
			}
		})
	}
}

func TestRateLimitRecovers(t *testing.T) {
	var r rateLimit
	for r.allow(0, 100) {
	}
	if r.allow(9*time.Millisecond, 100) {
		t.Error("a place is free before its time")
	}
	if !r.allow(10*time.Millisecond, 100) {
		t.Error("no place is free a hundredth of a second later")
	}
	if r.allow(10*time.Millisecond, 100) {
		t.Error("more than one place is free")
	}
}

func TestRateLimitNone(t *testing.T) {
	for _, perSecond := range []int{0, -1} {
		var r rateLimit
		for range 10_000 {
			if !r.allow(0, perSecond) {
				t.Fatalf("a rate of %d limits", perSecond)
			}
		}
	}
}

func TestRateLimitOfOne(t *testing.T) {
	var r rateLimit
	for i, want := range []bool{true, true, false} {
		if got := r.allow(0, 1); got != want {
			t.Errorf("message %d at once: %v", i+1, got)
		}
	}
	if !r.allow(time.Second, 1) {
		t.Error("refused a second later")
	}
}
