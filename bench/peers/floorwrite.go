package main

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/adic-network/router/event"
)

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

// publish adds the frames of a batch to the next round.
func (f *floor) publish(batch []publication) error {
	for _, p := range batch {
		frames := f.pending[p.channel]
		if frames == nil {
			frames = new(floorFrames)
			f.pending[p.channel] = frames
		}
		frames.ws = event.AppendTextFrame(frames.ws, p.event)
		frames.sse = append(append(append(frames.sse, "data: "...), p.event...), "\n\n"...)
	}
	switch {
	case f.delay == 0:
		f.due = true
	case !f.armed:
		f.armed = true
		once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(f.delay))}
		return os.NewSyscallError("timerfd_settime", unix.TimerfdSettime(f.timer, 0, &once, nil))
	}
	return nil
}

// round writes what is pending to all sockets.
func (f *floor) round() {
	for channel, frames := range f.pending {
		f.send(floorKey{channel, false}, &frames.ws)
		f.send(floorKey{channel, true}, &frames.sse)
	}
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
