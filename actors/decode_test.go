package actors

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/adic-network/router/event"
)

// wireMessage is what a client understood of what it received. Kind is the "type"
// of a JSON message; ping, pong and close of control frames; head, retry and
// comment of SSE.
type wireMessage struct {
	kind    string
	events  []string     // Subscribed, Unsubscribed
	cursor  event.Cursor // Event, where it came with one
	name    string       // Event: its type
	n       int          // Event: its number
	dropped event.Dropped
	text    string // Error, control frames, comments
	code    uint16 // close
	end     int    // how many bytes of the stream there were up to its end
}

// String is the message in short, for comparing: "Alarm 7", "Lagged 0 3 null".
func (m wireMessage) String() string {
	switch m.kind {
	case "Event":
		return fmt.Sprintf("%s %d", m.name, m.n)
	case "Lagged":
		s := m.kind
		for p, n := range m.dropped.Counts {
			if m.dropped.Unknown[p] {
				s += " null"
			} else {
				s += fmt.Sprintf(" %d", n)
			}
		}
		return s
	case "Subscribed", "Unsubscribed":
		return strings.TrimSpace(m.kind + " " + strings.Join(m.events, " "))
	case "close":
		if m.code == 0 {
			return "close"
		}
		return fmt.Sprintf("close %d", m.code)
	case "Error", "Refreshed", "ping", "pong", "comment", "retry":
		return strings.TrimSpace(m.kind + " " + m.text)
	}
	return m.kind
}

// decoder reads what the router sends, as strictly as a client may.
type decoder interface {
	// next takes the first message off b, the part of the stream that was not
	// decoded yet; size 0 says that it is not complete.
	next(b []byte) (m wireMessage, size int, err error)
}

// wsDecoder reads the frames of a server (RFC 6455 §5).
type wsDecoder struct {
	deflate bool
	closed  bool
}

func (d *wsDecoder) next(b []byte) (m wireMessage, size int, err error) {
	if len(b) < 2 {
		return m, 0, nil
	}
	if d.closed {
		return m, 0, errors.New("something follows a close frame")
	}
	length, head := int(b[1]&0x7f), 2
	switch length {
	case 126:
		if len(b) < 4 {
			return m, 0, nil
		}
		if length, head = int(binary.BigEndian.Uint16(b[2:])), 4; length < 126 {
			return m, 0, fmt.Errorf("a length of %d in two bytes", length)
		}
	case 127:
		if len(b) < 10 {
			return m, 0, nil
		}
		if length, head = int(binary.BigEndian.Uint64(b[2:])), 10; length < 1<<16 {
			return m, 0, fmt.Errorf("a length of %d in eight bytes", length)
		}
	}
	opcode, compressed := b[0]&0xf, b[0]&0x40 != 0
	switch {
	case b[0]&0x80 == 0:
		return m, 0, errors.New("the router never fragments a message")
	case b[0]&0x30 != 0, compressed && (!d.deflate || opcode != opText):
		return m, 0, fmt.Errorf("reserved bits are set in %x", b[0])
	case b[1]&0x80 != 0:
		return m, 0, errors.New("a server's frame is masked")
	case opcode >= 0x8 && length > 125:
		return m, 0, fmt.Errorf("a control frame of %d bytes", length)
	}
	if len(b) < head+length {
		return m, 0, nil
	}
	payload := b[head : head+length]
	if compressed {
		r := flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
		if payload, err = io.ReadAll(r); err != nil {
			return m, 0, fmt.Errorf("cannot decompress a message: %w", err)
		}
	}
	switch opcode {
	case opText:
		m, err = decodeText(payload)
	case opPing:
		m = wireMessage{kind: "ping", text: string(payload)}
	case opPong:
		m = wireMessage{kind: "pong", text: string(payload)}
	case opClose:
		d.closed = true
		m.kind = "close"
		if length == 1 {
			return m, 0, errors.New("a close frame of one byte")
		}
		if length > 0 {
			m.code, m.text = binary.BigEndian.Uint16(payload), string(payload[2:])
		}
	default:
		err = fmt.Errorf("the router sends no opcode %x", opcode)
	}
	return m, head + length, err
}

// decodeText reads a message of the protocol.
func decodeText(text []byte) (wireMessage, error) {
	if !utf8.Valid(text) {
		return wireMessage{}, fmt.Errorf("not UTF-8: %q", text)
	}
	var w struct {
		Type    string              `json:"type"`
		Events  []string            `json:"events"`
		Message string              `json:"message"`
		ID      string              `json:"id"`
		Event   json.RawMessage     `json:"event"`
		Dropped *map[string]*uint64 `json:"dropped"`
		Expires string              `json:"expires"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return wireMessage{}, fmt.Errorf("%w in %s", err, text)
	}
	m := wireMessage{kind: w.Type, events: w.Events, text: w.Message}
	switch w.Type {
	case "Event":
		if w.ID != "" {
			var err error
			if m.cursor, err = event.ParseCursor(w.ID); err != nil {
				return m, err
			}
		}
		return m, m.decodeEvent(w.Event)
	case "Lagged":
		if w.Dropped == nil || len(*w.Dropped) != event.NumPriorities {
			return m, fmt.Errorf("expected three counts in %s", text)
		}
		for _, p := range event.Priorities() {
			if n := (*w.Dropped)[p.String()]; n != nil {
				m.dropped.Counts[p] = *n
			} else {
				m.dropped.Unknown[p] = true
			}
		}
		return m, nil
	case "Subscribed", "Unsubscribed", "Pong", "Error":
		return m, nil
	case "Refreshed":
		m.text = w.Expires
		return m, nil
	}
	return m, fmt.Errorf("the protocol knows no message %s", text)
}

// decodeEvent reads an event of the test catalogue in either form.
func (m *wireMessage) decodeEvent(text []byte) error {
	var e struct {
		Type string `json:"type"`
		N    int    `json:"n"`
		Data *struct {
			N int `json:"n"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("%w in %s", err, text)
	}
	m.name, m.n = e.Type, e.N
	if e.Data != nil {
		m.n = e.Data.N
	}
	return nil
}

// sseDecoder reads an event stream (WHATWG HTML, Server-sent events), block by
// block.
type sseDecoder struct{ head bool }

func (d *sseDecoder) next(b []byte) (m wireMessage, size int, err error) {
	if !d.head {
		i := bytes.Index(b, []byte("\r\n\r\n"))
		if i < 0 {
			return m, 0, nil
		}
		d.head = true
		return wireMessage{kind: "head", text: string(b[:i])}, i + 4, nil
	}
	i := bytes.Index(b, []byte("\n\n"))
	if i < 0 {
		return m, 0, nil
	}
	var name, data string
	for line := range strings.SplitSeq(string(b[:i]), "\n") {
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case strings.HasPrefix(line, ": "):
			m.kind, m.text = "comment", line[2:]
		case field == "retry":
			m.kind, m.text = "retry", value
		case field == "id":
			if m.cursor, err = event.ParseCursor(value); err != nil {
				return m, 0, err
			}
		case field == "event":
			name = value
		case field == "data":
			data = value
		default:
			return m, 0, fmt.Errorf("unknown line %q", line)
		}
	}
	if name == "" {
		return m, i + 2, nil
	}
	if name == "Lagged" {
		if m.cursor != (event.Cursor{}) {
			return m, 0, errors.New("Lagged has an id")
		}
		m, err = decodeText([]byte(data))
		return m, i + 2, err
	}
	m.kind = "Event"
	err = m.decodeEvent([]byte(data))
	if err == nil && m.cursor == (event.Cursor{}) {
		err = errors.New("an event without an id: " + strconv.Quote(data))
	}
	if id, ok := catalogue().Lookup(name); err == nil && (!ok || catalogue().Type(id).Name != m.name) {
		err = fmt.Errorf("SSE event %s carries %s", name, m.name)
	}
	return m, i + 2, err
}
