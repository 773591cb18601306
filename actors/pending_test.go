package actors

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

func TestFIFOAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			f     fifo
			model []*event.Event
		)
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			if len(model) == 0 || rapid.Bool().Draw(t, "push") {
				e := new(event.Event)
				f.push(e)
				model = append(model, e)
			} else {
				if f.first() != model[0] {
					t.Fatal("the first is not the oldest")
				}
				f.drop()
				model = model[1:]
			}
			if f.len() != len(model) {
				t.Fatalf("len = %d, want %d", f.len(), len(model))
			}
		}
	})
}

func TestFIFOKeepsItsArrayWhileItIsSmall(t *testing.T) {
	for _, test := range []struct {
		events int
		keeps  bool
	}{{keptFIFO / 4, true}, {4 * keptFIFO, false}} {
		var f fifo
		for range test.events {
			f.push(new(event.Event))
		}
		for f.len() > 0 {
			f.drop()
		}
		if got := cap(f.events) > 0; got != test.keeps {
			t.Errorf("after %d events the array is kept: %v", test.events, got)
		}
		for _, e := range f.events[:cap(f.events)] {
			if e != nil {
				t.Fatal("an event that was dropped is still held")
			}
		}
	}
}

func TestBacklogBalances(t *testing.T) {
	var b backlog
	e := newEvent(t, "Quota", 1)
	b.events[e.Priority].Add(1)
	b.bytes.Add(int64(e.Size()))
	e.Place(event.Cursor{Epoch: 1, Pos: [3]uint64{0, 1, 0}}, 1)
	e.Frame(event.WSFlat) // frames made meanwhile do not count
	b.remove(e)
	if b.total() != 0 || b.bytes.Load() != 0 {
		t.Errorf("%d events of %d bytes are left", b.total(), b.bytes.Load())
	}
}
