package bench

import (
	"bytes"
	"errors"
)

// sseEvent is one event of a stream. Its parts lie in the buffer that it was
// read from. A nil data says that there is nothing to dispatch: a block of
// comments, or one that only sets retry or id.
type sseEvent struct {
	name []byte
	data []byte
}

// nextSSE reads the event that b begins with up to and with the blank line that
// ends it, by the rules of WHATWG HTML §9.2.6. n is its length in bytes, 0 when
// b does not hold all of it. Lines end in LF, CRLF or CR; a CR at the very end
// of b waits for the byte behind it, which may be its LF. nextSSE allocates
// nothing, except to join data of several lines.
func nextSSE(b []byte) (e sseEvent, n int) {
	lines := 0
	for {
		line, length := nextLine(b[n:])
		if length == 0 {
			return sseEvent{}, 0
		}
		n += length
		if len(line) == 0 {
			if lines > 1 {
				e.data = joinData(b[:n])
			}
			return e, n
		}
		switch name, value := cutField(line); string(name) {
		case "data":
			if lines == 0 {
				e.data = value
			}
			lines++
		case "event":
			e.name = value
		}
	}
}

// joinData returns the data lines of a block with line feeds between them. It
// copies, because the name of the event may lie between them.
func joinData(block []byte) []byte {
	joined := make([]byte, 0, len(block))
	for {
		line, length := nextLine(block)
		if length == 0 { // What is left at most is a CR that ends the block.
			return joined[:len(joined)-1]
		}
		block = block[length:]
		if name, value := cutField(line); string(name) == "data" {
			joined = append(joined, value...)
			joined = append(joined, '\n')
		}
	}
}

// nextLine returns the line that b begins with and its length with its end, 0
// when the end is not in b.
func nextLine(b []byte) (line []byte, length int) {
	lf := bytes.IndexByte(b, '\n')
	head := b
	if lf >= 0 {
		head = b[:lf]
	}
	switch cr := bytes.IndexByte(head, '\r'); {
	case cr < 0 && lf < 0, cr >= 0 && cr+1 == len(b):
		return nil, 0
	case cr < 0:
		return head, lf + 1
	case b[cr+1] == '\n':
		return b[:cr], cr + 2
	default:
		return b[:cr], cr + 1
	}
}

// cutField splits a line at its first colon and takes off one space behind it.
// A comment has an empty name.
func cutField(line []byte) (name, value []byte) {
	name, value, _ = bytes.Cut(line, []byte{':'})
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	if value == nil {
		value = line[len(line):] // A name without a colon has an empty value, not none.
	}
	return name, value
}

var (
	errChunkSize = errors.New("chunk of the response without a valid size")
	errChunkEnd  = errors.New("chunk of the response without its line end")
)

// The states of a chunkReader.
const (
	chunkSizeStart = iota // before the first digit
	chunkSize
	chunkExtension
	chunkData
	chunkDataCR
	chunkDataLF
	chunkDone
)

// chunkReader takes the chunked transfer coding (RFC 9112 §7.1) off a response
// body that arrives in pieces. The zero value stands before the first chunk.
type chunkReader struct {
	left  uint32
	state uint8
}

// decode replaces b by what it carries, in place, and returns how many bytes
// that are. done reports the end of the body; trailers are ignored.
func (r *chunkReader) decode(b []byte) (n int, done bool, err error) {
	for i := 0; i < len(b); {
		c := b[i]
		switch r.state {
		case chunkSizeStart, chunkSize:
			digit, ok := hexDigit(c)
			switch {
			case ok && r.left < 1<<24:
				r.left = r.left<<4 | uint32(digit)
				r.state = chunkSize
				i++
			case !ok && r.state == chunkSize && (c == '\r' || c == '\n' || c == ';' || c == ' ' || c == '\t'):
				r.state = chunkExtension
			default:
				return n, false, errChunkSize
			}
		case chunkExtension:
			i++
			switch {
			case c != '\n':
			case r.left == 0:
				r.state = chunkDone
			default:
				r.state = chunkData
			}
		case chunkData:
			length := min(int(r.left), len(b)-i)
			n += copy(b[n:], b[i:i+length])
			i += length
			r.left -= uint32(length)
			if r.left == 0 {
				r.state = chunkDataCR
			}
		case chunkDataCR:
			if c == '\r' {
				i++
			}
			r.state = chunkDataLF
		case chunkDataLF:
			if c != '\n' {
				return n, false, errChunkEnd
			}
			i++
			r.state = chunkSizeStart
		case chunkDone:
			return n, true, nil
		}
	}
	return n, r.state == chunkDone, nil
}

func hexDigit(c byte) (digit byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
