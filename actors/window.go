package actors

import (
	"time"

	"github.com/adic-network/router/event"
)

// windows are the delivery windows that there are, ascending. A few are enough
// for everybody, and connections of the same window share one timer.
var windows = [...]time.Duration{
	0,
	1 * time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second,
}

// laneOf returns the index of the longest window that is not over d.
func laneOf(d time.Duration) uint8 {
	lane := 0
	for lane+1 < len(windows) && windows[lane+1] <= d {
		lane++
	}
	return uint8(lane)
}

// lane is the connections of one delivery window. The first event that comes to
// them starts the window; at its end they are woken for all that came in it, and
// each has one write to do. A lane without a window wakes at once.
type lane struct {
	roster []*mailbox
	held   event.TypeSet // the types of events that the lane was not woken for yet
	timed  bool          // a windowEnd message is on its way
}

// tell lets the connections of every lane know of new events of types: now, or
// when their window ends.
func (q *PriorityQueue) tell(types *event.TypeSet) {
	q.wake(q.lanes[0].roster, types)
	for i := range q.lanes[1:] {
		l := &q.lanes[1+i]
		if len(l.roster) == 0 {
			continue
		}
		l.held = l.held.Union(*types)
		if !l.timed {
			l.timed = true
			time.AfterFunc(windows[1+i], func() { q.hub.sendQueue(windowEnd{lane: uint8(1 + i)}) })
		}
	}
}

// endWindow is called at the end of a window, or with one that was cut short.
func (q *PriorityQueue) endWindow(n uint8) {
	q.lanes[n].timed = false
	q.wakeHeld(&q.lanes[n])
}

// holds reports whether some lane waits for the end of its window.
func (q *PriorityQueue) holds() bool {
	for i := range q.lanes {
		if !q.lanes[i].held.IsEmpty() {
			return true
		}
	}
	return false
}

// cutWindows wakes every lane now. Windows save work where there is little; in a
// burst that fills the rings they would only hold it up.
func (q *PriorityQueue) cutWindows() {
	for i := range q.lanes {
		q.wakeHeld(&q.lanes[i])
	}
}

func (q *PriorityQueue) wakeHeld(l *lane) {
	if l.held.IsEmpty() {
		return
	}
	held := l.held
	l.held = event.TypeSet{}
	q.wake(l.roster, &held)
}
