package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// floorPeer is the least that a server can do on this kernel, and what
// everything else is measured against: one loop that writes ready frames to bare
// sockets and does nothing else.
//
// A round takes all events that were published since the last one, lays their
// frames behind one another once, and gives that buffer to every socket with one
// write(2). A socket that does not take all of it goes on from its position when
// epoll reports it writable; the bytes are kept once for all such sockets. It
// knows no ids, cursors, priorities or heartbeats. Requests to publish come in on
// the same goroutine, because waking another for every event costs as much as
// dozens of writes.
func floorPeer() peer {
	return peer{
		description: description{
			Name:      "floor",
			Module:    "std",
			Transport: "both",
			Path:      "/ws?channel=" + placeholder,
			SSEPath:   "/sse?channel=" + placeholder,
			Setup: "One goroutine and one epoll set over bare sockets, at most 19,900 of them, publishers included. A round " +
				"writes the frames of all events since the last one to each socket with one write(2); frames have no envelope and no ids. SO_SNDBUF is the " +
				"kernel's default, TCP_NODELAY is set. What a slow socket has not taken is kept once for all, without a bound, " +
				"and nobody is cut off. With a delay a round starts that long after the first event that it carries.",
		},
		start: func(addr string, o options) (server, error) { return startFloor(addr, o, 0) },
	}
}

// boundedFloor is the floor for bursts of a server that promises what the router
// promises: that no more than 64 KiB are in the kernel's hands for a client, where
// nothing more important can overtake them. What it cannot hand over in one piece
// it has to come back for.
func boundedFloor() peer {
	p := floorPeer()
	p.Name = "floor-64k"
	p.Setup = "The floor, with the router's bound on what the kernel holds for each client (send_buffer, 64 KiB; TCP_NOTSENT_LOWAT, 16 KiB)."
	p.start = func(addr string, o options) (server, error) { return startFloor(addr, o, 64<<10) }
	return p
}

// floorMax bounds the connections, so that a few descriptors remain.
const floorMax = 19_900

// floor is the loop with its sockets, which belong to the goroutine of run.
type floor struct {
	epoll           *os.File // what it watches Go's poller watches
	listener, timer int      // timer is a timerfd, for the delay
	options
	done chan struct{}

	pending map[string]*floorFrames // of the next round, by channel
	due     bool                    // a round is due at the end of this turn
	armed   bool                    // or when the timer expires
	sockets []floorSocket           // by descriptor
	open    int
	streams map[floorKey]*floorStream
	// unread is what is there of an unfinished request or frame, owed are control
	// frames that a full socket did not take, by descriptor. Both are rare.
	unread, owed map[int][]byte
	input        []byte
}

// floorSocket is all that is kept for a connection.
type floorSocket struct {
	stream   *floorStream // nil before the handshake
	position uint64       // in the stream, of a blocked socket
	index    int32        // in the stream's sockets
	open     bool
	blocked  bool
	sse      bool
}

// startFloor starts it with that bound on the send buffer of each client, 0 for
// the kernel's own.
func startFloor(addr string, o options, sendBuffer int) (server, error) {
	f := &floor{
		listener: -1, timer: -1,
		options: o,
		done:    make(chan struct{}),
		pending: make(map[string]*floorFrames),
		streams: make(map[floorKey]*floorStream),
		unread:  make(map[int][]byte),
		owed:    make(map[int][]byte),
		input:   make([]byte, 64<<10),
	}
	bound, err := f.listen(addr, sendBuffer)
	if err != nil {
		f.closeDescriptors()
		return server{}, err
	}
	wait, err := f.epoll.SyscallConn()
	if err != nil {
		f.closeDescriptors()
		return server{}, err
	}
	go f.run(wait)
	return server{addr: bound, close: func() error {
		err := f.epoll.Close() // which ends run
		<-f.done
		return err
	}}, nil
}

// listen opens all descriptors but those of clients and returns the address.
func (f *floor) listen(addr string, sendBuffer int) (string, error) {
	want, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return "", err
	}
	if f.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return "", os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(f.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return "", os.NewSyscallError("setsockopt", err)
	}
	// Accepted sockets inherit it.
	if err := unix.SetsockoptInt(f.listener, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return "", os.NewSyscallError("setsockopt", err)
	}
	if sendBuffer > 0 { // the kernel doubles it
		err := errors.Join(unix.SetsockoptInt(f.listener, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer/2),
			unix.SetsockoptInt(f.listener, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 16<<10))
		if err != nil {
			return "", os.NewSyscallError("setsockopt", err)
		}
	}
	to := &unix.SockaddrInet4{Port: want.Port}
	copy(to.Addr[:], want.IP.To4())
	if err := unix.Bind(f.listener, to); err != nil {
		return "", os.NewSyscallError("bind", err)
	}
	// The kernel makes net.core.somaxconn of it.
	if err := unix.Listen(f.listener, 1<<16-1); err != nil {
		return "", os.NewSyscallError("listen", err)
	}
	bound, err := unix.Getsockname(f.listener)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return "", os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(epoll, true); err != nil { // lets os.NewFile poll it
		return "", os.NewSyscallError("fcntl", err)
	}
	f.epoll = os.NewFile(uintptr(epoll), "epoll")
	if f.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return "", os.NewSyscallError("timerfd_create", err)
	}
	for _, fd := range []int{f.listener, f.timer} {
		if err := f.watch(fd, unix.EPOLLIN|unix.EPOLLET); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s:%d", net.IP(to.Addr[:]), bound.(*unix.SockaddrInet4).Port), nil
}

// watch adds a descriptor to the set.
func (f *floor) watch(fd int, events uint32) error {
	raw, err := f.epoll.SyscallConn()
	if err != nil {
		return err
	}
	return errors.Join(raw.Control(func(epoll uintptr) {
		err = os.NewSyscallError("epoll_ctl",
			unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
	}), err)
}

// run is the loop, until the set is closed. It waits in Go's poller: a thread in a blocking epoll_wait
// looks busy to Go's scheduler, whose monitor then wakes up every 20 us to see.
func (f *floor) run(wait syscall.RawConn) {
	defer close(f.done)
	defer f.closeDescriptors()
	events := make([]unix.EpollEvent, 1024)
	for {
		n := 0
		err := wait.Read(func(epoll uintptr) bool {
			n, _ = unix.EpollWait(int(epoll), events, 0)
			return n > 0
		})
		if err != nil {
			return // closed
		}
		for _, e := range events[:n] {
			f.handle(int(e.Fd), e.Events)
		}
		if f.due {
			f.due = false
			f.round()
		}
	}
}

// handle reacts to what epoll reports of a descriptor.
func (f *floor) handle(fd int, events uint32) {
	switch fd {
	case f.listener:
		f.accept()
	case f.timer:
		f.armed, f.due = false, true // edge-triggered, so that it need not be read
	default:
		// It may be over by now, or another one: both functions find out.
		if events&unix.EPOLLOUT != 0 {
			f.writable(fd)
		}
		if events&^unix.EPOLLOUT != 0 {
			f.readable(fd)
		}
	}
}

// accept takes all new connections.
func (f *floor) accept() {
	for {
		fd, _, err := unix.Accept4(f.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			fmt.Fprintln(os.Stderr, "peers: floor: accept4:", err)
			return
		case f.open == floorMax:
			_ = unix.Close(fd)
			continue
		}
		f.open++
		for fd >= len(f.sockets) {
			f.sockets = append(f.sockets, floorSocket{})
		}
		f.sockets[fd].open = true
		if err := f.watch(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET); err != nil {
			fmt.Fprintln(os.Stderr, "peers: floor:", err)
			f.drop(fd)
		}
	}
}

// drop closes a socket.
func (f *floor) drop(fd int) {
	socket := &f.sockets[fd]
	if s := socket.stream; s != nil {
		last := s.sockets[len(s.sockets)-1]
		s.sockets[socket.index] = last
		f.sockets[last].index = socket.index
		s.sockets = s.sockets[:len(s.sockets)-1]
		if socket.blocked {
			s.blocked--
		}
	}
	*socket = floorSocket{}
	delete(f.unread, fd)
	delete(f.owed, fd)
	f.open--
	_ = unix.Close(fd) // of a socket, it only tells what is over
}

// closeDescriptors ends everything.
func (f *floor) closeDescriptors() {
	for fd := range f.sockets {
		if f.sockets[fd].open {
			f.drop(fd)
		}
	}
	for _, fd := range []int{f.listener, f.timer} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
