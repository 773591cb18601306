package bench

import (
	"bytes"
	"math/rand/v2"
)

// greet sends what a client of a peer says first. It reports whether the client
// is subscribed by having said it.
func (l *loop) greet(c *conn) bool {
	p := l.cfg.Peer
	for _, m := range p.Hello {
		l.say(c, m)
	}
	return p.Ready == ""
}

func (l *loop) say(c *conn, m Message) {
	opcode, payload := byte(opText), []byte(m.Text)
	if len(m.Binary) > 0 {
		opcode, payload = opBinary, m.Binary
	}
	if name := l.cfg.group(c.index); name != "" {
		payload = bytes.ReplaceAll(payload, []byte(eventsPlaceholder), []byte(name))
	}
	l.send(c, appendFrame(nil, opcode, rand.Uint32(), payload))
}

// consumePeerSSE finds the events of a peer in b and returns what is left. What
// stands around them is the peer's own affair.
func (l *loop) consumePeerSSE(c *conn, b []byte, now int64) (rest []byte) {
	return b[l.scan(c, b, now):]
}

// consumePeerWebSocket handles what has come of frames in b and returns the rest.
// A peer may put many events into one message of any length, so events are taken
// out before their frame is complete.
func (l *loop) consumePeerWebSocket(c *conn, b []byte, now int64) (rest []byte, err error) {
	for c.phase != closed {
		if c.left == 0 {
			h, ok, err := readHeader(b)
			switch {
			case err != nil:
				return nil, err
			case !ok:
				return b, nil
			case h.opcode < opClose:
				c.left = h.length
				b = b[h.size:]
				continue
			}
			f, n, err := nextFrame(b)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				return b, nil
			}
			b = b[n:]
			l.controlled(c, f)
			continue
		}
		part := b[:min(uint64(len(b)), c.left)]
		complete := uint64(len(part)) == c.left
		n := l.consumePeerPayload(c, part, now)
		if complete {
			n = len(part)
		}
		c.left -= uint64(n)
		b = b[n:]
		if !complete {
			return b, nil
		}
	}
	return nil, nil
}

// consumePeerPayload handles a part of a message and returns how much of it is
// done with.
func (l *loop) consumePeerPayload(c *conn, part []byte, now int64) (done int) {
	p := l.cfg.Peer
	if c.phase == greeting {
		if !bytes.Contains(part, []byte(p.Ready)) {
			return 0
		}
		l.opened(c, now)
	}
	// What is looked for comes alone or first of all.
	if k := p.Keepalive; k != nil && bytes.HasPrefix(part, []byte(k.Expect)) {
		l.say(c, k.Answer)
	}
	return l.scan(c, part, now)
}

// scan counts the events of the run in b and returns how much of it is done with:
// the rest may be the beginning of one.
func (l *loop) scan(c *conn, b []byte, now int64) (done int) {
	for {
		i := bytes.Index(b[done:], l.mark.run)
		if i < 0 {
			return max(done, len(b)-len(l.mark.run)+1)
		}
		at := done + i
		s, _, err := l.mark.find(b[at:])
		if err != nil && len(b)-at < maxStamp {
			return at
		}
		l.count(c, s, err, now)
		done = at + len(l.mark.run)
	}
}
