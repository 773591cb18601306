package client

import (
	"context"
	"slices"
	"sync"

	"github.com/adic-network/router/event"
)

// entry is what waits for the consumer: an event, or a gap.
type entry struct {
	event Event
	gap   *Gap
}

// buffer is between the connection and the consumer.
type buffer struct {
	policy Policy
	size   int

	mu    sync.Mutex
	queue []entry
	lost  *Gap  // dropped here, and not told yet: before everything in queue
	err   error // what comes after queue, if it is the end

	come chan struct{} // something has, or the end; holds one
	gone chan struct{} // there is room again; holds one
}

func newBuffer(size int, policy Policy) *buffer {
	return &buffer{policy: policy, size: size, come: make(chan struct{}, 1), gone: make(chan struct{}, 1)}
}

// put adds an entry, unless it has to wait: then it reports that, and gone says when
// to try again.
func (b *buffer) put(e entry) (added bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) >= b.size && e.gap == nil { // gaps are few, and always have room
		switch b.policy {
		case Block:
			return false, nil
		case Fail:
			return false, ErrTooSlow
		}
		if !b.makeRoom(priorityOf(e.event)) {
			return true, nil
		}
	}
	b.queue = append(b.queue, e)
	signal(b.come)
	return true, nil
}

// makeRoom drops what has waited longest of the lowest class there is. It reports
// whether that leaves room for an event of class p: what is lower than all that waits
// is dropped itself.
func (b *buffer) makeRoom(p event.Priority) bool {
	oldest, lowest := -1, event.High
	for i := range b.queue {
		if b.queue[i].gap != nil {
			continue
		}
		if q := priorityOf(b.queue[i].event); oldest < 0 || q > lowest {
			oldest, lowest = i, q
		}
	}
	if b.lost == nil {
		b.lost = &Gap{Local: true}
	}
	if p > lowest {
		b.lost.Dropped.Counts[p]++
		return false
	}
	b.queue = slices.Delete(b.queue, oldest, oldest+1)
	b.lost.Dropped.Counts[lowest]++
	return true
}

// priorityOf is the class of an event; one that is not in the catalogue is medium.
func priorityOf(e Event) event.Priority {
	if id, ok := event.Default().Lookup(e.Type); ok {
		return event.Default().Type(id).Priority
	}
	return event.Medium
}

// end is called once, when nothing more comes.
func (b *buffer) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	signal(b.come)
}

// take returns the next entry, waiting for it. A gap is returned as an error, as is
// the end, however often it is asked for.
func (b *buffer) take(ctx context.Context) (Event, error) {
	for {
		e, err, ok := b.next()
		if ok {
			return e, err
		}
		select {
		case <-b.come:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

func (b *buffer) next() (e Event, err error, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.lost != nil:
		gap := b.lost
		b.lost = nil
		return Event{}, gap, true
	case len(b.queue) > 0:
		first := b.queue[0]
		b.queue[0] = entry{}
		if b.queue = b.queue[1:]; len(b.queue) == 0 {
			b.queue = nil
		}
		signal(b.gone)
		if first.gap != nil {
			return Event{}, first.gap, true
		}
		return first.event, nil, true
	case b.err != nil:
		return Event{}, b.err, true
	}
	return Event{}, nil, false
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
