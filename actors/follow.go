package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// ErrFollows says that a router takes its events from elsewhere, and cannot be
// published to.
var ErrFollows = errors.New("this router passes on the events of others; publish there")

// Replicate shows events that got their places elsewhere. It is for a router made
// with Options.Follow, and called by one goroutine at a time. The router owns the
// events from then on.
//
// The events go on behind at, each class in its order. What this router has already
// is passed over. Positions that are left out, before or in the batch, are lost: who
// should have had an event there is told of a loss of unknown size. With another
// epoch than before the stream begins anew behind at: connections are closed with
// 1012, and come back with cursors of a lost stream.
//
// It fails with ErrOverloaded while too much waits for the rings: then nothing was
// taken, and the same may be tried again in a moment. It fails with ErrBatchTooLarge,
// ErrDraining and ErrInterrupted as Publish does.
func (r *Router) Replicate(at event.Cursor, batch []event.Placed) error {
	events := make([]*event.Event, len(batch))
	for i, p := range batch {
		events[i] = p.Event
	}
	stamp(events)
	_, err := r.ask(&replicate{at: at, batch: batch})
	return err
}

// Begun reports whether there is a stream to read: always, but in a router that
// follows others and has not found any yet.
func (r *Router) Begun() bool { return r.begun.Load() }

// replicate shows a batch of events where they belong.
func (e *Emitter) replicate(ctx actor.Context, msg *replicate) {
	e.asking = ctx.Sender()
	events := make([]*event.Event, 0, len(msg.batch))
	at := e.at
	if msg.at.Epoch != at.Epoch || !e.hub.begun.Load() {
		at = msg.at
	}
	b := placement{at: at}
	for p, n := range msg.at.Pos {
		b.at.Pos[p] = max(b.at.Pos[p], n)
	}
	for _, p := range msg.batch {
		if p.Position > b.at.Pos[p.Event.Priority] {
			b.at.Pos[p.Event.Priority] = p.Position
			b.counts[p.Event.Priority]++
			p.Event.Place(b.at, total(b.at))
			events = append(events, p.Event)
		}
	}
	size, err := e.admit(events)
	if err != nil {
		e.answer(ctx, &refused{err})
		return
	}

	// From here on nothing fails.
	if b.batch = events; !e.hub.begun.Load() || at.Epoch != e.at.Epoch {
		e.renew(at)
	}
	e.at = b.at
	for p, n := range b.counts {
		e.hub.pending.events[p].Add(n)
	}
	e.hub.pending.bytes.Add(size)
	e.release(&b)
	e.answer(ctx, &accepted{})
}

// renew begins another stream behind at. Who comes from now on reads that one; who
// is there is sent away by the queue.
func (e *Emitter) renew(at event.Cursor) {
	s := newStream(at.Epoch, e.hub.settings().Retain, e.hub.catalogue)
	s.followed = true
	s.restore(at, [event.NumPriorities][]*event.Event{})
	e.hub.current.Store(s)
	e.hub.sendQueue(&renew{s})
	e.hub.begun.Store(true)
}

// total is how many events there have been up to a position.
func total(at event.Cursor) (n uint64) {
	for _, pos := range at.Pos {
		n += pos
	}
	return n
}

// renew goes over to another stream. What was pending of the old one is of no use
// any more: its readers are told that they have lost it when they come back.
func (q *PriorityQueue) renew(s *stream) {
	for p := range q.pending {
		for q.pending[p].len() > 0 {
			q.hub.pending.remove(q.pending[p].first())
			q.pending[p].drop()
		}
		q.last[p] = s.classes[p].head.Load()
	}
	q.stream = s
	for p, n := range q.hub.settings().Retain {
		s.classes[p].resize(n) // it may have changed meanwhile
	}
	for _, m := range q.everybody() {
		m.PostUserMessage(begunAnew())
	}
	for w := range q.waiters {
		w.notify()
	}
}

// begunAnew is the good-bye of a router whose stream is another one now.
func begunAnew() *goAway {
	return &goAway{code: CloseRestart, reason: "the stream begins anew"}
}
