package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// readStream returns the events of a stream, and the error that ends it.
func readStream(in io.Reader) (events []string, r *sseReader, end error) {
	r = newSSEReader(in, "c0")
	for {
		e, err := r.next()
		if err != nil {
			return events, r, err
		}
		events = append(events, fmt.Sprintf("%s %s %q", r.lastID, e.name, e.data))
	}
}

func TestSSEReader(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"a router's event", "id: c1\nevent: MessageAdded\ndata: {}\n\n", []string{`c1 MessageAdded "{}"`}},
		{"heartbeats and retry", "retry: 2000\n\n: heartbeat\n\nid: c1\ndata: x\n\n: heartbeat\n\n", []string{`c1 message "x"`}},
		{"Lagged has no id", "id: c1\ndata: x\n\nevent: Lagged\ndata: y\n\n", []string{`c1 message "x"`, `c1 Lagged "y"`}},
		{"several lines of data", "data: a\ndata:b\ndata\ndata:  c\n\n", []string{`c0 message "a\nb\n\n c"`}},
		{"empty data", "data\n\n", []string{`c0 message ""`}},
		{"no data, no event", "event: x\n\ndata: y\n\n", []string{`c0 message "y"`}},
		{"an id without data counts", "id: c7\n\ndata: y\n\n", []string{`c7 message "y"`}},
		{"an empty id", "id\ndata: y\n\n", []string{` message "y"`}},
		{"an id with NUL is ignored", "id: c\x001\ndata: y\n\n", []string{`c0 message "y"`}},
		{"unknown fields", "foo: bar\ndata: y\ndatax: z\n\n", []string{`c0 message "y"`}},
		{"colons in values", "data: a:b: c\n\n", []string{`c0 message "a:b: c"`}},
		{"CR", "data: a\rdata: b\r\rdata: c\r\r", []string{`c0 message "a\nb"`, `c0 message "c"`}},
		{"CRLF", "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", []string{`c0 message "a\nb"`, `c0 message "c"`}},
		{"byte order mark", "\ufeffdata: a\n\n", []string{`c0 message "a"`}},
		{"a mark later on is data", "data: a\n\n\ufeffdata: b\n\n", []string{`c0 message "a"`}},
		{"cut short", "data: a\n\nid: c9\ndata: b\n", []string{`c0 message "a"`}},
		{"cut in the empty line", "data: a\n\r", []string{`c0 message "a"`}},
		{"empty", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for how, in := range map[string]io.Reader{
				"whole": strings.NewReader(test.in), "byte by byte": iotest.OneByteReader(strings.NewReader(test.in)),
			} {
				got, _, end := readStream(in)
				if !slices.Equal(got, test.want) || end != io.EOF {
					t.Errorf("%s: got %q and %v\nwant %q and EOF", how, got, end, test.want)
				}
			}
		})
	}
}

// An event that was not complete leaves no trace: its id would skip it.
func TestSSEReaderForgetsWhatWasCutShort(t *testing.T) {
	_, r, _ := readStream(strings.NewReader("id: c1\ndata: a\n\nid: c2\ndata: b\n"))
	if r.lastID != "c1" {
		t.Errorf("the id to resume from is %q, want that of the last whole event, c1", r.lastID)
	}
}

// A line that ends with CR must not wait for the LF that may follow.
func TestSSEReaderDoesNotWaitForLF(t *testing.T) {
	in, out := io.Pipe()
	defer in.Close()
	go io.WriteString(out, "data: a\r\r")
	if e, err := newSSEReader(in, "").next(); err != nil || string(e.data) != "a" {
		t.Errorf("got %q, %v", e.data, err)
	}
}

func TestSSEReaderRetry(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"retry: 2000\n\n": 2 * time.Second,
		"retry: 2000\n":   2 * time.Second,
		"retry: soon\n\n": 0,
		"retry: -1\n\n":   0,
		"retry\n\n":       0,
	} {
		if _, r, _ := readStream(strings.NewReader(in)); r.retry != want {
			t.Errorf("%q asks for %v, want %v", in, r.retry, want)
		}
	}
}

func TestSSEReaderBoundsLines(t *testing.T) {
	_, err := newSSEReader(io.MultiReader(strings.NewReader("data: "), endless{}), "").next()
	if tooLong := new(tooLongError); !errors.As(err, &tooLong) {
		t.Errorf("an endless line ends with %v", err)
	}
}

// splitStream reads a whole stream as the standard's grammar has it. It is too
// simple for a connection and easy to see to be right.
func splitStream(in []byte) (events []string) {
	in = bytes.TrimPrefix(in, []byte("\ufeff"))
	lines := regexp.MustCompile("\r\n|\r|\n").Split(string(in), -1)
	id, lastID, name, data, seen := "c0", "c0", "", "", false
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			lastID = id
			if seen {
				if name == "" {
					name = "message"
				}
				events = append(events, fmt.Sprintf("%s %s %q", lastID, name, strings.TrimSuffix(data, "\n")))
			}
			name, data, seen = "", "", false
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "data":
			data, seen = data+value+"\n", true
		case "event":
			name = value
		case "id":
			if !strings.Contains(value, "\x00") {
				id = value
			}
		}
	}
	return events
}

func FuzzSSEReader(f *testing.F) {
	for _, seed := range []string{
		"retry: 2000\n\nid: c1\nevent: MessageAdded\ndata: {}\n\n", ": heartbeat\n\n", "data: a\r\ndata: b\r\n\r\n", "data: a\r\r\n\n",
		"\ufeffdata\n\n", "event: \ndata:\n\n", "id: \x00\ndata: x\n\n", "id: a\n\ndata", "retry: 1\r\r",
	} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, in []byte, chunk int) {
		got, _, end := readStream(&chunks{in, max(1, min(chunk, 100))})
		if end != io.EOF {
			t.Fatalf("ends with %v", end)
		}
		if want := splitStream(in); !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q\nwant %q", strconv.Quote(string(in)), got, want)
		}
	})
}

// chunks gives what it holds in pieces of a size.
type chunks struct {
	rest []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(c.size, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

// endless is a line that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
