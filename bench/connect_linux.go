package bench

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stallBuffer is the receive buffer of clients that will stall, so that they
	// fill up soon, and resumeBuffer what they get to catch up with, in bytes.
	stallBuffer  = 4 << 10
	resumeBuffer = 256 << 10
	// perSource is how many connections to a loopback address come from one
	// source address. Beyond half of the ephemeral ports, 14,000 by default,
	// connect(2) searches longer for a free one than all the rest takes.
	perSource = 10_000
)

// resolve finds the address of the router by connecting to it once: where a
// name has several, that is the one where somebody listens.
func resolve(ctx context.Context, host string) (unix.Sockaddr, int, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	probe, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot reach the router: %w", err)
	}
	defer probe.Close()
	address := probe.RemoteAddr().(*net.TCPAddr).AddrPort()
	ip := address.Addr().Unmap()
	switch {
	case ip.Is4():
		return &unix.SockaddrInet4{Port: int(address.Port()), Addr: ip.As4()}, unix.AF_INET, nil
	case ip.Zone() != "":
		return nil, 0, fmt.Errorf("%s: addresses with a zone are not supported", host)
	}
	return &unix.SockaddrInet6{Port: int(address.Port()), Addr: ip.As16()}, unix.AF_INET6, nil
}

// raiseDescriptors raises the limit of descriptors to the hard limit and checks
// that it is enough for the connections.
func raiseDescriptors(clients int) error {
	const spare = 32 // standard streams, epoll, publishing, the runtime's own
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("cannot read the limit of descriptors: %w", err)
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			return fmt.Errorf("cannot raise the limit of descriptors to %d: %w", limit.Max, err)
		}
	}
	if need := uint64(clients + spare); need > limit.Cur {
		return fmt.Errorf("%d connections need %d descriptors and the hard limit is %d: raise it with ulimit -Hn, or connect less",
			clients, need, limit.Cur)
	}
	return nil
}

// openMore opens as many connections as rate and concurrency allow at now, of a
// run that began to connect at began, and gives up those that take too long. It
// reports when no connection is left to open or opening.
func (l *loop) openMore(now, began int64) bool {
	allowed := len(l.conns)
	if l.cfg.ConnectRate > 0 {
		elapsed := time.Duration(now - began).Seconds()
		allowed = int(min(float64(allowed), elapsed*l.cfg.ConnectRate+1))
	}
	for l.started < allowed && l.inFlight < l.cfg.ConnectConcurrency {
		l.connect(&l.conns[l.started], now)
		l.started++
	}
	for l.oldest < l.started {
		c := &l.conns[l.oldest]
		if c.phase.opening() {
			if now-c.began < int64(l.cfg.ConnectTimeout) {
				break // It was opened first, so no other is late either.
			}
			l.end(c, "no answer in "+l.cfg.ConnectTimeout.String())
		}
		l.oldest++
	}
	return l.oldest == len(l.conns)
}

// connect begins to open c.
func (l *loop) connect(c *conn, now int64) {
	c.phase, c.began = connecting, now
	l.inFlight++
	fd, err := unix.Socket(l.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	c.fd = int32(fd)
	if err != nil {
		l.end(c, "socket: "+err.Error())
		return
	}
	if c.stalled {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, stallBuffer); err != nil {
			l.end(c, "receive buffer: "+err.Error())
			return
		}
	}
	if err := l.bindSource(c); err != nil {
		l.end(c, "bind: "+err.Error())
		return
	}
	if err := unix.Connect(fd, l.address); err != nil && err != unix.EINPROGRESS {
		l.end(c, "connect: "+err.Error())
		return
	}
	if err := l.watch(c, unix.EPOLL_CTL_ADD, unix.EPOLLOUT); err != nil {
		l.end(c, "epoll: "+err.Error())
	}
}

// bindSource spreads connections to an IPv4 loopback address over several source
// addresses of 127.0.0.0/8.
func (l *loop) bindSource(c *conn) error {
	target, ok := l.address.(*unix.SockaddrInet4)
	if !ok || target.Addr[0] != 127 {
		return nil
	}
	// Without this the port is taken at bind(2), as if for a listener.
	if err := unix.SetsockoptInt(int(c.fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return unix.Bind(int(c.fd), &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + c.index/perSource)}})
}

// connected sends the request of c when its connect(2) went well.
func (l *loop) connected(c *conn) {
	errno, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	if err != nil {
		l.end(c, "connect: "+err.Error())
		return
	}
	// A server that is asked faster than it accepts does not answer, and the
	// kernel asks again after a second.
	if info, err := unix.GetsockoptTCPInfo(int(c.fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		l.connectsAgain += int(info.Total_retrans)
	}
	c.phase = handshaking
	l.request = l.handshake.appendRequest(l.request[:0], c.sse, int(c.index))
	l.send(c, l.request)
	l.rewatch(c)
}
