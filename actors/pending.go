package actors

import (
	"sync/atomic"

	"github.com/adic-network/router/event"
)

// backlog counts what was accepted and is not in the rings yet. The Emitter adds,
// the PriorityQueue takes away.
type backlog struct {
	events [event.NumPriorities]atomic.Int64
	bytes  atomic.Int64
}

func (b *backlog) total() int64 {
	var n int64
	for p := range b.events {
		n += b.events[p].Load()
	}
	return n
}

func (b *backlog) remove(e *event.Event) {
	b.events[e.Priority].Add(-1)
	b.bytes.Add(-int64(e.Size()))
}

// fifo is a queue of events that keeps its array while it is small.
type fifo struct {
	events []*event.Event
	gone   int // how many of them have been dropped
}

// keptFIFO is the largest array, in events, that an empty fifo keeps.
const keptFIFO = 4096

func (f *fifo) len() int            { return len(f.events) - f.gone }
func (f *fifo) push(e *event.Event) { f.events = append(f.events, e) }
func (f *fifo) first() *event.Event { return f.events[f.gone] }

// next returns the first n events, or all if there are less. The slice is the
// fifo's.
func (f *fifo) next(n uint64) []*event.Event {
	return f.events[f.gone : f.gone+int(min(n, uint64(f.len())))]
}

func (f *fifo) drop() {
	f.events[f.gone] = nil
	if f.gone++; f.gone < len(f.events) {
		return
	}
	f.gone = 0
	if f.events = f.events[:0]; cap(f.events) > keptFIFO {
		f.events = nil
	}
}
