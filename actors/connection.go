package actors

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

const (
	// maxOutput is how many bytes of replies may wait for a client that does not
	// read them. Then its messages are not read either, until they have gone.
	maxOutput = 4 << 10

	// turnReads is how many reads a connection has in a turn before the others
	// get theirs.
	turnReads = 4

	// lingerTime is how long a client has to answer a close frame (RFC 6455
	// §7.1.1 leaves it to the server).
	lingerTime = 2 * time.Second
)

// Connection is the actor of one client: the only writer of its transport, its
// place in the stream, and what it is subscribed to.
type Connection struct {
	hub *Router
	// stream is what it reads: that of the hub, unless that has begun another one.
	stream *stream
	box    mailbox
	conn   Transport
	talk   session
	pid    *actor.PID

	reader
	sub       Subscription
	permit    *permit // nil where anyone may subscribe
	enc       event.Encoding
	lane      uint8 // its delivery window
	heartbeat bool
	phase     phase
	since     uint32 // when it began, in seconds after the router
	account

	// lost is what the client has not been told of yet.
	lost event.Dropped

	// out holds replies that are not written yet, outMessages how many of them
	// are counted as messages. tail is the rest of what the transport has taken
	// a part of: it goes before anything else.
	out         []byte
	outMessages int32
	// caughtUp is set while nothing the client wants waits for it, and what comes
	// wakes it. That takes its having joined before it looked.
	caughtUp, joined bool
	tail             []byte

	past *past // what it gets before what the rings hold; nil for most

	leaving  *goAway   // close when everything readable is sent
	deadline time.Time // of a client that has to answer a close frame
	onClose  func()
}

// phase is how far a connection has come to its end.
type phase uint8

const (
	open      phase = iota
	closing         // a close frame is in out; nothing follows it
	lingering       // the close frame is sent; the client has to answer
	closed
)

// Receive implements actor.Actor.
func (c *Connection) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case *actor.Stopping:
		c.stop()
	case wake:
		c.flush(ctx)
	case writable:
		c.resume(ctx)
	case readable:
		c.read(ctx)
	case tick:
		c.tick(ctx)
	case *goAway:
		c.leave(ctx, msg)
	case *hangUp:
		c.end(ctx)
	case *bygone:
		c.recalled(ctx, msg)
	case *evict:
		c.evict(ctx)
	case *assess:
		c.assess(msg)
	case *describe:
		c.describe(msg)
	}
}

func (c *Connection) start(ctx actor.Context) {
	c.pid = ctx.Self()
	if err := c.conn.Attach(&c.box); err != nil {
		c.fail(ctx, err)
		return
	}
	c.trace("client connected")
	c.talk.open(c)
	if err := c.talk.receive(c, nil); err != nil { // of what came right behind the handshake
		c.refuse(ctx, err)
		return
	}
	next, err := c.talk.tick(c, time.Now())
	if err != nil {
		c.refuse(ctx, err)
		return
	}
	c.scheduleAt(next)
	// The queue wakes a connection when it joins: that is its first turn.
	c.hub.sendQueue(&join{box: &c.box, lane: c.lane})
	switch { // the roster may have been asked for before
	case c.hub.draining.Load():
		c.leaving = shutDown()
	case c.hub.stream() != c.stream:
		c.leaving = begunAnew()
	default:
		c.recall()
	}
}

// stop is the end, however it came. A connection that is stopped without having
// closed has failed: the supervisor stops it after a panic.
func (c *Connection) stop() {
	if c.phase != closed {
		c.phase = closed
		c.apologise()
	}
	c.box.close()
	if c.box.state.And(^isBlocked)&isBlocked != 0 {
		c.hub.metrics.lagging.Add(-1)
	}
	c.hub.wheel.remove(&c.box)
	c.settleLosses()
	c.trace("client left")
	if err := c.conn.Close(); err != nil {
		c.hub.log.Debug("cannot close transport", "connection", c.pid.GetId(), "error", err)
	}
	c.hub.sendQueue(&leave{box: &c.box, lane: c.lane})
	c.hub.live.Add(-1)
	if c.onClose != nil {
		c.onClose()
	}
}

// apologise tells the client of an internal error, where that is still possible.
// Whatever panicked may do so again: the connection is to be freed all the same.
func (c *Connection) apologise() {
	defer func() {
		if reason := recover(); reason != nil {
			c.hub.log.Debug("cannot tell a client of an internal error", "connection", c.pid.GetId(), "reason", reason)
		}
	}()
	c.talk.goAway(c, CloseInternal, "internal error")
	c.writeOut()
}

// end stops the actor, with nothing more to say to the client.
func (c *Connection) end(ctx actor.Context) {
	c.phase = closed
	ctx.Stop(c.pid)
}

// fail ends a connection whose transport is broken or at its end: the client is
// not there to be told.
func (c *Connection) fail(ctx actor.Context, err error) {
	if !errors.Is(err, io.EOF) {
		c.hub.log.Debug(c.kind()+" error: connection lost", "connection", c.pid.GetId(), "remote", c.conn.RemoteAddr(), "error", err)
	}
	c.end(ctx)
}

// refuse ends a connection over what its client did, and tells it why.
func (c *Connection) refuse(ctx actor.Context, err error) {
	reason, ok := asClose(err)
	if !ok {
		c.fail(ctx, err)
		return
	}
	if !reason.byClient() && reason.code != CloseTokenExpired { // which are the course of things
		c.complain(reason.code, reason.reason)
	}
	c.bye(reason.code, reason.reason)
	c.flush(ctx)
}

// complain logs why the router closes a connection over what its client did, or did
// not do. How many such lines there are is for the handler of the log to bound.
func (c *Connection) complain(code uint16, reason string) {
	c.hub.log.Info(c.kind()+" error: client closed", "connection", c.pid.GetId(), "remote", c.conn.RemoteAddr(), "code", code, "reason", reason)
}

// trace logs a step in the life of the connection, for who looks for one client.
func (c *Connection) trace(step string) {
	if c.hub.log.Enabled(context.Background(), slog.LevelDebug) { // or nothing is to be made for it
		c.hub.log.Debug(step, "connection", c.pid.GetId(), "transport", c.kind(), "remote", c.conn.RemoteAddr())
	}
}

// kind is what the log calls the transport.
func (c *Connection) kind() string {
	if c.enc.IsSSE() {
		return "sse"
	}
	return "websocket"
}

// bye puts the close frame behind what is already in out; events that wait are
// not sent any more.
func (c *Connection) bye(code uint16, reason string) {
	if c.phase != open {
		return
	}
	c.phase = closing
	c.leaving = nil
	c.box.close()                     // it gets no more events, so no round waits for it
	end := time.Now().Add(lingerTime) // even if the client does not read the last bytes
	if c.talk.goAway(c, code, reason) {
		c.deadline = end
	}
	c.hub.wheel.set(&c.box, end)
}

// leave closes the connection when it has sent what it can read by then.
func (c *Connection) leave(ctx actor.Context, msg *goAway) {
	if c.phase != open {
		return
	}
	c.leaving = msg
	c.past = nil // there is no time for it
	c.flush(ctx)
}

// finish follows the close frame to its end once it is written.
func (c *Connection) finish(ctx actor.Context) {
	if c.phase != closing || len(c.tail)+len(c.out) > 0 {
		return
	}
	if c.deadline.IsZero() {
		c.end(ctx)
		return
	}
	// Closing now could reset the connection and take the close frame with it
	// (RFC 6455 §7.1.1): end our side, and wait a little for the client's.
	c.phase = lingering
	if err := c.conn.CloseWrite(); err != nil {
		c.fail(ctx, err)
		return
	}
	c.hub.wheel.set(&c.box, c.deadline)
	c.read(ctx)
}

// read takes what the client sent, unless it does not read our answers. What is
// left it comes back for: the transport does not report it again.
func (c *Connection) read(ctx actor.Context) {
	if c.phase == closed {
		return
	}
	drained := false
	for reads := 0; reads < turnReads && !drained && len(c.out) < maxOutput; reads++ {
		n, err := c.conn.Read(c.box.scratch.in)
		if n > 0 && c.phase != lingering {
			if rerr := c.talk.receive(c, c.box.scratch.in[:n]); rerr != nil && c.phase == open {
				c.refuse(ctx, rerr)
			}
		}
		if err != nil {
			c.fail(ctx, err)
			return
		}
		drained = n == 0
	}
	if len(c.out) > 0 && len(c.tail) == 0 {
		c.flush(ctx)
	}
	if !drained && len(c.out) < maxOutput { // else when the replies have gone: see unblock
		c.box.signal(hasReadable)
	}
}

// subscribe adds types, or narrows to them where all were subscribed.
func (c *Connection) subscribe(types event.TypeSet, all bool) {
	if types.IsEmpty() && !all {
		return
	}
	before := c.sub.wanted(c.hub.catalogue)
	switch {
	case all:
		c.sub.All, c.sub.Types = true, c.hub.catalogue.All()
	case c.sub.All:
		c.sub.All, c.sub.Types = false, types
	default:
		c.sub.Types = c.sub.Types.Union(types)
	}
	c.refilter(before)
}

func (c *Connection) unsubscribe(types event.TypeSet) {
	if types.IsEmpty() {
		return
	}
	before := c.sub.wanted(c.hub.catalogue)
	c.sub.All = false
	c.sub.Types = c.sub.Types.Minus(types)
	c.refilter(before)
}

// refilter puts a changed subscription in force. The queue has to see it before
// the positions are read from which new types count, lest an event fall between.
func (c *Connection) refilter(before event.TypeSet) {
	c.settleLosses() // what was lost by now was lost under the old one
	after := c.sub.wanted(c.hub.catalogue)
	c.box.setWants(after)
	c.reader.end(before.Minus(after))
	c.begin(c.stream, after.Minus(before), c.hub.priorityOf)
}

// tick does what is due.
func (c *Connection) tick(ctx actor.Context) {
	if c.phase == closed {
		return
	}
	now := time.Now()
	if c.phase == lingering || c.phase == closing {
		if now.After(c.deadline) {
			c.end(ctx)
			return
		}
		c.hub.wheel.set(&c.box, c.deadline)
		return
	}
	if c.box.stuckFor(now) >= c.hub.settings().StallTimeout {
		c.stalled(ctx)
		return
	}
	c.settleLosses()
	if err := c.permit.tick(c, now); err != nil {
		c.refuse(ctx, err)
		return
	}
	next, err := c.talk.tick(c, now)
	if errors.Is(err, errVanished) {
		c.stalled(ctx)
		return
	}
	if err != nil {
		c.refuse(ctx, err)
		return
	}
	c.scheduleAt(next)
	c.flush(ctx)
}

// stalled ends a connection whose client has taken nothing for too long. It is
// told where it can still be.
func (c *Connection) stalled(ctx actor.Context) {
	c.hub.metrics.stalled.Inc()
	c.complain(CloseStalled, "nothing was read for too long")
	c.bye(CloseStalled, "nothing was read for too long")
	c.writeOut()
	c.end(ctx)
}

// scheduleAt asks for the next tick.
func (c *Connection) scheduleAt(next time.Time) {
	next = c.permit.due(next)
	if c.blocked() {
		stall := time.Unix(0, c.box.progress.Load()).Add(c.hub.settings().StallTimeout)
		if stall.Before(next) {
			next = stall
		}
	}
	c.hub.wheel.set(&c.box, next)
}
