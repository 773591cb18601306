package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A cable is a TCP connection that can be cut: a proxy that passes bytes on.
type cable struct {
	listener net.Listener
	pumps    sync.WaitGroup

	mu     sync.Mutex
	target string                    // host:port
	conns  map[*net.TCPConn]struct{} // nil after close
	mended chan struct{}             // closed while it is whole
}

// layCable starts a cable to target (host:port), for as long as the test runs.
func layCable(t *testing.T, target string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: listener, target: target, conns: make(map[*net.TCPConn]struct{}), mended: make(chan struct{})}
	close(c.mended)
	c.pumps.Go(c.accept)
	t.Cleanup(c.close)
	return c
}

func (c *cable) addr() string { return c.listener.Addr().String() }

// cut resets every connection, as a failing network does. New ones are taken
// but lead nowhere until mend is called.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mended = make(chan struct{})
	c.reset()
}

// lead has new connections go to another target.
func (c *cable) lead(target string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target = target
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.mended)
}

func (c *cable) close() {
	c.listener.Close()
	c.mu.Lock()
	c.reset()
	c.conns = nil
	select {
	case <-c.mended:
	default:
		close(c.mended)
	}
	c.mu.Unlock()
	c.pumps.Wait()
}

// reset closes every connection with RST: a linger time of 0 asks for that.
func (c *cable) reset() {
	for conn := range c.conns {
		conn.SetLinger(0)
		conn.Close()
	}
	clear(c.conns)
}

// hold keeps two connections for the cut. It reports whether they came in time:
// not after the cut that follows mended.
func (c *cable) hold(mended <-chan struct{}, near, far *net.TCPConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil || mended != c.mended {
		return false
	}
	c.conns[near], c.conns[far] = struct{}{}, struct{}{}
	return true
}

func (c *cable) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return // closed
		}
		c.pumps.Go(func() { c.connect(conn.(*net.TCPConn)) })
	}
}

// connect passes on what the two ends of a connection send.
func (c *cable) connect(near *net.TCPConn) {
	c.mu.Lock()
	mended := c.mended
	c.mu.Unlock()
	<-mended
	c.mu.Lock()
	target := c.target
	c.mu.Unlock()
	dialed, err := net.Dial("tcp", target)
	if err != nil {
		near.Close()
		return
	}
	far := dialed.(*net.TCPConn)
	if c.hold(mended, near, far) {
		var back sync.WaitGroup
		back.Go(func() { pump(near, far) })
		pump(far, near)
		back.Wait()
	}
	near.Close()
	far.Close()
}

// pump copies until the source ends, and then says so to the destination.
func pump(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return
	}
	to.CloseWrite()
}
