package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Events come from anybody. What a terminal would obey instead of showing it,
// escape sequences, control characters and those that turn the direction of
// text, must not get there.

// printable returns s with everything that is not to be seen on a terminal as
// Go escapes it: \x1b, \u202e. Line ends become spaces.
func printable(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\n' || c == '\r' || c == '\t':
			b.WriteByte(' ')
		case strconv.IsPrint(c):
			b.WriteRune(c)
		default:
			quoted := strconv.QuoteRune(c)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// printableJSON returns a JSON text in one line, which means the same and is
// all to be seen on a terminal: what is not is escaped, as \u202e. Only
// strings can hold such characters.
func printableJSON(text []byte) []byte {
	if i := bytes.IndexFunc(text, func(c rune) bool { return !strconv.IsPrint(c) || c == utf8.RuneError }); i < 0 {
		return text
	}
	out := make([]byte, 0, len(text)+16)
	for _, c := range string(text) {
		switch {
		case c == '\n' || c == '\r' || c == '\t': // white space between values
			out = append(out, ' ')
		case strconv.IsPrint(c):
			out = utf8.AppendRune(out, c)
		case c > 0xFFFF:
			high, low := utf16.EncodeRune(c)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, c)
		}
	}
	return out
}

// clip cuts s to at most limit characters, the last of them an ellipsis.
func clip(s string, limit int) string {
	count := 0
	for i := range s {
		if count++; count == limit {
			if utf8.RuneCountInString(s[i:]) > 1 {
				return s[:i] + "…"
			}
			return s
		}
	}
	return s
}
