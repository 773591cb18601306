package event

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Epoch names one stream: a router that starts with empty rings begins a new
// one, so that positions of an earlier life are never taken for its own. Its
// low 48 bits are used.
type Epoch uint64

const epochMask = 1<<48 - 1

// NewEpoch returns a random epoch of 48 bits, never 0.
func NewEpoch() Epoch {
	for {
		var b [8]byte
		// crypto/rand.Read never fails: it ends the program if the system has
		// no randomness.
		_, _ = rand.Read(b[:])
		if e := binary.NativeEndian.Uint64(b[:]) & epochMask; e != 0 {
			return Epoch(e)
		}
	}
}

// Cursor is a position in a stream: how far its owner has come in each class.
// Pos counts events of a class from 1; 0 is before the first. Cursors are
// compared with ==.
//
// The text form is 12 lower-case hexadecimal digits of the epoch and then, for
// high, medium and low, a hyphen and the position in lower-case hexadecimal
// without leading zeros:
//
//	3f9c02aa71be-1f-0-2c
//
// It needs no escaping in URLs, in JSON strings and in SSE fields.
type Cursor struct {
	Epoch Epoch
	Pos   [NumPriorities]uint64
}

const (
	epochDigits = 12
	posDigits   = 16

	// MaxCursorLen is the length in bytes of the longest cursor text.
	MaxCursorLen = epochDigits + NumPriorities*(1+posDigits)
)

const hexDigits = "0123456789abcdef"

// AppendText appends the text form of c to dst, at most [MaxCursorLen] bytes.
func (c Cursor) AppendText(dst []byte) []byte {
	for shift := 4 * (epochDigits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[c.Epoch>>shift&15])
	}
	for _, pos := range c.Pos {
		dst = append(dst, '-')
		for shift := 4 * (hexLen(pos) - 1); shift >= 0; shift -= 4 {
			dst = append(dst, hexDigits[pos>>shift&15])
		}
	}
	return dst
}

// hexLen returns the number of hexadecimal digits of v, 1 for 0.
func hexLen(v uint64) int { return max(1, (bits.Len64(v)+3)/4) }

// textLen returns the length of what AppendText appends.
func (c Cursor) textLen() int {
	n := epochDigits
	for _, pos := range c.Pos {
		n += 1 + hexLen(pos)
	}
	return n
}

// String returns the text form of c.
func (c Cursor) String() string {
	var buf [MaxCursorLen]byte
	return string(c.AppendText(buf[:0]))
}

// ParseCursor reads the text form of a cursor. Only what [Cursor.AppendText]
// writes is accepted, so that equal cursors have equal texts.
func ParseCursor(s string) (Cursor, error) {
	c, ok := parseCursor(s)
	if !ok {
		return Cursor{}, fmt.Errorf("malformed cursor %s; expected the id of an earlier event as the router sent it", quote(s))
	}
	return c, nil
}

func parseCursor(s string) (c Cursor, ok bool) {
	if len(s) < epochDigits {
		return c, false
	}
	epoch, ok := parseHex(s[:epochDigits])
	if !ok {
		return c, false
	}
	c.Epoch = Epoch(epoch)
	s = s[epochDigits:]
	for i := range c.Pos {
		if s == "" || s[0] != '-' {
			return c, false
		}
		s = s[1:]
		n := 0
		for n < len(s) && s[n] != '-' {
			n++
		}
		if n == 0 || n > posDigits || n > 1 && s[0] == '0' {
			return c, false
		}
		if c.Pos[i], ok = parseHex(s[:n]); !ok {
			return c, false
		}
		s = s[n:]
	}
	return c, s == ""
}

// parseHex reads at most 16 lower-case hexadecimal digits.
func parseHex(s string) (v uint64, ok bool) {
	for i := range len(s) {
		switch d := s[i]; {
		case '0' <= d && d <= '9':
			v = v<<4 | uint64(d-'0')
		case 'a' <= d && d <= 'f':
			v = v<<4 | uint64(d-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
