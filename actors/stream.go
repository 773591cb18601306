package actors

import (
	"sync/atomic"

	"github.com/adic-network/router/event"
)

// stream is what connections read: three rings of immutable events and the
// positions that belong to them. The Emitter writes emitted, the PriorityQueue
// everything else; anyone may read.
type stream struct {
	epoch   event.Epoch
	classes [event.NumPriorities]class
	// followed is a stream whose positions are given elsewhere. Others may be further
	// on than this router is, and some positions may never come here.
	followed bool
}

// class is the part of the stream that belongs to one priority.
type class struct {
	// emitted is the last position given out. It runs ahead of head by what is
	// pending. What is emitted after a moment has a position above its value
	// at that moment, which is what "from now on" means to a new connection.
	emitted atomic.Uint64
	// head is the position of the newest event in the ring.
	head atomic.Uint64
	// began is the head when the present round began. A connection that was
	// not behind then has no use for anything up to it.
	began atomic.Uint64

	ring  atomic.Pointer[ring]
	types typeLog
	every event.TypeSet // the types of the class
}

// ring holds the newest events of a class. Slots are a power of two and at least
// as many as are retained, so that a position finds its slot with a mask.
type ring struct {
	retain uint64 // how many events count as retained
	floor  uint64 // nothing up to this position was ever in here
	mask   uint64
	slots  []atomic.Pointer[event.Event]
}

func newStream(epoch event.Epoch, retain [event.NumPriorities]int, types *event.Catalogue) *stream {
	s := &stream{epoch: epoch}
	for _, p := range event.Priorities() {
		s.classes[p].types = newTypeLog()
		s.classes[p].every = types.OfPriorities(event.PrioritySet(0).With(p))
		s.classes[p].ring.Store(newRing(retain[p], 0))
	}
	return s
}

func newRing(retain int, floor uint64) *ring {
	n := 1
	for n <= retain { // one to spare: the slot being written is never a retained one
		n *= 2
	}
	return &ring{
		retain: uint64(retain),
		floor:  floor,
		mask:   uint64(n - 1),
		slots:  make([]atomic.Pointer[event.Event], n),
	}
}

// append publishes e as the newest event of its class. Only the PriorityQueue
// calls it.
func (c *class) append(e *event.Event) {
	r := c.ring.Load()
	r.slots[e.Seq&r.mask].Store(e)
	c.types.set(e.Seq, e.Type)
	c.head.Store(e.Seq)
}

// oldest returns the position before the oldest event retained.
func (c *class) oldest() uint64 {
	return c.ring.Load().oldest(c.head.Load())
}

func (r *ring) oldest(head uint64) uint64 {
	if head <= r.retain || head-r.retain < r.floor {
		return min(r.floor, head)
	}
	return head - r.retain
}

// get returns the event at seq, or nil where it is no longer, or not yet, there.
func (r *ring) get(seq uint64) *event.Event {
	if e := r.slots[seq&r.mask].Load(); e != nil && e.Seq == seq {
		return e
	}
	return nil
}

// resize replaces the ring by one that retains another number of events and
// takes over those that fit. Only the PriorityQueue calls it.
func (c *class) resize(retain int) {
	old, head := c.ring.Load(), c.head.Load()
	floor := old.oldest(head)
	if head > uint64(retain) {
		floor = max(floor, head-uint64(retain))
	}
	r := newRing(retain, floor)
	for seq := floor + 1; seq <= head; seq++ {
		r.slots[seq&r.mask].Store(old.get(seq))
	}
	c.ring.Store(r)
}

// now is the cursor from which a subscriber gets only what is emitted after this
// call.
func (s *stream) now() event.Cursor {
	c := event.Cursor{Epoch: s.epoch}
	for p := range s.classes {
		c.Pos[p] = s.classes[p].emitted.Load()
	}
	return c
}

// earliest is the cursor before everything retained.
func (s *stream) earliest() event.Cursor {
	c := event.Cursor{Epoch: s.epoch}
	for p := range s.classes {
		c.Pos[p] = s.classes[p].oldest()
	}
	return c
}

// holds reports whether c is a position of this stream, retained or not.
func (s *stream) holds(c event.Cursor) bool {
	if c.Epoch != s.epoch {
		return false
	}
	if s.followed { // c may be of a router that has come further
		return true
	}
	for p := range s.classes {
		if c.Pos[p] > s.classes[p].emitted.Load() {
			return false
		}
	}
	return true
}
