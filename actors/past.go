package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// Archive has the events that the rings no longer hold.
type Archive interface {
	// Read returns up to max events of a class from a position on, in order. Any
	// goroutine may call it; the caller owns the events.
	Read(ctx context.Context, class event.Priority, from uint64, max int) ([]event.Placed, error)
}

const (
	// recallEvents is how many events are read from the archive at a time, for one
	// client.
	recallEvents = 256
	// recallsAtOnce is how many clients are read for at the same time. The others
	// wait: what is live comes first.
	recallsAtOnce = 4
	// recallTimeout bounds a read. Without the archive, what it would have had is lost.
	recallTimeout = 10 * time.Second
)

// past is what a client that resumes gets before the rings: events that they no longer
// hold. It ends when the client has come as far as they reach back.
type past struct {
	class  event.Priority
	events []event.Placed // of class, not written yet
	asked  bool           // a read is under way
	left   int            // how many more may be read
}

// bygone is what was read from the archive, or why nothing was.
type bygone struct {
	class  event.Priority
	events []event.Placed
	err    error
}

// recalls reads from the archive for connections.
type recalls struct {
	archive Archive
	limit   int           // events of a class that a client may be behind the rings
	free    chan struct{} // holds one for each that may read at once
	ctx     context.Context
	stop    context.CancelFunc
}

func newRecalls(a Archive, limit int) *recalls {
	ctx, stop := context.WithCancel(context.Background())
	return &recalls{archive: a, limit: limit, free: make(chan struct{}, recallsAtOnce), ctx: ctx, stop: stop}
}

// read waits for its turn, and reads.
func (r *recalls) read(ctx context.Context, class event.Priority, from uint64, max int) ([]event.Placed, error) {
	select {
	case r.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
	defer func() { <-r.free }()
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	return r.archive.Read(ctx, class, from, max)
}

// recall gives a connection that begins behind the rings a past. What is further back
// than the limit is lost.
func (c *Connection) recall() {
	r := c.hub.recalls
	if r == nil {
		return
	}
	set, behind := c.box.wanted(), false
	for _, p := range event.Priorities() {
		if !c.isBehind(c.stream, p, &set) {
			continue
		}
		behind = true
		oldest := c.stream.classes[p].oldest()
		if limit := uint64(r.limit); oldest-min(oldest, c.pos[p]) > limit {
			c.addLoss(c.skipTo(c.stream, p, oldest-limit, &set))
		}
	}
	if behind {
		c.past = &past{left: 2 * event.NumPriorities * r.limit} // the rings move on meanwhile
		c.box.state.Or(isReleased)                              // no round waits for who is this far behind
	}
}

// skipTo moves the cursor of a class on, and returns what is lost by it.
func (r *reader) skipTo(s *stream, p event.Priority, to uint64, set *event.TypeSet) (lost event.Dropped) {
	c := &s.classes[p]
	if c.types.covers(r.pos[p], c.head.Load()) {
		lost.Counts[p] = c.types.count(r.pos[p], to, set)
	} else if set.Intersects(c.every) {
		lost.Unknown[p] = true
	}
	r.pos[p] = to
	return lost
}

// collectPast is collect for a connection with a past. Where it has to wait for the
// archive, nothing of a lower class goes out: it is written high before low as well.
// It reports whether it is to be called again, as nothing came of it and it need not
// wait.
func (c *Connection) collectPast(ahead *reader, set *event.TypeSet) (again bool) {
	s := c.box.scratch
	for p := event.High; p <= event.Low; p++ {
		if ahead.isBehind(c.stream, p, set) {
			if len(s.marks) > 0 && c.past.class != p { // those of another class are to be written first
				return false
			}
			before := ahead.pos[p]
			c.collectBygone(p, ahead, set)
			if len(s.marks) == 0 && ahead.pos[p] > before { // nothing to write, and nothing to wait for
				c.pos = ahead.pos
				return true
			}
			if ahead.isBehind(c.stream, p, set) {
				return false
			}
		}
		if !c.collectClass(p, ahead, set) {
			return len(s.marks) == 0
		}
	}
	if len(s.marks) == 0 {
		c.past = nil // the rings have the rest
	}
	return false
}

// collectBygone adds what was read from the archive to the batch, up to where positions
// are missing. When all of it is written it asks for more.
func (c *Connection) collectBygone(p event.Priority, ahead *reader, set *event.TypeSet) {
	s, b := c.box.scratch, c.past
	for len(b.events) > 0 && (b.class != p || b.events[0].Position <= c.pos[p]) {
		b.events = b.events[1:]
	}
	if len(b.events) == 0 {
		c.ask(p)
		return
	}
	for _, e := range b.events {
		if e.Position > ahead.pos[p]+1 {
			if len(s.marks) == 0 { // else when they are written
				c.addLoss(event.Dropped{Unknown: unknownOf(p)})
				ahead.pos[p] = e.Position - 1
			}
			return
		}
		after := *ahead
		after.pos[p] = e.Position
		if set.Has(e.Event.Type) && !c.subscribedAfter(p, e) {
			at := after.cursor(c.stream)
			e.Event.Place(at, 0)
			batch := e.Event.AppendFrame(s.buf, c.enc, at)
			if len(batch) > batchSize && len(s.marks) > 0 {
				return
			}
			s.buf = batch
			s.marks = append(s.marks, mark{event: e.Event, end: len(s.buf)})
		}
		ahead.pos[p] = e.Position
	}
}

// unknownOf is a loss of unknown size in a class.
func unknownOf(p event.Priority) (unknown [event.NumPriorities]bool) {
	unknown[p] = true
	return unknown
}

// subscribedAfter reports whether the type of an event was subscribed only after it.
func (c *Connection) subscribedAfter(p event.Priority, e event.Placed) bool {
	for i := range c.fresh {
		if f := &c.fresh[i]; f.class == p && e.Position <= f.after && f.set.Has(e.Event.Type) {
			return true
		}
	}
	return false
}

// ask has the archive read on, up to what the ring of the class holds.
func (c *Connection) ask(p event.Priority) {
	b, r := c.past, c.hub.recalls
	if b.asked {
		return
	}
	n := min(recallEvents, b.left, int(c.stream.classes[p].oldest()-c.pos[p]))
	if n <= 0 {
		c.past = nil
		return
	}
	b.asked = true
	b.left -= n
	box, from := &c.box, c.pos[p]+1
	go func() {
		events, err := r.read(r.ctx, p, from, n)
		if err == nil && len(events) == 0 {
			err = errors.New("there are no events there any more")
		}
		box.PostUserMessage(&bygone{class: p, events: events, err: err})
	}()
}

// recalled takes what was read. Without it the client goes on with the rings, and is
// told what it has lost.
func (c *Connection) recalled(ctx actor.Context, msg *bygone) {
	if c.past == nil {
		return
	}
	c.past.asked = false
	if msg.err != nil {
		c.hub.log.Debug("cannot read events of the past", "connection", c.pid.GetId(), "error", msg.err)
		c.past = nil
	} else {
		c.past.class, c.past.events = msg.class, msg.events
	}
	c.flush(ctx)
}

// isBehind reports whether a reader wants events of a class that the rings no longer
// hold.
func (r *reader) isBehind(s *stream, p event.Priority, set *event.TypeSet) bool {
	c := &s.classes[p]
	return r.pos[p] < c.oldest() && set.Intersects(c.every)
}

// readPast is read for a poll that goes on behind what the rings hold. It returns
// nothing where there is no archive, or it has nothing: then the rings are all there is.
func (r *Router) readPast(ctx context.Context, s *stream, at *reader, lost event.Dropped, set *event.TypeSet, limit int) (answer Polled, found bool) {
	if r.recalls == nil {
		return answer, false
	}
	from := *at
	answer.Lost = lost
	for p := event.High; p <= event.Low; p++ {
		for len(answer.Events) < limit {
			if !at.isBehind(s, p, set) {
				e, overtaken := at.next(s, p, set)
				if e != nil {
					at.pos[p] = e.Seq
					answer.Events = append(answer.Events, PolledEvent{e, at.cursor(s)})
				} else if !overtaken {
					break
				}
				continue
			}
			if !r.takePast(ctx, s, p, at, set, limit, &answer) {
				break
			}
		}
	}
	if len(answer.Events) == 0 {
		*at = from
		return answer, false
	}
	r.metrics.drop(answer.Lost)
	answer.Cursor = at.cursor(s)
	return answer, true
}

// takePast adds events of a class from the archive. It reports whether there may be
// more.
func (r *Router) takePast(ctx context.Context, s *stream, p event.Priority, at *reader, set *event.TypeSet, limit int, answer *Polled) bool {
	oldest := s.classes[p].oldest()
	if most := uint64(r.recalls.limit); oldest-at.pos[p] > most {
		answer.Lost.Add(at.skipTo(s, p, oldest-most, set))
	}
	events, err := r.recalls.read(ctx, p, at.pos[p]+1, recallEvents)
	if err != nil || len(events) == 0 {
		answer.Lost.Add(at.skipTo(s, p, oldest, set))
		return true
	}
	for _, e := range events {
		if e.Position > at.pos[p]+1 {
			if len(answer.Events) > 0 { // a loss is told before the first event
				return false
			}
			answer.Lost.Unknown[p] = true
		}
		at.pos[p] = max(at.pos[p], e.Position)
		if set.Has(e.Event.Type) {
			e.Event.Place(at.cursor(s), 0)
			answer.Events = append(answer.Events, PolledEvent{e.Event, at.cursor(s)})
		}
		if len(answer.Events) == limit {
			return false
		}
	}
	return true
}
