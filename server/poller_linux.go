package server

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/adic-network/router/actors"
)

// poller watches the sockets of all connections with one epoll set and one
// goroutine. The set's own descriptor is watched by Go's poller, so that the
// goroutine parks like any other instead of holding a thread.
type poller struct {
	file *os.File // the epoll set
	raw  syscall.RawConn
	fd   int
	done sync.WaitGroup

	mu      sync.Mutex
	clients []client // by descriptor
}

// client is who is told of a descriptor. Descriptors are used again at once:
// generation tells a late event of the last user from one of the present.
type client struct {
	notifier   actors.Notifier
	generation int32
}

const pollBatch = 256 // events taken at a time

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot create epoll set: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // lets os.NewFile poll it
		unix.Close(fd)
		return nil, fmt.Errorf("cannot poll epoll set: %w", err)
	}
	p := &poller{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, fmt.Errorf("cannot poll epoll set: %w", err)
	}
	p.done.Go(p.run)
	return p, nil
}

// close ends the poller. All sockets must have been removed.
func (p *poller) close() error {
	err := p.file.Close()
	p.done.Wait()
	return err
}

// add begins to report what happens to fd to n. Reports are edge-triggered: one
// comes when something changes, not while it stays so.
func (p *poller) add(fd int, n actors.Notifier) error {
	p.mu.Lock()
	for fd >= len(p.clients) {
		p.clients = append(p.clients, client{})
	}
	c := &p.clients[fd]
	c.notifier = n
	c.generation++
	event := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff,
		Fd:     int32(fd),
		Pad:    c.generation,
	}
	p.mu.Unlock()
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		p.remove(fd)
		return fmt.Errorf("cannot watch socket: %w", err)
	}
	return nil
}

// remove ends the reports of fd, which the caller closes next: that takes it out
// of the set.
func (p *poller) remove(fd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < len(p.clients) {
		p.clients[fd].notifier = nil
	}
}

func (p *poller) run() {
	events := make([]unix.EpollEvent, pollBatch)
	for {
		n := 0
		err := p.raw.Read(func(fd uintptr) bool {
			var err error
			n, err = unix.EpollWait(int(fd), events, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
		if err != nil {
			return // closed
		}
		p.report(events[:max(n, 0)])
	}
}

const (
	readableEvents = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	writableEvents = unix.EPOLLOUT | unix.EPOLLHUP | unix.EPOLLERR
)

func (p *poller) report(events []unix.EpollEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range events {
		e := &events[i]
		c := &p.clients[e.Fd]
		if c.notifier == nil || c.generation != e.Pad {
			continue
		}
		if e.Events&readableEvents != 0 {
			c.notifier.Readable()
		}
		if e.Events&writableEvents != 0 {
			c.notifier.Writable()
		}
	}
}
