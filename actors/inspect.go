package actors

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// ConnectionInfo is what an operator is told of a connection: a snapshot.
type ConnectionInfo struct {
	ID           string // the connection's for as long as it lives, and in the log
	SSE          bool   // else WebSocket
	Address      string
	User         string // whose credential it came with; empty without one
	Subscription Subscription
	Format       event.Format
	Since        time.Time // when it connected, to the second
	// Lag is how many events that it wants wait for it, by class; Dropped how many
	// it was to have and will not get, as far as they could be counted.
	Lag, Dropped    [event.NumPriorities]uint64
	Messages, Bytes uint64 // sent
	Blocked         bool   // its client does not read, or not as fast as it is written to
}

// Order is what connections are sorted by, the greatest first.
type Order uint8

// The orders. Events of all classes count alike.
const (
	ByLag Order = iota
	ByDropped
	ByBytes
	ByAge
)

// surveyTime bounds the wait for the connections to answer. Those that have ended
// since the roster was taken never do.
const surveyTime = time.Second

// Connections returns up to limit connections, sorted, and how many there are in
// all. Every connection is asked for a number first, and those found for the
// rest: that costs each of them less than an event does. A connection that ends
// meanwhile may be missing.
func (r *Router) Connections(ctx context.Context, by Order, limit int) (found []ConnectionInfo, total int, err error) {
	boxes, err := r.roster()
	if err != nil {
		return nil, 0, err
	}
	ranks := survey(ctx, boxes, func(answers chan<- rank) any { return &assess{by, answers} })
	slices.SortFunc(ranks, func(a, b rank) int { return cmp.Compare(b.key, a.key) })
	top := make([]*mailbox, min(limit, len(ranks)))
	for i := range top {
		top[i] = ranks[i].box
	}
	found = survey(ctx, top, func(answers chan<- ConnectionInfo) any { return &describe{answers} })
	slices.SortFunc(found, func(a, b ConnectionInfo) int {
		return cmp.Or(cmp.Compare(b.rank(by), a.rank(by)), cmp.Compare(a.ID, b.ID))
	})
	return found, len(boxes), nil
}

// survey sends every connection the same question, which is answered through the
// channel that it was made with, and returns the answers that come in time.
func survey[T any](ctx context.Context, boxes []*mailbox, question func(answers chan<- T) any) []T {
	answers := make(chan T, len(boxes)) // so that no connection waits, even for who has gone
	ask := question(answers)
	for _, m := range boxes {
		m.PostUserMessage(ask)
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTime)
	defer cancel()
	all := make([]T, 0, len(boxes))
	for len(all) < len(boxes) {
		select {
		case a := <-answers:
			all = append(all, a)
		case <-ctx.Done():
			return all
		}
	}
	return all
}

// rank is a connection's place in an order: the greatest key is the first.
type rank struct {
	key int64
	box *mailbox
}

func (i *ConnectionInfo) rank(by Order) int64 {
	switch by {
	case ByLag:
		return sum(i.Lag)
	case ByDropped:
		return sum(i.Dropped)
	case ByBytes:
		return int64(i.Bytes)
	case ByAge:
		return -i.Since.Unix()
	}
	panic(fmt.Sprintf("actors: no order is numbered %d", by))
}

func sum(classes [event.NumPriorities]uint64) (n int64) {
	for _, c := range classes {
		n += int64(c)
	}
	return n
}

// assess answers with the connection's place in an order.
func (c *Connection) assess(msg *assess) {
	info := c.info()
	msg.answers <- rank{info.rank(msg.by), &c.box}
}

// describe answers with all that an operator is told.
func (c *Connection) describe(msg *describe) {
	info := c.info()
	info.ID = c.pid.GetId()
	if c.phase != closed {
		info.Address = c.conn.RemoteAddr()
	}
	msg.answers <- info
}

// info is what is known without asking the system.
func (c *Connection) info() ConnectionInfo {
	c.settleLosses() // what the rings have overtaken is lost, and no lag
	i := ConnectionInfo{
		SSE:          c.enc.IsSSE(),
		Subscription: c.sub,
		User:         c.permit.subject(),
		Format:       c.enc.Format(),
		Since:        c.hub.started.Add(time.Duration(c.since) * time.Second),
		Dropped:      c.dropped,
		Messages:     c.messages,
		Bytes:        c.bytes,
		Blocked:      c.blocked(),
	}
	i.Subscription.All = c.hasAll()
	if !c.caughtUp && c.phase == open {
		set := c.box.wanted()
		i.Lag = c.lag(c.stream, &set)
	}
	return i
}

// lag returns how many events after the cursors set wants, by class.
func (r *reader) lag(s *stream, set *event.TypeSet) (behind [event.NumPriorities]uint64) {
	for p := range s.classes {
		c := &s.classes[p]
		head := c.head.Load()
		behind[p] = c.types.count(r.pos[p], head, set)
		for i := range r.fresh {
			if f := &r.fresh[i]; int(f.class) == p && f.set.Intersects(*set) {
				behind[p] -= c.types.count(r.pos[p], min(f.after, head), &f.set)
			}
		}
	}
	return behind
}

// account is what a connection was sent and has lost. It is small, as every
// connection has one.
type account struct {
	messages, bytes uint64
	dropped         [event.NumPriorities]uint64
}

// wrote counts what the transport took.
func (c *Connection) wrote(messages, bytes int) {
	c.messages += uint64(messages)
	c.bytes += uint64(bytes)
	c.talk.sent(&c.box.scratch.traffic, messages, bytes)
}

// CloseConnection closes the connection with that ID, with code 1008, without
// waiting until it has sent what its client has not read. It reports whether there
// is one.
func (r *Router) CloseConnection(id string) bool {
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return false // it might be the name of another actor
	}
	process, ok := r.system.ProcessRegistry.GetLocal(id)
	if ok {
		process.SendUserMessage(r.system.NewLocalPID(id), &evict{})
	}
	return ok
}

// evict closes the connection because the operator wants so.
func (c *Connection) evict(ctx actor.Context) {
	if c.phase != open {
		return
	}
	c.refuse(ctx, &closeError{ClosePolicy, "closed by the operator"})
	if c.phase == closing { // the client may not read it
		c.hub.wheel.set(&c.box, time.Now().Add(lingerTime))
	}
}

// connectionName returns the ID of the next connection.
func (r *Router) connectionName() string { return strconv.FormatUint(r.named.Add(1), 10) }
