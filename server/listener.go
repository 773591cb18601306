package server

import (
	"errors"
	"log/slog"
	"net"
	"sync"
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

// Close implements net.Listener. It may be called more than once.
func (l *listener) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	return l.Listener.Close()
}

// listeners are those that a server accepts from. It closes them itself: fasthttp
// knows of a listener only some time after Serve was called, and a Shutdown that
// came in between would leave it open.
type listeners struct {
	mu     sync.Mutex
	all    []*listener
	closed bool
}

// add reports whether l may be accepted from; it may not once all are closed.
func (ls *listeners) add(l *listener) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.all = append(ls.all, l)
	return !ls.closed
}

// close closes all.
func (ls *listeners) close() (err error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.closed = true
	for _, l := range ls.all {
		err = errors.Join(err, l.Close())
	}
	return err
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}
