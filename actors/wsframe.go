package actors

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// WebSocket opcodes (RFC 6455 §11.8).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// Close codes (RFC 6455 §7.4.1, and ours from 4000 on, §7.4.2). Zero stands for
// a close frame without a code. docs/protocol.md has what stands beside them.
const (
	CloseNormal       = 1000 // the answer to a client that closed
	CloseGoingAway    = 1001 // the router shuts down: come back, and go on by cursor
	CloseProtocol     = 1002 // the client broke RFC 6455
	CloseUnsupported  = 1003 // the client sent binary
	CloseInvalidText  = 1007 // the client sent text that is not UTF-8
	ClosePolicy       = 1008 // too many messages, or closed by the operator
	CloseTooBig       = 1009 // a message over `stream.max_message_size`
	CloseInternal     = 1011 // an error in the router, which is logged
	CloseRestart      = 1012 // the router follows others, and their stream began anew: come back, and be told what is lost
	CloseTokenExpired = 4401 // the token has expired
	CloseStalled      = 4408 // nothing was read for `stream.stall_timeout`
)

// closeError is a reason to close a WebSocket.
type closeError struct {
	code   uint16
	reason string
}

func (e *closeError) Error() string { return fmt.Sprintf("close %d: %s", e.code, e.reason) }

// byClient reports whether the client closed first: the answer repeats its code and has
// no reason, which everything that the router closes for has.
func (e *closeError) byClient() bool { return e.reason == "" }

func violation(reason string) error { return &closeError{CloseProtocol, reason} }

// frame is a client's frame, its payload unmasked and in the reader's buffer.
type frame struct {
	fin, compressed bool
	opcode          byte
	payload         []byte
}

// parseFrame takes the first frame off data, unmasking its payload in place
// (RFC 6455 §5.2, §5.3). It returns size 0 while the frame is not complete. The
// header is judged as soon as it is there: a length over limit is refused before
// any of the payload has come.
func parseFrame(data []byte, limit int, deflate bool) (f frame, size int, err error) {
	if len(data) < 2 {
		return f, 0, nil
	}
	f.fin = data[0]&0x80 != 0
	f.opcode = data[0] & 0x0f
	control := f.opcode&0x8 != 0
	length := uint64(data[1] & 0x7f)

	// RSV1 is the mark of a compressed message, on its first frame only (RFC
	// 7692 §6).
	f.compressed = data[0]&0x40 != 0
	switch {
	case data[0]&0x30 != 0, f.compressed && (!deflate || control || f.opcode == opContinuation):
		return f, 0, violation("reserved bits are set")
	case f.opcode > opBinary && !control, f.opcode > opPong:
		return f, 0, violation("reserved opcode")
	case data[1]&0x80 == 0:
		return f, 0, violation("frame is not masked")
	case control && !f.fin:
		return f, 0, violation("control frame is fragmented")
	case control && length > 125:
		return f, 0, violation("control frame is over 125 bytes")
	}

	head := 2
	switch length {
	case 126:
		if len(data) < 4 {
			return f, 0, nil
		}
		head, length = 4, uint64(binary.BigEndian.Uint16(data[2:]))
		if length < 126 {
			return f, 0, violation("length is not in its shortest form")
		}
	case 127:
		if len(data) < 10 {
			return f, 0, nil
		}
		head, length = 10, binary.BigEndian.Uint64(data[2:])
		if length>>63 != 0 || length <= 0xffff {
			return f, 0, violation("length is not in its shortest form")
		}
	}
	if !control && length > uint64(limit) {
		return f, 0, tooBig(limit)
	}
	end := head + 4 + int(length)
	if len(data) < end {
		return f, 0, nil
	}
	f.payload = data[head+4 : end]
	unmask(f.payload, data[head:head+4])
	return f, end, nil
}

func tooBig(limit int) error {
	return &closeError{CloseTooBig, fmt.Sprintf("message is over %d bytes", limit)}
}

func unmask(payload, key []byte) {
	for i := range payload {
		payload[i] ^= key[i&3]
	}
}

// parseClose checks the payload of a close frame and returns its code, 0 for an
// empty one (RFC 6455 §5.5.1, §7.4).
func parseClose(payload []byte) (code uint16, err error) {
	if len(payload) == 0 {
		return 0, nil
	}
	if len(payload) == 1 {
		return 0, violation("close frame of one byte")
	}
	code = binary.BigEndian.Uint16(payload)
	switch {
	case code < 1000, code > 4999, code >= 1016 && code < 3000,
		code == 1004, code == 1005, code == 1006, code == 1015:
		return 0, violation(fmt.Sprintf("close code %d is not for the wire", code))
	case !utf8.Valid(payload[2:]):
		return 0, &closeError{CloseInvalidText, "close reason is not UTF-8"}
	}
	return code, nil
}
