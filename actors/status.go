package actors

import (
	"fmt"
	"time"

	"github.com/adic-network/router/event"
)

// Status is what the router is doing at a moment.
type Status struct {
	Connections  int64 // of both transports
	Lagging      int64 // of them, whose transport is full
	Pending      [event.NumPriorities]int64
	PendingBytes int64
	// PendingFull is how full the bound on pending events or bytes is, 0 to 1.
	PendingFull float64
	Retained    [event.NumPriorities]uint64 // events in the rings
	Draining    bool
	// LastRestart is when a fault last restarted the Emitter or the
	// PriorityQueue, LastHighDrop when a client last lost a high event; zero if
	// never.
	LastRestart, LastHighDrop time.Time
	Journal                   error // why the journal cannot be written; nil if it can
}

// Status returns the state of this moment. It costs a few atomic loads.
func (r *Router) Status() Status {
	s := Status{
		Connections:  r.live.Load(),
		Lagging:      r.metrics.lagging.Load(),
		PendingBytes: r.pending.bytes.Load(),
		Draining:     r.draining.Load(),
		LastRestart:  unixNano(r.metrics.lastRestart.Load()),
		LastHighDrop: unixNano(r.metrics.lastHigh.Load()),
		Journal:      r.journal.Err(),
	}
	stream := r.stream()
	for p := range s.Pending {
		s.Pending[p] = r.pending.events[p].Load()
		c := &stream.classes[p]
		s.Retained[p] = c.head.Load() - c.oldest()
	}
	set := r.settings()
	s.PendingFull = max(
		float64(r.pending.total())/float64(set.PendingEvents),
		float64(s.PendingBytes)/float64(set.PendingBytes))
	return s
}

func unixNano(n int64) (t time.Time) {
	if n != 0 {
		t = time.Unix(0, n)
	}
	return t
}

// Alive sends a message the way of every event, through the Emitter and the
// PriorityQueue, and fails if it has not come back after timeout: what hangs there
// stops every stream, and only a new process helps.
func (r *Router) Alive(timeout time.Duration) error {
	if _, err := r.system.Root.RequestFuture(r.emitter, probe{}, timeout).Result(); err != nil {
		return fmt.Errorf("no answer from the emitter and the queue after %v: %w", timeout, err)
	}
	return nil
}

// Emitted is the number of events emitted so far.
func (r *Router) Emitted() uint64 { return r.metrics.emitted.Get() }

// WebSocketMessages and SSEMessages are the numbers of messages written so far.
func (r *Router) WebSocketMessages() uint64 { return r.metrics.wsMessages.Get() }

// SSEMessages is the number of named events written to SSE clients so far.
func (r *Router) SSEMessages() uint64 { return r.metrics.sseMessages.Get() }
