package actors

import "github.com/adic-network/router/event"

// reader is a subscriber's place in the stream: how far it has come in each
// class. It is all the backlog there is. Not safe for concurrent use.
type reader struct {
	pos [event.NumPriorities]uint64

	// fresh holds the types that were subscribed while older events of their
	// class were still waiting. They count from their own position on; an entry
	// goes when the cursor has passed it.
	fresh []freshType
}

type freshType struct {
	set   event.TypeSet // one type
	class event.Priority
	after uint64 // its events up to here are not the subscriber's
}

// cursor is the place as a cursor.
func (r *reader) cursor(s *stream) event.Cursor {
	return event.Cursor{Epoch: s.epoch, Pos: r.pos}
}

// next returns the first event of class p after the cursor that set wants, and
// moves the cursor up to just before it; with no such event it returns nil and
// moves the cursor to the head. It reports whether the ring has overtaken the
// cursor instead: then catchUp is called for.
func (r *reader) next(s *stream, p event.Priority, set *event.TypeSet) (e *event.Event, overtaken bool) {
	c := &s.classes[p]
	head := c.head.Load()
	for r.pos[p] < head {
		seq := c.types.next(r.pos[p], head, set)
		if seq > head {
			r.pos[p] = head
			break
		}
		if r.tooOld(p, seq, c) {
			r.pos[p] = seq
			continue
		}
		if e = c.ring.Load().get(seq); e == nil {
			return nil, true
		}
		r.pos[p] = seq - 1
		return e, false
	}
	return nil, false
}

// tooOld reports whether the event at seq is of a type that was subscribed only
// after it.
func (r *reader) tooOld(p event.Priority, seq uint64, c *class) bool {
	for i := range r.fresh {
		f := &r.fresh[i]
		if f.class == p && seq <= f.after && c.types.next(seq-1, seq, &f.set) == seq {
			return true
		}
	}
	return false
}

// catchUp moves the cursors that the rings have overtaken to the oldest event
// that is retained, and returns what the subscriber lost by it.
func (r *reader) catchUp(s *stream, set *event.TypeSet) (lost event.Dropped) {
	for p := range s.classes {
		c := &s.classes[p]
		oldest := c.oldest()
		if r.pos[p] >= oldest {
			continue
		}
		from := r.pos[p]
		n := c.types.count(from, oldest, set)
		for i := range r.fresh {
			if f := &r.fresh[i]; int(f.class) == p && f.after > from && f.set.Intersects(*set) {
				n -= c.types.count(from, min(f.after, oldest), &f.set)
			}
		}
		if c.types.covers(from, c.head.Load()) {
			lost.Counts[p] += n
		} else if set.Intersects(c.every) {
			lost.Unknown[p] = true
		}
		r.pos[p] = oldest
	}
	r.forget()
	return lost
}

// forget drops what fresh no longer needs to say.
func (r *reader) forget() {
	kept := r.fresh[:0]
	for _, f := range r.fresh {
		if r.pos[f.class] < f.after {
			kept = append(kept, f)
		}
	}
	if r.fresh = kept; len(kept) == 0 {
		r.fresh = nil
	}
}

// begin makes the types of added count from the present end of the stream on.
func (r *reader) begin(s *stream, added event.TypeSet, priority func(event.TypeID) event.Priority) {
	now := s.now()
	for id := range event.MaxTypes {
		t := event.TypeID(id)
		if !added.Has(t) {
			continue
		}
		p := priority(t)
		var one event.TypeSet
		one = one.With(t)
		for i := range r.fresh { // subscribed again before its last entry was used up
			if r.fresh[i].set == one {
				r.fresh = append(r.fresh[:i], r.fresh[i+1:]...)
				break
			}
		}
		if after := now.Pos[p]; r.pos[p] < after {
			r.fresh = append(r.fresh, freshType{set: one, class: p, after: after})
		}
	}
}

// end forgets what begin noted of the types in removed.
func (r *reader) end(removed event.TypeSet) {
	kept := r.fresh[:0]
	for _, f := range r.fresh {
		if !f.set.Intersects(removed) {
			kept = append(kept, f)
		}
	}
	r.fresh = kept
}
