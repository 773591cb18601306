package server

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/adic-network/router/actors"
)

const (
	streamReadSize = 1 << 10
	// streamLinger is how long a closed stream may take for what it still has to
	// send.
	streamLinger = 5 * time.Second
)

// streamTransport is a transport over any net.Conn: one goroutine reads, one
// writes. It is for systems without epoll.
type streamTransport struct {
	conn  net.Conn
	limit int // of what is taken and not written
	group *sync.WaitGroup

	mu       sync.Mutex
	changed  sync.Cond // in was consumed, out has grown, or an end came
	notifier actors.Notifier
	in       []byte // read and not consumed
	inErr    error
	out      []byte // taken and not being written
	writing  int    // how many bytes are
	outErr   error  // set once nothing more is written
	short    bool   // a Write was cut short: Writable is owed
	ending   bool   // CloseWrite was called
	closed   bool
}

// newStreamTransport gives half of the send buffer to the kernel, and may hold the
// other half itself.
func newStreamTransport(conn net.Conn, settings transportSettings, group *sync.WaitGroup) (*streamTransport, error) {
	t := &streamTransport{conn: conn, limit: settings.sendBuffer / 2, group: group}
	t.changed.L = &t.mu
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetWriteBuffer(settings.sendBuffer / 2); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Attach implements actors.Transport.
func (t *streamTransport) Attach(n actors.Notifier) error {
	t.notifier = n
	t.group.Go(t.readLoop)
	t.group.Go(t.writeLoop)
	return nil
}

// readLoop ends when the connection is at its end or closed.
func (t *streamTransport) readLoop() {
	buf := make([]byte, streamReadSize)
	for {
		n, err := t.conn.Read(buf)
		t.mu.Lock()
		t.in, t.inErr = buf[:n], err
		t.mu.Unlock()
		t.notifier.Readable()
		t.mu.Lock()
		for len(t.in) > 0 && !t.closed {
			t.changed.Wait()
		}
		closed := t.closed
		t.mu.Unlock()
		if err != nil || closed {
			return
		}
	}
}

// Read implements actors.Transport.
func (t *streamTransport) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := copy(p, t.in)
	if t.in = t.in[n:]; len(t.in) == 0 {
		t.changed.Broadcast()
	}
	if n == 0 {
		return 0, t.inErr
	}
	return n, nil
}

// Write implements actors.Transport.
func (t *streamTransport) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outErr != nil {
		return 0, t.outErr
	}
	n := min(len(p), max(t.limit-t.writing-len(t.out), 0))
	t.out = append(t.out, p[:n]...)
	t.short = n < len(p)
	t.changed.Broadcast()
	return n, nil
}

// writeLoop ends when the stream was ended or closed and everything taken is
// written, or cannot be.
func (t *streamTransport) writeLoop() {
	for {
		batch := t.nextBatch()
		if len(batch) == 0 {
			break
		}
		_, err := t.conn.Write(batch)
		if t.wrote(err); err != nil {
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outErr == nil {
		if t.outErr = net.ErrClosed; !t.closed {
			if err := closeWrite(t.conn); err != nil {
				t.outErr = err
			}
		}
	}
	if t.closed {
		t.conn.Close()
	}
}

// nextBatch waits for something to write. It returns nothing at the end.
func (t *streamTransport) nextBatch() (batch []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.out) == 0 && !t.ending && !t.closed {
		t.changed.Wait()
	}
	batch, t.out = t.out, nil // an idle connection keeps no buffer
	t.writing = len(batch)
	return batch
}

// wrote notes the outcome of a write, and says that there is room again where a
// Write has come short of it.
func (t *streamTransport) wrote(err error) {
	t.mu.Lock()
	owed := t.short || err != nil
	t.short, t.writing = false, 0
	t.outErr = err
	t.mu.Unlock()
	if owed {
		t.notifier.Writable()
	}
}

func closeWrite(conn net.Conn) error {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// Acknowledged implements actors.Transport. This one cannot know.
func (t *streamTransport) Acknowledged() (bytes uint64, all bool) { return 0, true }

// CloseWrite implements actors.Transport.
func (t *streamTransport) CloseWrite() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = true
	t.changed.Broadcast()
	return nil
}

// Close implements actors.Transport. What was taken has a moment to go out.
func (t *streamTransport) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.changed.Broadcast()
	if t.notifier == nil || t.outErr != nil { // no writer that could close it
		return t.conn.Close()
	}
	return t.conn.SetDeadline(time.Now().Add(streamLinger))
}

// RemoteAddr implements actors.Transport.
func (t *streamTransport) RemoteAddr() string { return t.conn.RemoteAddr().String() }
