package actors

import (
	"testing"
	"time"
)

func TestGateNotifiesWhenNobodyIsBehind(t *testing.T) {
	notified := 0
	g := gate{notify: func() { notified++ }}
	g.behind.Store(3)
	g.done()
	g.done()
	g.done()
	if notified != 0 {
		t.Fatal("notified although no round waits")
	}
	g.behind.Store(2)
	g.waiting.Store(true)
	g.done()
	if notified != 0 {
		t.Fatal("notified although one is behind")
	}
	g.done()
	if notified != 1 || g.waiting.Load() {
		t.Fatalf("notified %d times, waiting %v; want once, and to wait no more", notified, g.waiting.Load())
	}
}

func TestRoundPatience(t *testing.T) {
	for _, test := range []struct {
		name    string
		half    time.Duration
		pressed bool
		want    time.Duration
	}{
		{"a quick round", time.Millisecond, false, leastPatience},
		{"a quick round, pressed", time.Millisecond, true, leastPatience},
		{"a long round", 150 * time.Millisecond, false, 1500 * time.Millisecond},
		{"a long round, pressed", 150 * time.Millisecond, true, 1500 * time.Millisecond},
		{"a very long round", time.Minute, false, mostPatience},
		{"a very long round, pressed", time.Minute, true, pressedPatience},
	} {
		r := round{half: test.half}
		if got := r.patience(test.pressed); got != test.want {
			t.Errorf("%s: patience is %v, want %v", test.name, got, test.want)
		}
	}
}

func TestRoundReleases(t *testing.T) {
	type look struct{ ms, behind int }
	for _, test := range []struct {
		name     string
		looks    []look // the last one is now
		stuckFor time.Duration
		want     bool
	}{
		{"takes nothing, not for long", []look{{1, 10}, {20, 1}}, 900 * time.Millisecond, false},
		{"takes nothing", []look{{1, 10}, {20, 1}}, 1001 * time.Millisecond, true},
		{"takes nothing, half of the others took as long", []look{{1, 10}, {200, 6}, {210, 5}}, 1001 * time.Millisecond, false},
		{"takes nothing, several times longer than half of the others", []look{{1, 10}, {200, 6}, {210, 5}}, 2001 * time.Millisecond, true},
		{"takes nothing, and all others are woken over and over", []look{{1, 10}, {20, 1}, {900, 10}}, 1001 * time.Millisecond, true},
		{"takes a little", []look{{10, 10}, {4010, 1}}, time.Millisecond, false},
		{"takes a little, for too long", []look{{10, 10}, {4011, 1}}, time.Millisecond, true},
		{"takes a little, as most do", []look{{10, 10}, {29_000, 6}}, time.Millisecond, false},
		{"takes a little, as most do, for ever", []look{{10, 10}, {30_001, 6}}, time.Millisecond, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := round{full: time.Now()}
			var now time.Time
			for _, l := range test.looks {
				now = r.full.Add(time.Duration(l.ms) * time.Millisecond)
				r.observe(now, l.behind)
			}
			if got := r.lost(now, test.stuckFor, false); got != test.want {
				t.Errorf("lost = %v with a patience of %v", got, r.patience(false))
			}
		})
	}
}
