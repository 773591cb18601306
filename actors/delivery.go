package actors

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

const (
	// batchSize is how many bytes of events one write carries at most. It is what
	// send_buffer is by default: a larger write would not be taken.
	batchSize = 64 << 10
	// turnWrites is how many writes a connection has in a turn before the others
	// get theirs.
	turnWrites = 4
)

// scratch is what a worker lends to the connection whose turn it is.
type scratch struct {
	in      []byte       // for reading
	buf     []byte       // the batch being made
	marks   []mark       // the events in it
	run     *event.Event // the batch is of its run, from it on; there are no marks
	lead    int          // how many bytes of replies come before them, and of those
	plain   int          // how many come before a Lagged message, which is the last
	told    event.Dropped
	traffic traffic
}

// mark says where in a batch an event ends.
type mark struct {
	event *event.Event
	end   int
	// frame is the event's shared frame when that is what the batch holds for
	// it, else nil.
	frame []byte
}

func newScratch() *scratch {
	return &scratch{in: make([]byte, 16<<10), buf: make([]byte, 0, batchSize)}
}

// flush writes what there is to write, unless the transport is full: then it says
// when it is not, and trying again costs a system call for every event.
func (c *Connection) flush(ctx actor.Context) {
	if !c.blocked() {
		c.resume(ctx)
	}
}

// resume writes the rest of the last write, replies, and events, high before
// medium before low, until nothing is left or the transport is full.
func (c *Connection) resume(ctx actor.Context) {
	if c.phase >= lingering || !c.writeTail(ctx) {
		return
	}
	c.jump()
	for range turnWrites {
		batch, at := c.collect()
		if len(batch) == 0 {
			c.unblock()
			if c.past != nil && c.phase == open { // the archive brings it back
				return
			}
			if c.atEnd(ctx) {
				return
			}
			continue
		}
		n, err := c.conn.Write(batch)
		if err != nil {
			c.fail(ctx, err)
			return
		}
		c.commit(batch, at, n)
		if n < len(batch) {
			c.block(n > 0)
			return
		}
		c.unblock()
	}
	c.box.signal(hasWake) // to the end of the run queue: the others first
}

// atEnd is called when there is nothing to write. It reports whether the turn is
// over.
func (c *Connection) atEnd(ctx actor.Context) bool {
	switch {
	case c.phase == closing:
		c.finish(ctx)
	case c.leaving != nil:
		c.bye(c.leaving.code, c.leaving.reason)
		return false
	default:
		if !c.box.settle() {
			c.box.state.And(^hasWake) // something came while we looked
			return false
		}
		c.caughtUp = c.joined
	}
	return true
}

// jump passes over events that a connection that had caught up was not woken for.
func (c *Connection) jump() {
	c.joined = c.box.state.Load()&isJoined != 0
	if c.caughtUp {
		c.caughtUp = false
		c.passOver()
	}
}

// passOver moves the cursors of a connection that has caught up to the beginning
// of the present round: had it wanted an event that came before, the round could
// not have begun without it.
func (c *Connection) passOver() {
	for p := range c.pos {
		c.pos[p] = max(c.pos[p], c.stream.classes[p].began.Load())
	}
}

// writeTail writes the rest of what the transport took a part of. It reports
// whether nothing is left of it.
func (c *Connection) writeTail(ctx actor.Context) bool {
	if len(c.tail) > 0 {
		n, err := c.conn.Write(c.tail)
		if err != nil {
			c.fail(ctx, err)
			return false
		}
		c.wrote(0, n)
		if c.tail = c.tail[n:]; len(c.tail) > 0 {
			c.block(n > 0)
			return false
		}
		c.tail = nil
		c.unblock()
	}
	return true
}

// collect gathers the next write: replies first, then events by class. It
// returns the bytes, and the positions after them. A single event is returned as
// its shared frame, many that were published together as the shared frames of
// their run; others are copied into one batch, which costs less than a system call
// each.
func (c *Connection) collect() (batch []byte, at [event.NumPriorities]uint64) {
	s := c.box.scratch
	s.buf, s.marks, s.run = s.buf[:0], s.marks[:0], nil
	s.plain, s.told = len(c.out), event.Dropped{}
	if c.phase != open {
		s.buf = append(s.buf, c.out...)
		s.lead = len(s.buf)
		return s.buf, c.pos
	}
	set := c.box.wanted()
	for again := true; again && c.past != nil; {
		if len(c.past.events) > 0 && !c.lost.IsZero() {
			c.talk.lagged(c, c.lost)
			s.told, c.lost = c.lost, event.Dropped{}
		}
		s.buf = append(s.buf[:0], c.out...)
		s.lead = len(s.buf)
		past := c.reader
		if again = c.collectPast(&past, &set); !again && (c.past != nil || len(s.marks) > 0) {
			return s.buf, past.pos
		}
	}
	s.buf = s.buf[:0]
	ahead, waiting := c.look(&set)
	if waiting && !c.lost.IsZero() {
		c.talk.lagged(c, c.lost) // before the next event, and only then
		s.told, c.lost = c.lost, event.Dropped{}
	}
	s.buf = append(s.buf, c.out...)
	s.lead = len(s.buf)
	if waiting && s.lead == 0 {
		if batch := c.takeRun(&ahead, &set); batch != nil {
			return batch, ahead.pos
		}
	}
	for p := event.High; waiting && p <= event.Low; p++ {
		waiting = c.collectClass(p, &ahead, &set)
	}
	if s.lead == 0 && len(s.marks) == 1 && s.marks[0].frame != nil {
		return s.marks[0].frame, ahead.pos
	}
	return s.buf, ahead.pos
}

// look passes over what the client does not want, in every class, so that the
// cursors it is sent are as far on as they can be, and reports whether there is
// an event that it does want. What the rings have overtaken is counted as lost.
func (c *Connection) look(set *event.TypeSet) (ahead reader, waiting bool) {
	for {
		c.addLoss(c.catchUp(c.stream, set))
		ahead = c.reader
		again := false
		for p := event.High; p <= event.Low; p++ {
			e, overtaken := ahead.next(c.stream, p, set)
			waiting = waiting || e != nil
			again = again || overtaken
		}
		if !again {
			return ahead, waiting
		}
	}
}

// collectClass adds the events of a class to the batch. It reports whether those
// of lower classes may follow.
func (c *Connection) collectClass(p event.Priority, ahead *reader, set *event.TypeSet) bool {
	s := c.box.scratch
	for {
		e, overtaken := ahead.next(c.stream, p, set)
		if e == nil {
			return !overtaken // if so, the loss is to be told first
		}
		frame := e.Frame(c.enc)
		if len(s.buf) > 0 && len(s.buf)+len(frame)+event.MaxCursorLen > batchSize {
			return false
		}
		ahead.pos[p] = e.Seq
		if !c.enc.HasCursor() || e.Stamp.Pos == ahead.pos {
			s.buf = append(s.buf, frame...)
		} else {
			s.buf = e.AppendFrame(s.buf, c.enc, ahead.cursor(c.stream))
			frame = nil
		}
		s.marks = append(s.marks, mark{event: e, end: len(s.buf), frame: frame})
	}
}

// commit notes that the transport took n bytes of batch: what went out whole or
// in part is done with, and the rest of the frame that was cut is kept.
func (c *Connection) commit(batch []byte, at [event.NumPriorities]uint64, n int) {
	s := c.box.scratch
	if s.run != nil {
		c.commitRun(batch, at, n)
		return
	}
	c.out = nil
	messages := int(c.outMessages)
	c.outMessages = 0
	if n <= s.plain && !s.told.IsZero() { // not told yet: it may grow until it is
		s.lead = s.plain
		c.lost.Add(s.told)
		messages--
	}
	if n < s.lead {
		c.tail = append([]byte(nil), batch[n:s.lead]...)
		c.wrote(messages, n)
		return
	}
	start := s.lead
	for i := range s.marks {
		if m := &s.marks[i]; start < n {
			c.pos[m.event.Priority] = m.event.Seq
			messages++
			switch {
			case m.end <= n:
			case m.frame != nil:
				c.tail = m.frame[n-start:] // shared and immutable: no copy
			default:
				c.tail = append([]byte(nil), batch[n:m.end]...)
			}
			start = m.end
		}
	}
	if n == len(batch) {
		c.pos = at
	}
	c.wrote(messages, n)
	if len(s.marks) > 0 && n > s.lead {
		s.traffic.delivered(time.Duration(time.Now().UnixNano() - s.marks[0].event.Accepted))
	}
}

// writeOut tries once to write the tail and the replies, for a connection that
// ends right after.
func (c *Connection) writeOut() {
	rest := slices.Concat(c.tail, c.out) // never append to a tail: it may be a shared frame
	c.tail, c.out = nil, nil
	if len(rest) == 0 {
		return
	}
	if n, err := c.conn.Write(rest); err == nil {
		c.wrote(int(c.outMessages), n)
	}
}

// blocked reports whether the transport is full.
func (c *Connection) blocked() bool { return c.box.state.Load()&isBlocked != 0 }

// block notes that the transport is full.
func (c *Connection) block(progressed bool) {
	now := time.Now()
	first := c.box.state.Load()&isBlocked == 0
	if first || progressed {
		c.box.progress.Store(now.UnixNano())
	}
	if first {
		c.box.state.Or(isBlocked)
		c.hub.metrics.lagging.Add(1)
		c.hub.wheel.bring(&c.box, now.Add(c.hub.settings().StallTimeout))
	}
}

// unblock notes that it is not, and reads on where that had to wait.
func (c *Connection) unblock() {
	if c.box.state.And(^isBlocked)&isBlocked != 0 {
		c.hub.metrics.lagging.Add(-1)
		c.box.signal(hasReadable)
	}
}

// addLoss counts events that the client should have had and will not get.
func (c *Connection) addLoss(lost event.Dropped) {
	if lost.IsZero() {
		return
	}
	c.lost.Add(lost)
	for p, n := range lost.Counts {
		c.dropped[p] += n
	}
	c.hub.metrics.drop(lost)
}

// settleLosses counts what the rings have overtaken so far. A connection that is
// not behind has lost nothing: what passed it by it did not want. Unless it has a
// window: then it may not have been woken yet for what it wants, and the rings may
// have been made smaller.
func (c *Connection) settleLosses() {
	if c.past != nil {
		return
	}
	if c.caughtUp {
		if c.lane == 0 {
			return
		}
		c.passOver()
	}
	set := c.box.wanted()
	c.addLoss(c.catchUp(c.stream, &set))
}
