package actors

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// pipe is a Transport in memory. It is as strict about the contract as it may
// be: it reports readiness once, and again only after Read or Write has said
// that there is no more; and it fails the test when the contract is broken on
// the other side.
type pipe struct {
	t testing.TB

	// onWrite, if not nil, is called with what is about to be written, before
	// any of it is taken. It may panic. An error fails the write.
	onWrite func(p []byte) error
	// onRead is the same for reading.
	onRead func() error
	// attachErr fails Attach.
	attachErr error
	// maxRead bounds what one Read returns; 0 is no bound.
	maxRead int

	busy atomic.Bool // the Connection is in one of the methods

	mu          sync.Mutex
	notify      Notifier
	in          []byte // sent by the client, not yet read
	inErr       error  // behind it
	out         []byte // taken, not yet received by the client
	size        int    // of the send buffer
	taken       int    // bytes taken since the beginning
	acked       int    // of these, acknowledged
	vanished    bool   // nothing more is
	writes      int    // calls of Write that took something
	wantRead    bool   // Read has said that there is no more
	wantWrite   bool   // Write has
	closedWrite bool
	closed      bool
}

// unlimited is the size of a send buffer that is never full.
const unlimited = 1 << 40

var errReset = errors.New("connection reset by peer")

func newPipe(t testing.TB, size int) *pipe {
	return &pipe{t: t, size: size, wantRead: true}
}

// enter checks what holds for every call of the Connection.
func (p *pipe) enter(method string) (leave func()) {
	if !p.busy.CompareAndSwap(false, true) {
		p.t.Errorf("%s is called while another method runs", method)
	}
	p.mu.Lock()
	if p.notify == nil && method != "Attach" && method != "Close" {
		p.t.Errorf("%s is called before Attach", method)
	}
	if p.closed {
		p.t.Errorf("%s is called after Close", method)
	}
	return func() {
		p.mu.Unlock()
		p.busy.Store(false)
	}
}

func (p *pipe) Attach(n Notifier) error {
	leave := p.enter("Attach")
	if p.notify != nil {
		p.t.Error("Attach is called twice")
	}
	p.notify = n
	leave()
	if p.attachErr != nil {
		return p.attachErr
	}
	p.reportRead()
	return nil
}

func (p *pipe) Read(b []byte) (int, error) {
	defer p.enter("Read")()
	if p.onRead != nil {
		if err := p.onRead(); err != nil {
			return 0, err
		}
	}
	if p.maxRead > 0 {
		b = b[:min(len(b), p.maxRead)]
	}
	n := copy(b, p.in)
	p.in = p.in[n:]
	if n > 0 {
		return n, nil
	}
	if p.inErr == nil {
		p.wantRead = true
	}
	return 0, p.inErr
}

func (p *pipe) Write(b []byte) (int, error) {
	defer p.enter("Write")()
	if p.closedWrite {
		p.t.Error("Write is called after CloseWrite")
	}
	if len(b) == 0 {
		p.t.Error("Write is called with nothing to write")
	}
	if p.onWrite != nil {
		if err := p.onWrite(b); err != nil {
			return 0, err
		}
	}
	n := max(min(len(b), p.size-len(p.out)), 0)
	p.out = append(p.out, b[:n]...)
	p.taken += n
	if !p.vanished {
		p.acked = p.taken
	}
	if n > 0 {
		p.writes++
	}
	p.wantWrite = n < len(b)
	return n, nil
}

func (p *pipe) Acknowledged() (bytes uint64, all bool) {
	defer p.enter("Acknowledged")()
	return uint64(p.acked), p.acked == p.taken
}

func (p *pipe) CloseWrite() error {
	defer p.enter("CloseWrite")()
	p.closedWrite = true
	return nil
}

func (p *pipe) Close() error {
	defer p.enter("Close")()
	p.closed = true
	return nil
}

func (p *pipe) RemoteAddr() string { return "pipe" }

// reportRead reports readiness for reading where that is due.
func (p *pipe) reportRead() {
	p.mu.Lock()
	n := p.notify
	ready := n != nil && !p.closed && p.wantRead && (len(p.in) > 0 || p.inErr != nil)
	if ready {
		p.wantRead = false
	}
	p.mu.Unlock()
	if ready {
		n.Readable()
	}
}

// send sends b from the client to the router.
func (p *pipe) send(b []byte) {
	p.mu.Lock()
	p.in = append(p.in, b...)
	p.mu.Unlock()
	p.reportRead()
}

// end ends the client's side: with io.EOF if it goes in peace.
func (p *pipe) end(err error) {
	p.mu.Lock()
	p.inErr = err
	p.mu.Unlock()
	p.reportRead()
}

// receive takes up to n bytes that were written to the client.
func (p *pipe) receive(n int) []byte {
	p.mu.Lock()
	n = min(n, len(p.out))
	b := slices.Clone(p.out[:n])
	p.out = p.out[n:]
	ready := p.wantWrite && n > 0 && len(p.out) < p.size && !p.closed
	if ready {
		p.wantWrite = false
	}
	notify := p.notify
	p.mu.Unlock()
	if ready {
		notify.Writable()
	}
	return b
}

// spurious reports readiness that is not there.
func (p *pipe) spurious() {
	p.mu.Lock()
	n := p.notify
	p.mu.Unlock()
	if n != nil {
		n.Readable()
		n.Writable()
	}
}

// resize sets how many bytes the send buffer holds, and waits until nothing moves.
func (p *pipe) resize(size int) {
	p.mu.Lock()
	p.size = size
	ready := p.wantWrite && len(p.out) < p.size && !p.closed
	if ready {
		p.wantWrite = false
	}
	n := p.notify
	p.mu.Unlock()
	if ready {
		n.Writable()
	}
	synctest.Wait()
}

// ended reports whether the router has closed the transport.
func (p *pipe) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// halfClosed reports whether the router has ended its side.
func (p *pipe) halfClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closedWrite || p.closed
}

// readiness counts the reports of a transport.
type readiness struct{ readable, writable int }

func (r *readiness) Readable() { r.readable++ }
func (r *readiness) Writable() { r.writable++ }

// The tests of this package are worth what their transport is.
func TestPipeReportsOnceUntilThereIsNoMore(t *testing.T) {
	var r readiness
	p := newPipe(t, 4)
	p.send([]byte("ab"))
	if err := p.Attach(&r); err != nil {
		t.Fatal(err)
	}
	if r.readable != 1 {
		t.Fatalf("what came before Attach is reported %d times, want once", r.readable)
	}
	p.send([]byte("c"))
	if r.readable != 1 {
		t.Fatal("readiness is reported again although Read has not said that there is no more")
	}
	buf := make([]byte, 8)
	for _, want := range []string{"abc", ""} {
		if n, err := p.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("Read = %q, %v; want %q", buf[:n], err, want)
		}
	}
	p.end(io.EOF)
	if r.readable != 2 {
		t.Fatalf("the end is reported %d times, want once", r.readable-1)
	}
	if _, err := p.Read(buf); !errors.Is(err, io.EOF) {
		t.Fatalf("Read at the end: %v", err)
	}

	if n, err := p.Write([]byte("12345")); n != 4 || err != nil {
		t.Fatalf("Write took %d of 5 bytes into a buffer of 4, %v", n, err)
	}
	if got := p.receive(1); string(got) != "1" || r.writable != 1 {
		t.Fatalf("received %q, %d reports; want 1 byte and one report", got, r.writable)
	}
	p.receive(1)
	if r.writable != 1 {
		t.Fatal("readiness is reported again although Write has not said that there is no room")
	}
}
