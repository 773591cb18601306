package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const pingMessage = `{"type":"Ping"}` // answered with the message Pong

// A conduct is what a client sends after Subscribed, and the frames it gets for
// it. Where the last of them is no close frame, the connection has to be in order
// still: the client closes it with 1000, and nothing else has to come before the
// answer to that.
type conduct struct {
	name string
	send string
	want []string
}

// Conduct that default limits are enough for, max_message_size being 4096.
func conducts() []conduct {
	const limit = 4096
	padded := func(n int) string { return pingMessage + strings.Repeat(" ", n-len(pingMessage)) }
	all := []conduct{
		{"a message", masked(fin|text, pingMessage), []string{"Pong"}},
		{"a message that is no JSON", masked(fin|text, "hello"), []string{"Error"}},
		{"an empty message", masked(fin|text, ""), []string{"Error"}},
		{"several frames", masked(fin|text, pingMessage) + masked(fin|ping, "1") + masked(fin|text, pingMessage), []string{"Pong", "pong 1", "Pong"}},
		{"a hundred frames", strings.Repeat(masked(fin|text, pingMessage), 100), slices.Repeat([]string{"Pong"}, 100)},

		// §5.4
		{"fragments", masked(text, `{"type":`) + masked(continuation, `"Pi`) + masked(fin|continuation, `ng"}`), []string{"Pong"}},
		{"empty fragments", masked(text, "") + masked(continuation, "") + masked(continuation, pingMessage) + masked(fin|continuation, ""), []string{"Pong"}},
		{"fragments with control frames between them",
			masked(text, `{"type":`) + masked(fin|ping, "a") + masked(continuation, `"Ping`) + masked(fin|pong, "b") + masked(fin|ping, "c") + masked(fin|continuation, `"}`),
			[]string{"pong a", "pong c", "Pong"}},
		{"a close between fragments", masked(text, `{"type":`) + masked(fin|closing, closeBody(1000, "")), []string{"close 1000"}},
		{"a continuation of nothing", masked(continuation, "x"), []string{"close 1002"}},
		{"the last fragment of nothing", masked(fin|continuation, "x"), []string{"close 1002"}},
		{"a continuation of a message that was complete", masked(fin|text, pingMessage) + masked(fin|continuation, "x"), []string{"Pong", "close 1002"}},
		{"a message inside of another", masked(text, "x") + masked(fin|text, pingMessage), []string{"close 1002"}},

		// §5.3
		{"a mask of zeros", string(header(fin|text, len(pingMessage))) + "\x00\x00\x00\x00" + pingMessage, []string{"Pong"}},
		{"a message without a mask", "\x81\x0f" + pingMessage, []string{"close 1002"}},
		{"a ping without a mask", "\x89\x00", []string{"close 1002"}},
		{"a close without a mask", "\x88\x00", []string{"close 1002"}},

		// §5.2: lengths
		{"two bytes of length", masked(fin|text, padded(126)), []string{"Pong"}},
		{"two bytes for a length that one could hold", string(longHeader16(fin|text, 125)), []string{"close 1002"}},
		{"two bytes for a length of 0", string(longHeader16(fin|text, 0)), []string{"close 1002"}},
		{"eight bytes for a length that two could hold", string(longHeader64(fin|text, 1<<16-1)), []string{"close 1002"}},
		{"eight bytes for a length of 0", string(longHeader64(fin|text, 0)), []string{"close 1002"}},
		{"a length with its top bit set", string(longHeader64(fin|text, 1<<63)), []string{"close 1002"}},
		{"all bits of the length set", string(longHeader64(fin|text, 1<<64-1)), []string{"close 1002"}},

		// max_message_size, judged by the header alone
		{"the largest message", masked(fin|text, padded(limit)), []string{"Pong"}},
		{"the largest message in fragments", masked(text, padded(limit-1)) + masked(continuation, " ") + masked(fin|continuation, ""), []string{"Pong"}},
		{"a byte more", string(header(fin|text, limit+1)), []string{"close 1009"}},
		{"as much as two bytes can hold", string(header(fin|text, 1<<16-1)), []string{"close 1009"}},
		{"as little as needs eight bytes", string(header(fin|text, 1<<16)), []string{"close 1009"}},
		{"as much as eight bytes can hold", string(longHeader64(fin|text, 1<<63-1)), []string{"close 1009"}},
		{"a first fragment that is a byte more", string(header(text, limit+1)), []string{"close 1009"}},
		{"fragments that are a byte more together", masked(text, padded(limit)) + string(header(fin|continuation, 1)), []string{"close 1009"}},
		{"a binary message that is a byte more", string(header(fin|binaryData, limit+1)), []string{"close 1009"}},

		// §5.5
		{"a ping", masked(fin|ping, ""), []string{"pong"}},
		{"the largest ping", masked(fin|ping, strings.Repeat("p", 125)), []string{"pong " + strings.Repeat("p", 125)}},
		{"a ping of any bytes", masked(fin|ping, "\x00\xff\xfe"), []string{"pong \x00\xff\xfe"}},
		{"an unasked pong", masked(fin|pong, "x"), nil},
		{"a ping of 126 bytes", string(header(fin|ping, 126)), []string{"close 1002"}},
		{"a pong of 65536 bytes", string(header(fin|pong, 1<<16)), []string{"close 1002"}},
		{"a close of 126 bytes", string(header(fin|closing, 126)), []string{"close 1002"}},
		{"a fragmented ping", masked(ping, "x"), []string{"close 1002"}},
		{"a fragmented pong", masked(pong, "x"), []string{"close 1002"}},
		{"a fragmented close", masked(closing, closeBody(1000, "")), []string{"close 1002"}},

		// §5.6, §8.1
		{"a binary message", masked(fin|binaryData, pingMessage), []string{"close 1003"}},
		{"an empty binary message", masked(fin|binaryData, ""), []string{"close 1003"}},
		{"a binary message in fragments", masked(binaryData, "x") + masked(fin|continuation, "y"), []string{"close 1003"}},
		{"text of many bytes a letter", masked(fin|text, `{"type":"κόσμε 𝄞"}`), []string{"Error"}},
		{"a letter split over fragments", masked(text, "\xce") + masked(continuation, "\xba\xf0\x9d") + masked(fin|continuation, "\x84\x9e"), []string{"Error"}},
		{"a byte that is no UTF-8", masked(fin|text, "a\xff"), []string{"close 1007"}},
		{"half a letter", masked(fin|text, "\xce"), []string{"close 1007"}},
		{"half a letter before the next fragment", masked(text, "\xce") + masked(fin|continuation, "a"), []string{"close 1007"}},
		{"half a letter after the last fragment", masked(text, "a") + masked(fin|continuation, "\xf0\x9d\x84"), []string{"close 1007"}},
		{"an overlong letter", masked(fin|text, "\xc0\xaf"), []string{"close 1007"}},
		{"half a surrogate pair", masked(fin|text, "\xed\xa0\x80"), []string{"close 1007"}},
		{"a letter beyond the last", masked(fin|text, "\xf4\x90\x80\x80"), []string{"close 1007"}},
		{"a ping between the halves of a letter", masked(text, "\xce") + masked(fin|ping, "\xff") + masked(fin|continuation, "\xba"), []string{"pong \xff", "Error"}},

		// §5.5.1, §7.4
		{"a close without a code", masked(fin|closing, ""), []string{"close"}},
		{"a close with half a code", masked(fin|closing, "\x03"), []string{"close 1002"}},
		{"a close with a reason", masked(fin|closing, closeBody(1000, "κόσμε")), []string{"close 1000"}},
		{"a close with the longest reason", masked(fin|closing, closeBody(1000, strings.Repeat("r", 123))), []string{"close 1000"}},
		{"a close whose reason is no UTF-8", masked(fin|closing, closeBody(1000, "\xff")), []string{"close 1007"}},
		{"a close with half a letter", masked(fin|closing, closeBody(1000, "a\xce")), []string{"close 1007"}},
		{"a close behind a message", masked(fin|text, pingMessage) + masked(fin|closing, closeBody(1001, "")), []string{"Pong", "close 1001"}},
		{"nonsense", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", []string{"close 1002"}},
	}
	for _, bits := range []byte{rsv1, rsv2, rsv3, rsv1 | rsv2 | rsv3} {
		for _, opcode := range []byte{text, binaryData, closing, ping, pong} {
			all = append(all, conduct{fmt.Sprintf("reserved bits %#x of opcode %#x", bits, opcode), masked(fin|bits|opcode, ""), []string{"close 1002"}})
		}
		all = append(all, conduct{fmt.Sprintf("reserved bits %#x of a continuation", bits), masked(text, "a") + masked(fin|bits, ""), []string{"close 1002"}})
	}
	for _, opcode := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		all = append(all, conduct{fmt.Sprintf("reserved opcode %#x", opcode), masked(fin|opcode, ""), []string{"close 1002"}})
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4408, 4999} {
		all = append(all, conduct{fmt.Sprintf("close code %d", code), masked(fin|closing, closeBody(code, "bye")), []string{fmt.Sprintf("close %d", code)}})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		all = append(all, conduct{fmt.Sprintf("close code %d is not for the wire", code), masked(fin|closing, closeBody(code, "bye")), []string{"close 1002"}})
	}
	return all
}

type delivery struct {
	name string
	open func(t *testing.T, f *front, c *rawClient, send string)
}

// deliveries are the ways in which a client's bytes can come.
var deliveries = []delivery{
	{"at once", func(t *testing.T, f *front, c *rawClient, send string) {
		c.send(handshake(f.addr, websocketPath))
		c.expectUpgrade()
		c.send(send)
	}},
	{"with the handshake", func(t *testing.T, f *front, c *rawClient, send string) {
		c.send(handshake(f.addr, websocketPath) + send)
		c.expectUpgrade()
	}},
	{"byte by byte", func(t *testing.T, f *front, c *rawClient, send string) {
		for _, b := range []byte(handshake(f.addr, websocketPath)) {
			c.send(string([]byte{b}))
		}
		c.expectUpgrade()
		for _, b := range []byte(send) {
			c.send(string([]byte{b}))
		}
	}},
}

// run shows that the conduct is answered as it should be, however its bytes come.
func (k conduct) run(t *testing.T, f *front) { k.runAs(t, f, deliveries) }

func (k conduct) runAs(t *testing.T, f *front, ways []delivery) {
	for _, way := range ways {
		t.Run(k.name+"/"+way.name, func(t *testing.T) {
			c := f.dial(t)
			way.open(t, f, c, k.send)
			c.expect(k.want...)
			if n := len(k.want); n > 0 && strings.HasPrefix(k.want[n-1], "close") {
				c.expectEnd()
			} else {
				c.leave()
			}
		})
	}
}

// What is behind a close frame comes with it here: on its own it could meet a
// socket that the server has closed, and what resets it would overtake the answer.
func TestConductBehindAClose(t *testing.T) {
	f := startFront(t, overTCP)
	for _, k := range []conduct{
		{"a message behind a close", masked(fin|closing, closeBody(1000, "")) + masked(fin|text, pingMessage), []string{"close 1000"}},
		{"nonsense behind a close", masked(fin|closing, closeBody(1000, "")) + "\xff\xff\xff\xff", []string{"close 1000"}},
		{"two closes", masked(fin|closing, closeBody(1000, "")) + masked(fin|closing, closeBody(1001, "")), []string{"close 1000"}},
	} {
		k.runAs(t, f, deliveries[:2])
	}
}

func TestConduct(t *testing.T) {
	for _, over := range []carrier{overTCP, overTLS} {
		t.Run(over.name, func(t *testing.T) {
			f := startFront(t, over)
			for _, k := range conducts() {
				k.run(t, f)
			}
			eventually(t, "all slots are free", func() bool { return f.websockets.taken.Load() == 0 })
		})
	}
}
