package actors

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// The state of a mailbox is one word, so that "there is work", "it is scheduled"
// and "its connection is behind" change together.
const (
	// Work, taken by run.
	hasWake uint32 = 1 << iota
	hasReadable
	hasWritable
	hasTick
	hasLetters

	// isScheduled: it is in the run queue or running.
	isScheduled
	// isBehind: a round waits for it to catch up (gate.go).
	isBehind
	// isReleased: it is behind, and the rounds wait for it no more.
	isReleased
	// isBlocked: its transport is full.
	isBlocked
	// isClosed: its connection ended; nothing wakes it.
	isClosed
	// isJoined: the queue wakes it for what comes.
	isJoined

	hasWork = hasWake | hasReadable | hasWritable | hasTick | hasLetters
)

// mailbox is the actor.Mailbox of a connection: flags for what comes often and
// says the same however often it comes, a short list for the rest. It is part of
// its Connection, so a connection's mail costs no allocation of its own.
type mailbox struct {
	state   atomic.Uint32
	index   int32                  // place in the queue's roster; the PriorityQueue's
	letters atomic.Pointer[letter] // newest first
	unread  *letter                // oldest first; the running worker's
	nextRun *mailbox               // the dispatcher's

	invoker  actor.MessageInvoker
	dispatch *dispatcher
	gate     *gate

	// wants is the set of types to be woken for, a word at a time: the
	// connection writes it, the PriorityQueue reads it.
	wants [len(event.TypeSet{})]atomic.Uint64

	// progress is when the transport, being full, last took a byte, in Unix
	// nanoseconds.
	progress atomic.Int64

	timer   timer    // the wheel's
	scratch *scratch // of the worker that runs it, while it runs
}

// letter is a message that is not a flag.
type letter struct {
	next   *letter
	msg    any
	system bool
}

// signal adds work of a kind and schedules the mailbox unless it is already.
func (m *mailbox) signal(work uint32) {
	if m.state.Or(work|isScheduled)&isScheduled == 0 {
		m.dispatch.push(m)
	}
}

// Readable implements Notifier.
func (m *mailbox) Readable() { m.signal(hasReadable) }

// Writable implements Notifier.
func (m *mailbox) Writable() { m.signal(hasWritable) }

// wake tells the connection of new events. It reports whether the connection is
// newly behind, and whether the caller has to schedule the mailbox.
func (m *mailbox) wake() (behind, schedule bool) {
	for {
		old := m.state.Load()
		if old&isClosed != 0 {
			return false, false
		}
		now := old | hasWake | isScheduled
		if old&isReleased == 0 {
			now |= isBehind
		}
		if now == old {
			return false, false
		}
		if m.state.CompareAndSwap(old, now) {
			return now&^old&isBehind != 0, old&isScheduled == 0
		}
	}
}

// settle ends being behind, unless there was a wake meanwhile: then it reports
// false, and there is more to read.
func (m *mailbox) settle() bool {
	for {
		old := m.state.Load()
		if old&hasWake != 0 {
			return false
		}
		now := old &^ (isBehind | isReleased)
		if now == old {
			return true
		}
		if m.state.CompareAndSwap(old, now) {
			if old&isBehind != 0 {
				m.gate.done()
			}
			return true
		}
	}
}

// release makes the rounds wait for the connection no more until it has caught
// up by itself. It reports whether they did wait.
func (m *mailbox) release() bool {
	for {
		old := m.state.Load()
		if old&isBehind == 0 {
			return false
		}
		if m.state.CompareAndSwap(old, old&^isBehind|isReleased) {
			return true
		}
	}
}

// close makes the mailbox deaf to wakes.
func (m *mailbox) close() {
	if m.state.Or(isClosed)&isBehind == 0 {
		return
	}
	if m.state.And(^isBehind)&isBehind != 0 {
		m.gate.done()
	}
}

// wantsAny reports whether the connection wants one of the types in set.
func (m *mailbox) wantsAny(set *event.TypeSet) bool {
	for i := range set {
		if set[i] != 0 && m.wants[i].Load()&set[i] != 0 {
			return true
		}
	}
	return false
}

func (m *mailbox) wanted() (set event.TypeSet) {
	for i := range set {
		set[i] = m.wants[i].Load()
	}
	return set
}

func (m *mailbox) setWants(set event.TypeSet) {
	for i := range set {
		m.wants[i].Store(set[i])
	}
}

// stuckFor returns how long the transport has taken no byte, 0 if it is not full.
func (m *mailbox) stuckFor(now time.Time) time.Duration {
	if m.state.Load()&isBlocked == 0 {
		return 0
	}
	return time.Duration(now.UnixNano() - m.progress.Load())
}

// run handles what the mailbox holds, on a worker. Work that comes meanwhile is
// handled at its next turn, after everyone else's.
func (m *mailbox) run(s *scratch) {
	var msg any
	defer func() {
		if reason := recover(); reason != nil {
			m.invoker.EscalateFailure(reason, msg)
		}
		m.scratch = nil
		m.rest()
	}()
	m.scratch = s
	work := m.state.And(^hasWork)
	if work&hasLetters != 0 {
		m.collectLetters()
		for m.unread != nil {
			l := m.unread
			m.unread = l.next
			if msg = l.msg; l.system {
				m.invokeSystem(msg)
			} else {
				m.invoker.InvokeUserMessage(msg)
			}
		}
	}
	if work&hasReadable != 0 {
		msg = readable{}
		m.invoker.InvokeUserMessage(msg)
	}
	if work&hasTick != 0 {
		msg = tick{}
		m.invoker.InvokeUserMessage(msg)
	}
	if work&hasWritable != 0 {
		msg = writable{}
		m.invoker.InvokeUserMessage(msg)
	}
	if work&hasWake != 0 {
		msg = wake{}
		m.invoker.InvokeUserMessage(msg)
	}
}

// rest ends a run: the mailbox leaves the run queue, or goes to its end if there
// is new work.
func (m *mailbox) rest() {
	if m.unread != nil { // a panic left some
		m.state.Or(hasLetters)
	}
	for {
		old := m.state.Load()
		if old&hasWork != 0 {
			m.dispatch.push(m)
			return
		}
		if m.state.CompareAndSwap(old, old&^isScheduled) {
			return
		}
	}
}

// invokeSystem passes a system message on. Suspend and Resume are protoactor's
// way to keep a failed actor from getting messages until it is restarted; a
// failed connection is stopped by the message after, so there is nothing to do.
func (m *mailbox) invokeSystem(msg any) {
	switch msg.(type) {
	case *actor.SuspendMailbox, *actor.ResumeMailbox:
	default:
		m.invoker.InvokeSystemMessage(msg)
	}
}

// collectLetters appends the letters that came to those unread, oldest first.
func (m *mailbox) collectLetters() {
	var oldest *letter
	for l := m.letters.Swap(nil); l != nil; {
		next := l.next
		l.next = oldest
		oldest, l = l, next
	}
	last := &m.unread
	for *last != nil {
		last = &(*last).next
	}
	*last = oldest
}

func (m *mailbox) post(l *letter) {
	for {
		l.next = m.letters.Load()
		if m.letters.CompareAndSwap(l.next, l) {
			m.signal(hasLetters)
			return
		}
	}
}

// PostUserMessage implements actor.Mailbox.
func (m *mailbox) PostUserMessage(msg any) { m.post(&letter{msg: msg}) }

// PostSystemMessage implements actor.Mailbox.
func (m *mailbox) PostSystemMessage(msg any) { m.post(&letter{msg: msg, system: true}) }

// RegisterHandlers implements actor.Mailbox. The dispatcher is the one the
// mailbox was made with.
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.invoker = invoker
}

// Start implements actor.Mailbox.
func (m *mailbox) Start() {}

// UserMessageCount implements actor.Mailbox. It is asked for by protoactor's
// own metrics only, which are off.
func (m *mailbox) UserMessageCount() int { return 0 }
