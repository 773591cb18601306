package event

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested. It bounds the stack
// that a hostile document can use.
const maxDepth = 64

// kind is the JSON type of a value.
type kind uint8

const (
	nullValue kind = iota
	boolValue
	numberValue
	stringValue
	arrayValue
	objectValue
)

// value is where a JSON value is in the scanned data.
type value struct {
	start, end int
	kind       kind
	escaped    bool // a string with escapes in it
	spaced     bool // an array or object with white space between tokens
}

// raw returns the value as it came.
func (v value) raw(data []byte) []byte { return data[v.start:v.end] }

// member is one key of an object with its value.
type member struct{ key, value value }

// scanner reads JSON (RFC 8259) and says where its values are; it copies and
// converts nothing. Unlike encoding/json it refuses text that is not UTF-8,
// escapes of half a surrogate pair, which are no text either and which strict
// readers such as the nodes' refuse (RFC 7493 §2.1), and nesting deeper than
// maxDepth.
type scanner struct {
	data    []byte
	pos     int
	spaced  bool // white space was skipped since this was last reset
	deepest int  // how deep arrays and objects were nested since this was last reset
}

// syntaxError says where and why data is not JSON.
type syntaxError struct {
	offset  int // bytes from the start of the data, from 0
	problem string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.offset, e.problem)
}

// unexpected returns the error for what is at s.pos.
func (s *scanner) unexpected(expected string) error {
	if s.pos >= len(s.data) {
		return &syntaxError{s.pos, "unexpected end, expected " + expected}
	}
	r, size := utf8.DecodeRune(s.data[s.pos:])
	if r == utf8.RuneError && size == 1 {
		return &syntaxError{s.pos, "invalid UTF-8"}
	}
	return &syntaxError{s.pos, fmt.Sprintf("unexpected %q, expected %s", r, expected)}
}

// space skips white space.
func (s *scanner) space() {
	for s.pos < len(s.data) && isSpace(s.data[s.pos]) {
		s.pos++
		s.spaced = true
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// at reports whether the next byte is c.
func (s *scanner) at(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

// value reads the value at s.pos, which is in depth arrays and objects.
func (s *scanner) value(depth int) (value, error) {
	if s.pos >= len(s.data) {
		return value{}, s.unexpected("a value")
	}
	v := value{start: s.pos}
	var err error
	switch c := s.data[s.pos]; {
	case c == '"':
		v, err = s.string()
	case c == '{' || c == '[':
		outer := s.spaced
		s.spaced = false
		if c == '{' {
			v.kind = objectValue
			err = s.object(depth)
		} else {
			v.kind = arrayValue
			err = s.array(depth)
		}
		v.spaced = s.spaced
		s.spaced = s.spaced || outer
	case c == '-' || '0' <= c && c <= '9':
		v.kind = numberValue
		err = s.number()
	case c == 't':
		v.kind = boolValue
		err = s.literal("true")
	case c == 'f':
		v.kind = boolValue
		err = s.literal("false")
	case c == 'n':
		err = s.literal("null")
	default:
		err = s.unexpected("a value")
	}
	v.end = s.pos
	return v, err
}

// object reads the object at s.pos, which is in depth arrays and objects.
func (s *scanner) object(depth int) error {
	more, err := s.open(depth, '}')
	for more && err == nil {
		if _, err = s.member(depth); err == nil {
			more, err = s.next('}', "',' or '}' after a value in an object")
		}
	}
	return err
}

// members is object and appends its members to dst.
func (s *scanner) members(depth int, dst []member) ([]member, error) {
	more, err := s.open(depth, '}')
	for more && err == nil {
		var m member
		if m, err = s.member(depth); err == nil {
			dst = append(dst, m)
			more, err = s.next('}', "',' or '}' after a value in an object")
		}
	}
	return dst, err
}

// array reads the array at s.pos, which is in depth arrays and objects.
func (s *scanner) array(depth int) error {
	more, err := s.open(depth, ']')
	for more && err == nil {
		if _, err = s.value(depth + 1); err == nil {
			more, err = s.next(']', "',' or ']' after a value in an array")
		}
	}
	return err
}

// open goes into an array or object and reports whether there is anything in
// it.
func (s *scanner) open(depth int, end byte) (more bool, err error) {
	if depth >= maxDepth {
		return false, &syntaxError{s.pos, fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	s.deepest = max(s.deepest, depth+1)
	s.pos++
	s.space()
	if s.at(end) {
		s.pos++
		return false, nil
	}
	return true, nil
}

// next goes to the next value in an array or object, or out of it.
func (s *scanner) next(end byte, expected string) (more bool, err error) {
	s.space()
	if s.at(end) {
		s.pos++
		return false, nil
	}
	if !s.at(',') {
		return false, s.unexpected(expected)
	}
	s.pos++
	s.space()
	return true, nil
}

// member reads a key and its value in an object, which is in depth arrays and
// objects.
func (s *scanner) member(depth int) (m member, err error) {
	if !s.at('"') {
		return m, s.unexpected("a key in double quotes")
	}
	if m.key, err = s.string(); err != nil {
		return m, err
	}
	s.space()
	if !s.at(':') {
		return m, s.unexpected("':' after a key")
	}
	s.pos++
	s.space()
	m.value, err = s.value(depth + 1)
	return m, err
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if !s.at(word[i]) {
			return s.unexpected(word)
		}
		s.pos++
	}
	return nil
}

func (s *scanner) number() error {
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++ // no digit may follow
	} else if !s.digits() {
		return s.unexpected("a digit")
	}
	if s.at('.') {
		s.pos++
		if !s.digits() {
			return s.unexpected("a digit")
		}
	}
	if s.at('e') || s.at('E') {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return s.unexpected("a digit")
		}
	}
	return nil
}

// digits skips digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// special marks the bytes of a string that need a look.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return t
}()

// string reads the string at s.pos.
func (s *scanner) string() (value, error) {
	v := value{start: s.pos, kind: stringValue}
	for s.pos++; s.pos < len(s.data); {
		c := s.data[s.pos]
		switch {
		case !special[c]:
			s.pos++
		case c == '"':
			s.pos++
			v.end = s.pos
			return v, nil
		case c == '\\':
			v.escaped = true
			if err := s.escape(); err != nil {
				return v, err
			}
		case c < ' ':
			return v, &syntaxError{s.pos, fmt.Sprintf("unescaped control character %q in a string", c)}
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return v, &syntaxError{s.pos, "invalid UTF-8"}
			}
			s.pos += size
		}
	}
	return v, s.unexpected("'\"' at the end of a string")
}

// escape skips the escape sequence at s.pos.
func (s *scanner) escape() error {
	s.pos++
	if s.pos >= len(s.data) {
		return s.unexpected("an escape sequence")
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		start := s.pos - 1
		r, ok := hex4(s.data[s.pos+1:])
		if !ok {
			return &syntaxError{start, `\u not followed by four hexadecimal digits`}
		}
		s.pos += 5
		if !utf16.IsSurrogate(r) {
			return nil
		}
		if s.at('\\') && s.pos+1 < len(s.data) && s.data[s.pos+1] == 'u' {
			if low, ok := hex4(s.data[s.pos+2:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				s.pos += 6
				return nil
			}
		}
		return &syntaxError{start, `escape of half a surrogate pair, which is no character`}
	}
	return s.unexpected("an escape sequence")
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
