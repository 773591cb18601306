package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adic-network/router/event"
)

// A fact is an event that is being stored, with its fields taken apart.
type fact struct {
	*Entry
	seq    int64
	fields map[string]json.RawMessage
	// tips are those that were none before the event, which the projection of tips
	// finds out; nil for events about something else.
	tips []string
}

func newFact(e *Entry, seq int64) (*fact, error) {
	f := &fact{Entry: e, seq: seq}
	if err := json.Unmarshal(e.Data, &f.fields); err != nil {
		return nil, fmt.Errorf("event %s at position %d of %v is no JSON object: %w", e.Type, e.Position, e.Class, err)
	}
	return f, nil
}

// text returns a field that is a string, or a number as it is written; empty if it is
// missing or something else.
func (f *fact) text(name string) string { return textOf(f.fields[name]) }

func textOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	switch c := raw[0]; {
	case c == '"':
		if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			return clean(string(inner))
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return clean(s)
	case c == '-', '0' <= c && c <= '9':
		return string(raw)
	}
	return ""
}

// list returns a field that is a list of strings.
func (f *fact) list(name string) []string {
	raw := f.fields[name]
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil
	}
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = textOf(e)
	}
	return texts
}

// number returns a field that is a number, or a string with one in it, as amounts are. A
// number too large for a float64 is none.
func (f *fact) number(name string) (float64, bool) { return numberOf(f.text(name)) }

func numberOf(text string) (float64, bool) {
	// ParseFloat takes more than decimal numbers.
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// float is number, with 0 for none.
func (f *fact) float(name string) float64 {
	v, _ := f.number(name)
	return v
}

// digits returns a field that is a number as it is written; nil if it is none.
func (f *fact) digits(name string) *json.Number {
	raw := f.fields[name]
	if len(raw) == 0 || raw[0] == '"' {
		return nil
	}
	if text := textOf(raw); text != "" {
		n := json.Number(text)
		return &n
	}
	return nil
}

func (f *fact) flag(name string) bool { return string(f.fields[name]) == "true" }

// enum returns a field that is an enum in the spelling of the catalogue, or as it came if
// that has no such value: nodes write TransferIn for transfer_in.
func (f *fact) enum(name string) string {
	text := f.text(name)
	id, ok := event.Default().Lookup(f.Type)
	if !ok {
		return text
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	for _, field := range event.Default().Type(id).Fields {
		if field.Name != name {
			continue
		}
		for _, value := range field.Enum {
			if plain(value) == plain(text) {
				return value
			}
		}
	}
	return text
}

// farFuture is how far ahead of its arrival an event may claim to be.
const farFuture = 5 * time.Minute

// counted returns the time at which the event counts in series.
func (f *fact) counted() time.Time {
	if f.Time.Sub(f.Received) > farFuture {
		return f.Received
	}
	return f.Time
}

// maxText is the longest text in bytes that can be asked for. PostgreSQL's indexes take
// little more than 2,600.
const maxText = 1024

// clean makes what a node writes fit to be stored, and to be asked for, in any database.
// A text is almost always the same after it. A character NUL, which PostgreSQL has not,
// becomes U+FFFD as in HTML; bytes that are no UTF-8 do too; and a text longer than
// maxText is cut, with the hash of all of it at its end, so that it stays what it is
// and no other.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	if len(s) <= maxText {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	tail := "…" + hex.EncodeToString(sum[:])
	cut := maxText - len(tail)
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + tail
}

// document returns the event itself as it is stored.
func (f *fact) document() string {
	if utf8.Valid(f.Data) {
		return string(f.Data)
	}
	return strings.ToValidUTF8(string(f.Data), "\uFFFD")
}
