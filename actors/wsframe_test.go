package actors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// head is the beginning of a frame of which no more has come.
func head(bytes ...byte) []byte { return bytes }

func length64(first byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, n)
}

func TestParseFrame(t *testing.T) {
	const limit = 1000
	text := func(n int) []byte { return bytes.Repeat([]byte("x"), n) }
	for _, test := range []struct {
		name    string
		data    []byte
		deflate bool
		want    frame  // if payload is nil: not complete
		code    uint16 // of the violation, where there is one
	}{
		{name: "nothing"},
		{name: "one byte", data: head(0x81)},
		{name: "no mask yet", data: head(0x81, 0x85, 1, 2, 3)},
		{name: "payload half there", data: maskedFrame(0x81, text(5))[:8]},
		{name: "16-bit length half there", data: head(0x81, 0xfe, 1)},
		{name: "64-bit length half there", data: head(0x81, 0xff, 0, 0, 0, 0, 0, 1, 0)},
		{name: "text", data: maskedFrame(0x81, []byte("hello")), want: frame{fin: true, opcode: opText, payload: []byte("hello")}},
		{name: "empty text", data: maskedFrame(0x81, nil), want: frame{fin: true, opcode: opText, payload: []byte{}}},
		{name: "first of several", data: maskedFrame(0x01, []byte("he")), want: frame{opcode: opText, payload: []byte("he")}},
		{name: "continuation", data: maskedFrame(0x80, []byte("llo")), want: frame{fin: true, payload: []byte("llo")}},
		{name: "binary", data: maskedFrame(0x82, []byte{0}), want: frame{fin: true, opcode: opBinary, payload: []byte{0}}},
		{name: "125 bytes", data: maskedFrame(0x81, text(125)), want: frame{fin: true, opcode: opText, payload: text(125)}},
		{name: "126 bytes", data: maskedFrame(0x81, text(126)), want: frame{fin: true, opcode: opText, payload: text(126)}},
		{name: "at the limit", data: maskedFrame(0x81, text(limit)), want: frame{fin: true, opcode: opText, payload: text(limit)}},
		{name: "ping of 125 bytes", data: maskedFrame(0x89, text(125)), want: frame{fin: true, opcode: opPing, payload: text(125)}},
		{name: "pong", data: maskedFrame(0x8a, nil), want: frame{fin: true, opcode: opPong, payload: []byte{}}},
		{name: "close", data: maskedFrame(0x88, closePayload(1000, "")), want: frame{fin: true, opcode: opClose, payload: []byte{3, 0xe8}}},
		{name: "compressed", deflate: true, data: maskedFrame(0xc1, []byte("z")), want: frame{fin: true, compressed: true, opcode: opText, payload: []byte("z")}},
		{name: "first of several, compressed", deflate: true, data: maskedFrame(0x41, []byte("z")), want: frame{compressed: true, opcode: opText, payload: []byte("z")}},

		{name: "not masked", data: head(0x81, 0x05), code: CloseProtocol},
		{name: "RSV1 without compression", data: head(0xc1, 0x80), code: CloseProtocol},
		{name: "RSV1 on a continuation", deflate: true, data: head(0xc0, 0x80), code: CloseProtocol},
		{name: "RSV1 on a control frame", deflate: true, data: head(0xc9, 0x80), code: CloseProtocol},
		{name: "RSV2", deflate: true, data: head(0xa1, 0x80), code: CloseProtocol},
		{name: "RSV3", deflate: true, data: head(0x91, 0x80), code: CloseProtocol},
		{name: "reserved opcode 3", data: head(0x83, 0x80), code: CloseProtocol},
		{name: "reserved opcode 7", data: head(0x87, 0x80), code: CloseProtocol},
		{name: "reserved opcode b", data: head(0x8b, 0x80), code: CloseProtocol},
		{name: "reserved opcode f", data: head(0x8f, 0x80), code: CloseProtocol},
		{name: "fragmented ping", data: head(0x09, 0x80), code: CloseProtocol},
		{name: "fragmented close", data: head(0x08, 0x80), code: CloseProtocol},
		{name: "ping of 126 bytes", data: head(0x89, 0xfe), code: CloseProtocol},
		{name: "close with a 64-bit length", data: head(0x88, 0xff), code: CloseProtocol},
		{name: "125 bytes in a 16-bit length", data: head(0x81, 0xfe, 0, 125), code: CloseProtocol},
		{name: "65535 bytes in a 64-bit length", data: length64(0x81, 65535), code: CloseProtocol},
		{name: "most significant bit of a length", data: length64(0x81, 1<<63), code: CloseProtocol},
		{name: "one byte over the limit", data: head(0x81, 0xfe, 0x03, 0xe9), code: CloseTooBig},
		{name: "over the limit in a 64-bit length", data: length64(0x81, 65536), code: CloseTooBig},
		{name: "the longest length there is", data: length64(0x82, 1<<63-1), code: CloseTooBig},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := slices.Clone(test.data)
			f, size, err := parseFrame(data, limit, test.deflate)
			if code := closeCode(err); code != test.code {
				t.Fatalf("close code %d, want %d (%v)", code, test.code, err)
			}
			if err != nil {
				return
			}
			if test.want.payload == nil {
				if size != 0 || !bytes.Equal(data, test.data) {
					t.Errorf("an incomplete frame is taken, or changed: %d bytes", size)
				}
				return
			}
			if size != len(data) || f.fin != test.want.fin || f.compressed != test.want.compressed ||
				f.opcode != test.want.opcode || !bytes.Equal(f.payload, test.want.payload) {
				t.Errorf("got %+v of %d bytes, want %+v of %d", f, size, test.want, len(data))
			}
		})
	}
}

// closeCode is the code that err closes with, 0 if it is nil.
func closeCode(err error) uint16 {
	var c *closeError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &c):
		return c.code
	}
	return 0xffff
}

func TestParseFrameLeavesTheNext(t *testing.T) {
	data := append(maskedFrame(0x81, []byte("one")), maskedFrame(0x89, []byte("two"))...)
	f, size, err := parseFrame(data, 100, false)
	if err != nil || string(f.payload) != "one" {
		t.Fatalf("got %q, %v", f.payload, err)
	}
	if f, _, err = parseFrame(data[size:], 100, false); err != nil || string(f.payload) != "two" || f.opcode != opPing {
		t.Fatalf("then got %+v, %v", f, err)
	}
}

func TestParseClose(t *testing.T) {
	for _, test := range []struct {
		name    string
		payload []byte
		code    uint16 // returned
		refused uint16 // code of the error
	}{
		{name: "nothing"},
		{name: "one byte", payload: []byte{3}, refused: CloseProtocol},
		{name: "normal", payload: closePayload(1000, ""), code: 1000},
		{name: "with a reason", payload: closePayload(1001, "so long"), code: 1001},
		{name: "1003", payload: closePayload(1003, ""), code: 1003},
		{name: "1007", payload: closePayload(1007, ""), code: 1007},
		{name: "1014", payload: closePayload(1014, ""), code: 1014},
		{name: "registered", payload: closePayload(3000, ""), code: 3000},
		{name: "private", payload: closePayload(4999, "bye"), code: 4999},
		{name: "0", payload: closePayload(0, ""), refused: CloseProtocol},
		{name: "999", payload: closePayload(999, ""), refused: CloseProtocol},
		{name: "1004 is reserved", payload: closePayload(1004, ""), refused: CloseProtocol},
		{name: "1005 is not for the wire", payload: closePayload(1005, ""), refused: CloseProtocol},
		{name: "1006 is not for the wire", payload: closePayload(1006, ""), refused: CloseProtocol},
		{name: "1015 is not for the wire", payload: closePayload(1015, ""), refused: CloseProtocol},
		{name: "1016 is not defined", payload: closePayload(1016, ""), refused: CloseProtocol},
		{name: "2999 is not defined", payload: closePayload(2999, ""), refused: CloseProtocol},
		{name: "5000", payload: closePayload(5000, ""), refused: CloseProtocol},
		{name: "65535", payload: closePayload(65535, ""), refused: CloseProtocol},
		{name: "reason is not UTF-8", payload: closePayload(1000, "\xff"), refused: CloseInvalidText},
		{name: "reason is cut in a character", payload: closePayload(1000, "€"[:2]), refused: CloseInvalidText},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, err := parseClose(test.payload)
			if code != test.code || closeCode(err) != test.refused {
				t.Errorf("code %d, %v; want %d, refused with %d", code, err, test.code, test.refused)
			}
		})
	}
}

// looseConnection is a Connection that belongs to no actor, for driving a session.
func looseConnection(deflate bool) (*Connection, *wsSession) {
	hub := &Router{catalogue: catalogue(), started: time.Now(),
		metrics: newMetrics(metrics.NewSet(), catalogue())}
	settings := testSettings()
	settings.ClientMessageRate = 0
	hub.set.Store(&settings)
	s := &wsSession{deflate: deflate}
	c := &Connection{hub: hub, stream: newStream(1, [3]int{4, 4, 4}, catalogue()), talk: s}
	c.sub = Subscription{All: true, Types: catalogue().All(), Priorities: 7}
	c.box.setWants(c.sub.wanted(hub.catalogue))
	return c, s
}

// FuzzParseFrame feeds what a client may send, whole and byte by byte: neither
// may panic, and both have to end in the same replies and the same close code.
func FuzzParseFrame(f *testing.F) {
	join := func(frames ...[]byte) []byte { return slices.Concat(frames...) }
	hello := maskedFrame(0x81, []byte(`{"type":"Ping"}`))
	for _, seed := range [][]byte{
		hello,
		join(hello, hello, hello),
		maskedFrame(0x81, []byte(`{"type":"Subscribe","events":["Alarm","stat.*"]}`)),
		maskedFrame(0x81, []byte(`{"type":"Subscribe","events":["Alram"]}`)),
		maskedFrame(0x81, []byte("hello from Artillery!")),
		join(maskedFrame(0x01, []byte(`{"type":`)), maskedFrame(0x89, []byte("in between")), maskedFrame(0x80, []byte(`"Ping"}`))),
		join(maskedFrame(0x01, []byte("a")), maskedFrame(0x81, []byte("b"))),
		maskedFrame(0x80, []byte("of nothing")),
		maskedFrame(0x82, []byte("binary")),
		maskedFrame(0x81, []byte("\xff\xfe")),
		maskedFrame(0x81, []byte(strings.Repeat("long ", 100))),
		maskedFrame(0xc1, []byte{0xaa, 0x56, 0x2a, 0xa9, 0x2c, 0x48, 0x55, 0xb2, 0x52, 0x0a, 0xc8, 0xcc, 0x4b, 0x57, 0xaa, 0x05, 0x00}),
		maskedFrame(0x88, closePayload(1000, "bye")),
		maskedFrame(0x88, closePayload(1005, "")),
		join(maskedFrame(0x88, nil), hello),
		length64(0x81, 1<<40),
		head(0x81, 0x05, 'p', 'l', 'a', 'i', 'n'),
		[]byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, deflate bool) {
		if len(data) > 16<<10 {
			return // the time of the second half grows with the square
		}
		whole, ws := looseConnection(deflate)
		wholeErr := ws.receive(whole, slices.Clone(data))

		split, ss := looseConnection(deflate)
		var splitErr error
		for i := range data {
			if splitErr = ss.receive(split, []byte{data[i]}); splitErr != nil {
				break
			}
		}
		if closeCode(wholeErr) != closeCode(splitErr) || ws.closeHeard != ss.closeHeard {
			t.Errorf("whole: %v; byte by byte: %v", wholeErr, splitErr)
		}
		if !bytes.Equal(whole.out, split.out) || whole.outMessages != split.outMessages {
			t.Errorf("whole:        %q\nbyte by byte: %q", whole.out, split.out)
		}
		if whole.sub != split.sub {
			t.Errorf("whole: %v; byte by byte: %v", whole.sub, split.sub)
		}
	})
}
