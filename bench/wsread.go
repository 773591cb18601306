package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket opcodes, RFC 6455 §5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxMessage is the largest message the generator takes, in bytes. It is well
// above the router's default max_event_size and only there so that a broken
// length does not make a connection wait for ever.
const maxMessage = 256<<10 - 64

var (
	errReservedBits   = errors.New("frame with reserved bits set, although no extension was negotiated")
	errMaskedFrame    = errors.New("masked frame from a server")
	errLongControl    = errors.New("control frame that is fragmented or over 125 bytes")
	errLengthNotShort = errors.New("frame length not in its shortest form")
)

// frame is one WebSocket frame. The payload is a part of the buffer that it was
// read from.
type frame struct {
	opcode  byte
	fin     bool
	payload []byte
}

// nextFrame reads the frame that b begins with, as a server sends it (RFC 6455
// §5.2: unmasked, no extension). n is its length in bytes, 0 when b does not
// hold all of it. An error is a violation of the protocol and final. nextFrame
// allocates nothing.
func nextFrame(b []byte) (f frame, n int, err error) {
	h, ok, err := readHeader(b)
	switch {
	case !ok || err != nil:
		return frame{}, 0, err
	case h.opcode < opClose && h.length > maxMessage:
		return frame{}, 0, fmt.Errorf("message of %d bytes: the generator takes up to %d", h.length, maxMessage)
	case uint64(len(b)-h.size) < h.length:
		return frame{}, 0, nil
	}
	n = h.size + int(h.length)
	return frame{opcode: h.opcode, fin: h.fin, payload: b[h.size:n:n]}, n, nil
}

// header is what a frame begins with.
type header struct {
	opcode byte
	fin    bool
	size   int    // of the header, in bytes
	length uint64 // of the payload, in bytes
}

// readHeader reads the header that b begins with. ok is false when b does not
// hold all of it.
func readHeader(b []byte) (h header, ok bool, err error) {
	if len(b) < 2 {
		return header{}, false, nil
	}
	switch {
	case b[0]&0x70 != 0:
		return header{}, false, errReservedBits
	case b[1]&0x80 != 0:
		return header{}, false, errMaskedFrame
	}
	h = header{opcode: b[0] & 0x0F, fin: b[0]&0x80 != 0, size: 2, length: uint64(b[1])}
	switch h.length {
	case 126:
		if len(b) < 4 {
			return header{}, false, nil
		}
		h.length, h.size = uint64(binary.BigEndian.Uint16(b[2:])), 4
		if h.length < 126 {
			return header{}, false, errLengthNotShort
		}
	case 127:
		if len(b) < 10 {
			return header{}, false, nil
		}
		h.length, h.size = binary.BigEndian.Uint64(b[2:]), 10
		if h.length < 1<<16 {
			return header{}, false, errLengthNotShort
		}
	}
	switch h.opcode {
	case opContinuation, opText, opBinary:
	case opClose, opPing, opPong:
		if !h.fin || h.length > 125 {
			return header{}, false, errLongControl
		}
	default:
		return header{}, false, fmt.Errorf("frame with the reserved opcode %#x", h.opcode)
	}
	return h, true, nil
}

// closeStatus returns the two bytes of the status code in a close frame's
// payload, which is what to echo (RFC 6455 §5.5.1), and none if it has none.
func closeStatus(payload []byte) []byte {
	if len(payload) < 2 {
		return nil
	}
	return payload[:2]
}

// closeCode returns the status code of a close frame's payload, and 1005 ("no
// status received", RFC 6455 §7.1.5) where there is none.
func closeCode(payload []byte) int {
	if len(payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(payload))
}

// appendFrame appends a masked frame, as clients have to send it (RFC 6455 §5.3).
// The payload is less than 64 KiB.
func appendFrame(dst []byte, opcode byte, mask uint32, payload []byte) []byte {
	if len(payload) <= 125 {
		dst = append(dst, 0x80|opcode, 0x80|byte(len(payload)))
	} else {
		dst = append(dst, 0x80|opcode, 0x80|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(payload)))
	}
	dst = binary.BigEndian.AppendUint32(dst, mask)
	key := dst[len(dst)-4:]
	for i, b := range payload {
		dst = append(dst, b^key[i&3])
	}
	return dst
}
