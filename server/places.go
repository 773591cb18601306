package server

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// slots counts connections of a kind against a limit.
type slots struct{ taken atomic.Int64 }

// take takes a slot unless limit are taken.
func (s *slots) take(limit int) bool {
	if s.taken.Add(1) <= int64(limit) {
		return true
	}
	s.taken.Add(-1)
	return false
}

func (s *slots) free() { s.taken.Add(-1) }

// promised holds the places of requests that are to become streams and are not
// yet: fasthttp calls a hijack handler only if it could write the response and
// the client did not ask for the connection to be closed. A place whose connection
// ends before that is free again.
type promised struct {
	mu sync.Mutex
	by map[net.Conn]func()
}

// keep keeps what frees the place that was taken for conn.
func (p *promised) keep(conn net.Conn, free func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = make(map[net.Conn]func())
	}
	p.by[conn] = free
}

// claim hands the place over to the stream that conn has become.
func (p *promised) claim(conn net.Conn) { p.remove(conn) }

func (p *promised) remove(conn net.Conn) (free func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	free = p.by[conn]
	delete(p.by, conn)
	return free
}

// follow frees the place of a connection that ended without becoming a stream. It
// is fasthttp's ConnState.
func (p *promised) follow(conn net.Conn, state fasthttp.ConnState) {
	if state != fasthttp.StateClosed {
		return
	}
	if free := p.remove(conn); free != nil {
		free()
	}
}
