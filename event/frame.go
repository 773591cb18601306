package event

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// First bytes of the server's frames (RFC 6455 §5.2): FIN and an opcode.
// Nothing that the router sends is fragmented, and servers do not mask (§5.1).
const (
	fin     = 0x80
	rsv1    = 0x40 // compressed message (RFC 7692 §6)
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

const (
	maxFrameHeader = 10

	// MaxControlPayload is the most bytes that a ping or a pong carries
	// (RFC 6455 §5.5).
	MaxControlPayload = 125
)

// frameHeaderLen returns the length of the header of a frame with a payload of
// n bytes.
func frameHeaderLen(n int) int {
	switch {
	case n <= 125:
		return 2
	case n <= math.MaxUint16:
		return 4
	default:
		return maxFrameHeader
	}
}

func appendFrameHeader(dst []byte, first byte, n int) []byte {
	switch {
	case n <= 125:
		return append(dst, first, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(n))
	}
}

// AppendTextFrame appends a WebSocket text message in one frame to dst. The
// payload must be UTF-8 (RFC 6455 §5.6); the caller keeps it.
func AppendTextFrame(dst, payload []byte) []byte {
	return append(appendFrameHeader(dst, fin|opText, len(payload)), payload...)
}

// AppendCloseFrame appends a WebSocket close frame to dst. The reason must be
// UTF-8 and is cut to the 123 bytes that RFC 6455 §5.5 leaves it, between
// characters. Code 0 makes a frame without code and reason, the answer to a
// close frame that has none.
func AppendCloseFrame(dst []byte, code uint16, reason string) []byte {
	if code == 0 {
		return appendFrameHeader(dst, fin|opClose, 0)
	}
	if n := MaxControlPayload - 2; len(reason) > n {
		for n > 0 && !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	dst = appendFrameHeader(dst, fin|opClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, code)
	return append(dst, reason...)
}

// AppendPing appends a WebSocket ping frame to dst. It panics if the payload
// is longer than [MaxControlPayload].
func AppendPing(dst, payload []byte) []byte { return appendControl(dst, opPing, payload) }

// AppendPong appends a WebSocket pong frame to dst; the payload is that of the
// ping it answers (RFC 6455 §5.5.3). It panics if the payload is longer than
// [MaxControlPayload].
func AppendPong(dst, payload []byte) []byte { return appendControl(dst, opPong, payload) }

func appendControl(dst []byte, opcode byte, payload []byte) []byte {
	if len(payload) > MaxControlPayload {
		panic(fmt.Sprintf("event: control frame with %d bytes of payload", len(payload)))
	}
	return append(appendFrameHeader(dst, fin|opcode, len(payload)), payload...)
}
