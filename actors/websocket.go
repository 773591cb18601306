package actors

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/adic-network/router/event"
)

// wsSession is a WebSocket (RFC 6455) that carries the messages of the protocol.
type wsSession struct {
	deflate bool // permessage-deflate was negotiated

	partial []byte   // a frame that is not complete, or what came behind the handshake
	message *message // a message of which not all frames have come

	ping       time.Time // when to ping next
	heard      time.Time // when the client last completed a frame
	rate       rateLimit
	closeSent  bool
	closeHeard bool
}

// message is a fragmented message (RFC 6455 §5.4).
type message struct {
	opcode     byte
	compressed bool
	data       []byte
}

// pong is answered to a ping in JSON. It is not the pong frame.
const pong = `{"type":"Pong"}`

func (s *wsSession) open(c *Connection) {
	s.heard = time.Now()
	s.ping = firstDeadline(c.hub.settings().PingInterval)
	s.replySet(c, "Subscribed")
}

// receive takes the frames off data and keeps the rest for the next time.
func (s *wsSession) receive(c *Connection, data []byte) error {
	if len(s.partial) > 0 {
		data = append(s.partial, data...)
		s.partial = nil
	}
	for !s.closeHeard {
		f, size, err := parseFrame(data, s.room(c), s.deflate)
		if reason, ok := asClose(err); ok && reason.code == CloseTooBig {
			c.hub.metrics.tooLarge.Inc()
			err = tooBig(c.hub.settings().MaxMessageSize)
		}
		if err != nil {
			return err
		}
		if size == 0 {
			if len(data) > 0 {
				s.partial = append([]byte(nil), data...)
			}
			return nil
		}
		data = data[size:]
		s.heard = time.Now()
		if err := s.handleFrame(c, f); err != nil {
			return err
		}
	}
	return nil
}

// room is how many bytes the next frame of a message may have.
func (s *wsSession) room(c *Connection) int {
	limit := c.hub.settings().MaxMessageSize
	if s.message != nil {
		limit = max(limit-len(s.message.data), 0)
	}
	return limit
}

func (s *wsSession) handleFrame(c *Connection, f frame) error {
	switch f.opcode {
	case opPing:
		if !s.closeSent && len(c.out) < maxOutput { // an old ping may go unanswered (§5.5.3)
			c.out = event.AppendPong(c.out, f.payload)
		}
		return nil
	case opPong:
		return nil
	case opClose:
		s.closeHeard = true
		code, err := parseClose(f.payload)
		if err != nil {
			return err
		}
		return &closeError{code: code} // the answer repeats the code (§5.5.1)
	}
	if s.closeSent {
		return nil // we said good-bye; what still comes is not for us
	}
	m, err := s.assemble(f)
	if m == nil || err != nil {
		return err
	}
	return s.handleMessage(c, m)
}

// assemble returns the message that f completes, or nil. The message is within its
// limit: parseFrame was told what is left of it.
func (s *wsSession) assemble(f frame) (*message, error) {
	switch {
	case f.opcode == opContinuation && s.message == nil:
		return nil, violation("continuation of nothing")
	case f.opcode != opContinuation && s.message != nil:
		return nil, violation("new message before the last was complete")
	case f.opcode != opContinuation && f.fin:
		return &message{f.opcode, f.compressed, f.payload}, nil
	case f.opcode != opContinuation:
		s.message = &message{opcode: f.opcode, compressed: f.compressed}
	}
	m := s.message
	m.data = append(m.data, f.payload...)
	if !f.fin {
		return nil, nil
	}
	s.message = nil
	return m, nil
}

func (s *wsSession) handleMessage(c *Connection, m *message) error {
	settings := c.hub.settings()
	if m.opcode == opBinary {
		return &closeError{CloseUnsupported, "binary messages are not understood; send JSON text"}
	}
	if !s.rate.allow(time.Since(c.hub.started), settings.ClientMessageRate) {
		c.hub.metrics.tooMany.Inc()
		return &closeError{ClosePolicy, "too many messages"}
	}
	text := m.data
	if m.compressed {
		var err error
		if text, err = inflate(m.data, settings.MaxMessageSize); err != nil {
			if reason, ok := asClose(err); ok && reason.code == CloseTooBig {
				c.hub.metrics.tooLarge.Inc()
			}
			return err
		}
	}
	if !utf8.Valid(text) {
		return &closeError{CloseInvalidText, "text is not UTF-8"}
	}
	s.handleText(c, text)
	return nil
}

// clientMessage is what a client may say.
type clientMessage struct {
	Type   string    `json:"type"`
	Events *[]string `json:"events"`
	Token  string    `json:"token"`
}

func (s *wsSession) handleText(c *Connection, text []byte) {
	var m clientMessage
	if err := json.Unmarshal(text, &m); err != nil {
		s.replyError(c, `expected a JSON object such as {"type":"Subscribe","events":["TipsUpdated"]}`)
		return
	}
	switch m.Type {
	case "Ping":
		s.reply(c, []byte(pong))
	case "Subscribe", "Unsubscribe":
		if m.Events == nil {
			s.replyError(c, m.Type+` needs "events", a list of names`)
			return
		}
		if n, most := len(*m.Events), c.hub.settings().MaxSubscription; most > 0 && n > most {
			c.hub.metrics.tooManyNames.Inc()
			s.replyError(c, fmt.Sprintf("events has too many names: %d, at most %d are taken; a prefix such as vrf.* is one", n, most))
			return
		}
		types, all, err := c.hub.catalogue.ParseTypes(*m.Events)
		switch {
		case err != nil:
			s.replyError(c, err.Error())
		case m.Type == "Subscribe":
			if c.permit != nil {
				if beyond := c.permit.beyond(types, all, c.hub.catalogue); beyond != "" {
					s.replyError(c, "not allowed by the token: "+beyond)
					return
				}
			}
			c.subscribe(types, all)
			s.replySet(c, "Subscribed")
		default:
			c.unsubscribe(types)
			s.replySet(c, "Unsubscribed")
		}
	case "Refresh":
		s.refresh(c, m.Token)
	case "":
		s.replyError(c, `"type" is missing; known are Subscribe, Unsubscribe, Refresh and Ping`)
	default:
		s.replyError(c, "unknown type; known are Subscribe, Unsubscribe, Refresh and Ping")
	}
}

func (s *wsSession) reply(c *Connection, payload []byte) {
	c.out = event.AppendTextFrame(c.out, payload)
	c.outMessages++
}

// replySet sends the set of types now in force.
func (s *wsSession) replySet(c *Connection, kind string) {
	names := []string{"all"}
	if !c.hasAll() {
		if names = c.hub.catalogue.Names(c.sub.Types); names == nil {
			names = []string{}
		}
	}
	s.replyJSON(c, struct {
		Type   string   `json:"type"`
		Events []string `json:"events"`
	}{kind, names})
}

func (s *wsSession) replyError(c *Connection, text string) {
	s.replyJSON(c, struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}{"Error", text})
}

func (s *wsSession) replyJSON(c *Connection, v any) {
	payload, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings only: cannot happen, and supervision tells if it does
	}
	s.reply(c, payload)
}

func (s *wsSession) lagged(c *Connection, lost event.Dropped) {
	var buf [128]byte
	s.reply(c, lost.AppendMessage(buf[:0]))
}

func (s *wsSession) tick(c *Connection, now time.Time) (next time.Time, err error) {
	interval := c.hub.settings().PingInterval
	if now.Before(s.ping) {
		return s.ping, nil
	}
	if now.Sub(s.heard) > 2*interval {
		return now, &closeError{CloseStalled, "no answer to pings"}
	}
	if len(c.out) < maxOutput { // behind a tail as well: a slow client is to answer too
		c.out = event.AppendPing(c.out, nil)
	}
	s.ping = now.Add(interval)
	return s.ping, nil
}

func (s *wsSession) goAway(c *Connection, code uint16, reason string) (answered bool) {
	if !s.closeSent {
		s.closeSent = true
		c.out = event.AppendCloseFrame(c.out, code, reason)
	}
	return !s.closeHeard
}

func (s *wsSession) sent(t *traffic, messages, bytes int) {
	t.wsMessages += messages
	t.wsBytes += bytes
}

// asClose returns the close frame that err calls for.
func asClose(err error) (*closeError, bool) {
	var c *closeError
	ok := errors.As(err, &c)
	return c, ok
}
