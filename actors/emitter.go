package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// Errors of Publish.
var (
	// ErrOverloaded says that too much is waiting for the rings: the events were
	// not taken, and may be published again in a moment.
	ErrOverloaded = errors.New("too many events are waiting to be delivered; publish again in a moment")
	// ErrBatchTooLarge says that a batch is larger than what may ever wait.
	ErrBatchTooLarge = errors.New("batch is too large")
	// ErrDraining says that the router is shutting down.
	ErrDraining = errors.New("the router is shutting down")
	// ErrInterrupted says that a fault interrupted the emitter. Whether the events
	// were taken is not known; with an idempotency key they may be published again.
	ErrInterrupted = errors.New("publishing was interrupted by an internal error; the events may or may not have been taken")
	// ErrNotStored says that what keeps the events of a cluster of routers did not
	// take all of them. With an idempotency key they may be published again.
	ErrNotStored = errors.New("cannot store the events")
	// ErrKeyReused says that an idempotency key came with another batch before.
	ErrKeyReused = errors.New("this idempotency key came with another body before; choose a new key for each batch")
)

// share is the part of the pending bound that is open to events of a priority and
// those above it, in percent. Low is refused first, so that a flood of unimportant
// events leaves room for important ones.
var share = [event.NumPriorities]int64{100, 90, 80}

// emission is the state of the Emitter. It outlives the actor: an emitter that is
// restarted goes on where the last one was.
type emission struct {
	at     event.Cursor // the position of the last event
	global uint64
	asking *actor.PID // whom a batch in progress is answered to
	keys   idempotency

	held       []held // placed, in order, and not settled by the journal
	committing bool   // they are being settled
}

// Emitter is the actor that gives every event its place in the stream.
type Emitter struct {
	*emission
	hub *Router
}

// Receive implements actor.Actor.
func (e *Emitter) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		e.start(ctx)
	case *publish:
		e.publish(ctx, msg)
	case *replicate:
		e.replicate(ctx, msg)
	case probe:
		ctx.Forward(e.hub.queue)
	case *recall:
		e.recall(ctx, msg.once)
	case commit:
		e.commit(ctx)
	}
}

// start answers the publishers that a fault has left waiting. What is held stays
// so unless the fault came in settling it: the commit is in the mailbox.
func (e *Emitter) start(ctx actor.Context) {
	if e.asking != nil {
		ctx.Send(e.asking, &refused{ErrInterrupted})
		e.asking = nil
	}
	if e.committing {
		e.committing = false
		e.giveUp(ctx, ErrInterrupted)
	}
}

// publish places a batch, whole or not at all, has the journal keep it, and hands
// it to the queue. A panic on the way leaves the state as it was, so that no
// position is left without its event. A key is kept only for what was accepted, in
// the same breath: whoever got no answer can ask again, and is told the truth.
func (e *Emitter) publish(ctx actor.Context, msg *publish) {
	e.asking = ctx.Sender()
	if e.hub.stream().followed {
		e.answer(ctx, &refused{ErrFollows})
		return
	}
	if msg.once != nil {
		if answer := e.known(ctx, msg.once); answer != nil {
			e.answer(ctx, answer)
			return
		}
	}
	batch := msg.batch
	size, err := e.admit(batch)
	if err != nil {
		e.answer(ctx, &refused{err})
		return
	}
	b := placement{batch: batch, once: msg.once, at: e.at, size: size}
	for i, ev := range batch {
		b.at.Pos[ev.Priority]++
		b.counts[ev.Priority]++
		ev.Place(b.at, e.global+uint64(i)+1)
	}
	settled, err := e.hub.journal.Append(batch)
	if err != nil {
		e.answer(ctx, &refused{fmt.Errorf("%w: %w", ErrJournal, err)})
		return
	}

	// From here on nothing fails.
	e.at, e.global = b.at, e.global+uint64(len(batch))
	for p, n := range b.counts {
		e.hub.pending.events[p].Add(n)
	}
	e.hub.pending.bytes.Add(size)
	if !settled {
		if e.held = append(e.held, held{e.asking, b}); len(e.held) == 1 {
			ctx.Send(ctx.Self(), commit{}) // behind the batches that wait already
		}
		e.asking = nil
		return
	}
	e.release(&b)
	e.answer(ctx, &accepted{})
}

// release accepts a batch and shows it to everybody. Its events count as pending,
// and their positions as given out, before the queue can see them.
func (e *Emitter) release(b *placement) {
	if b.once != nil {
		e.remember(b.once)
	}
	for p := range b.counts {
		e.hub.stream().classes[p].emitted.Store(b.at.Pos[p])
	}
	e.hub.sendQueue(&enqueue{batch: b.batch})
	e.hub.metrics.emit(b.batch)
}

// recall answers whether a batch was accepted before.
func (e *Emitter) recall(ctx actor.Context, once *IdempotencyKey) {
	e.asking = ctx.Sender()
	answer := e.known(ctx, once)
	if answer == nil {
		answer = &unknown{}
	}
	e.answer(ctx, answer)
}

// known returns the answer to a batch whose key is known, or nil. What becomes of a
// batch of that key that is held has to be settled first.
func (e *Emitter) known(ctx actor.Context, once *IdempotencyKey) any {
	if e.holds(once) {
		e.commit(ctx)
	}
	switch body, known := e.keys.find(once.id, time.Since(e.hub.started)); {
	case !known:
		return nil
	case body != once.body:
		return &refused{ErrKeyReused}
	}
	e.hub.metrics.replayed.Inc()
	return &replayed{}
}

func (e *Emitter) remember(once *IdempotencyKey) {
	if e.keys.add(once.id, once.body, time.Since(e.hub.started)) {
		e.hub.metrics.keysEvicted.Inc()
	}
}

func (e *Emitter) answer(ctx actor.Context, msg any) {
	ctx.Respond(msg)
	e.asking = nil
}

// admit decides whether batch still fits, and returns its size in bytes.
func (e *Emitter) admit(batch []*event.Event) (size int64, err error) {
	lowest := event.High
	for _, ev := range batch {
		size += int64(ev.Size())
		lowest = max(lowest, ev.Priority)
	}
	s := e.hub.settings()
	maxEvents := int64(s.PendingEvents) * share[lowest] / 100
	maxBytes := int64(s.PendingBytes) * share[lowest] / 100
	if int64(len(batch)) > maxEvents || size > maxBytes {
		return 0, fmt.Errorf("%w: %d events of %d bytes together; publish at most %d events and %d bytes at a time",
			ErrBatchTooLarge, len(batch), size, maxEvents, maxBytes)
	}
	if e.hub.pending.total()+int64(len(batch)) > maxEvents || e.hub.pending.bytes.Load()+size > maxBytes {
		e.hub.metrics.shed(lowest, len(batch))
		return 0, ErrOverloaded
	}
	return size, nil
}
