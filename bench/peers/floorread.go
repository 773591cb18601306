package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/adic-network/router/event"
)

// maxUnread bounds what a client can leave unfinished, in bytes.
const maxUnread = 16 << 10

// WebSocket opcodes that clients send control frames with, RFC 6455 §5.2.
const (
	opClose = 0x8
	opPing  = 0x9
)

// readable reads all that is there, answers to it, and closes the socket of a
// client that has gone.
func (f *floor) readable(fd int) {
	for f.sockets[fd].open {
		n, err := unix.Read(fd, f.input)
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return
		default:
			f.drop(fd)
			return
		}
		if n == 0 {
			f.drop(fd)
			return
		}
		input := f.input[:n]
		before, unfinished := f.unread[fd]
		if unfinished {
			input = append(before, input...)
			delete(f.unread, fd)
		}
		rest, ok := f.read(fd, input)
		switch {
		case !ok:
			f.drop(fd)
		case len(rest) > 0 && unfinished: // it is a part of before
			f.unread[fd] = rest
		case len(rest) > 0:
			f.unread[fd] = bytes.Clone(rest)
		}
	}
}

// read handles what a client sent and returns what is unfinished. ok is false
// when the connection is over.
func (f *floor) read(fd int, input []byte) (rest []byte, ok bool) {
	for f.sockets[fd].stream == nil {
		head, after, found := bytes.Cut(input, []byte("\r\n\r\n"))
		if !found {
			return input, len(input) <= maxUnread
		}
		line, fields, _ := bytes.Cut(head, []byte("\r\n"))
		words := bytes.Fields(line)
		switch {
		case len(words) != 3:
			return nil, false
		case string(words[0]) == "GET":
			if !f.handshake(fd, string(words[1]), fields) {
				return nil, false
			}
			input = after
		case string(words[0]) == "POST":
			length, err := strconv.Atoi(string(headerValue(fields, "Content-Length")))
			if err != nil || length < 0 || length > maxBody {
				return nil, false
			}
			if len(after) < length {
				return input, true
			}
			if !f.take(fd, after[:length]) {
				return nil, false
			}
			input = after[length:]
		default:
			return nil, false
		}
	}
	if f.sockets[fd].sse {
		return nil, true
	}
	return f.readFrames(fd, input)
}

// take publishes the events of a request and answers it, as newDoor does.
func (f *floor) take(fd int, body []byte) bool {
	batch, err := readBatch(bytes.NewReader(body), f.channelOf)
	if err == nil {
		err = f.publish(batch)
	}
	status, answer := "202 Accepted", fmt.Appendf(nil, `{"accepted":%d}`, len(batch))
	if err != nil {
		status = "400 Bad Request"
		if answer, err = encode(map[string]string{"error": err.Error()}); err != nil {
			return false
		}
	}
	response := fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(answer), answer)
	n, err := write(fd, response)
	return err == nil && n == len(response)
}

// handshake answers a request and puts the socket into its stream, so that it
// gets all that is published from then on.
func (f *floor) handshake(fd int, uri string, fields []byte) bool {
	target, err := url.ParseRequestURI(uri)
	if err != nil {
		return false
	}
	var answer []byte
	key := floorKey{channel: target.Query().Get("channel"), sse: target.Path == "/sse"}
	switch target.Path {
	case "/ws":
		// RFC 6455 §4.2.2: the hash of the client's key and a fixed string.
		sum := sha1.Sum(append(headerValue(fields, "Sec-WebSocket-Key"), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
		answer = append(answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
		answer = append(base64.StdEncoding.AppendEncode(answer, sum[:]), "\r\n\r\n"...)
	case "/sse":
		answer = append(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"...)
	default:
		return false
	}
	if n, err := write(fd, answer); err != nil || n < len(answer) {
		return false
	}
	s := f.streams[key]
	if s == nil {
		s = new(floorStream)
		f.streams[key] = s
	}
	socket := &f.sockets[fd]
	socket.stream, socket.sse, socket.index = s, key.sse, int32(len(s.sockets))
	s.sockets = append(s.sockets, int32(fd))
	return true
}

// headerValue returns a copy of the first field of that name.
func headerValue(fields []byte, name string) []byte {
	for line := range bytes.SplitSeq(fields, []byte("\r\n")) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(key, []byte(name)) {
			return bytes.Clone(bytes.TrimSpace(value))
		}
	}
	return nil
}

// readFrames answers pings and a close and passes over everything else.
func (f *floor) readFrames(fd int, input []byte) (rest []byte, ok bool) {
	for {
		opcode, payload, n, ok := clientFrame(input)
		switch {
		case !ok:
			return nil, false
		case n == 0:
			return input, true
		case opcode == opPing:
			f.control(fd, event.AppendPong(nil, payload))
		case opcode == opClose:
			// RFC 6455 §5.5.1: the status comes back. A socket that is full in the
			// middle of a frame cannot take it.
			code := uint16(1000)
			if len(payload) >= 2 {
				code = binary.BigEndian.Uint16(payload)
			}
			if !f.sockets[fd].blocked {
				_, _ = write(fd, event.AppendCloseFrame(nil, code, ""))
			}
			return nil, false
		}
		if !f.sockets[fd].open {
			return nil, true // a pong could not be written
		}
		input = input[n:]
	}
}

// clientFrame reads the frame that b begins with and unmasks it in place (RFC
// 6455 §5.2). n is its length, 0 when b does not hold all of it. ok is false for
// frames that a client of this server has no reason to send.
func clientFrame(b []byte) (opcode byte, payload []byte, n int, ok bool) {
	if len(b) < 2 {
		return 0, nil, 0, true
	}
	head, length := 2, int(b[1]&0x7F)
	if length == 126 {
		if len(b) < 4 {
			return 0, nil, 0, true
		}
		head, length = 4, int(binary.BigEndian.Uint16(b[2:]))
	}
	n = head + 4 + length
	switch {
	case b[1]&0x80 == 0, length == 127 && head == 2, n > maxUnread, b[0]&0x08 != 0 && length > event.MaxControlPayload:
		return 0, nil, 0, false
	case len(b) < n:
		return 0, nil, 0, true
	}
	mask := b[head : head+4]
	payload = b[head+4 : n]
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	return b[0] & 0x0F, payload, n, true
}
