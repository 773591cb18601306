package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/adic-network/router/actors"
)

// transportSettings are what a connection's socket is set up with.
type transportSettings struct {
	// sendBuffer is how many bytes may wait in the kernel, where they cannot be
	// overtaken by a more important event.
	sendBuffer int
}

// transports turns the connections that fasthttp hijacks into what connection
// actors work with: on Linux TCP, and TLS over TCP, into bare sockets in an epoll
// set, which cost no goroutine; everything else into a pair of goroutines.
type transports struct {
	poller  *poller
	taking  sync.Mutex     // one at a time needs a second descriptor for a moment
	streams sync.WaitGroup // the goroutines of streamTransports
}

func newTransports() (*transports, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &transports{poller: p}, nil
}

// close frees what the transports share. All of them must have been closed.
func (t *transports) close() error {
	t.streams.Wait()
	return t.poller.close()
}

// take makes a transport of a connection that is nobody else's any more, and
// returns what its client has sent already. If it fails, it closes conn.
func (t *transports) take(conn net.Conn, settings transportSettings) (tr actors.Transport, early []byte, err error) {
	if early, err = drainEarly(conn); err == nil {
		tr, err = t.wrap(below(conn), settings)
	}
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("cannot take over connection: %w", err)
	}
	return tr, early, nil
}

func (t *transports) wrap(conn net.Conn, settings transportSettings) (actors.Transport, error) {
	if t.poller == nil {
		return newStreamTransport(conn, settings, &t.streams)
	}
	t.taking.Lock()
	defer t.taking.Unlock()
	switch conn := conn.(type) {
	case *net.TCPConn:
		return newSocket(conn, t.poller, settings)
	case *tls.Conn:
		if w, ok := conn.NetConn().(*wire); ok {
			return t.newSecureSocket(conn, w, settings)
		}
	}
	return newStreamTransport(conn, settings, &t.streams)
}

// below returns the connection that a hijacked one wraps. What fasthttp has read
// of it must have been drained: the buffer is of no more use, and large.
func below(conn net.Conn) net.Conn {
	if w, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
		return w.UnsafeConn()
	}
	return conn
}

// maxEarly is how much a client may send behind its handshake before the server
// has answered it.
const maxEarly = 64 << 10

// drainEarly takes what fasthttp has read beyond the request. A deadline in the
// past makes Read return what is buffered, and then fail instead of reading on.
// What is still in the kernel the transport reads itself.
func drainEarly(conn net.Conn) (early []byte, err error) {
	if err := conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return nil, err
	}
	var buf [1024]byte
	for {
		n, err := conn.Read(buf[:])
		early = append(early, buf[:n]...)
		switch {
		case len(early) > maxEarly:
			return nil, fmt.Errorf("the client sent over %d bytes before the handshake was answered", maxEarly)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return early, conn.SetReadDeadline(time.Time{})
		case err != nil:
			return nil, err
		}
	}
}
