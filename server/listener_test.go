package server

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/config"
)

// scripted is a listener that fails in a certain way a number of times, and then
// accepts what Listener does, or else one end of a pipe.
type scripted struct {
	net.Listener
	mu       sync.Mutex
	err      error
	failures int
	calls    int
}

func (s *scripted) Accept() (net.Conn, error) {
	s.mu.Lock()
	s.calls++
	err, fails := s.err, s.calls <= s.failures
	s.mu.Unlock()
	if fails {
		return nil, err
	}
	if s.Listener != nil {
		return s.Listener.Accept()
	}
	conn, other := net.Pipe()
	other.Close()
	return conn, nil
}

func (s *scripted) Close() error {
	if s.Listener != nil {
		return s.Listener.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.err = s.calls+1, net.ErrClosed
	return nil
}

// acceptError is how net reports one.
func acceptError(number syscall.Errno) error {
	return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", number)}
}

func none() int64 { return 0 }

func TestListenerGoesOnWithoutDescriptors(t *testing.T) {
	for _, number := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		t.Run(number.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				in := &scripted{err: acceptError(number), failures: 1000}
				l := &listener{Listener: in, open: none, log: slog.New(slog.NewTextHandler(&log, nil))}
				began := time.Now()
				conn, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				conn.Close()
				if in.calls != 1001 {
					t.Errorf("accepted at call %d, want 1001", in.calls)
				}
				// A thousand failures make a line at once, and one every ten seconds.
				took := time.Since(began)
				lines := strings.Count(log.String(), "\n")
				if most := 1 + int(took/acceptTold); lines < 2 || lines > most {
					t.Errorf("%d lines in %v, want 2 to %d", lines, took, most)
				}
				if !strings.Contains(log.String(), "cannot accept connections: ") || !strings.Contains(log.String(), "raise ") {
					t.Errorf("the log does not tell what to do: %s", log.String())
				}
				if !strings.Contains(log.String(), "suppressed=200") { // ten seconds of pauses
					t.Errorf("the log does not tell how many lines it left out: %s", log.String())
				}
				if took < 10*time.Second {
					t.Errorf("a thousand failures took %v: the loop is a busy one", took)
				}
			})
		})
	}
}

func TestListenerReportsOtherErrors(t *testing.T) {
	for _, want := range []error{net.ErrClosed, io.EOF, acceptError(syscall.EINVAL)} {
		l := &listener{Listener: &scripted{err: want, failures: 1}, open: none, log: slog.New(slog.DiscardHandler)}
		if _, err := l.Accept(); !errors.Is(err, want) {
			t.Errorf("Accept = %v, want %v", err, want)
		}
	}
}

// While there are as many connections as there may be descriptors, those who come
// are left in the kernel's queue.
func TestListenerKeepsDescriptorsInReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		open.Store(int64(descriptorLimit()))
		var log bytes.Buffer
		in := &scripted{}
		l := &listener{Listener: in, open: open.Load, log: slog.New(slog.NewTextHandler(&log, nil))}
		accepted := make(chan error)
		accept := func() {
			conn, err := l.Accept()
			if err == nil {
				conn.Close()
			}
			accepted <- err
		}
		go accept()
		time.Sleep(time.Minute) // of the bubble
		synctest.Wait()
		if in.calls > 0 {
			t.Error("a client is let in with the last descriptor")
		}
		if lines := strings.Count(log.String(), "\n"); lines < 2 || lines > 7 {
			t.Errorf("%d lines in a minute, want one every ten seconds", lines)
		}
		open.Store(0) // they leave
		if err := <-accepted; err != nil || in.calls != 1 {
			t.Errorf("Accept = %v after %d calls, want a connection after one", err, in.calls)
		}
		open.Store(int64(descriptorLimit()))
		go accept()
		time.Sleep(time.Second)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept = %v after Close, want that the listener is closed", err)
		}
	})
}

func TestServerGoesOnWithoutDescriptors(t *testing.T) {
	t.Parallel()
	over := overTCP
	over.listen = func(_ *testing.T, ln net.Listener) net.Listener {
		return &scripted{Listener: ln, err: acceptError(syscall.EMFILE), failures: 3}
	}
	f := startFront(t, over)
	if res, body := f.request(t, "GET", "/health/live", ""); res.StatusCode != http.StatusOK {
		t.Errorf("status = %d %s, want 200", res.StatusCode, body)
	}
	f.dialWS(t, "").leave()
}

// A listener that is broken for good ends the server, which says why.
func TestServeReportsABrokenListener(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	broken := &scripted{err: acceptError(syscall.EINVAL), failures: 1}
	if err := f.Serve(broken); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), "cannot serve") {
		t.Errorf("Serve = %v, want the reason", err)
	}
}

// A server that is told to stop while it starts does stop.
func TestServeAfterShutdown(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	f.drain(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Serve(ln); err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v, want that the listener is closed", err)
	}
}

func TestDescriptors(t *testing.T) {
	tests := []struct {
		name           string
		webSocket, sse bool
		want           uint64
	}{
		{"both", true, true, 200 + 30 + spareDescriptors},
		{"WebSocket", true, false, 200 + spareDescriptors},
		{"SSE", false, true, 30 + spareDescriptors},
		{"none", false, false, spareDescriptors},
	}
	for _, tt := range tests {
		c := config.Default()
		c.API.MaxWebSocketConnections, c.API.MaxSSEConnections = 200, 30
		c.API.EnableWebSocket, c.API.EnableSSE = tt.webSocket, tt.sse
		if got := Descriptors(&c); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// The accept loop shows that it is alive whether somebody connects or not, and is
// found out when it hangs.
func TestListenerIsAlive(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Listener: ln, open: none, log: slog.New(slog.DiscardHandler)}
	const timeout = 30 * time.Second
	if l.alive(10 * time.Millisecond) {
		t.Error("alive although nobody accepts")
	}
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	for range 3 {
		if !l.alive(timeout) {
			t.Error("not alive although nobody has come")
		}
	}
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	(<-accepted).Close()
	if !l.alive(timeout) {
		t.Error("not alive after a client")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-accepted
	if !l.alive(10 * time.Millisecond) {
		t.Error("one that was closed is taken for one that hangs")
	}
}
