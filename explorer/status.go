package explorer

import (
	"maps"
	"time"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
)

// Status is how an indexer stands at a moment. What it counts is since the start of the
// process.
type Status struct {
	// Enabled is whether the node streams to it; otherwise the node is polled because
	// the configuration says so.
	Enabled bool
	// Mode is how it gets events, or last did.
	Mode client.Transport
	// Connection is how it stands with the node, since Since.
	Connection client.Status
	Since      time.Time
	Node       string    // its URL
	LastEvent  time.Time // when the last one came; zero if none
	Reconnects uint64    // connections after the first one
	Err        error     // why there is no connection; nil if there is one
	// ByType are the events that were indexed, by the names of their types. It is never
	// nil, and the caller's.
	ByType map[string]uint64
	// Lost are the events that the node did not keep long enough, and LastLoss is when
	// it last said so; zero if never.
	Lost     event.Dropped
	LastLoss time.Time
	// Behind is for how long the oldest event that is not stored has waited.
	Behind time.Duration
	// Storing is why the last events could not be stored, which is tried again; nil if
	// they were.
	Storing error
}

// Status returns how the indexer stands at this moment.
func (x *Indexer) Status() Status {
	state := x.state()
	x.mu.Lock()
	defer x.mu.Unlock()
	s := Status{
		Enabled: x.o.Streams(), Mode: state.Transport, Connection: state.Status, Since: state.Since, Node: x.o.Node,
		LastEvent: state.LastEvent, Reconnects: state.Reconnects, Err: state.Err,
		ByType: maps.Clone(x.tally.byType), Lost: x.tally.lost, LastLoss: x.tally.lastLoss, Storing: x.tally.storing,
	}
	if x.tally.refused != nil {
		s.Err = x.tally.refused
	}
	if !x.tally.oldest.IsZero() {
		s.Behind = max(time.Since(x.tally.oldest), 0)
	}
	return s
}

// tally is what Status tells beyond the state of the connection. Indexer.mu guards it.
type tally struct {
	byType   map[string]uint64
	lost     event.Dropped
	lastLoss time.Time
	storing  error     // why nothing can be stored
	refused  error     // why the node cannot be followed for now
	oldest   time.Time // when the oldest event came that is not stored; zero if all are
}

// note changes the tally.
func (x *Indexer) note(change func(*tally)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change(&x.tally)
}

// indexed counts what was stored.
func (t *tally) indexed(entries []store.Entry) {
	for i := range entries {
		if lost := entries[i].Lost; lost != nil {
			t.lost.Add(*lost)
		} else {
			t.byType[entries[i].Type]++
		}
	}
}

// state is how the connection stands.
func (x *Indexer) state() client.State {
	if c := x.following.Load(); c != nil {
		return c.State()
	}
	s := client.State{Transport: client.WebSocket, Status: client.Connecting}
	if len(x.o.Client.Transports) > 0 {
		s.Transport = x.o.Client.Transports[0]
	}
	return s
}

// Streams reports whether the options let the node stream, and it is not only polled.
func (o *Options) Streams() bool {
	return len(o.Client.Transports) != 1 || o.Client.Transports[0] != client.Polling
}
