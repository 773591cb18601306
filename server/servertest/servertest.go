// Package servertest runs routers in the process of a test, on real sockets, for packages
// that are clients of one.
package servertest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"go.uber.org/goleak"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/server"
)

// patience is how long a router may take to end.
const patience = 30 * time.Second

// A Node is a router that listens on loopback. Its methods are for one goroutine at a
// time, but for those of Router.
type Node struct {
	*actors.Router
	Addr string // host:port, also of the next router after Restart

	t     testing.TB
	cfg   config.Config
	front *server.Server // nil while it is down
	ended chan error
}

// Start starts a router with the default configuration, changed, that closes its clients
// at once when it ends: with the test, unless Stop was called before.
func Start(t testing.TB, change ...func(*config.Config)) *Node {
	t.Helper()
	n := &Node{t: t, Addr: "127.0.0.1:0", cfg: config.Default()}
	n.cfg.Stream.DrainTimeout = 0
	for _, f := range change {
		f(&n.cfg)
	}
	n.start()
	t.Cleanup(n.Stop)
	return n
}

func (n *Node) start() {
	n.t.Helper()
	set, log := metrics.NewSet(), slog.New(slog.DiscardHandler)
	var err error
	n.Router, err = actors.NewRouter(actors.Options{Settings: settings(&n.cfg), Catalogue: event.Default(), Metrics: set, Log: log})
	if err != nil {
		n.t.Fatal(err)
	}
	n.front, err = server.New(server.Options{Config: n.cfg, Router: n.Router, Catalogue: event.Default(), Metrics: set, Log: log, Version: "test"})
	if err != nil {
		n.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", n.Addr)
	if err != nil {
		n.t.Fatal(err)
	}
	n.Addr = ln.Addr().String()
	front, ended := n.front, make(chan error, 1)
	n.ended = ended
	go func() { ended <- front.Serve(ln) }()
}

func settings(cfg *config.Config) actors.Settings {
	return actors.Settings{
		Retain:            [event.NumPriorities]int{cfg.Events.HighPriorityBuffer, cfg.Events.MediumPriorityBuffer, cfg.Events.LowPriorityBuffer},
		PendingEvents:     cfg.Events.PendingEvents,
		PendingBytes:      cfg.Events.PendingBytes,
		HeartbeatInterval: cfg.Stream.HeartbeatInterval,
		PingInterval:      cfg.Stream.PingInterval,
		StallTimeout:      cfg.Stream.StallTimeout,
		MaxMessageSize:    cfg.Stream.MaxMessageSize,
		ClientMessageRate: cfg.Stream.ClientMessageRate,
	}
}

// URL is where its clients find it.
func (n *Node) URL() string { return "http://" + n.Addr }

// Stop ends the router, and fails the test if it does not end well. It does nothing when
// that has happened.
func (n *Node) Stop() {
	if n.front == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.front.Shutdown(ctx); err != nil {
		n.t.Errorf("drain: %v", err)
	}
	if err := <-n.ended; err != nil {
		n.t.Errorf("serve: %v", err)
	}
	n.Router.Close()
	n.front = nil
}

// Restart ends the router and starts another one, which has a stream of its own, at the
// same address.
func (n *Node) Restart() {
	n.t.Helper()
	n.Stop()
	n.start()
}

// Change changes the configuration while the router runs.
func (n *Node) Change(f func(*config.Config)) {
	n.t.Helper()
	f(&n.cfg)
	if err := n.front.Reload(n.cfg); err != nil {
		n.t.Fatal(err)
	}
}

// Run is a TestMain that fails the run when a test leaves a goroutine behind.
func Run(m *testing.M) { goleak.VerifyTestMain(settling{m}, libraries...) }

// libraries are goroutines of fasthttp that never end, or not at once.
var libraries = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
}

// settling waits after the tests for what ends by itself: protoactor counts dead
// letters by the second, on a goroutine.
type settling struct{ *testing.M }

func (m settling) Run() int {
	status := m.M.Run()
	for deadline := time.Now().Add(5 * time.Second); goleak.Find(libraries...) != nil && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	return status
}
