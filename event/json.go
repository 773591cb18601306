package event

import (
	"iter"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions of this file read values that a scanner has found to be right.

// text returns what the string v says: a part of data, or scratch with the
// escapes resolved.
func text(data []byte, v value, scratch []byte) []byte {
	inner := data[v.start+1 : v.end-1]
	if !v.escaped {
		return inner
	}
	for i := 0; i < len(inner); {
		if inner[i] != '\\' {
			scratch = append(scratch, inner[i])
			i++
			continue
		}
		c := inner[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(inner[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := hex4(inner[i+2:])
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			scratch = utf8.AppendRune(scratch, r)
			continue
		}
		scratch = append(scratch, c)
	}
	return scratch
}

// says reports whether the string v says want.
func says(data []byte, v value, want string) bool {
	if !v.escaped {
		return string(data[v.start+1:v.end-1]) == want
	}
	var scratch [64]byte
	return string(text(data, v, scratch[:0])) == want
}

// find returns the index of the first member with the key, or -1, and whether
// there is another.
func find(data []byte, members []member, key string) (index int, again bool) {
	index = -1
	for i := range members {
		if says(data, members[i].key, key) {
			if index >= 0 {
				return index, true
			}
			index = i
		}
	}
	return index, false
}

// elements returns the elements of the array v with their indexes.
func elements(data []byte, v value) iter.Seq2[int, value] {
	return func(yield func(int, value) bool) {
		s := scanner{data: data[:v.end-1], pos: v.start + 1}
		s.space()
		for i := 0; s.pos < len(s.data); i++ {
			elem, err := s.value(0)
			if err != nil || !yield(i, elem) { // v was scanned before: no error
				return
			}
			s.space()
			s.pos++ // the comma
			s.space()
		}
	}
}

// appendCompact appends v to dst without white space between its tokens.
func appendCompact(dst, data []byte, v value) []byte {
	raw := v.raw(data)
	if !v.spaced {
		return append(dst, raw...)
	}
	inString := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			dst = append(dst, c, raw[i+1])
			i++
		case c == '"':
			inString = !inString
			dst = append(dst, c)
		case inString || !isSpace(c):
			dst = append(dst, c)
		}
	}
	return dst
}
