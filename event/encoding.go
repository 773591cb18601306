package event

import (
	"bytes"
	"compress/flate"
	"sync"
)

// Encoding is what goes on the wire for an event: a transport, a form, and
// whether the event's cursor goes with it.
type Encoding uint8

// The encodings. Those named WS are complete WebSocket text messages, each one
// unmasked frame, header included (RFC 6455 §5.2). Their payload is
//
//	{"type":"Event","event":{...}}
//
// and with ID
//
//	{"type":"Event","id":"CURSOR","event":{...}}
//
// Those named Deflate are compressed with permessage-deflate (RFC 7692)
// without context takeover, so that one frame serves every client; where
// compression gains nothing they are the uncompressed frame, which §6 allows
// message by message. Those named SSE are complete Server-Sent Events, named
// by the type's name in the flat form and by its alias in the tagged form.
const (
	WSFlat Encoding = iota
	WSTagged
	WSFlatID
	WSTaggedID
	SSEFlat
	SSETagged
	WSFlatDeflate
	WSTaggedDeflate
	WSFlatIDDeflate
	WSTaggedIDDeflate

	// NumEncodings is the number of encodings.
	NumEncodings = iota
)

var encodings = [NumEncodings]struct {
	format Format
	sse    bool
	cursor bool
	plain  Encoding // the same without compression
}{
	WSFlat:            {Flat, false, false, WSFlat},
	WSTagged:          {Tagged, false, false, WSTagged},
	WSFlatID:          {Flat, false, true, WSFlatID},
	WSTaggedID:        {Tagged, false, true, WSTaggedID},
	SSEFlat:           {Flat, true, true, SSEFlat},
	SSETagged:         {Tagged, true, true, SSETagged},
	WSFlatDeflate:     {Flat, false, false, WSFlat},
	WSTaggedDeflate:   {Tagged, false, false, WSTagged},
	WSFlatIDDeflate:   {Flat, false, true, WSFlatID},
	WSTaggedIDDeflate: {Tagged, false, true, WSTaggedID},
}

// HasCursor reports whether frames of enc carry a cursor.
func (enc Encoding) HasCursor() bool { return encodings[enc].cursor }

// Format returns the form of the events in enc.
func (enc Encoding) Format() Format { return encodings[enc].format }

// IsSSE reports whether enc is for Server-Sent Events; the others are for
// WebSockets.
func (enc Encoding) IsSSE() bool { return encodings[enc].sse }

// Frame returns the bytes that carry e in enc, with [Event.Stamp] for their
// cursor. They are made at the first call, without a lock, and are the same
// for every later one: they are shared by all connections and must not be
// modified. Encodings with a cursor need [Event.Place] first.
func (e *Event) Frame(enc Encoding) []byte {
	if frame := e.frames[enc].Load(); frame != nil {
		return *frame
	}
	frame := e.makeFrame(enc)
	if !e.frames[enc].CompareAndSwap(nil, &frame) {
		return *e.frames[enc].Load() // somebody else was faster
	}
	return frame
}

// AppendFrame appends to dst the bytes that carry e in enc with the cursor at:
// a client that is behind in another class than the event's must not be given
// the event's own stamp, which counts what it has not received. Where at makes
// no difference the shared frame is appended; otherwise it is copied around
// the cursor, and a Deflate encoding gives the uncompressed frame.
func (e *Event) AppendFrame(dst []byte, enc Encoding, at Cursor) []byte {
	if !enc.HasCursor() || at == e.Stamp {
		return append(dst, e.Frame(enc)...)
	}
	frame := e.Frame(encodings[enc].plain)
	was := e.Stamp.textLen()
	if encodings[enc].sse {
		dst = append(dst, sseHead...)
		dst = at.AppendText(dst)
		return append(dst, frame[len(sseHead)+was:]...)
	}
	payload := len(payloadHead) + len(payloadID) + len(payloadNeckID) + len(payloadTail) + e.jsonLen(encodings[enc].format)
	dst = appendFrameHeader(dst, fin|opText, payload+at.textLen())
	dst = append(dst, payloadHead+payloadID...)
	dst = at.AppendText(dst)
	return append(dst, frame[frameHeaderLen(payload+was)+len(payloadHead)+len(payloadID)+was:]...)
}

const (
	payloadHead   = `{"type":"Event",`
	payloadID     = `"id":"`
	payloadNeckID = `","event":`
	payloadNeck   = `"event":`
	payloadTail   = `}`

	sseHead = "id: "
	sseName = "\nevent: "
	sseData = "\ndata: "
	sseTail = "\n\n"
)

func (e *Event) makeFrame(enc Encoding) []byte {
	how := encodings[enc]
	switch {
	case how.sse:
		return e.makeSSE(how.format)
	case enc != how.plain:
		plain := e.Frame(how.plain)
		payload := plain[frameHeaderLen(e.payloadLen(how.plain)):]
		if small := deflate(payload); small != nil {
			return small
		}
		return plain
	default:
		return e.makeText(enc)
	}
}

func (e *Event) makeSSE(f Format) []byte {
	name := e.typ.Name
	if f == Tagged {
		name = e.typ.Alias
	}
	n := len(sseHead) + e.Stamp.textLen() + len(sseName) + len(name) + len(sseData) + e.jsonLen(f) + len(sseTail)
	b := make([]byte, 0, n)
	b = append(b, sseHead...)
	b = e.Stamp.AppendText(b)
	b = append(b, sseName...)
	b = append(b, name...)
	b = append(b, sseData...)
	b = e.appendJSON(b, f)
	return append(b, sseTail...)
}

// payloadLen returns the length of the payload of e's shared frame in an
// uncompressed WebSocket encoding.
func (e *Event) payloadLen(enc Encoding) int {
	n := len(payloadHead) + len(payloadNeck) + e.jsonLen(encodings[enc].format) + len(payloadTail)
	if enc.HasCursor() {
		n += len(payloadID) + e.Stamp.textLen() + len(payloadNeckID) - len(payloadNeck)
	}
	return n
}

func (e *Event) makeText(enc Encoding) []byte {
	n := e.payloadLen(enc)
	b := appendFrameHeader(make([]byte, 0, frameHeaderLen(n)+n), fin|opText, n)
	b = append(b, payloadHead...)
	if enc.HasCursor() {
		b = append(b, payloadID...)
		b = e.Stamp.AppendText(b)
		b = append(b, payloadNeckID...)
	} else {
		b = append(b, payloadNeck...)
	}
	b = e.appendJSON(b, encodings[enc].format)
	return append(b, payloadTail...)
}

// deflater is a compressor with its output. A compressor holds over half a
// megabyte of tables, far more than it costs to reuse one.
type deflater struct {
	out bytes.Buffer
	w   *flate.Writer
}

var deflaters = sync.Pool{New: func() any { return new(deflater) }}

// deflate returns payload as a compressed text frame, or nil if it would not be
// smaller. Messages are so short that better levels than this take four times
// as long and save a byte.
func deflate(payload []byte) []byte {
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.out.Reset()
	if d.w == nil {
		w, err := flate.NewWriter(&d.out, flate.BestSpeed)
		if err != nil {
			panic("event: " + err.Error()) // the level is a constant and right
		}
		d.w = w
	} else {
		d.w.Reset(&d.out)
	}
	if _, err := d.w.Write(payload); err != nil {
		panic("event: " + err.Error()) // a bytes.Buffer takes everything
	}
	if err := d.w.Flush(); err != nil {
		panic("event: " + err.Error())
	}
	// Flush ends in an empty stored block, whose last four bytes are not sent
	// (RFC 7692 §7.2.1).
	small := bytes.TrimSuffix(d.out.Bytes(), []byte{0x00, 0x00, 0xff, 0xff})
	if len(small) >= len(payload) {
		return nil
	}
	b := appendFrameHeader(make([]byte, 0, frameHeaderLen(len(small))+len(small)), fin|rsv1|opText, len(small))
	return append(b, small...)
}
