package actors

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// grow appends events with the given types to a class.
func (c *class) grow(p event.Priority, types ...event.TypeID) {
	for _, t := range types {
		seq := c.head.Load() + 1
		c.emitted.Store(max(c.emitted.Load(), seq))
		c.append(&event.Event{Type: t, Priority: p, Seq: seq})
	}
}

func TestRingSlots(t *testing.T) {
	for _, test := range []struct{ retain, slots int }{
		{1, 2}, {2, 4}, {3, 4}, {4, 8}, {100, 128}, {127, 128}, {128, 256}, {1000, 1024},
	} {
		if got := len(newRing(test.retain, 0).slots); got != test.slots {
			t.Errorf("a ring for %d events has %d slots, want %d: one is being written", test.retain, got, test.slots)
		}
	}
}

func TestRingOldest(t *testing.T) {
	for _, test := range []struct {
		name                      string
		retain, floor, head, want uint64
	}{
		{"empty", 5, 0, 0, 0},
		{"half full", 5, 0, 3, 0},
		{"full", 5, 0, 5, 0},
		{"over full", 5, 0, 6, 1},
		{"just grown", 10, 7, 9, 7},
		{"grown, not full", 10, 7, 17, 7},
		{"grown, full", 10, 7, 18, 8},
		{"anew before its first event is published", 5, 90, 80, 80},
		{"anew", 5, 90, 91, 90},
	} {
		r := &ring{retain: test.retain, floor: test.floor}
		if got := r.oldest(test.head); got != test.want {
			t.Errorf("%s: oldest = %d, want %d", test.name, got, test.want)
		}
	}
}

// A class behaves as the list of its last events, however often it is resized.
func TestClassAgainstList(t *testing.T) {
	retains := rapid.IntRange(1, 20)
	rapid.Check(t, func(t *rapid.T) {
		retain := retains.Draw(t, "retain")
		c := &class{types: newTypeLog()}
		c.ring.Store(newRing(retain, 0))
		var kept []uint64 // the model: positions retained, oldest first
		trim := func() { kept = kept[max(0, len(kept)-retain):] }
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "op") == 0 {
				retain = retains.Draw(t, "resize")
				c.resize(retain)
			} else {
				for range rapid.IntRange(1, 12).Draw(t, "events") {
					c.grow(event.Low, 3)
					kept = append(kept, c.head.Load())
				}
			}
			trim()
			head := c.head.Load()
			if got, want := c.oldest(), head-uint64(len(kept)); got != want {
				t.Fatalf("oldest = %d, want %d", got, want)
			}
			for _, seq := range kept {
				if e := c.ring.Load().get(seq); e == nil || e.Seq != seq {
					t.Fatalf("event %d of %v is gone: %v", seq, kept, e)
				}
			}
			if e := c.ring.Load().get(head + 1); e != nil {
				t.Fatalf("event %d is there before it was published", head+1)
			}
		}
	})
}

func TestStreamPositions(t *testing.T) {
	s := newStream(77, [event.NumPriorities]int{4, 4, 4}, catalogue())
	s.classes[event.High].grow(event.High, 0, 0, 0, 0, 0, 0)
	s.classes[event.Low].grow(event.Low, 2)
	s.classes[event.Low].emitted.Store(3) // two are pending
	if got, want := s.now(), (event.Cursor{Epoch: 77, Pos: [3]uint64{6, 0, 3}}); got != want {
		t.Errorf("now = %v, want %v", got, want)
	}
	if got, want := s.earliest(), (event.Cursor{Epoch: 77, Pos: [3]uint64{2, 0, 0}}); got != want {
		t.Errorf("earliest = %v, want %v", got, want)
	}
	for _, test := range []struct {
		name string
		c    event.Cursor
		want bool
	}{
		{"the beginning", event.Cursor{Epoch: 77}, true},
		{"the end", s.now(), true},
		{"no longer retained", event.Cursor{Epoch: 77, Pos: [3]uint64{1, 0, 0}}, true},
		{"another stream", event.Cursor{Epoch: 78}, false},
		{"beyond the end of a class", event.Cursor{Epoch: 77, Pos: [3]uint64{0, 1, 0}}, false},
	} {
		if got := s.holds(test.c); got != test.want {
			t.Errorf("%s: holds = %v", test.name, got)
		}
	}
}
