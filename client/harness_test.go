package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/server/servertest"
)

func TestMain(m *testing.M) { servertest.Run(m) }

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// hurry lets followers wait a little only.
var hurry = pace{10 * time.Millisecond, 100 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond}

// node is a router in this process. Its clients come through a gate that can cut them
// off.
type node struct {
	*servertest.Node
	gate *gate
	t    testing.TB
	n    int // number of the last event
}

func startNode(t testing.TB, change ...func(*config.Config)) *node {
	t.Helper()
	n := &node{Node: servertest.Start(t, change...), t: t}
	n.gate = newGate(t, n.Addr)
	t.Cleanup(n.stop)
	return n
}

// stop ends the node, before its test ends.
func (n *node) stop() {
	n.gate.close()
	n.Stop()
}

// publish publishes n events of a type, numbered on.
func (n *node) publish(name string, count int) {
	n.t.Helper()
	parser := event.Parser{Catalogue: event.Default()}
	for range count {
		n.n++
		e, err := parser.ParseEvent(fmt.Appendf(nil, sample[name], n.n))
		if err == nil {
			err = n.Publish([]*event.Event{e})
		}
		if err != nil {
			n.t.Fatal(err)
		}
	}
}

// sample is an event of each class, with a number in it.
var sample = map[string]string{
	"TipsUpdated":          `{"type":"TipsUpdated","tips":["t"],"count":%d,"timestamp":"2024-01-15T10:30:00Z"}`,
	"KCoreUpdated":         `{"type":"KCoreUpdated","finalized_count":%d,"pending_count":2,"timestamp":"2024-01-15T10:30:00Z"}`,
	"AdmissibilityUpdated": `{"type":"AdmissibilityUpdated","c1_rate":1,"c2_rate":1,"c3_rate":1,"overall_rate":1,"sample_size":%d,"timestamp":"2024-01-15T10:30:00Z"}`,
}

func (n *node) url() string { return "http://" + n.gate.addr }

// follow opens a client that waits a little only, and closes it with the test.
func follow(t testing.TB, url string, o Options) *Client {
	t.Helper()
	c, err := open(url, o, hurry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// connected waits until a client is connected over a transport.
func (c *Client) connected(t testing.TB, over Transport) {
	t.Helper()
	eventually(t, fmt.Sprintf("connected over %s", over), func() bool {
		s := c.State()
		return s.Status == Connected && s.Transport == over
	})
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited %v in vain for: %s", patience, what)
		}
	}
}

// next returns what the iteration gives next, in short: "MessageAdded 7", "gap ...".
func (c *Client) next(t testing.TB, count int) (got []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for e, err := range c.Events(ctx) {
		var gap *Gap
		switch {
		case errors.As(err, &gap):
			got = append(got, gap.Error())
		case err != nil:
			return append(got, err.Error())
		default:
			got = append(got, short(e))
		}
		if len(got) == count {
			break
		}
	}
	return got
}

// short is the type and the number of an event.
func short(e Event) string {
	var n struct {
		Count      int
		Finalized  int `json:"finalized_count"`
		SampleSize int `json:"sample_size"`
	}
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return err.Error()
	}
	return fmt.Sprint(e.Type, " ", n.Count+n.Finalized+n.SampleSize)
}

// gate passes connections on to an address, and cuts them off when it is told to.
type gate struct {
	t      testing.TB
	ln     net.Listener
	addr   string
	target string

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	shut   bool // nobody gets in
	served sync.WaitGroup
}

func newGate(t testing.TB, target string) *gate {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, ln: ln, addr: ln.Addr().String(), target: target, conns: make(map[net.Conn]struct{})}
	g.served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			g.served.Go(func() { g.pass(conn) })
		}
	})
	return g
}

func (g *gate) pass(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", g.target)
	if err != nil {
		return
	}
	defer out.Close()
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return
	}
	g.conns[in], g.conns[out] = struct{}{}, struct{}{}
	g.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			way[0].Close()
			way[1].Close()
		})
	}
	both.Wait()
	g.mu.Lock()
	delete(g.conns, in)
	delete(g.conns, out)
	g.mu.Unlock()
}

// cut ends all connections.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.conns {
		conn.Close()
	}
}

// bar lets nobody in, or everybody again.
func (g *gate) bar(shut bool) {
	g.mu.Lock()
	g.shut = shut
	g.mu.Unlock()
	if shut {
		g.cut()
	}
}

func (g *gate) close() {
	g.ln.Close()
	g.bar(true)
	g.served.Wait()
}
