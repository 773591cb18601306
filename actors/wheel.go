package actors

import (
	"sync"
	"time"
)

const (
	wheelStep  = 100 * time.Millisecond
	wheelSlots = 512 // 51 s: most deadlines are reached in one turn of the wheel
)

// wheel signals a tick to mailboxes whose deadline has passed: one goroutine and
// no timer a connection. A deadline is met within wheelStep, never early.
type wheel struct {
	mu    sync.Mutex
	slots [wheelSlots]timer // heads of circular lists
	start time.Time
	hand  int64 // the last step handled, counted from start
	stop  chan struct{}
	ended chan struct{}
}

// timer links a mailbox into the wheel. It is part of the mailbox, so setting a
// deadline allocates nothing. Guarded by the wheel's lock.
type timer struct {
	prev, next *timer
	due        int64 // in wheel steps
	box        *mailbox
}

func newWheel() *wheel {
	w := &wheel{stop: make(chan struct{}), ended: make(chan struct{}), start: time.Now()}
	for i := range w.slots {
		w.slots[i].prev, w.slots[i].next = &w.slots[i], &w.slots[i]
	}
	go w.run()
	return w
}

// step is the number of the step that t falls into.
func (w *wheel) step(t time.Time) int64 { return int64(t.Sub(w.start) / wheelStep) }

// set moves the deadline of m to at.
func (w *wheel) set(m *mailbox, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := &m.timer
	t.box = m
	t.unlink()
	t.due = max(w.step(at)+1, w.hand+1)
	head := &w.slots[t.due%wheelSlots]
	t.prev, t.next = head.prev, head
	head.prev.next, head.prev = t, t
}

// bring moves the deadline of m to at if it is later than that.
func (w *wheel) bring(m *mailbox, at time.Time) {
	w.mu.Lock()
	sooner := m.timer.next != nil && m.timer.due <= w.step(at)+1
	w.mu.Unlock()
	if !sooner {
		w.set(m, at)
	}
}

// remove takes m out of the wheel.
func (w *wheel) remove(m *mailbox) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.timer.unlink()
}

func (t *timer) unlink() {
	if t.next != nil {
		t.prev.next, t.next.prev = t.next, t.prev
		t.prev, t.next = nil, nil
	}
}

// close ends the wheel's goroutine and waits for it.
func (w *wheel) close() {
	close(w.stop)
	<-w.ended
}

func (w *wheel) run() {
	defer close(w.ended)
	ticker := time.NewTicker(wheelStep)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case now := <-ticker.C:
			w.advance(w.step(now))
		}
	}
}

// advance signals every mailbox due up to the step now.
func (w *wheel) advance(now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now-w.hand > wheelSlots { // asleep for longer than a turn: one turn sees all
		w.hand = now - wheelSlots
	}
	for w.hand < now {
		w.hand++
		head := &w.slots[w.hand%wheelSlots]
		for t := head.next; t != head; {
			next := t.next
			if t.due <= now {
				t.unlink()
				t.box.signal(hasTick)
			}
			t = next
		}
	}
}
