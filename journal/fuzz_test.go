package journal

import (
	"bytes"
	"testing"

	"github.com/adic-network/router/event"
)

// Whatever a segment holds, reading it ends, and what it takes for records is
// their own bytes and follows each other.
func FuzzSegment(f *testing.F) {
	w := open(f, f.TempDir())
	w.past()
	s := segment{epoch: 5, class: event.Medium, first: 1}
	whole := s.head()
	for i, e := range w.batch(event.Medium, event.High, event.Medium) {
		if e.Priority == event.Medium {
			whole = appendRecord(whole, e, 2-i)
		}
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(s.head())
	f.Add(s.head()[:9])
	f.Add(append(bytes.Clone(whole), make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, end, err := s.read(data)
		if end < 0 || end > int64(len(data)) || (err == nil) != (end == int64(len(data)) && end > 0) {
			t.Fatalf("it ends at %d of %d: %v", end, len(data), err)
		}
		for i, r := range records {
			if r.pos[event.Medium] != uint64(i)+1 || r.end > end {
				t.Fatalf("record %d has the place %v and ends at %d of %d", i, r.pos, r.end, end)
			}
		}
		again, _, _ := s.read(data[:end])
		if len(again) != len(records) {
			t.Fatalf("%d records, and %d in what is kept", len(records), len(again))
		}
	})
}

// A header is read as what was written, or not at all.
func FuzzHeader(f *testing.F) {
	f.Add(header{epoch: 1, boot: "b", ahead: true}.text())
	f.Add(header{epoch: 1<<48 - 1, closed: true, pos: [3]uint64{1, 2, 1<<64 - 1}}.text())
	f.Add([]byte("adic journal 2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if h, err := parseHeader(text); err == nil && !bytes.Equal(h.text(), text) {
			t.Fatalf("%q is read as %q", text, h.text())
		}
	})
}
