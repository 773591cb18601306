package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// fanout is the state of the PriorityQueue. It outlives the actor: a queue that is
// restarted goes on where the last one was.
type fanout struct {
	stream  *stream
	pending [event.NumPriorities]fifo
	lanes   [len(windows)]lane
	waiters map[*waiter]struct{}
	round   round
	watched bool      // a patience message is on its way
	swept   time.Time // when stalled clients were last looked for
	fallen  int64     // connections that fell behind and are not counted yet

	// arriving is the batch being taken in; a restarted queue takes it in again.
	// Events that are already there are known by their position.
	arriving []*event.Event
	retried  bool                        // arriving is being taken in for the second time
	last     [event.NumPriorities]uint64 // position of the last event taken in
}

// PriorityQueue is the actor that moves accepted events into the rings and wakes
// who wants them.
type PriorityQueue struct {
	*fanout
	hub *Router
}

// Receive implements actor.Actor.
func (q *PriorityQueue) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		q.start()
	case *enqueue:
		q.enqueue(msg.batch)
	case *renew:
		q.renew(msg.stream)
	case *join:
		q.join(msg.box, &q.lanes[msg.lane])
	case *leave:
		q.leave(msg.box, &q.lanes[msg.lane])
	case *await:
		q.await(msg.waiter)
	case *forget:
		delete(q.waiters, msg.waiter)
	case roundDone:
		q.pump()
	case windowEnd:
		q.endWindow(msg.lane)
	case patience:
		q.release()
	case *resize:
		q.resize(msg.retain)
	case roster:
		ctx.Respond(q.everybody())
	case probe:
		ctx.Respond(alive{})
	}
}

// start goes on after a restart: with the batch that was being taken in, and
// with a round that may have been cut short anywhere. The round still waits for
// whom it waited for: a connection that has not had its turn may have been woken
// for events that a new round would let it pass over (Connection.jump).
func (q *PriorityQueue) start() {
	q.watched = false
	q.countFallen()
	if q.retried {
		q.giveUp(q.arriving)
	} else if q.arriving != nil {
		q.retried = true
		q.take(q.arriving)
	}
	q.arriving, q.retried = nil, false
	for i := range q.lanes {
		q.lanes[i].held, q.lanes[i].timed = event.TypeSet{}, false
		q.wake(q.lanes[i].roster, nil)
	}
	q.pump()
}

func (q *PriorityQueue) enqueue(batch []*event.Event) {
	q.arriving = batch
	q.take(batch)
	q.arriving = nil
	q.pump()
}

func (q *PriorityQueue) take(batch []*event.Event) {
	for _, e := range batch {
		if e.Seq > q.last[e.Priority] {
			q.pending[e.Priority].push(e)
			q.last[e.Priority] = e.Seq
		}
	}
}

// giveUp writes off a batch that cannot be taken in without a panic.
func (q *PriorityQueue) giveUp(batch []*event.Event) {
	q.hub.log.Error("event error: a batch was lost to an internal error", "events", len(batch))
	for _, e := range batch {
		if e != nil && e.Seq > q.last[e.Priority] {
			q.hub.pending.remove(e)
			q.stream.classes[e.Priority].types.set(e.Seq, e.Type) // for who counts it as lost
		}
	}
}

func (q *PriorityQueue) join(box *mailbox, l *lane) {
	box.index = int32(len(l.roster))
	l.roster = append(l.roster, box)
	box.state.Or(isJoined)
	q.wake([]*mailbox{box}, nil)
}

func (q *PriorityQueue) leave(box *mailbox, l *lane) {
	i, last := box.index, len(l.roster)-1
	if int(i) > last || l.roster[i] != box {
		return // it never joined
	}
	l.roster[i] = l.roster[last]
	l.roster[i].index = i
	l.roster[last] = nil
	l.roster = l.roster[:last]
	if cap(l.roster) > 1024 && len(l.roster) < cap(l.roster)/4 {
		l.roster = append([]*mailbox(nil), l.roster...)
	}
}

func (q *PriorityQueue) everybody() (boxes []*mailbox) {
	for i := range q.lanes {
		boxes = append(boxes, q.lanes[i].roster...)
	}
	return boxes
}

// await adds a long poll, and lets it look once more: something may have come
// between its last look and now.
func (q *PriorityQueue) await(w *waiter) {
	q.waiters[w] = struct{}{}
	w.notify()
}

// pump moves pending events into the rings, as far as the round allows.
func (q *PriorityQueue) pump() {
	q.sweep()
	for q.waiting() {
		if q.hub.gate.behind.Load() <= 0 && !q.holds() {
			q.beginRound()
		}
		if !q.advance() && !q.waitForRound() {
			return
		}
	}
}

// waiting reports whether anything is pending.
func (q *PriorityQueue) waiting() bool {
	for p := range q.pending {
		if q.pending[p].len() > 0 {
			return true
		}
	}
	return false
}

// beginRound is called when no connection that reads is behind, or will be at the
// end of its window.
func (q *PriorityQueue) beginRound() {
	for p := range q.stream.classes {
		c := &q.stream.classes[p]
		c.began.Store(c.head.Load())
	}
	q.round = round{}
}

// waitForRound arranges for pump to be called when the next round may begin. It
// reports whether that is now.
func (q *PriorityQueue) waitForRound() bool {
	g, now := &q.hub.gate, time.Now()
	if q.round.full.IsZero() {
		q.round.full = now
	}
	q.cutWindows()
	q.releaseStuck(now)
	g.waiting.Store(true)
	if g.behind.Load() <= 0 && g.waiting.CompareAndSwap(true, false) {
		return true
	}
	if !q.watched {
		q.watched = true
		time.AfterFunc(patienceStep, func() { q.hub.sendQueue(patience{}) })
	}
	return false
}

// advance moves what the round has room for: high before medium before low, and
// nothing of a class while one above it still waits. It reports whether it moved
// anything.
func (q *PriorityQueue) advance() bool {
	var types event.TypeSet
	missing := false
	for p := range q.pending {
		c := &q.stream.classes[p]
		end := c.began.Load() + c.ring.Load().retain
		q.joinFrames(c, q.pending[p].next(end-min(end, c.head.Load())))
		for c.head.Load() < end && q.pending[p].len() > 0 {
			e := q.pending[p].first()
			if head := c.head.Load(); e.Seq > head+1 && head > c.began.Load() {
				break // the ring starts anew: when all have read what came in this round
			}
			missing = q.publish(c, e) || missing
			q.pending[p].drop()
			types = types.With(e.Type)
		}
		if q.pending[p].len() > 0 {
			break
		}
	}
	if types.IsEmpty() {
		return false
	}
	if missing { // or who is not woken would pass over it without a word
		q.wake(q.everybody(), nil)
		types = q.hub.catalogue.All()
	}
	q.tell(&types)
	for w := range q.waiters {
		if w.set.Intersects(types) {
			w.notify()
		}
	}
	return true
}

// publish puts e into its ring. Positions follow each other without a gap unless
// a batch was given up after a fault, or never came here; then the ring starts anew,
// so that what is missing counts as lost rather than as still to come, and missing is
// true.
func (q *PriorityQueue) publish(c *class, e *event.Event) (missing bool) {
	switch head := c.head.Load(); {
	case e.Seq <= head: // a fault came between publishing it and noting that
	case e.Seq > head+1:
		missing = true
		if q.stream.followed { // of what was given up the types are known
			c.types.floor.Store(e.Seq - 1)
		}
		c.ring.Store(newRing(int(c.ring.Load().retain), e.Seq-1))
		fallthrough
	default:
		c.append(e)
	}
	q.hub.pending.remove(e)
	return missing
}

// wakeChunk is how many connections are scheduled at a time: the workers begin
// while the rest is still being looked through.
const wakeChunk = 256

// wake wakes those of boxes that want one of types; all of them if types is nil.
func (q *PriorityQueue) wake(boxes []*mailbox, types *event.TypeSet) {
	var first, last *mailbox
	scheduled := 0
	before := q.hub.gate.behind.Load()
	for _, m := range boxes {
		if types != nil && !m.wantsAny(types) {
			continue
		}
		fell, schedule := m.wake()
		if fell {
			q.fallen++
		}
		if !schedule {
			continue
		}
		if first == nil {
			first = m
		} else {
			last.nextRun = m
		}
		if last, scheduled = m, scheduled+1; scheduled == wakeChunk {
			q.hub.dispatch.pushList(first, last)
			first, scheduled = nil, 0
		}
	}
	if first != nil {
		q.hub.dispatch.pushList(first, last)
	}
	q.round.peak = max(q.round.peak, int(before+q.fallen))
	q.countFallen()
}

// countFallen counts who fell behind in a wake. Some may have caught up already:
// then the count was below zero meanwhile.
func (q *PriorityQueue) countFallen() {
	q.hub.gate.behind.Add(q.fallen)
	q.fallen = 0
}

// release is called from time to time while a round waits.
func (q *PriorityQueue) release() {
	q.watched = false
	if q.waiting() && q.hub.gate.waiting.Load() {
		q.releaseStuck(time.Now())
		q.pump()
	}
}

// releaseStuck releases the connections that the round waits for in vain.
func (q *PriorityQueue) releaseStuck(now time.Time) {
	q.round.observe(now, int(q.hub.gate.behind.Load()))
	pressed := q.hub.pending.total()*2 > int64(q.hub.settings().PendingEvents)
	q.releaseWhere(func(m *mailbox) bool { return q.round.lost(now, m.stuckFor(now), pressed) })
}

// sweep releases clients that have stalled, now and then, where there are any
// that might have.
func (q *PriorityQueue) sweep() {
	if q.hub.metrics.lagging.Load() == 0 || q.hub.gate.waiting.Load() {
		return
	}
	if now := time.Now(); now.Sub(q.swept) >= sweepInterval {
		q.swept = now
		q.releaseWhere(func(m *mailbox) bool { return m.stuckFor(now) > sweepPatience })
	}
}

// releaseWhere releases those of the full transports that are behind for which
// stuck is true.
func (q *PriorityQueue) releaseWhere(stuck func(*mailbox) bool) {
	for i := range q.lanes {
		for _, m := range q.lanes[i].roster {
			if m.state.Load()&(isBehind|isBlocked) == isBehind|isBlocked && stuck(m) && m.release() {
				q.hub.metrics.released.Inc()
				q.hub.gate.behind.Add(-1)
			}
		}
	}
}

func (q *PriorityQueue) resize(retain [event.NumPriorities]int) {
	for p, n := range retain {
		if c := &q.stream.classes[p]; c.ring.Load().retain != uint64(n) {
			c.resize(n)
		}
	}
	q.pump()
}
