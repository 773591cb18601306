//go:build linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests below load the machine, and are therefore not parallel.

const (
	vanishing = 2000 // clients that are gone at once
	rounds    = 3    // the first warms up; what the others leave behind would add up

	// spareMemory is far less than rounds of vanishing clients would leave if the
	// router kept 4 KiB of each.
	spareMemory = 8 << 20
)

// Clients that are killed leave nothing behind in the router, and nobody who stays
// notices.
func TestKilledClientsLeaveNothing(t *testing.T) {
	r := startRouter(t)
	vanish(t, r, func() {
		p := start(t, adic(), "bench", r.http(), "--websocket", fmt.Sprint(vanishing/2), "--sse", fmt.Sprint(vanishing/2), "--duration", "1h")
		eventually(t, "the clients have connected and get events", func() bool {
			p.mustRun(t)
			now := r.footprint(t)
			return now.webSockets+now.sse >= vanishing
		})
		r.wantDeliveries(t, vanishing)
		p.signal(os.Kill)
		<-p.done
	})
}

// Nor do those whose network resets them all at once.
func TestResetClientsLeaveNothing(t *testing.T) {
	r := startRouter(t)
	vanish(t, r, func() {
		conns := make([]*net.TCPConn, vanishing)
		for i := range conns {
			conns[i] = dialRaw(t, r.addr)
			if _, err := openRaw(conns[i], rawTransports[i%2].request); err != nil {
				t.Fatal(err)
			}
		}
		r.wantDeliveries(t, vanishing)
		for _, conn := range conns {
			abort(conn)
		}
	})
}

// vanish has clients come and vanish while others stay, and checks that the router is
// as before.
func vanish(t *testing.T, r *router, comeAndGo func()) {
	c := newCrowd(t, r.addr)
	c.pace = 100 * time.Millisecond
	c.follow(t, 2)
	c.publish(1)
	before := r.footprint(t)
	for round := range rounds {
		comeAndGo()
		r.wantBack(t, before, 64<<20)
		if round == 0 {
			before = r.footprint(t)
		}
	}
	r.wantBack(t, before, spareMemory)
	c.hush(t)
	c.wantAll(t)
	c.wantUndisturbed(t)
}

// wantDeliveries waits until n messages more have been sent.
func (r *router) wantDeliveries(t *testing.T, n float64) {
	t.Helper()
	sent := func() float64 {
		m := r.metrics(t)
		return m["adic_websocket_messages_sent_total"] + m["adic_sse_messages_sent_total"]
	}
	before := sent()
	eventually(t, "events are delivered", func() bool { return sent() >= before+n })
}

// Clients that connect and leave over and over, wherever they are with their
// handshake, with FIN and with RST, leave nothing behind.
func TestPassersByLeaveNothing(t *testing.T) {
	const cycles, atOnce = 5000, 16
	stages := []struct {
		name string
		pass func(conn *net.TCPConn, request string) error
	}{
		{"half way through the handshake", func(conn *net.TCPConn, request string) error {
			_, err := conn.Write([]byte(request[:len(request)/2]))
			return err
		}},
		{"with the answer unread", func(conn *net.TCPConn, request string) error {
			_, err := conn.Write([]byte(request))
			return err
		}},
		{"after the handshake", func(conn *net.TCPConn, request string) error {
			_, err := openRaw(conn, request)
			return err
		}},
		{"after the first event", func(conn *net.TCPConn, request string) error {
			answer, err := openRaw(conn, request)
			for err == nil {
				var line string
				if line, err = answer.ReadString('}'); strings.Contains(line, "MessageAdded") {
					return nil
				}
			}
			return err
		}},
	}
	r := startRouter(t)
	c := newCrowd(t, r.addr)
	c.follow(t, 2)
	c.publish(1)
	before := r.footprint(t)
	pass := func(first, last int) {
		var work sync.WaitGroup
		for worker := range atOnce {
			work.Go(func() {
				for i := first + worker; i < last; i += atOnce {
					stage, transport := stages[i%len(stages)], rawTransports[i/len(stages)%2]
					conn, err := net.Dial("tcp", r.addr)
					if err == nil {
						err = conn.SetDeadline(time.Now().Add(deadline))
					}
					if err == nil {
						err = stage.pass(conn.(*net.TCPConn), transport.request)
					}
					if err != nil {
						t.Errorf("%s, %s: %v", transport.name, stage.name, err)
						return
					}
					if i/(2*len(stages))%2 == 0 {
						abort(conn.(*net.TCPConn))
					} else {
						conn.Close()
					}
				}
			})
		}
		work.Wait()
	}
	pass(0, cycles/2)
	r.wantBack(t, before, 64<<20)
	before = r.footprint(t)
	pass(cycles/2, cycles)
	r.wantBack(t, before, spareMemory)
	c.hush(t)
	c.wantAll(t)
	c.wantUndisturbed(t)
}
