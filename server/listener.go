package server

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// listener lets nobody in while the process is nearly out of descriptors, and goes
// on when clients have left. Those who come wait in the kernel's queue meanwhile:
// one that was let in with the last descriptor could not be served.
type listener struct {
	net.Listener
	open   func() int64 // connections, streams and others
	log    *slog.Logger
	told   time.Time
	closed atomic.Bool
}

const (
	// reservedDescriptors are not for connections to take: a connection that
	// becomes a stream needs a second one for a moment, and a reload needs some.
	reservedDescriptors = spareDescriptors / 2

	acceptPause = 50 * time.Millisecond
	acceptTold  = 10 * time.Second // between log lines
)

// Accept implements net.Listener. Only one goroutine calls it.
func (l *listener) Accept() (net.Conn, error) {
	for {
		if l.closed.Load() || l.hasRoom() {
			conn, err := l.Listener.Accept()
			if err == nil || !outOfDescriptors(err) {
				return conn, err
			}
		}
		if now := time.Now(); now.Sub(l.told) > acceptTold {
			l.told = now
			l.log.Error("out of file descriptors: clients wait to be let in; raise the limit of open files",
				"connections", l.open(), "limit", descriptorLimit())
		}
		time.Sleep(acceptPause)
	}
}

// hasRoom reports whether there are descriptors for another connection.
func (l *listener) hasRoom() bool {
	limit := descriptorLimit()
	return limit == 0 || uint64(max(l.open(), 0))+min(reservedDescriptors, limit/2) < limit
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.closed.Store(true)
	return l.Listener.Close()
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}
