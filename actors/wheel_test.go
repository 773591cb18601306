package actors

import (
	"testing"
	"testing/synctest"
	"time"
)

// newTimed is a mailbox that notes its tick and is never run: it counts as
// scheduled already.
func newTimed() *mailbox {
	m := new(mailbox)
	m.state.Store(isScheduled)
	return m
}

// ticked reports whether m got a tick, and takes it.
func (m *mailbox) ticked() bool { return m.state.And(^hasTick)&hasTick != 0 }

func TestWheelMeetsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel()
		defer w.close()
		time.Sleep(30 * time.Millisecond) // off the steps
		start := time.Now()
		deadlines := []time.Duration{
			0, time.Millisecond, 69 * time.Millisecond, 70 * time.Millisecond, 100 * time.Millisecond, 15 * time.Second,
			wheelSlots*wheelStep - time.Millisecond, wheelSlots * wheelStep, wheelSlots*wheelStep + time.Millisecond,
			3*wheelSlots*wheelStep + 50*time.Millisecond,
		}
		boxes := make([]*mailbox, len(deadlines))
		for i, d := range deadlines {
			boxes[i] = newTimed()
			w.set(boxes[i], start.Add(d))
		}
		const look = 10 * time.Millisecond
		seen := make([]time.Duration, len(deadlines))
		for now := time.Duration(0); now < 4*wheelSlots*wheelStep; now += look {
			synctest.Wait()
			for i, m := range boxes {
				if m.ticked() {
					if seen[i] != 0 {
						t.Errorf("a second tick for the deadline %v", deadlines[i])
					}
					seen[i] = now
				}
			}
			time.Sleep(look)
		}
		for i, d := range deadlines {
			if late := seen[i] - d; late < 0 || late > wheelStep+look {
				t.Errorf("the deadline %v was met at %v", d, seen[i])
			}
		}
	})
}

func TestWheelPastDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel()
		defer w.close()
		time.Sleep(time.Minute)
		for _, at := range []time.Time{{}, time.Now().Add(-time.Hour), w.start} {
			m := newTimed()
			w.set(m, at)
			time.Sleep(wheelStep + time.Millisecond)
			synctest.Wait()
			if !m.ticked() {
				t.Errorf("no tick for a deadline at %v", at)
			}
		}
	})
}

func TestWheelMovesAndRemoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel()
		defer w.close()
		earlier, later, gone, never := newTimed(), newTimed(), newTimed(), newTimed()
		w.set(earlier, time.Now().Add(time.Minute))
		w.set(earlier, time.Now().Add(time.Second))
		w.set(later, time.Now().Add(time.Second))
		w.set(later, time.Now().Add(time.Minute))
		w.set(gone, time.Now().Add(time.Second))
		w.remove(gone)
		w.remove(never) // was never in
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !earlier.ticked() {
			t.Error("a deadline that was moved forward is missed")
		}
		if later.ticked() {
			t.Error("a deadline that was put off is met at its old time")
		}
		if gone.ticked() {
			t.Error("a deadline that was removed is met")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !later.ticked() || earlier.ticked() {
			t.Error("want a tick for the deadline that was put off, and one only")
		}
	})
}

func TestWheelBringsForwardOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel()
		defer w.close()
		for _, test := range []struct {
			name             string
			set, bring, want time.Duration // set: 0 is not at all
		}{
			{"forward", time.Minute, time.Second, time.Second},
			{"not back", time.Second, time.Minute, time.Second},
			{"what was not in", 0, time.Second, time.Second},
		} {
			m := newTimed()
			began := time.Now()
			if test.set > 0 {
				w.set(m, began.Add(test.set))
			}
			w.bring(m, began.Add(test.bring))
			time.Sleep(test.want - time.Millisecond)
			synctest.Wait()
			if m.ticked() {
				t.Errorf("%s: a tick before %v", test.name, test.want)
			}
			time.Sleep(2 * wheelStep)
			synctest.Wait()
			if !m.ticked() {
				t.Errorf("%s: no tick at %v", test.name, test.want)
			}
			w.remove(m)
		}
	})
}

// A machine that slept for longer than a turn of the wheel meets every deadline
// that passed meanwhile, and no other.
func TestWheelAfterSuspension(t *testing.T) {
	w := &wheel{start: time.Now()}
	for i := range w.slots {
		w.slots[i].prev, w.slots[i].next = &w.slots[i], &w.slots[i]
	}
	passed, future := newTimed(), newTimed()
	w.set(passed, w.start.Add(7*time.Second))
	w.set(future, w.start.Add(time.Hour+time.Second))
	w.advance(w.step(w.start.Add(time.Hour)))
	if !passed.ticked() {
		t.Error("the deadline that passed is missed")
	}
	if future.ticked() {
		t.Error("the deadline to come is met")
	}
	w.advance(w.step(w.start.Add(time.Hour + 2*time.Second)))
	if !future.ticked() {
		t.Error("the deadline after the suspension is missed")
	}
}
