package client

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"
)

// maxSSELine is the longest line of a stream, in bytes, that is taken.
const maxSSELine = 16 << 20

// An sseReader reads an event stream as WHATWG HTML §9.2 (Server-sent events)
// describes it.
type sseReader struct {
	in     *bufio.Reader
	first  bool // nothing has been read yet
	skipLF bool // the line before ended with CR, which LF may follow

	// lastID is the id to resume from after the last event that next
	// returned. The caller sets it to what it has from an earlier connection.
	lastID string
	// retry is the time to wait before connecting again that the server
	// asked for; 0 if it did not.
	retry time.Duration
}

func newSSEReader(in io.Reader, lastID string) *sseReader {
	return &sseReader{in: bufio.NewReaderSize(in, 32<<10), first: true, lastID: lastID}
}

// An sseEvent is an event of a stream.
type sseEvent struct {
	name string // "message" where the stream does not say
	data []byte // the caller's
}

// next returns the next event. An event that the end of the stream cuts short
// is not one; the error is then io.EOF or that of the connection.
func (r *sseReader) next() (sseEvent, error) {
	var (
		e      = sseEvent{name: "message"}
		id     = r.lastID
		seen   bool // of any data
		refill []byte
	)
	for {
		l, err := r.line(refill[:0])
		if err != nil {
			return sseEvent{}, err
		}
		refill = l
		if len(l) == 0 {
			// An id counts even without data.
			r.lastID = id
			if seen {
				return e, nil
			}
			e.name = "message"
			continue
		}
		field, value, _ := bytes.Cut(l, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) { // "" is a comment
		case "event":
			e.name = string(value)
			if e.name == "" {
				e.name = "message"
			}
		case "data":
			if seen {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
			seen = true
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				id = string(value)
			}
		case "retry":
			if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
				r.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
}

// line appends the next line to dst, without its end: LF, CR, or both.
func (r *sseReader) line(dst []byte) ([]byte, error) {
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return nil, err
		}
		if skip := r.skipLF && c == '\n'; skip {
			r.skipLF = false
			continue
		}
		r.skipLF = c == '\r'
		if c == '\n' || c == '\r' {
			if r.first {
				r.first = false
				dst = bytes.TrimPrefix(dst, []byte("\ufeff"))
			}
			return dst, nil
		}
		if len(dst) == maxSSELine {
			return nil, &tooLongError{}
		}
		dst = append(dst, c)
	}
}

// A tooLongError is a line that cannot be one of a router's.
type tooLongError struct{}

func (*tooLongError) Error() string {
	return fmt.Sprintf("the stream has a line of more than %d bytes", maxSSELine)
}
