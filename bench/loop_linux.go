package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// tick bounds how long the loop waits for the kernel before it looks at
	// the time again, in milliseconds.
	tick = 5
	// progressInterval is how often progress is told and memory is read.
	progressInterval = 500 * time.Millisecond
)

// loop holds the connections of a run and serves them from one goroutine.
type loop struct {
	cfg       Config
	clock     clock
	handshake handshaker
	mark      *marker
	address   unix.Sockaddr
	family    int

	epoll   int
	ready   [512]unix.EpollEvent
	scratch []byte // what every read goes into
	request []byte // what every request is made in

	// conns is never resized: the kernel keeps indices into it.
	conns []conn
	// started, oldest: conns[:started] were opened, conns[:oldest] are no
	// longer opening.
	started, oldest int
	inFlight        int // opening
	open            int // open or closing

	tally

	// everyInterval is called every progressInterval.
	everyInterval func(now int64)
	nextInterval  int64
}

// newLoop makes a loop for the router at host, which has to be reachable. Close
// it to give its descriptors back.
func newLoop(ctx context.Context, cfg Config, host, run string, clock clock) (*loop, error) {
	address, family, err := resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	clients := cfg.WebSocket + cfg.SSE
	if err := raiseDescriptors(clients); err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot create an epoll instance: %w", err)
	}
	l := &loop{
		cfg:           cfg,
		clock:         clock,
		handshake:     newHandshaker(cfg, host, rand.Uint64()),
		mark:          newMarker(run),
		address:       address,
		family:        family,
		epoll:         epoll,
		scratch:       make([]byte, 256<<10),
		conns:         make([]conn, clients),
		tally:         newTally(),
		everyInterval: func(int64) {},
	}
	for i := range l.conns {
		c := &l.conns[i]
		c.index = int32(i)
		// As many of the first i as of all of them, so that every stretch of
		// connections has its share of both kinds.
		c.sse = (i+1)*cfg.SSE/clients > i*cfg.SSE/clients
		c.stalled = i < cfg.Stall
	}
	return l, nil
}

// close closes everything that is still open.
func (l *loop) close() error {
	for i := range l.conns {
		l.shut(&l.conns[i])
	}
	return unix.Close(l.epoll)
}

// spin serves the connections until done, which is asked at least every tick.
func (l *loop) spin(done func(now int64) bool) error {
	for {
		now := l.clock.now()
		if now >= l.nextInterval {
			l.nextInterval = now + int64(progressInterval)
			l.everyInterval(now)
		}
		if done(now) {
			return nil
		}
		n, err := unix.EpollWait(l.epoll, l.ready[:], tick)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("cannot wait for connections: %w", err)
		}
		for _, event := range l.ready[:max(n, 0)] {
			l.serve(&l.conns[event.Fd], event.Events)
		}
	}
}

// serve does what the kernel reported as possible on c.
func (l *loop) serve(c *conn, events uint32) {
	if c.phase == connecting {
		l.connected(c)
		return
	}
	if events&unix.EPOLLOUT != 0 && c.phase.usable() {
		l.flush(c)
	}
	if events&^unix.EPOLLOUT != 0 && c.phase.usable() {
		l.read(c)
	}
}

// pause stops reading from c.
func (l *loop) pause(c *conn) {
	c.paused = true
	l.rewatch(c)
}

// resumeStalled lets all stalled clients read on.
func (l *loop) resumeStalled() {
	for i := range l.conns {
		if c := &l.conns[i]; c.paused && c.phase.usable() {
			c.paused = false
			if err := unix.SetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_RCVBUF, resumeBuffer); err != nil {
				l.end(c, "receive buffer: "+err.Error())
				continue
			}
			l.rewatch(c)
		}
	}
}

// rewatch asks the kernel to report what c waits for.
func (l *loop) rewatch(c *conn) {
	if !c.phase.usable() {
		return
	}
	var events uint32
	if !c.paused {
		events |= unix.EPOLLIN
	}
	if len(c.out) > 0 {
		events |= unix.EPOLLOUT
	}
	if err := l.watch(c, unix.EPOLL_CTL_MOD, events); err != nil {
		l.end(c, "epoll: "+err.Error())
	}
}

// watch tells the kernel the index of c in place of its descriptor, which is
// given back with its events.
func (l *loop) watch(c *conn, operation int, events uint32) error {
	return unix.EpollCtl(l.epoll, operation, int(c.fd), &unix.EpollEvent{Events: events, Fd: c.index})
}

// send writes b to c, and keeps what the socket does not take.
func (l *loop) send(c *conn, b []byte) {
	if len(c.out) == 0 {
		n, err := unix.Write(int(c.fd), b)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
		case err != nil:
			l.end(c, "write: "+err.Error())
			return
		default:
			b = b[n:]
		}
		if len(b) == 0 {
			return
		}
	}
	c.out = append(c.out, b...)
	l.rewatch(c)
}

// flush writes what c has kept.
func (l *loop) flush(c *conn) {
	out := c.out
	c.out = nil
	l.send(c, out)
	if len(c.out) == 0 {
		l.rewatch(c)
	}
}

// control sends a control frame. A client must not use a predictable mask (RFC
// 6455 §10.3).
func (l *loop) control(c *conn, opcode byte, payload []byte) {
	// A server that pings and does not read gets no pongs: RFC 6455 §5.5.3
	// lets a client answer the most recent ping only.
	if opcode == opPong && len(c.out) > 0 {
		return
	}
	var buffer [131]byte
	l.send(c, appendFrame(buffer[:0], opcode, rand.Uint32(), payload))
}

// closeAll begins to close every connection, WebSockets with a close frame.
func (l *loop) closeAll() {
	for i := range l.conns {
		c := &l.conns[i]
		if c.sse || c.phase != open {
			l.shut(c)
			continue
		}
		c.phase, c.paused = closing, false
		l.control(c, opClose, binary.BigEndian.AppendUint16(nil, 1000))
		l.rewatch(c)
	}
}
