package actors

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// ErrJournal says that the journal could not be written: the events were not
// taken. The reason is in the same error.
var ErrJournal = errors.New("cannot write the journal")

// Journal keeps what is emitted, so that a router can go on where an earlier one
// ended. Append and Commit are called by the Emitter only.
type Journal interface {
	// Past returns the position at which the stream goes on, and of each class
	// the newest events, without a gap, up to that position. It is called once;
	// the caller owns the events.
	Past() (at event.Cursor, events [event.NumPriorities][]*event.Event)
	// Append keeps a batch of placed events, whole or not at all. The batch
	// follows what was appended before or, where that was given up, what was
	// settled before. Unless it is settled by that, nobody may learn of it before
	// a Commit.
	Append(batch []*event.Event) (settled bool, err error)
	// Commit settles all that was appended, or says why it is given up.
	Commit() error
	// Err is why the journal cannot be written at the moment, or nil. Any
	// goroutine may call it.
	Err() error
}

// noJournal is the Journal of a router that keeps its events in memory only.
type noJournal struct{}

func (noJournal) Past() (at event.Cursor, _ [event.NumPriorities][]*event.Event) {
	at.Epoch = event.NewEpoch()
	return at, [event.NumPriorities][]*event.Event{}
}
func (noJournal) Append([]*event.Event) (bool, error) { return true, nil }
func (noJournal) Commit() error                       { return nil }
func (noJournal) Err() error                          { return nil }

// restore makes s, which nobody uses yet, end at a position with the events
// before it. What is older is known to nobody.
func (s *stream) restore(at event.Cursor, events [event.NumPriorities][]*event.Event) {
	for p := range s.classes {
		c, kept, head := &s.classes[p], events[p], at.Pos[p]
		c.types.floor.Store(head - uint64(len(kept)))
		for _, e := range kept {
			c.types.set(e.Seq, e.Type)
		}
		retain := c.ring.Load().retain
		if n := uint64(len(kept)); n > retain {
			kept = kept[n-retain:]
		}
		r := newRing(int(retain), head-uint64(len(kept)))
		for _, e := range kept {
			r.slots[e.Seq&r.mask].Store(e)
		}
		c.ring.Store(r)
		c.head.Store(head)
		c.began.Store(head)
		c.emitted.Store(head)
	}
}

// held is a batch that has its place and is shown to nobody before the journal
// has settled it.
type held struct {
	asking *actor.PID
	placement
}

// placement is a batch with its place.
type placement struct {
	batch  []*event.Event
	once   *IdempotencyKey // nil without one
	at     event.Cursor    // after it
	counts [event.NumPriorities]int64
	size   int64 // bytes
}

// holds reports whether a batch of a key is held.
func (e *Emitter) holds(once *IdempotencyKey) bool {
	return slices.ContainsFunc(e.held, func(h held) bool { return h.once != nil && h.once.id == once.id })
}

// commit settles the batches that are held, and releases them. Those that were
// published while the last commit was under way are settled together.
func (e *Emitter) commit(ctx actor.Context) {
	if len(e.held) == 0 {
		return
	}
	e.committing = true
	err := e.hub.journal.Commit()
	e.committing = false
	if err != nil {
		e.giveUp(ctx, fmt.Errorf("%w: %w", ErrJournal, err))
		return
	}
	for _, h := range e.held {
		e.release(&h.placement)
		ctx.Send(h.asking, &accepted{})
	}
	e.held = nil
}

// giveUp takes back the places of the batches that are held, as if they had never
// been published.
func (e *Emitter) giveUp(ctx actor.Context, why error) {
	for _, h := range e.held {
		for p, n := range h.counts {
			e.at.Pos[p] -= uint64(n)
			e.hub.pending.events[p].Add(-n)
		}
		e.global -= uint64(len(h.batch))
		e.hub.pending.bytes.Add(-h.size)
		ctx.Send(h.asking, &refused{why})
	}
	e.held = nil
}
