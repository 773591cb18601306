package server

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
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
	inherited bool         // the service manager holds it as well
	open      func() int64 // connections, streams and others
	log       *slog.Logger
	told      time.Time
	waited    int // pauses not told of
	closed    atomic.Bool
	turns     atomic.Uint64 // how often Accept looked
}

const (
	// reservedDescriptors are not for connections to take: a connection that
	// becomes a stream needs a second one for a moment, and a reload needs some.
	reservedDescriptors = spareDescriptors / 2

	acceptPause = 50 * time.Millisecond
	acceptTold  = 10 * time.Second // between log lines

	alivePoll = time.Millisecond
)

// Accept implements net.Listener. Only one goroutine calls it.
func (l *listener) Accept() (net.Conn, error) {
	for {
		l.turns.Add(1)
		if !l.closed.Load() && !l.hasRoom() {
			l.pause(syscall.EMFILE)
			continue
		}
		conn, err := l.Listener.Accept()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded): // alive set it
			err = l.Listener.(deadliner).SetDeadline(time.Time{})
			if err != nil {
				return nil, err
			}
		case outOfDescriptors(err):
			l.pause(err)
		default:
			return conn, err
		}
	}
}

// pause waits for clients to leave, and says so now and then.
func (l *listener) pause(err error) {
	l.waited++
	if now := time.Now(); now.Sub(l.told) > acceptTold {
		l.log.Error(remedy(err), "error", err, "connections", l.open(), "limit", descriptorLimit(), "suppressed", l.waited-1)
		l.told, l.waited = now, 0
	}
	time.Sleep(acceptPause)
}

// remedy is what an operator can do about an error for which outOfDescriptors is
// true.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return "cannot accept connections: too many open files: raise LimitNOFILE= in the systemd unit, or ulimit -n"
	case errors.Is(err, syscall.ENFILE):
		return "cannot accept connections: too many open files in the system: raise the sysctl fs.file-max"
	default:
		return "cannot accept connections: no memory for sockets: lower the limits of connections, or raise the sysctl net.ipv4.tcp_mem"
	}
}

// deadliner is what a listener of the net package can do beside accepting.
type deadliner interface{ SetDeadline(time.Time) error }

// alive has Accept look once, whether anybody comes or not, and reports whether it
// did before timeout. It needs no descriptor and no place in the kernel's queue, so
// that a router that is only full is not taken for dead.
func (l *listener) alive(timeout time.Duration) bool {
	d, ok := l.Listener.(deadliner)
	before := l.turns.Load()
	if !ok || l.closed.Load() || d.SetDeadline(time.Now()) != nil {
		return true // there is no way to tell, or nothing to tell any more
	}
	for end := time.Now().Add(timeout); l.turns.Load() == before && !l.closed.Load(); time.Sleep(alivePoll) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
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

// handBack closes those that were inherited: who connects from now on waits for the
// next process. It reports whether there are any.
func (ls *listeners) handBack() (any bool, err error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.all {
		if l.inherited {
			any, err = true, errors.Join(err, l.Close())
		}
	}
	return any, err
}

// alive reports whether all are accepted from.
func (ls *listeners) alive(timeout time.Duration) bool {
	ls.mu.Lock()
	all := slices.Clone(ls.all)
	ls.mu.Unlock()
	return !slices.ContainsFunc(all, func(l *listener) bool { return !l.alive(timeout) })
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
