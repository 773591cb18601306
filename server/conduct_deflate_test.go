package server

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

func compressing(c *config.Config) { c.Stream.Compression = true }

// RFC 7692 §7.1: what of an offer is accepted, and how. The router keeps no
// context between messages, and the answer says so for both sides.
func TestDeflateNegotiation(t *testing.T) {
	const accepted = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	on, off := startFront(t, overTCP, compressing), startFront(t, overTCP)
	for _, test := range []struct {
		offer []string // header lines
		want  string
	}{
		{nil, ""},
		{[]string{"permessage-deflate"}, accepted},
		{[]string{"permessage-deflate; client_max_window_bits"}, accepted}, // browsers, and npm's ws, artillery's too
		{[]string{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"}, accepted},
		{[]string{"permessage-deflate;client_max_window_bits=15"}, accepted},
		{[]string{"x-webkit-deflate-frame, permessage-deflate"}, accepted},
		{[]string{"x-webkit-deflate-frame", "permessage-deflate"}, accepted},
		{[]string{"permessage-deflate; server_max_window_bits=10"}, ""},
		{[]string{"permessage-deflate; server_max_window_bits=10, permessage-deflate"}, accepted},
		{[]string{`permessage-deflate; client_max_window_bits="9"`}, accepted},
		{[]string{"permessage-deflate; client_max_window_bits=7"}, ""},
		{[]string{"permessage-deflate; client_max_window_bits=16"}, ""},
		{[]string{"permessage-deflate; client_max_window_bits="}, ""},
		{[]string{"permessage-deflate; client_no_context_takeover=1"}, ""},
		{[]string{"permessage-deflate; client_max_window_bits; client_max_window_bits=15"}, ""},
		{[]string{"permessage-deflate; mux"}, ""},
		{[]string{"permessage-deflate; mux, permessage-deflate"}, accepted},
		{[]string{"permessage-bzip2"}, ""},
		{[]string{"permessage-deflate-not"}, ""},
		{[]string{""}, ""},
	} {
		t.Run(strings.Join(test.offer, "|"), func(t *testing.T) {
			var headers []string
			for _, line := range test.offer {
				headers = append(headers, "Sec-WebSocket-Extensions: "+line)
			}
			c, res := on.open(t, headers...)
			if got := res.Header.Values("Sec-WebSocket-Extensions"); strings.Join(got, "|") != test.want {
				t.Errorf("the answer is %q, want %q", got, test.want)
			}
			c.leave()
			c, res = off.open(t, headers...)
			if got := res.Header.Values("Sec-WebSocket-Extensions"); got != nil {
				t.Errorf("the answer is %q where compression is off", got)
			}
			c.leave()
		})
	}
}

// RFC 7692 §6, §7.2: compressed messages from the client.
func TestDeflateConduct(t *testing.T) {
	const limit = 4096
	compressed := deflate(t, pingMessage)
	half := len(compressed) / 2
	f := startFront(t, overTCP, compressing)
	for _, k := range []conduct{
		{"a compressed message", masked(fin|rsv1|text, compressed), []string{"Pong"}},
		{"a message that is not", masked(fin|text, pingMessage), []string{"Pong"}},
		{"both in turn", strings.Repeat(masked(fin|rsv1|text, compressed)+masked(fin|text, pingMessage), 10), slices.Repeat([]string{"Pong"}, 20)},
		{"fragments, the first of which has the mark", masked(rsv1|text, compressed[:half]) + masked(fin|ping, "p") + masked(fin|continuation, compressed[half:]),
			[]string{"pong p", "Pong"}},
		{"fragments that all have the mark", masked(rsv1|text, compressed[:half]) + masked(fin|rsv1|continuation, compressed[half:]), []string{"close 1002"}},
		{"fragments of which only the last has the mark", masked(text, compressed[:half]) + masked(fin|rsv1|continuation, compressed[half:]), []string{"close 1002"}},
		{"a compressed ping", masked(fin|rsv1|ping, compressed), []string{"close 1002"}},
		{"a compressed close", masked(fin|rsv1|closing, ""), []string{"close 1002"}},
		{"a message in a final block", masked(fin|rsv1|text, "\x00"), []string{"Error"}},                                    // §7.2.3.6: an empty message
		{"a block without compression", masked(fin|rsv1|text, "\x00\x0f\x00\xf0\xff"+pingMessage+"\x00"), []string{"Pong"}}, // §7.2.3.3
		{"a compressed message that is no UTF-8", masked(fin|rsv1|text, deflate(t, "\xff")), []string{"close 1007"}},
		{"a compressed binary message", masked(fin|rsv1|binaryData, compressed), []string{"close 1003"}},
		{"what does not decompress", masked(fin|rsv1|text, "\xff\xff\xff\xff"), []string{"close 1007"}},
		{"the largest message", masked(fin|rsv1|text, deflate(t, pingMessage+strings.Repeat(" ", limit-len(pingMessage)))), []string{"Pong"}},
		{"a message that is larger when decompressed", masked(fin|rsv1|text, deflate(t, pingMessage+strings.Repeat(" ", limit+1-len(pingMessage)))), []string{"close 1009"}},
		{"a bomb", masked(fin|rsv1|text, deflate(t, strings.Repeat(" ", 1<<20))), []string{"close 1009"}},
		{"a message that is too large compressed", string(header(fin|rsv1|text, limit+1)), []string{"close 1009"}},
		{"reserved bits of others", masked(fin|rsv1|rsv2|text, compressed), []string{"close 1002"}},
	} {
		t.Run(k.name, func(t *testing.T) {
			c, _ := f.open(t, "Sec-WebSocket-Extensions: permessage-deflate")
			c.send(k.send)
			for i, want := range k.want {
				got := c.receive()
				if got.compressed {
					got = frame{opcode: got.opcode, payload: c.inflate(got.payload)}
				}
				if got.String() != want {
					t.Fatalf("frame %d is %q, want %q of %q", i, got, want, k.want)
				}
			}
			if strings.HasPrefix(k.want[len(k.want)-1], "close") {
				c.expectEnd()
			} else {
				c.leave()
			}
		})
	}
}

// Events go out compressed to those who negotiated it, each by itself, and to the
// others as they are.
func TestDeflatedEvents(t *testing.T) {
	for _, over := range []carrier{overTCP, overTLS} {
		t.Run(over.name, func(t *testing.T) {
			f := startFront(t, over, compressing)
			deflated, _ := f.open(t, "Sec-WebSocket-Extensions: permessage-deflate")
			plain, _ := f.open(t)
			const n = 20
			var body strings.Builder
			for i := range n {
				fmt.Fprintf(&body, `{"type":"MessageAdded","message_id":"m%d","depth":%d,"timestamp":"2024-01-15T10:30:00Z"}`+"\n", i, i)
			}
			f.publish(t, body.String())
			for i := range n {
				want := fmt.Appendf(nil, `{"type":"Event","event":{"type":"MessageAdded","message_id":"m%d","depth":%d,"timestamp":"2024-01-15T10:30:00Z"}}`, i, i)
				if got := plain.receive(); got.compressed || !bytes.Equal(got.payload, want) {
					t.Fatalf("event %d is %v, %s", i, got.compressed, got.payload)
				}
				if got := deflated.receive(); !got.compressed || !bytes.Equal(deflated.inflate(got.payload), want) {
					t.Fatalf("event %d is %v, %q", i, got.compressed, got.payload)
				}
			}
			plain.leave()
			deflated.leave()
		})
	}
}
