package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// sink is an output that can be made to fail.
type sink struct {
	mu    sync.Mutex
	err   error
	short int // bytes taken of a write that fails
	text  bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		n := min(s.short, len(p))
		s.text.Write(p[:n])
		s.short -= n
		return n, s.err
	}
	return s.text.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Reset()
}

func (s *sink) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func testNote(lines uint64) []byte { return fmt.Appendf(nil, "[%d lost]\n", lines) }

func newTestWriter(out io.Writer) (*Writer, *metrics.Counter) {
	dropped := metrics.NewSet().NewCounter("dropped")
	return NewWriter(out, testNote, dropped), dropped
}

func TestWriterWritesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		w, dropped := newTestWriter(&out)
		var want strings.Builder
		for i := range 1000 {
			line := fmt.Sprintf("line %d\n", i)
			want.WriteString(line)
			io.WriteString(w, line)
		}
		w.Close()
		if out.String() != want.String() || dropped.Get() != 0 {
			t.Errorf("%d of %d bytes were written, %d lines dropped", out.text.Len(), want.Len(), dropped.Get())
		}
		io.WriteString(w, "after the end\n")
		if dropped.Get() != 1 {
			t.Error("a line after the end is not counted")
		}
	})
}

// Lines for an output that hangs are kept as far as the buffer goes. The others are
// counted, and the count stands where they are missing as soon as there is a reader.
func TestWriterTellsOfDrops(t *testing.T) {
	out, reader := pipe()
	w, dropped := newTestWriter(out)
	line := strings.Repeat("x", 1023) + "\n"
	const fit, lines = 1 + bufferSize/1024, 1000
	io.WriteString(w, line)
	for w.waiting() { // until it is on its way, and stuck
		time.Sleep(time.Millisecond)
	}
	for range lines - 1 {
		io.WriteString(w, line) // returns although nobody reads
	}
	lost := int(dropped.Get())
	if lost != lines-fit {
		t.Fatalf("%d lines were dropped, want %d", lost, lines-fit)
	}
	got := make(chan string)
	go func() {
		text, _ := io.ReadAll(reader)
		got <- string(text)
	}()
	note := string(testNote(uint64(lost)))
	for w.waiting() { // until the note is out of the way of the next line
		time.Sleep(time.Millisecond)
	}
	io.WriteString(w, "and on\n")
	w.Close()
	out.Close()
	if text, want := <-got, strings.Repeat(line, lines-lost)+note+"and on\n"; text != want {
		t.Errorf("read %d bytes that end in %q, want %d", len(text), text[max(0, len(text)-100):], len(want))
	}
}

func pipe() (*io.PipeWriter, *io.PipeReader) {
	r, w := io.Pipe()
	return w, r
}

// waiting reports whether lines are waiting to be taken, or a note is.
func (w *Writer) waiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.buf) > 0 || w.lost > 0
}

// An output that fails (a full disk) is tried again, from where it stopped.
func TestWriterRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := sink{err: errors.New("no space left on device"), short: 3}
		w, dropped := newTestWriter(&out)
		io.WriteString(w, "first\n")
		time.Sleep(10 * retryPause)
		io.WriteString(w, "second\n")
		out.set(nil)
		time.Sleep(2 * retryPause)
		w.Close()
		if got := out.String(); got != "first\nsecond\n" || dropped.Get() != 0 {
			t.Errorf("wrote %q, %d dropped", got, dropped.Get())
		}
	})
}

// The end waits for an output that hangs or fails, but not for long.
func TestWriterEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := sink{err: errors.New("no space left on device")}
		w, _ := newTestWriter(&failing)
		io.WriteString(w, "lost\n")
		w.Close()

		out, reader := pipe()
		w, _ = newTestWriter(out)
		io.WriteString(w, "lost\n")
		began := time.Now()
		w.Close()
		if took := time.Since(began); took != closePause {
			t.Errorf("Close waited %v for an output that hangs, want %v", took, closePause)
		}
		reader.Close()
	})
}
