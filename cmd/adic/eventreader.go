package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxEventSize is the most bytes of one event that emit holds in memory. It is
// the largest body that a router takes by default, well above its limit for
// one event.
const maxEventSize = 4 << 20

// An eventReader splits a file into events: JSON objects separated by white
// space (NDJSON, or spread over several lines), and arrays of them. It holds
// one event at a time, however large the file.
type eventReader struct {
	in      *bufio.Reader
	max     int // bytes of one event
	line    int // of the next byte
	first   bool
	inArray bool
	comma   bool // in an array: an element has ended, and no comma followed yet
}

func newEventReader(in io.Reader) *eventReader {
	return &eventReader{in: bufio.NewReaderSize(in, 64<<10), max: maxEventSize, line: 1, first: true}
}

// errCutShort is the reason of a last event that is not whole.
var errCutShort = errors.New("the file ends within the event")

// A badEventError is an event that cannot be published. The reader goes on
// after it.
type badEventError struct{ err error }

func (e *badEventError) Error() string { return e.err.Error() }
func (e *badEventError) Unwrap() error { return e.err }

// next returns the next event, which the caller keeps, and the number of the
// line, from 1, in which it starts. The error is io.EOF at the end, a
// badEventError, or one of the file's.
func (r *eventReader) next() (object []byte, line int, err error) {
	c, line, err := r.start()
	if err != nil {
		return nil, line, err
	}
	if c != '{' {
		return nil, line, r.bad(`expected "{", the start of an event, not %q`, c)
	}
	object, err = r.object()
	if err != nil {
		return nil, line, err
	}
	if !json.Valid(object) {
		return nil, line, &badEventError{errors.New("not valid JSON")}
	}
	return object, line, nil
}

// start moves to the first byte of an event, and returns it, without taking it,
// and its line.
func (r *eventReader) start() (c byte, line int, err error) {
	if r.first {
		r.first = false
		if err := r.skipMark(); err != nil {
			return 0, r.line, err
		}
	}
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			if err == io.EOF && r.inArray {
				r.inArray = false
				err = &badEventError{errors.New(`the array is not closed: expected "]"`)}
			}
			return 0, r.line, err
		}
		switch {
		case c == '\n':
			r.line++
		case isSpace(c):
		case !r.inArray && c == '[':
			r.inArray, r.comma = true, false
		case r.inArray && c == ']':
			r.inArray = false
		case r.inArray && r.comma && c == ',':
			r.comma = false
		case r.inArray && r.comma:
			r.comma = false // say it once, and go on
			line := r.line
			return 0, line, r.badAt(c, `expected "," or "]" after an element of the array, not %q`, c)
		default:
			return c, r.line, r.in.UnreadByte()
		}
	}
}

// skipMark skips the byte order mark with which some editors begin a file.
func (r *eventReader) skipMark() error {
	const mark = "\ufeff"
	if start, err := r.in.Peek(len(mark)); err != nil && err != io.EOF {
		return err
	} else if string(start) == mark {
		_, err = r.in.Discard(len(mark))
		return err
	}
	return nil
}

// object takes an object. It only matches braces and brackets; whether what is
// between them is JSON remains to be seen.
func (r *eventReader) object() ([]byte, error) {
	var (
		object   []byte
		open     []byte // braces and brackets
		inString bool
		escaped  bool
		last     byte // before this one, but for white space
		newLine  bool // there was only white space on this line so far
	)
	for {
		c, err := r.in.ReadByte()
		if err == io.EOF {
			return nil, &badEventError{errCutShort}
		}
		if err != nil {
			return nil, err
		}
		if len(object) == r.max {
			return nil, r.badAt(c, "larger than %d bytes, the most that a router takes", r.max)
		}
		switch {
		case c == '\n' && inString:
			return nil, r.badAt(c, "a string is not closed at the end of the line")
		case inString && escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case inString && c == '"':
			inString = false
		case inString:
		case c == '"':
			inString = true
		case c == '{', c == '[':
			if !mayOpen(open, last) {
				const missing = `not valid JSON: is a "}" missing?`
				if c == '{' && newLine { // most likely the next event
					r.comma = false
					return nil, cmp.Or(r.in.UnreadByte(), error(&badEventError{errors.New(missing)}))
				}
				return nil, r.badAt(c, missing)
			}
			open = append(open, c)
		case c == '}', c == ']':
			if open[len(open)-1] != c-2 { // the closing ones follow at a distance of two in ASCII
				return nil, r.badAt(c, "not valid JSON: unexpected %q", c)
			}
			open = open[:len(open)-1]
		}
		object = append(object, c)
		switch {
		case len(open) == 0:
			r.comma = true
			return object, nil
		case c == '\n':
			r.line++
			newLine = true
		case !isSpace(c):
			last, newLine = c, false
		}
	}
}

// mayOpen reports whether an object or array can start after last in the
// innermost of those that are open.
func mayOpen(open []byte, last byte) bool {
	switch {
	case len(open) == 0 || last == ':':
		return true
	case open[len(open)-1] == '[':
		return last == ',' || last == '['
	default:
		return false
	}
}

// bad returns an error after skipping the rest of the line, where the next
// event is most likely to start.
func (r *eventReader) bad(format string, args ...any) error {
	_, err := r.in.ReadSlice('\n')
	for err == bufio.ErrBufferFull {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return err
	}
	if err == nil {
		r.line++
	}
	return &badEventError{fmt.Errorf(format, args...)}
}

// badAt is bad for a byte that was taken already, the end of the line perhaps.
func (r *eventReader) badAt(taken byte, format string, args ...any) error {
	if taken == '\n' {
		r.line++
		return &badEventError{fmt.Errorf(format, args...)}
	}
	return r.bad(format, args...)
}

// isSpace reports whether c is white space in JSON (RFC 8259 §2).
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
