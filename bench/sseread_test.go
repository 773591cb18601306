package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
)

// seenEvent is an sseEvent that outlives its buffer.
type seenEvent struct{ name, data string }

// sseEvents reads whole events until none is left.
func sseEvents(b []byte) (got []seenEvent, rest []byte) {
	for {
		e, n := nextSSE(b)
		if n == 0 {
			return got, b
		}
		if e.data != nil {
			got = append(got, seenEvent{string(e.name), string(e.data)})
		}
		b = b[n:]
	}
}

func TestNextSSE(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want []seenEvent
	}{
		{"event", "id: c1\nevent: MessageAdded\ndata: {}\n\n", []seenEvent{{"MessageAdded", "{}"}}},
		{"CRLF", "event: A\r\ndata: x\r\n\r\n", []seenEvent{{"A", "x"}}},
		{"CR", "event: A\rdata: x\r\rdata: y", []seenEvent{{"A", "x"}}},
		{"mixed line ends", "event: A\rdata: x\n\r\ndata: y\r\n\n", []seenEvent{{"A", "x"}, {"", "y"}}},
		{"no name", "data: x\n\n", []seenEvent{{"", "x"}}},
		{"no space", "data:x\n\n", []seenEvent{{"", "x"}}},
		{"two spaces", "data:  x\n\n", []seenEvent{{"", " x"}}},
		{"colons in data", "data: a:b: c\n\n", []seenEvent{{"", "a:b: c"}}},
		{"several data lines", "data: a\nevent: E\ndata: b\ndata\n\n", []seenEvent{{"E", "a\nb\n"}}},
		{"empty data", "data\n\ndata:\n\n", []seenEvent{{"", ""}, {"", ""}}},
		{"no data", "retry: 3000\n\nevent: A\n\nid: 5\n\n", nil},
		{"comments", ": heartbeat\n\n:\ndata: x\n: in between\n\n", []seenEvent{{"", "x"}}},
		{"unknown field", "dataset: 1\nDATA: 2\ndata: 3\n\n", []seenEvent{{"", "3"}}},
		{"the last name wins", "event: A\nevent: B\ndata: x\n\n", []seenEvent{{"B", "x"}}},
		{"a name is for one event", "event: A\ndata: x\n\ndata: y\n\n", []seenEvent{{"A", "x"}, {"", "y"}}},
		{"unfinished", "data: x\n", nil},
		{"blank lines", "\n\n\ndata: x\n\n", []seenEvent{{"", "x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := sseEvents([]byte(tt.in)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			var got []seenEvent
			var kept []byte
			for i := range len(tt.in) {
				more, rest := sseEvents(append(kept, tt.in[i]))
				got, kept = append(got, more...), bytes.Clone(rest)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("byte by byte: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNextSSEAllocatesNothing(t *testing.T) {
	stream := []byte(strings.Repeat("id: c1\nevent: MessageAdded\ndata: {\"type\":\"MessageAdded\"}\n\n: heartbeat\n\n", 50))
	if n := testing.AllocsPerRun(100, func() {
		for b := stream; len(b) > 0; {
			_, n := nextSSE(b)
			if n == 0 {
				t.Fatal("an event is not found")
			}
			b = b[n:]
		}
	}); n != 0 {
		t.Errorf("%g allocations for 100 blocks", n)
	}
}

// referenceSSE is the algorithm of WHATWG HTML §9.2.6 written down without
// regard to cost. It takes a whole stream.
func referenceSSE(stream string) (events []seenEvent) {
	stream = strings.ReplaceAll(strings.ReplaceAll(stream, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(stream, "\n")
	var name string
	var data []string
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			if data != nil {
				events = append(events, seenEvent{name, strings.Join(data, "\n")})
			}
			name, data = "", nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			data = append(data, value)
		}
	}
	return events
}

func FuzzNextSSE(f *testing.F) {
	f.Add([]byte("retry: 3000\n\nid: c1\nevent: MessageAdded\ndata: {\"type\":\"MessageAdded\"}\n\n"), uint16(20))
	f.Add([]byte(": heartbeat\r\n\r\nevent: Lagged\r\ndata: {}\r\n\r\n"), uint16(12))
	f.Add([]byte("data: a\rdata: b\r\rdata\r\r"), uint16(8))
	f.Add([]byte("data:\n\n\n:\n\nevent\n\n"), uint16(6))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		// A CR at the very end waits for more, and a line without its end too.
		ended := append(bytes.TrimRight(stream, "\r"), '\n')
		want := referenceSSE(string(ended))
		got, _ := sseEvents(bytes.Clone(ended))
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		at := int(cut) % (len(ended) + 1)
		first, kept := sseEvents(ended[:at])
		second, _ := sseEvents(slices.Concat(kept, ended[at:]))
		if got := append(first, second...); !slices.Equal(got, want) {
			t.Fatalf("cut at %d: got %q, want %q", at, got, want)
		}
	})
}

func TestChunkReader(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
		done bool
		err  error
	}{
		{"chunks", "5\r\nhello\r\n1\r\n!\r\n", "hello!", false, nil},
		{"the end", "5\r\nhello\r\n0\r\n\r\n", "hello", true, nil},
		{"trailers", "1\r\nx\r\n0\r\nA: b\r\n\r\n", "x", true, nil},
		{"extension", "5;a=b\r\nhello\r\n", "hello", false, nil},
		{"hexadecimal", "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n", "abcdefghijklmnopqrstuvwxyz", false, nil},
		{"line feeds", "5\nhello\n", "hello", false, nil},
		{"no size", "\r\nhello", "", false, errChunkSize},
		{"bad size", "x\r\nhello", "", false, errChunkSize},
		{"size too large", "100000000\r\n", "", false, errChunkSize},
		{"no end", "2\r\nhello", "he", false, errChunkEnd},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var whole chunkReader
			b := []byte(tt.in)
			n, done, err := whole.decode(b)
			if got := string(b[:n]); got != tt.want || done != tt.done || err != tt.err {
				t.Errorf("got %q, %v, %v, want %q, %v, %v", got, done, err, tt.want, tt.done, tt.err)
			}
			var single chunkReader
			var got []byte
			done, err = false, nil
			for i := 0; i < len(tt.in) && err == nil; i++ {
				b := []byte{tt.in[i]}
				n, done, err = single.decode(b)
				got = append(got, b[:n]...)
			}
			if string(got) != tt.want || done != tt.done || err != tt.err {
				t.Errorf("byte by byte: got %q, %v, %v, want %q, %v, %v", got, done, err, tt.want, tt.done, tt.err)
			}
		})
	}
}

// Where both take a body, they take the same from it. The standard library's
// reader is stricter about what it refuses.
func FuzzChunkReader(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), uint16(4))
	f.Add([]byte("5;a=b\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"), uint16(9))
	f.Add([]byte("0000\n"), uint16(1))
	f.Fuzz(func(t *testing.T, body []byte, cut uint16) {
		var r chunkReader
		whole := bytes.Clone(body)
		n, done, err := r.decode(whole)
		whole = whole[:n]

		want, wantErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body)))
		if wantErr == nil && (err != nil || !done || !bytes.Equal(whole, want)) {
			t.Fatalf("got %q, %v, %v, want %q", whole, done, err, want)
		}

		at := int(cut) % (len(body) + 1)
		r = chunkReader{}
		first, second := bytes.Clone(body[:at]), bytes.Clone(body[at:])
		n, done1, err1 := r.decode(first)
		parts := first[:n]
		if err1 == nil {
			n, done1, err1 = r.decode(second)
			parts = append(parts, second[:n]...)
		}
		if !bytes.Equal(parts, whole) || done1 != done || err1 != err {
			t.Fatalf("cut at %d: %q, %v, %v, whole: %q, %v, %v", at, parts, done1, err1, whole, done, err)
		}
	})
}

func Example_nextSSE() {
	e, n := nextSSE([]byte("id: c7\nevent: TipsUpdated\ndata: {\"type\":\"TipsUpdated\"}\n\nid: c8\n"))
	fmt.Printf("%s: %s (%d bytes)\n", e.name, e.data, n)
	// Output: TipsUpdated: {"type":"TipsUpdated"} (56 bytes)
}
