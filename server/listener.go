package server

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// listener goes on when the process is out of descriptors: clients that leave
// free some.
type listener struct {
	net.Listener
	log  *slog.Logger
	told time.Time
}

const (
	acceptPause = 50 * time.Millisecond
	acceptTold  = 10 * time.Second // between log lines
)

// Accept implements net.Listener. Only one goroutine calls it.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil || !outOfDescriptors(err) {
			return conn, err
		}
		if now := time.Now(); now.Sub(l.told) > acceptTold {
			l.told = now
			l.log.Error("out of file descriptors: clients wait to be let in; raise the limit of open files", "error", err)
		}
		time.Sleep(acceptPause)
	}
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}
