package logging

import (
	"io"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const (
	// bufferSize is how many bytes of lines wait to be written; as many may be on
	// their way already.
	bufferSize = 256 << 10
	// retryPause is how long a Writer waits after a write that failed.
	retryPause = time.Second
	// closePause is how long Close waits for what is left to be written: an end
	// that hangs for the sake of a log would be worse than an end without it.
	closePause = time.Second
)

// Writer writes lines in the background. Its methods are safe for concurrent use.
type Writer struct {
	out     io.Writer
	note    func(lines uint64) []byte
	dropped *metrics.Counter

	mu     sync.Mutex
	buf    []byte
	lost   uint64 // lines dropped that no note tells of yet
	closed bool

	wake chan struct{} // holds one
	quit chan struct{} // closed by Close
	done chan struct{} // closed when nothing is written any more
}

// NewWriter returns a Writer to out, which may block or fail for as long as it
// likes. note makes the line that tells how many were dropped; dropped counts
// them. Close ends the Writer.
func NewWriter(out io.Writer, note func(lines uint64) []byte, dropped *metrics.Counter) *Writer {
	w := &Writer{
		out: out, note: note, dropped: dropped,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// Write takes one line, of which the caller keeps p. It never waits and never
// fails: a line that does not fit is dropped, and so are those after it until the
// drop has been told of, so that the note stands where they are missing.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	fits := !w.closed && w.lost == 0 && len(w.buf)+len(p) <= bufferSize
	if fits {
		w.buf = append(w.buf, p...)
	} else {
		w.lost++
		w.dropped.Inc()
	}
	w.mu.Unlock()
	if fits {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

// Close writes what is left, for up to a second, and ends the Writer.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.quit)
	timeout := time.NewTimer(closePause)
	defer timeout.Stop()
	select {
	case <-w.done:
	case <-timeout.C: // it is stuck in a write, and ends with the process
	}
}

func (w *Writer) run() {
	defer close(w.done)
	var spare []byte
	for {
		select {
		case <-w.wake:
		case <-w.quit:
			w.write(w.take(nil))
			return
		}
		lines := w.take(spare)
		w.write(lines)
		spare = lines[:0]
	}
}

// take returns the lines that wait, and the note on those that were dropped after
// them. New lines go into spare.
func (w *Writer) take(spare []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.buf
	w.buf = spare
	if w.lost > 0 {
		lines = append(lines, w.note(w.lost)...)
		w.lost = 0
	}
	return lines
}

// write writes lines, however long it takes; what is left when the Writer is
// closed and a write fails is given up.
func (w *Writer) write(lines []byte) {
	for len(lines) > 0 {
		n, err := w.out.Write(lines)
		lines = lines[n:]
		if err == nil {
			continue
		}
		select {
		case <-time.After(retryPause):
		case <-w.quit:
			return
		}
	}
}
