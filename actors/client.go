package actors

import (
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// Subscription is what a client asks for.
type Subscription struct {
	Types      event.TypeSet
	All        bool // every type, or all of the Grant, whatever Types says: Subscribe narrows it
	Priorities event.PrioritySet
}

func (s *Subscription) wanted(c *event.Catalogue) event.TypeSet {
	return s.Types.Intersect(c.OfPriorities(s.Priorities))
}

// confine fills in what All stands for, and takes away what g does not allow. A nil
// g allows everything.
func (s *Subscription) confine(g *Grant, c *event.Catalogue) {
	if s.All {
		s.Types = c.All()
	}
	if g != nil {
		s.Types = s.Types.Intersect(g.Types)
		s.Priorities &= g.Priorities
	}
}

// Start is where in the stream a subscriber begins.
type Start struct {
	kind   startKind
	cursor event.Cursor
}

type startKind uint8

const (
	fromNow startKind = iota
	fromEarliest
	fromCursor
	fromUnknown
)

// FromNow is only what is emitted from now on. It is the zero Start.
func FromNow() Start { return Start{} }

// FromEarliest is all that is retained.
func FromEarliest() Start { return Start{kind: fromEarliest} }

// FromCursor is all that is retained and came after c. If c is of another
// stream, or of a lost one, it is FromUnknown.
func FromCursor(c event.Cursor) Start { return Start{kind: fromCursor, cursor: c} }

// FromUnknown is all that is retained, after a loss of unknown size.
func FromUnknown() Start { return Start{kind: fromUnknown} }

// begin returns the reader that starts at from, and the loss it is told of first.
func (s *stream) begin(from Start) (at reader, lost event.Dropped) {
	switch {
	case from.kind == fromNow:
		at.pos = s.now().Pos
	case from.kind == fromCursor && s.holds(from.cursor):
		at.pos = from.cursor.Pos
	default:
		at.pos = s.earliest().Pos
		if from.kind != fromEarliest {
			lost.Unknown = [event.NumPriorities]bool{true, true, true}
		}
	}
	return at, lost
}

// Client describes a connection to be served.
type Client struct {
	Transport    Transport
	Subscription Subscription
	Start        Start
	Format       event.Format
	// Window is how long events may be held back, so that one write carries
	// several: 0 to one second, rounded down to 1, 2 or 5 times a power of ten
	// milliseconds. It is cut short when the router is busy.
	Window time.Duration
	// Grant, if not nil, is what the client may see: it gets nothing of
	// Subscription that is beyond.
	Grant *Grant
	// Verify returns what the token of a Refresh allows. The text of an error is
	// sent to the client. It is for clients with a Grant.
	Verify func(token string) (Grant, error)
	// OnClose, if not nil, is called once, when the connection has ended.
	OnClose func()
}

// WebSocket is a client that speaks WebSocket; its handshake is over.
type WebSocket struct {
	Client
	IDs     bool   // messages carry their cursor
	Deflate bool   // permessage-deflate was negotiated, without context takeover
	Early   []byte // what the client sent right behind its handshake
}

// SSE is a client of Server-Sent Events.
type SSE struct {
	Client
	Head      []byte // HTTP response head, to be sent first
	Heartbeat bool
}

// ServeWebSocket hands a client over to an actor of its own and returns. If it
// fails, the transport is still the caller's and OnClose is not called.
func (r *Router) ServeWebSocket(w WebSocket) error {
	enc := event.WSFlat
	if w.Format == event.Tagged {
		enc = event.WSTagged
	}
	if w.IDs {
		enc += event.WSFlatID - event.WSFlat
	}
	if w.Deflate {
		enc += event.WSFlatDeflate - event.WSFlat
	}
	return r.serve(w.Client, &Connection{enc: enc, talk: &wsSession{deflate: w.Deflate, partial: w.Early}})
}

// ServeSSE hands a client over to an actor of its own and returns. If it fails,
// the transport is still the caller's and OnClose is not called.
func (r *Router) ServeSSE(s SSE) error {
	enc := event.SSEFlat
	if s.Format == event.Tagged {
		enc = event.SSETagged
	}
	return r.serve(s.Client, &Connection{enc: enc, talk: &sseSession{head: s.Head}, heartbeat: s.Heartbeat})
}

func (r *Router) serve(client Client, c *Connection) error {
	r.live.Add(1) // before looking whether that is still allowed: Close waits for the living
	if r.draining.Load() {
		r.live.Add(-1)
		return ErrDraining
	}
	c.hub = r
	c.conn = client.Transport
	c.lane = laneOf(client.Window)
	c.onClose = client.OnClose
	c.since = uint32(time.Since(r.started) / time.Second)
	c.sub = client.Subscription
	c.sub.confine(client.Grant, r.catalogue)
	if client.Grant != nil {
		c.permit = &permit{verify: client.Verify}
		c.permit.take(*client.Grant, time.Now())
	}
	c.box.dispatch, c.box.gate = r.dispatch, &r.gate
	c.box.setWants(c.sub.wanted(r.catalogue))
	c.stream = r.stream()
	c.reader, c.lost = c.stream.begin(client.Start)

	if err := r.nursery.spawn(c, r.connections, r.connectionName()); err != nil {
		r.live.Add(-1)
		return fmt.Errorf("cannot start the actor of a connection: %w", err)
	}
	return nil
}

// nursery starts the actors of connections. protoactor asks functions of its
// Props for an actor and a mailbox, during the call that spawns it. Props for each
// connection would be a sixth of what one takes, so all share these, and are
// started one at a time.
type nursery struct {
	mu    sync.Mutex
	next  *Connection
	props *actor.Props
}

func newNursery(d *dispatcher) *nursery {
	n := &nursery{}
	n.props = actor.PropsFromProducer(func() actor.Actor { return n.next },
		actor.WithMailbox(func() actor.Mailbox { return &n.next.box }),
		actor.WithDispatcher(d))
	return n
}

func (n *nursery) spawn(c *Connection, parent *actor.RootContext, name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next = c
	defer func() { n.next = nil }() // or the last one would be kept when it has ended
	_, err := parent.SpawnNamed(n.props, name)
	return err
}
