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
	if len(b) < 2 {
		return frame{}, 0, nil
	}
	f.opcode = b[0] & 0x0F
	f.fin = b[0]&0x80 != 0
	switch {
	case b[0]&0x70 != 0:
		return frame{}, 0, errReservedBits
	case b[1]&0x80 != 0:
		return frame{}, 0, errMaskedFrame
	}
	length, head := uint64(b[1]), 2
	switch length {
	case 126:
		if len(b) < 4 {
			return frame{}, 0, nil
		}
		length, head = uint64(binary.BigEndian.Uint16(b[2:])), 4
		if length < 126 {
			return frame{}, 0, errLengthNotShort
		}
	case 127:
		if len(b) < 10 {
			return frame{}, 0, nil
		}
		length, head = binary.BigEndian.Uint64(b[2:]), 10
		if length < 1<<16 {
			return frame{}, 0, errLengthNotShort
		}
	}
	switch f.opcode {
	case opContinuation, opText, opBinary:
		if length > maxMessage {
			return frame{}, 0, fmt.Errorf("message of %d bytes: the generator takes up to %d", length, maxMessage)
		}
	case opClose, opPing, opPong:
		if !f.fin || length > 125 {
			return frame{}, 0, errLongControl
		}
	default:
		return frame{}, 0, fmt.Errorf("frame with the reserved opcode %#x", f.opcode)
	}
	if uint64(len(b)-head) < length {
		return frame{}, 0, nil
	}
	n = head + int(length)
	f.payload = b[head:n:n]
	return f, n, nil
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

// appendControlFrame appends a masked control frame, as clients have to send it
// (RFC 6455 §5.3). The payload is at most 125 bytes.
func appendControlFrame(dst []byte, opcode byte, mask uint32, payload []byte) []byte {
	dst = append(dst, 0x80|opcode, 0x80|byte(len(payload)))
	dst = binary.BigEndian.AppendUint32(dst, mask)
	key := dst[len(dst)-4:]
	for i, b := range payload {
		dst = append(dst, b^key[i&3])
	}
	return dst
}
