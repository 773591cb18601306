//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// closedAsStalled is how a close frame with code 4408 begins behind its length
// (RFC 6455 §5.5.1).
var closedAsStalled = []byte{4408 >> 8, 4408 & 0xff}

// slowClients are clients that are slow on purpose. All are ended by the router.
var slowClients = []struct {
	name, request string
	// behave returns what the client received until the router ended it.
	behave func(conn *net.TCPConn, request string) (received []byte, err error)
	ended  func(received []byte) bool // as they should have been
}{
	{"a byte of the handshake at a time", rawTransports[0].request, trickleRequest, answered408},
	{"a byte of the request at a time", rawTransports[1].request, trickleRequest, answered408},
	{"nothing of a request", "", trickleRequest, func([]byte) bool { return true }},
	// Without events, which would fill its small buffer: then it may not be told.
	{"a byte of a frame at a time", quietly(rawTransports[0].request), func(conn *net.TCPConn, request string) ([]byte, error) {
		if _, err := openRaw(conn, request); err != nil {
			return nil, err
		}
		frame := append([]byte{0x81, 0x80 | 125, 0, 0, 0, 0}, make([]byte, 125)...) // text, masked with zeros
		return trickle(conn, frame)
	}, told4408},
	{"no pong and no read", quietly(rawTransports[0].request), readLate, told4408},
}

// quietly is a request for events of which there are none.
func quietly(request string) string {
	return strings.Replace(request, "/events ", "/events?events=TipsUpdated ", 1)
}

func answered408(received []byte) bool { return bytes.HasPrefix(received, []byte("HTTP/1.1 408 ")) }

func told4408(received []byte) bool {
	_, last, found := bytes.Cut(received, closedAsStalled)
	return found && len(last) < 125 // the reason is all that follows
}

// trickleRequest sends the request as slowly as trickle.
func trickleRequest(conn *net.TCPConn, request string) ([]byte, error) {
	return trickle(conn, []byte(request))
}

// trickle sends a byte every 100 ms until the router has enough of it, and returns
// what it says.
func trickle(conn *net.TCPConn, text []byte) (received []byte, err error) {
	var writer sync.WaitGroup
	ended := make(chan struct{})
	writer.Go(func() {
		for _, b := range text {
			if _, err := conn.Write([]byte{b}); err != nil {
				return // which the reader sees as well
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ended:
				return
			}
		}
	})
	received, err = readToEnd(conn)
	close(ended)
	writer.Wait()
	return received, err
}

// readLate opens a stream of which it reads nothing until the router has ended it.
func readLate(conn *net.TCPConn, request string) ([]byte, error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	if err := awaitEnd(conn); err != nil {
		return nil, err
	}
	return readToEnd(conn)
}

// awaitEnd waits without reading until the router has ended the connection: TCP_INFO
// tells the state of the kernel's end (tcp(7)).
func awaitEnd(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	const established = 1
	for end := time.Now().Add(deadline); ; time.Sleep(10 * time.Millisecond) {
		var info *unix.TCPInfo
		var infoErr error
		if err := raw.Control(func(fd uintptr) { info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); err != nil {
			return err
		}
		switch {
		case infoErr != nil:
			return infoErr
		case info.State != established:
			return nil
		case time.Now().After(end):
			return os.ErrDeadlineExceeded
		}
	}
}

// readToEnd reads until the connection ends, by RST or FIN.
func readToEnd(conn net.Conn) ([]byte, error) {
	received, err := io.ReadAll(conn)
	if errors.Is(err, syscall.ECONNRESET) {
		err = nil
	}
	return received, err
}

// dialWithWindow connects with the smallest receive buffer that the kernel gives.
func dialWithWindow(addr string) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: deadline, Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if outer := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1)
		}); outer != nil {
			return outer
		}
		return err
	}}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// Clients that are slow in every way are ended in their time, and cost those beside
// them nothing.
func TestSlowClientsAreEnded(t *testing.T) {
	const each = 20
	r := startRouter(t, "--api.header_timeout", "1s", "--stream.ping_interval", "1s", "--stream.stall_timeout", "2s")
	c := newCrowd(t, r.addr)
	c.pace = 10 * time.Millisecond
	c.follow(t, 2)
	before := r.footprint(t)
	c.publish(1)
	for i := range 2 * each { // these never read: only the router knows when they are ended
		conn, err := dialWithWindow(r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, rawTransports[i%2].request); err != nil {
			t.Fatal(err)
		}
	}
	var work sync.WaitGroup
	for _, kind := range slowClients {
		for range each {
			work.Go(func() {
				conn, err := dialWithWindow(r.addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				received, err := kind.behave(conn, kind.request)
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded):
					t.Errorf("%s: not ended in %v", kind.name, deadline)
				case err != nil:
					t.Errorf("%s: %v", kind.name, err)
				case !kind.ended(received):
					t.Errorf("%s: received %q", kind.name, received[max(0, len(received)-300):])
				}
			})
		}
	}
	work.Wait()
	r.wantBack(t, before, 64<<20)
	c.hush(t)
	c.wantAll(t)
	c.wantUndisturbed(t)
	m := r.metrics(t)
	if got := m["adic_clients_stalled_total"]; got < each || got > 2*each { // pings find out WebSockets as well
		t.Errorf("%g clients are counted as stalled, want %d to %d", got, each, 2*each)
	}
	if got := m[`adic_rejections_total{reason="request_timeout"}`]; got < 2*each {
		t.Errorf("%g requests are counted as too slow, want at least %d", got, 2*each)
	}
}
