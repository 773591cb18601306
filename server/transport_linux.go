package server

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/adic-network/router/actors"
)

// notSentLowWater bounds what waits in the kernel and is not under way yet, in
// bytes: the decision what to send next stays with the router.
const notSentLowWater = 16 << 10

// socket is a transport over a bare, non-blocking TCP socket. It costs nothing
// beside its descriptor: no goroutine, no buffer, no entry in Go's own poller.
type socket struct {
	fd     int
	poller *poller
	remote netip.AddrPort
}

// newSocket takes the socket out of conn, which it closes.
func newSocket(conn *net.TCPConn, p *poller, settings transportSettings) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{fd: -1, poller: p, remote: peer(conn)}
	var dupErr error
	err = raw.Control(func(fd uintptr) {
		s.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = dupErr
	}
	if err == nil {
		err = s.configure(settings)
	}
	if err == nil {
		err = conn.Close() // the duplicate keeps the connection open
	}
	if err != nil {
		if s.fd >= 0 {
			unix.Close(s.fd)
		}
		return nil, err
	}
	return s, nil
}

// peer is the address of the other end, an IPv4 one as such on a socket that takes both.
func peer(conn *net.TCPConn) netip.AddrPort {
	addr, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	a := addr.AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func (s *socket) configure(settings transportSettings) error {
	// The kernel doubles SO_SNDBUF to allow for its own overhead, which then
	// counts against it: half of the bound is the bound.
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, settings.sendBuffer/2); err != nil {
		return fmt.Errorf("cannot set SO_SNDBUF: %w", err)
	}
	if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowWater); err != nil {
		return fmt.Errorf("cannot set TCP_NOTSENT_LOWAT: %w", err)
	}
	return nil
}

// Attach implements actors.Transport.
func (s *socket) Attach(n actors.Notifier) error { return s.poller.add(s.fd, n) }

// Read implements actors.Transport.
func (s *socket) Read(p []byte) (int, error) {
	for {
		switch n, err := unix.Read(s.fd, p); {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, nil
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements actors.Transport. It does not tell Go's scheduler of the
// system call: the socket never blocks, and what the scheduler does about calls
// that might takes a twentieth of the CPU of a delivery.
func (s *socket) Write(p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, errno
		}
	}
}

// Acknowledged implements actors.Transport. What waits in the kernel for a window to
// open is not under way: a client that reads nothing has stalled, not vanished.
func (s *socket) Acknowledged() (bytes uint64, all bool) {
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, true
	}
	return info.Bytes_acked, info.Unacked == 0
}

// CloseWrite implements actors.Transport.
func (s *socket) CloseWrite() error { return unix.Shutdown(s.fd, unix.SHUT_WR) }

// Close implements actors.Transport.
func (s *socket) Close() error {
	if s.fd < 0 {
		return net.ErrClosed
	}
	s.poller.remove(s.fd)
	fd := s.fd
	s.fd = -1 // another connection may have it next
	return unix.Close(fd)
}

// RemoteAddr implements actors.Transport. The kernel forgets it when the client resets
// the connection, which is when the log needs it.
func (s *socket) RemoteAddr() string { return s.remote.String() }
