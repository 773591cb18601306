package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// patience is how long a test waits for something that has to happen.
const patience = 30 * time.Second

// publishToken is the credential of the publishers of every front.
const publishToken = "for-tests"

// A carrier is what lies below HTTP.
type carrier struct {
	name   string
	listen func(t *testing.T, ln net.Listener) net.Listener
	dial   func(conn net.Conn) duplex
}

var (
	overTCP = carrier{
		name:   "tcp",
		listen: func(_ *testing.T, ln net.Listener) net.Listener { return ln },
		dial:   func(conn net.Conn) duplex { return conn.(*net.TCPConn) },
	}
	overTLS = carrier{
		name: "tls",
		listen: func(t *testing.T, ln net.Listener) net.Listener {
			return &tlsListener{ln, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}}
		},
		dial: func(conn net.Conn) duplex { return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) },
	}
)

// A front is a Server that serves a Router of its own on a free port.
type front struct {
	*Server
	addr string // host:port
	over carrier

	drained bool
}

// startFront starts a front with the default configuration, changed, and without
// a limit on what a client may say in a second. The test fails if it does not
// shut down well.
func startFront(t *testing.T, over carrier, change ...func(*config.Config)) *front {
	t.Helper()
	return startLoggedFront(t, over, slog.New(slog.DiscardHandler), change...)
}

func startLoggedFront(t *testing.T, over carrier, log *slog.Logger, change ...func(*config.Config)) *front {
	t.Helper()
	return startFrontWith(t, over, log, func(*Options) {}, change...)
}

// startFrontWith is startLoggedFront with other options.
func startFrontWith(t *testing.T, over carrier, log *slog.Logger, with func(*Options), change ...func(*config.Config)) *front {
	t.Helper()
	cfg := config.Default()
	cfg.Auth.PublishToken = publishToken
	cfg.Stream.DrainTimeout = 0
	cfg.Stream.ClientMessageRate = 1e6
	for _, f := range change {
		f(&cfg)
	}
	set := metrics.NewSet()
	router, err := actors.NewRouter(actors.Options{
		Settings: actors.Settings{
			Retain:            [event.NumPriorities]int{cfg.Events.HighPriorityBuffer, cfg.Events.MediumPriorityBuffer, cfg.Events.LowPriorityBuffer},
			PendingEvents:     cfg.Events.PendingEvents,
			PendingBytes:      cfg.Events.PendingBytes,
			HeartbeatInterval: cfg.Stream.HeartbeatInterval,
			PingInterval:      cfg.Stream.PingInterval,
			StallTimeout:      cfg.Stream.StallTimeout,
			MaxMessageSize:    cfg.Stream.MaxMessageSize,
			ClientMessageRate: cfg.Stream.ClientMessageRate,
			MaxSubscription:   cfg.Limits.MaxSubscription,
		},
		Catalogue: event.Default(), Metrics: set, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Config: cfg, Router: router, Catalogue: event.Default(), Metrics: set, Log: log, Version: "test"}
	with(&o)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{Server: s, addr: ln.Addr().String(), over: over}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(over.listen(t, ln)) }()
	t.Cleanup(func() {
		f.drain(t)
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		router.Close()
	})
	return f
}

// drain shuts the server down, once.
func (f *front) drain(t *testing.T) {
	t.Helper()
	if f.drained {
		return
	}
	f.drained = true
	if err := f.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// A rawClient is one connection to a front, with what it has received and not read.
type rawClient struct {
	duplex
	t   *testing.T
	tcp *net.TCPConn // below the carrier
	in  *bufio.Reader
}

// dial opens a connection, which is closed when the test ends.
func (f *front) dial(t *testing.T) *rawClient {
	t.Helper()
	return f.dialFrom(t, "")
}

// dialFrom is dial from an address of this machine, or from any if it is empty.
func (f *front) dialFrom(t *testing.T, address string) *rawClient {
	t.Helper()
	var from net.Dialer
	if address != "" {
		from.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
	}
	conn, err := from.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &rawClient{duplex: f.over.dial(conn), t: t, tcp: conn.(*net.TCPConn)}
	c.in = bufio.NewReader(c.duplex)
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// send writes what the server may have hung up on already.
func (c *rawClient) send(p string) {
	c.t.Helper()
	_, err := io.WriteString(c.duplex, p)
	if err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatalf("cannot send: %v", err)
	}
}

// response reads the answer to a request, its body included.
func (c *rawClient) response() (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatalf("cannot read the response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("cannot read the body: %v", err)
	}
	return res, string(body)
}

// expectEnd expects that the server ends the connection, and sends nothing more.
func (c *rawClient) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
		c.t.Fatalf("%q, %v came where the connection should have ended", rest, err)
	}
}

// expectError expects an answer with a status and the body of an error, and
// returns it.
func (c *rawClient) expectError(status int) (*http.Response, string) {
	c.t.Helper()
	res, body := c.response()
	if res.StatusCode != status {
		c.t.Fatalf("answered with %d %s, want %d", res.StatusCode, body, status)
	}
	var failure struct{ Error string }
	if err := json.Unmarshal([]byte(body), &failure); err != nil || failure.Error == "" {
		c.t.Fatalf("the body is %q, want an error in JSON", body)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		c.t.Errorf("the error is %s, want JSON", got)
	}
	return res, failure.Error
}

// get returns the answer to a GET over a connection of its own.
func (f *front) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	c := f.dial(t)
	defer c.Close()
	c.send("GET " + path + " HTTP/1.1\r\nHost: " + f.addr + "\r\nConnection: close\r\n\r\n")
	return c.response()
}

// publish publishes events, which have to be accepted.
func (f *front) publish(t *testing.T, body string) {
	t.Helper()
	c := f.dial(t)
	defer c.Close()
	c.send(fmt.Sprintf("POST /v1/events HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		f.addr, publishToken, len(body), body))
	if res, answer := c.response(); res.StatusCode != http.StatusAccepted {
		t.Fatalf("publishing was answered with %d %s", res.StatusCode, answer)
	}
}

// metric returns the value of a metric, as text.
func (f *front) metric(t *testing.T, name string) string {
	t.Helper()
	_, text := f.get(t, "/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("there is no metric %s", name)
	return ""
}

// eventually waits until condition holds, and fails the test if it never does.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain until %s", patience, what)
		}
	}
}
