package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/adic-network/router/event"
)

// floorPeer is the least that a server can do on this kernel, and what
// everything else is measured against: one thread that writes ready frames to
// bare sockets and does nothing else.
//
// A round takes all events that were published since the last one, lays their
// frames behind one another once, and gives that buffer to every socket with one
// write(2). A socket that does not take all of it goes on from its position when
// epoll reports it writable; the bytes are kept once for all such sockets. It
// checks nothing, forgets nobody, and knows no ids, cursors, priorities or
// heartbeats.
func floorPeer() peer {
	return peer{
		description: description{
			Name:      "floor",
			Module:    "std",
			Transport: "both",
			Path:      "/ws?channel=" + placeholder,
			SSEPath:   "/sse?channel=" + placeholder,
			Setup: "One thread and one epoll set over bare sockets, at most 19,900 of them. A round writes the frames of all events " +
				"since the last one to each socket with one write(2); frames have no envelope and no ids. SO_SNDBUF is the " +
				"kernel's default, TCP_NODELAY is set. What a slow socket has not taken is kept once for all, without a bound, " +
				"and nobody is cut off. With a delay a round starts that long after the first event that it carries.",
		},
		start: startFloor,
	}
}

// floorMax bounds the connections, so that descriptors remain for the door.
const floorMax = 19_900

// floor is the loop with its sockets. Fields below mu belong to the thread of
// run.
type floor struct {
	epoll, listener, wakeup int
	delay                   time.Duration
	done                    chan struct{}

	mu      sync.Mutex
	pending map[string]*floorFrames // of the next round, by channel
	woken   bool                    // a round is going to start
	closing bool

	taken   map[string]*floorFrames // the other of pending, empty between rounds
	sockets []floorSocket           // by descriptor
	open    int
	streams map[floorKey]*floorStream
	// unread is what is there of an unfinished request or frame, owed are control
	// frames that a full socket did not take, by descriptor. Both are rare.
	unread, owed map[int][]byte
	input        []byte
}

// floorFrames are the frames of some events for both transports.
type floorFrames struct{ ws, sse []byte }

// floorKey names a stream of bytes that many sockets get.
type floorKey struct {
	channel string
	sse     bool
}

type floorStream struct {
	sockets []int32
	// log are the bytes that blocked sockets have not had yet, from position
	// base on. It is empty between rounds when no socket is blocked.
	log     []byte
	base    uint64
	blocked int
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

func startFloor(addr string, delay time.Duration) (server, error) {
	f := &floor{
		epoll: -1, listener: -1, wakeup: -1,
		delay:   delay,
		done:    make(chan struct{}),
		pending: make(map[string]*floorFrames),
		taken:   make(map[string]*floorFrames),
		streams: make(map[floorKey]*floorStream),
		unread:  make(map[int][]byte),
		owed:    make(map[int][]byte),
		input:   make([]byte, 16<<10),
	}
	bound, err := f.listen(addr)
	if err != nil {
		f.closeDescriptors()
		return server{}, err
	}
	go f.run()
	return server{addr: bound, publish: f.publish, close: func() error {
		f.mu.Lock()
		f.closing = true
		f.mu.Unlock()
		err := f.wake()
		<-f.done
		return err
	}}, nil
}

// listen opens the listener, the epoll set and the wakeup, and returns the
// address.
func (f *floor) listen(addr string) (string, error) {
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
	if f.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return "", os.NewSyscallError("epoll_create1", err)
	}
	if f.wakeup, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return "", os.NewSyscallError("eventfd", err)
	}
	for _, fd := range []int{f.listener, f.wakeup} {
		if err := f.watch(fd, unix.EPOLLIN|unix.EPOLLET); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s:%d", net.IP(to.Addr[:]), bound.(*unix.SockaddrInet4).Port), nil
}

func (f *floor) watch(fd int, events uint32) error {
	err := unix.EpollCtl(f.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	return os.NewSyscallError("epoll_ctl", err)
}

// publish adds the frames of a batch to the next round.
func (f *floor) publish(batch []publication) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range batch {
		frames := f.pending[p.channel]
		if frames == nil {
			frames = new(floorFrames)
			f.pending[p.channel] = frames
		}
		frames.ws = event.AppendTextFrame(frames.ws, p.event)
		frames.sse = append(append(append(frames.sse, "data: "...), p.event...), "\n\n"...)
	}
	if f.woken {
		return nil
	}
	f.woken = true
	if f.delay == 0 {
		return f.wake()
	}
	time.AfterFunc(f.delay, func() {
		if err := f.wake(); err != nil {
			fmt.Fprintln(os.Stderr, "peers: cannot start a round:", err)
		}
	})
	return nil
}

// wake makes run look at pending and closing.
func (f *floor) wake() error {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, err := unix.Write(f.wakeup, one[:])
	return os.NewSyscallError("write", err)
}

// run is the loop. It has a thread of its own, which parks in epoll_wait.
func (f *floor) run() {
	defer close(f.done)
	defer f.closeDescriptors()
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 1024)
	for {
		n, err := unix.EpollWait(f.epoll, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			fmt.Fprintln(os.Stderr, "peers: floor: epoll_wait:", err)
			return
		}
		round := false
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case f.listener:
				f.accept()
			case f.wakeup:
				var count [8]byte
				_, _ = unix.Read(fd, count[:]) // only to reset it
				round = true
			default:
				// It may be over by now, or another one: both functions find out.
				if e.Events&unix.EPOLLOUT != 0 {
					f.writable(fd)
				}
				if e.Events&^unix.EPOLLOUT != 0 {
					f.readable(fd)
				}
			}
		}
		if round && !f.round() {
			return
		}
	}
}

// round writes what is pending to all sockets. It returns false at the end.
func (f *floor) round() bool {
	f.mu.Lock()
	f.pending, f.taken = f.taken, f.pending
	f.woken = false
	closing := f.closing
	f.mu.Unlock()
	for channel, frames := range f.taken {
		f.send(floorKey{channel, false}, &frames.ws)
		f.send(floorKey{channel, true}, &frames.sse)
	}
	return !closing
}

// send writes frames to all sockets of a stream and leaves an empty buffer.
func (f *floor) send(key floorKey, frames *[]byte) {
	s := f.streams[key]
	if s == nil || len(s.sockets) == 0 || len(*frames) == 0 {
		*frames = (*frames)[:0]
		return
	}
	start := len(s.log)
	if start == 0 {
		s.log, *frames = *frames, s.log
	} else {
		s.log = append(s.log, *frames...)
		*frames = (*frames)[:0]
	}
	// From the end, because a socket that fails is replaced by the last one.
	for i := len(s.sockets) - 1; i >= 0; i-- {
		fd := int(s.sockets[i])
		socket := &f.sockets[fd]
		if socket.blocked {
			continue
		}
		n, err := write(fd, s.log[start:])
		switch {
		case err != nil:
			f.drop(fd)
		case n < len(s.log)-start:
			socket.blocked = true
			socket.position = s.base + uint64(start+n)
			s.blocked++
		}
	}
	s.forget()
}

// forget empties the log when no socket needs it.
func (s *floorStream) forget() {
	if s.blocked == 0 {
		s.base += uint64(len(s.log))
		s.log = s.log[:0]
	}
}

// writable goes on with a socket that was full.
func (f *floor) writable(fd int) {
	socket := &f.sockets[fd]
	s := socket.stream
	if s != nil && socket.blocked {
		rest := s.log[socket.position-s.base:]
		n, err := write(fd, rest)
		if err != nil {
			f.drop(fd)
			return
		}
		socket.position += uint64(n)
		if n < len(rest) {
			return
		}
		socket.blocked = false
		s.blocked--
		s.forget()
	}
	if frame, ok := f.owed[fd]; ok {
		delete(f.owed, fd)
		f.control(fd, frame)
	}
}

// control writes a control frame, now or when the socket takes it.
func (f *floor) control(fd int, frame []byte) {
	n := 0
	if !f.sockets[fd].blocked {
		var err error
		if n, err = write(fd, frame); err != nil || n > 0 && n < len(frame) {
			f.drop(fd)
			return
		}
	}
	if n == 0 {
		f.owed[fd] = frame // an earlier one needs no answer, RFC 6455 §5.5.3
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
	for _, fd := range []int{f.listener, f.epoll, f.wakeup} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// write is write(2). A socket that takes nothing is no error. It does not tell
// Go's scheduler, since it cannot block: the socket does not.
func write(fd int, p []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EAGAIN:
			return 0, nil
		case syscall.EINTR:
			continue
		}
		return 0, errno
	}
}
