package actors

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/adic-network/router/event"
)

// retryAfter is what a browser waits before it connects again (WHATWG HTML,
// Server-sent events: the retry field).
const sseRetry = "retry: 2000\n\n"

// sseSession is a Server-Sent Events stream.
type sseSession struct {
	head      []byte // HTTP response head; nil once sent
	heartbeat time.Time

	acked   uint64    // bytes, at the last tick
	answers time.Time // the last tick at which there were more, or nothing was outstanding
}

func (s *sseSession) open(c *Connection) {
	c.out = append(append(c.out, s.head...), sseRetry...)
	s.head = nil
	if c.heartbeat {
		s.heartbeat = firstDeadline(c.hub.settings().HeartbeatInterval)
	}
}

// receive ignores what a client sends: a request has no more to say, and a
// client that is gone is told by the end of the stream.
func (s *sseSession) receive(*Connection, []byte) error { return nil }

func (s *sseSession) lagged(c *Connection, lost event.Dropped) {
	c.out = append(c.out, "event: Lagged\ndata: "...)
	c.out = lost.AppendMessage(c.out)
	c.out = append(c.out, "\n\n"...)
	c.outMessages++
}

func (s *sseSession) tick(c *Connection, now time.Time) (next time.Time, err error) {
	if !c.heartbeat {
		return now.Add(idleTick), nil
	}
	if s.vanished(c, now) {
		return now, errVanished
	}
	if !now.Before(s.heartbeat) {
		if !c.blocked() { // a client that reads nothing needs no sign of life
			c.out = append(c.out, ": heartbeat\n\n"...)
		}
		s.heartbeat = now.Add(c.hub.settings().HeartbeatInterval)
	}
	return s.heartbeat, nil
}

// errVanished ends a stream as that of a client that has stalled.
var errVanished = errors.New("the client's end has acknowledged nothing for too long")

// vanished reports whether the client's end has acknowledged nothing of what it was
// sent, heartbeats at least, for stall_timeout. SSE asks nothing of a client, and TCP
// would repeat what a network that has gone does not deliver for a quarter of an
// hour. TCP_USER_TIMEOUT is no answer: it also ends those who read a little at a time,
// whose window is too small for what is to be sent next.
func (s *sseSession) vanished(c *Connection, now time.Time) bool {
	acked, all := c.conn.Acknowledged()
	if all || acked != s.acked {
		s.acked, s.answers = acked, now
	}
	return now.Sub(s.answers) >= c.hub.settings().StallTimeout
}

// goAway tells a client of a router that shuts down when to come back: a browser
// that came earlier would be refused, and then never try again (WHATWG HTML,
// Server-sent events: fail the connection). Of the end of a token a comment tells,
// to whoever looks why the stream ended: the next request is answered with 401.
func (s *sseSession) goAway(c *Connection, code uint16, reason string) (answered bool) {
	switch code {
	case CloseGoingAway:
		c.out = fmt.Appendf(c.out, "retry: %d\n\n", c.hub.backIn().Milliseconds())
	case CloseTokenExpired:
		c.out = append(append(append(c.out, ": "...), reason...), "\n\n"...)
	}
	return false
}

func (s *sseSession) sent(t *traffic, messages, bytes int) {
	t.sseMessages += messages
	t.sseBytes += bytes
}

// idleTick is how often a connection with nothing due looks at its losses, so
// that they are counted while they happen.
const idleTick = 15 * time.Second

// firstDeadline spreads the deadlines of clients that connected together.
func firstDeadline(interval time.Duration) time.Time {
	return time.Now().Add(interval/2 + rand.N(interval/2+1))
}
