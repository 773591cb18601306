package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sys/unix"
)

// phase is how far a connection is.
type phase uint8

const (
	unopened    phase = iota
	connecting        // waits for the kernel
	handshaking       // waits for the response head
	greeting          // WebSocket only: waits for Subscribed
	open
	closing // has sent its close frame; what still comes is thrown away
	closed
)

// opening says that the outcome of opening the connection is not known yet.
func (p phase) opening() bool { return p == connecting || p == handshaking || p == greeting }

// usable says that the connection has a socket that is connected.
func (p phase) usable() bool { return handshaking <= p && p <= closing }

// conn is one client. Its slices are nil nearly always.
type conn struct {
	fd, index int32
	phase     phase
	sse       bool
	chunked   bool // the SSE body is
	stalled   bool // stops reading when it is open
	paused    bool // does not read now
	chunk     chunkReader
	left      uint64 // of the message that a peer is sending, in bytes
	began     int64  // when connect(2) was called, Unix nanoseconds

	partial []byte // of a response head, frame or event, without its end
	message []byte // of a fragmented WebSocket message
	out     []byte // what the socket did not take
	seq     sequence
}

// read takes what has come for c. An unfinished frame is put in front of it, so
// that whoever parses has whole frames in one piece.
func (l *loop) read(c *conn) {
	kept := copy(l.scratch, c.partial)
	n, err := unix.Read(int(c.fd), l.scratch[kept:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil:
		l.end(c, "read: "+err.Error())
		return
	case n == 0 && c.phase.opening():
		l.end(c, "closed before the handshake was done")
		return
	case n == 0 && c.sse:
		l.end(c, "end of stream")
		return
	case n == 0:
		l.end(c, "end without a close frame")
		return
	}
	l.bytes += uint64(n)
	if c.phase == closing {
		return
	}
	rest, err := l.consume(c, l.scratch[:kept+n], kept, l.clock.now())
	switch {
	case c.phase == closed:
	case err != nil:
		l.end(c, err.Error())
	case len(rest) == len(l.scratch):
		l.end(c, fmt.Sprintf("event of over %d bytes", len(l.scratch)))
	case len(rest) > 0:
		c.partial = bytes.Clone(rest)
	default:
		c.partial = nil
	}
}

// consume handles every whole frame in b, of which the first kept bytes were
// there before, and returns the rest. now is when the bytes arrived.
func (l *loop) consume(c *conn, b []byte, kept int, now int64) (rest []byte, err error) {
	if c.phase == handshaking {
		head, body, ok, err := cutHead(b)
		if !ok || err != nil {
			return b, err
		}
		if err := l.answered(c, head, body, now); err != nil || c.phase == closed {
			return nil, err
		}
		b, kept = body, 0
	}
	ended := false
	if c.chunked {
		n, done, err := c.chunk.decode(b[kept:])
		if err != nil {
			return nil, err
		}
		b, ended = b[:kept+n], done
	}
	switch {
	case c.sse && l.cfg.Peer != nil:
		b = l.consumePeerSSE(c, b, now)
	case c.sse:
		b = l.consumeSSE(c, b, now)
	case l.cfg.Peer != nil:
		b, err = l.consumePeerWebSocket(c, b, now)
	default:
		b, err = l.consumeWebSocket(c, b, now)
	}
	if err != nil {
		return nil, err
	}
	if ended {
		l.end(c, "end of stream")
	}
	return b, nil
}

// answered handles the response to the request of c.
func (l *loop) answered(c *conn, head, body []byte, now int64) error {
	status, err := statusCode(head)
	switch {
	case err != nil:
		return err
	case c.sse && status == http.StatusOK:
		if c.chunked, err = acceptSSE(head); err == nil {
			l.opened(c, now)
		}
		return err
	case !c.sse && status == http.StatusSwitchingProtocols:
		c.phase = greeting
		if err := l.handshake.acceptWebSocket(head, int(c.index)); err != nil {
			return err
		}
		if l.cfg.Peer != nil && l.greet(c) {
			l.opened(c, now)
		}
		return nil
	}
	l.refuse(c, status, body)
	return nil
}

// opened takes note that c is open.
func (l *loop) opened(c *conn, now int64) {
	c.phase = open
	l.inFlight--
	l.open++
	l.countOpened(c, now)
	if c.stalled {
		l.pause(c)
	}
}

// consumeSSE handles the whole events in b and returns the rest.
func (l *loop) consumeSSE(c *conn, b []byte, now int64) (rest []byte) {
	for {
		event, n := nextSSE(b)
		switch {
		case n == 0:
			return b
		case event.data == nil:
		case string(event.name) == "Lagged":
			l.lagged(c, event.data)
		default:
			l.deliver(c, event.data, now)
		}
		b = b[n:]
	}
}

// consumeWebSocket handles the whole frames in b and returns the rest.
func (l *loop) consumeWebSocket(c *conn, b []byte, now int64) (rest []byte, err error) {
	for c.phase != closed {
		f, n, err := nextFrame(b)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return b, nil
		}
		b = b[n:]
		switch f.opcode {
		case opPing, opPong, opClose:
			l.controlled(c, f)
		case opBinary:
			return nil, errors.New("binary message")
		default:
			message, err := c.assemble(f)
			if err != nil {
				return nil, err
			}
			if message != nil {
				if err := l.received(c, message, now); err != nil {
					return nil, err
				}
			}
		}
	}
	return nil, nil
}

// controlled answers a control frame.
func (l *loop) controlled(c *conn, f frame) {
	switch f.opcode {
	case opPing:
		l.control(c, opPong, f.payload)
	case opClose:
		l.control(c, opClose, closeStatus(f.payload))
		l.end(c, fmt.Sprintf("close code %d", closeCode(f.payload)))
	} // An unsolicited pong is allowed, RFC 6455 §5.5.3.
}

// assemble returns the message that f completes, or nil (RFC 6455 §5.4).
func (c *conn) assemble(f frame) ([]byte, error) {
	first := f.opcode == opText
	switch {
	case first == (c.message != nil):
		return nil, errors.New("fragments of a message out of order")
	case first && f.fin:
		return f.payload, nil
	case len(c.message)+len(f.payload) > maxMessage:
		return nil, fmt.Errorf("fragmented message of over %d bytes", maxMessage)
	case first:
		c.message = append(make([]byte, 0, len(f.payload)), f.payload...)
		return nil, nil
	}
	c.message = append(c.message, f.payload...)
	if !f.fin {
		return nil, nil
	}
	message := c.message
	c.message = nil
	return message, nil
}

// received handles one WebSocket message.
func (l *loop) received(c *conn, message []byte, now int64) error {
	if c.phase == open && bytes.HasPrefix(message, []byte(`{"type":"Event"`)) {
		l.deliver(c, message, now)
		return nil
	}
	var envelope struct{ Type string }
	if err := json.Unmarshal(message, &envelope); err != nil {
		return fmt.Errorf("message that is not JSON: %w", err)
	}
	switch {
	case c.phase == greeting && envelope.Type == "Subscribed":
		l.opened(c, now)
	case c.phase == greeting:
		return fmt.Errorf("first message is %q, want Subscribed", envelope.Type)
	case envelope.Type == "Event":
		l.deliver(c, message, now)
	case envelope.Type == "Lagged":
		l.lagged(c, message)
	case envelope.Type == "Error":
		l.countErrorMessage(message)
	}
	return nil
}

// deliver counts one event. It allocates nothing unless there is a gap.
func (l *loop) deliver(c *conn, event []byte, now int64) {
	s, found, err := l.mark.find(event)
	if !found {
		l.other++
		return
	}
	l.count(c, s, err, now)
}

// count counts an event of the run with its stamp.
func (l *loop) count(c *conn, s stamp, err error, now int64) {
	if err != nil {
		l.damaged++
		return
	}
	if l.joining && c.seq.last[s.class] == 0 {
		c.seq.last[s.class] = s.seq - 1
	}
	switch c.seq.see(s.class, s.seq) {
	case duplicate:
		l.duplicates++
		return
	case reordered:
		l.reordered++
	}
	l.deliveries[s.class]++
	if s.sentNS < l.since {
		return
	}
	l.measured++
	if l.firstDelivery == 0 {
		l.firstDelivery = now
	}
	l.lastDelivery = now
	if !c.stalled {
		l.latency.record(now - s.sentNS)
	}
}

// lagged handles a Lagged message.
func (l *loop) lagged(c *conn, message []byte) {
	var m struct {
		Dropped *struct{ High, Medium, Low *uint64 }
	}
	if err := json.Unmarshal(message, &m); err != nil || m.Dropped == nil {
		l.damaged++
		return
	}
	l.laggedMessages++
	for i, dropped := range [classes]*uint64{m.Dropped.High, m.Dropped.Medium, m.Dropped.Low} {
		if dropped == nil {
			l.uncounted++
		}
		c.seq.tell(class(i), dropped)
	}
}
