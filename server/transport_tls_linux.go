package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/adic-network/router/actors"
)

// wire is the connection below TLS. It is an ordinary one while HTTP is spoken.
// When the connection becomes a stream, it becomes a bare socket that never
// blocks: crypto/tls goes on where it was after a read that timed out, and that is
// how it is told that there is nothing to read now.
type wire struct {
	net.Conn
	socket *socket // in place of Conn, once it is a stream
	// rest is what the socket did not take of what TLS has written: of one record,
	// as nothing is written behind it, and of answers to what the client's TLS asks.
	rest []byte
}

// maxRest bounds what a client that asks and does not read may leave behind.
const maxRest = 64 << 10

var errFlooded = errors.New("tls: the client asks for answers and does not read them")

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if w.socket == nil {
		return w.Conn.Read(p)
	}
	n, err := w.socket.Read(p)
	if n == 0 && err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	if w.socket == nil {
		return w.Conn.Write(p)
	}
	n := 0
	if len(w.rest) == 0 {
		var err error
		if n, err = w.socket.Write(p); err != nil {
			return n, err
		}
	}
	if len(w.rest)+len(p)-n > maxRest {
		return n, errFlooded
	}
	w.rest = append(w.rest, p[n:]...)
	return len(p), nil
}

// flush writes what is left of the last record, as far as the socket takes it.
func (w *wire) flush() error {
	if len(w.rest) == 0 {
		return nil
	}
	n, err := w.socket.Write(w.rest)
	if err != nil {
		return err
	}
	if w.rest = w.rest[n:]; len(w.rest) == 0 {
		w.rest = nil // an idle connection keeps no buffer
	}
	return nil
}

// SetDeadline implements net.Conn. What never blocks needs none.
func (w *wire) SetDeadline(t time.Time) error {
	if w.socket != nil {
		return nil
	}
	return w.Conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(t time.Time) error {
	if w.socket != nil {
		return nil
	}
	return w.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.socket != nil {
		return nil
	}
	return w.Conn.SetWriteDeadline(t)
}

// newTLS returns the server side of a TLS connection over conn.
func newTLS(conn net.Conn, config *tls.Config) net.Conn {
	if _, ok := conn.(*net.TCPConn); !ok {
		return tls.Server(conn, config)
	}
	return tls.Server(&wire{Conn: conn}, config)
}

// secureSocket is a transport over TLS over a bare socket: like that, it costs no
// goroutine, and while it is idle no buffer but those that crypto/tls keeps.
type secureSocket struct {
	tls      *tls.Conn
	wire     *wire
	all      *transports
	notifier actors.Notifier
	ending   bool // CloseWrite was called
}

// newSecureSocket takes the socket out of w, which secure is over.
func (t *transports) newSecureSocket(secure *tls.Conn, w *wire, settings transportSettings) (actors.Transport, error) {
	s, err := newSocket(w.Conn.(*net.TCPConn), t.poller, settings)
	if err != nil {
		return nil, err
	}
	w.Conn, w.socket = nil, s
	return &secureSocket{tls: secure, wire: w, all: t}, nil
}

// Attach implements actors.Transport.
func (s *secureSocket) Attach(n actors.Notifier) error {
	s.notifier = n
	return s.all.poller.add(s.wire.socket.fd, s)
}

// Readable implements actors.Notifier.
func (s *secureSocket) Readable() { s.notifier.Readable() }

// Writable implements actors.Notifier. The rest of a record goes out with the next
// Read or Write, whichever comes: the Connection has nothing to write perhaps.
func (s *secureSocket) Writable() {
	s.notifier.Readable()
	s.notifier.Writable()
}

// Read implements actors.Transport.
func (s *secureSocket) Read(p []byte) (int, error) {
	if err := s.flush(); err != nil {
		return 0, err
	}
	n, err := s.tls.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// maxRecord is how much a TLS record holds (RFC 8446 §5.1), in bytes.
const maxRecord = 16 << 10

// Write implements actors.Transport. What it takes beyond what the socket does is
// the rest of one record.
func (s *secureSocket) Write(p []byte) (n int, err error) {
	if err := s.flush(); err != nil {
		return 0, err
	}
	for n < len(p) && len(s.wire.rest) == 0 {
		record := p[n:min(n+maxRecord, len(p))]
		if _, err := s.tls.Write(record); err != nil {
			return n, err
		}
		n += len(record)
	}
	return n, nil
}

// CloseWrite implements actors.Transport.
func (s *secureSocket) CloseWrite() error {
	if err := s.tls.CloseWrite(); err != nil { // says so to the client's TLS
		return fmt.Errorf("cannot end TLS: %w", err)
	}
	s.ending = true
	return s.flush()
}

// flush writes the rest of a record, and ends the stream behind it if it is to end.
func (s *secureSocket) flush() error {
	if err := s.wire.flush(); err != nil {
		return err
	}
	if s.ending && len(s.wire.rest) == 0 {
		s.ending = false
		return s.wire.socket.CloseWrite()
	}
	return nil
}

// Close implements actors.Transport. The rest of a record has a moment to go out.
func (s *secureSocket) Close() error {
	bare := s.wire.socket
	if bare.fd < 0 {
		return net.ErrClosed
	}
	err := s.tls.CloseWrite()
	if err != nil || len(s.wire.rest) == 0 {
		return bare.Close() // a client that is gone is told nothing
	}
	bare.poller.remove(bare.fd)
	file := os.NewFile(uintptr(bare.fd), "connection")
	bare.fd = -1
	s.all.streams.Go(func() {
		defer file.Close()
		if file.SetWriteDeadline(time.Now().Add(streamLinger)) == nil {
			file.Write(s.wire.rest) // whether it still arrives is not known for any close
		}
	})
	return nil
}

// RemoteAddr implements actors.Transport.
func (s *secureSocket) RemoteAddr() string { return s.wire.socket.RemoteAddr() }

// Acknowledged implements actors.Transport.
func (s *secureSocket) Acknowledged() (bytes uint64, all bool) { return s.wire.socket.Acknowledged() }
