package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config says what load to make. Start from DefaultConfig: Run refuses a value
// that makes no sense and replaces none.
type Config struct {
	// URL is the address of the router, http://host:port or ws://host:port.
	URL string
	// WebSocket and SSE are how many connections of each kind to hold. The two
	// kinds are connected evenly mixed.
	WebSocket, SSE int
	// Events and Priority are the stream parameters of every connection. Empty
	// asks for everything.
	Events, Priority string

	// Rate is how many events to publish per second for the time of Duration.
	Rate float64
	// Burst is how many events to publish as fast as they are taken, instead of
	// a rate. With neither, Run listens for the time of Duration.
	Burst int
	// Batch is the largest number of events in one POST, 1 or more.
	Batch int
	// Size is the length of a published event in bytes, about: an event is
	// never shorter than its fields.
	Size int
	// Groups, up to 10, divides the clients evenly into so many groups, each of
	// which wants another one of so many types, published in turn. 0 is none.
	Groups int
	// Peer, if not nil, is the server at URL, which is not the router. Events and
	// Priority are of no use then.
	Peer *Peer
	// Token is the router's publish token.
	Token string

	// Duration is how long to publish at a rate, or to listen.
	Duration time.Duration
	// Warmup is how long to publish at the rate before latency and the server's
	// CPU are measured. Of a burst, another burst goes before the measured one,
	// by at least that time. Losses count from the beginning.
	Warmup time.Duration
	// Idle is how long to hold all connections before anything is published.
	// The server's memory per connection is read at its end.
	Idle time.Duration
	// Settle is how long to wait for missing events after the last one came.
	Settle time.Duration

	// ConnectRate is how many connections to open per second, 0 for as many as
	// the server takes.
	ConnectRate float64
	// ConnectConcurrency is how many connections may be opening at a time.
	ConnectConcurrency int
	// ConnectTimeout bounds the opening of one connection, handshake included.
	ConnectTimeout time.Duration
	// StormRate is how many events per second to publish from the first connect
	// until all connections are open and an event published after that has
	// reached them. With 0 nobody publishes meanwhile.
	StormRate float64
	// Stall is how many clients stop reading once they are connected.
	Stall int

	// ServerPID is the process to take memory and CPU from, 0 for none.
	ServerPID int
	// Progress is called about twice a second, from the goroutine of Run, which
	// measures nothing meanwhile. It may be nil.
	Progress func(Progress) `json:"-"`
}

// DefaultConfig returns a configuration that listens with 100 WebSocket
// connections for 10 s. Only the URL is missing.
func DefaultConfig() Config {
	return Config{
		WebSocket:          100,
		Batch:              500,
		Size:               200,
		Duration:           10 * time.Second,
		Idle:               3 * time.Second,
		Settle:             2 * time.Second,
		ConnectConcurrency: 512,
		ConnectTimeout:     10 * time.Second,
	}
}

// Progress is where a run stands.
type Progress struct {
	Phase      Phase
	Elapsed    time.Duration // since the start of the run
	Connected  int           // connections open
	Clients    int           // connections wanted
	Published  uint64        // events accepted by the router
	Deliveries uint64        // events of this run received, over all connections
}

// Phase is a step of a run.
type Phase string

// The phases of a run in their order. A run without publishing has no settling.
const (
	PhaseConnect Phase = "connecting"
	PhaseRecover Phase = "recovering"
	PhaseIdle    Phase = "idle"
	PhaseWarmup  Phase = "warming up"
	PhasePublish Phase = "publishing"
	PhaseListen  Phase = "listening"
	PhaseSettle  Phase = "settling"
	PhaseResume  Phase = "resuming stalled clients"
	PhaseClose   Phase = "closing"
)

// Run makes the load and returns what was measured. When ctx ends, the run ends
// early and is reported up to there: that is no error. An error says that the
// run could not be made at all, with a bad configuration or without a router to
// connect to; what went wrong in a run is in [Report.Problems].
//
// Run raises the process's soft limit of descriptors to the hard limit.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	target, err := cfg.target()
	if err != nil {
		return nil, err
	}
	want, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	return run(ctx, cfg, target, want)
}

// Validate returns what is wrong with the configuration and how to put it
// right. Run calls it too.
func (cfg Config) Validate() error {
	if _, err := cfg.target(); err != nil {
		return err
	}
	_, err := cfg.validate()
	return err
}

// target returns host and port of the router.
func (cfg Config) target() (string, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		return "", fmt.Errorf("the URL of the router is not valid: %w", err)
	case u.Scheme == "https" || u.Scheme == "wss":
		return "", fmt.Errorf("the load generator does not speak TLS: give the http:// address that %s stands for", cfg.URL)
	case u.Scheme != "http" && u.Scheme != "ws" || u.Hostname() == "":
		return "", fmt.Errorf("%q is not the address of a router: it has to look like http://127.0.0.1:9121", cfg.URL)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil:
		return "", fmt.Errorf("%q has more than the router's address: give scheme, host and port only", cfg.URL)
	case u.Port() == "":
		return u.Host + ":80", nil
	}
	return u.Host, nil
}

// validate checks everything but the URL and returns the classes of published
// events that every connection has to receive.
func (cfg Config) validate() (want [classes]bool, err error) {
	clients := cfg.WebSocket + cfg.SSE
	switch {
	case cfg.WebSocket < 0 || cfg.SSE < 0 || clients == 0:
		return want, errors.New("there is nothing to connect: give a number of WebSocket or SSE connections")
	case cfg.Rate < 0 || cfg.Burst < 0:
		return want, errors.New("rate and burst cannot be negative: 0 publishes nothing")
	case cfg.Rate > 0 && cfg.Burst > 0:
		return want, errors.New("publish at a rate or in a burst, not both")
	case cfg.Batch < 1:
		return want, fmt.Errorf("a batch of %d events: it has to be at least 1", cfg.Batch)
	case cfg.Size < 0:
		return want, fmt.Errorf("events of %d bytes: the size cannot be negative", cfg.Size)
	case cfg.Duration <= 0 && cfg.Burst == 0:
		return want, fmt.Errorf("a run of %s: the duration has to be positive", cfg.Duration)
	case cfg.Idle < 0:
		return want, fmt.Errorf("an idle time of %s: it cannot be negative", cfg.Idle)
	case cfg.Settle <= 0:
		return want, fmt.Errorf("a settling time of %s: it has to be positive", cfg.Settle)
	case cfg.ConnectRate < 0:
		return want, fmt.Errorf("a connect rate of %g: it cannot be negative, and 0 sets no limit", cfg.ConnectRate)
	case cfg.ConnectConcurrency < 1:
		return want, fmt.Errorf("a connect concurrency of %d: it has to be at least 1", cfg.ConnectConcurrency)
	case cfg.ConnectTimeout <= 0:
		return want, fmt.Errorf("a connect timeout of %s: it has to be positive", cfg.ConnectTimeout)
	case cfg.Groups < 0 || cfg.Groups > maxGroups:
		return want, fmt.Errorf("%d groups of clients: it has to be 0 to %d", cfg.Groups, maxGroups)
	case cfg.Groups > 0 && cfg.Events+cfg.Priority != "":
		return want, errors.New("groups of clients have filters of their own: give none")
	case cfg.Stall < 0 || cfg.Stall > clients:
		return want, fmt.Errorf("%d of %d clients cannot stall", cfg.Stall, clients)
	case cfg.ServerPID < 0:
		return want, fmt.Errorf("%d is no process id", cfg.ServerPID)
	case cfg.Warmup < 0:
		return want, fmt.Errorf("a warm-up of %s: it cannot be negative", cfg.Warmup)
	case cfg.StormRate < 0:
		return want, fmt.Errorf("a storm rate of %g: it cannot be negative", cfg.StormRate)
	}
	if cfg.publishes() {
		if cfg.Groups > 0 {
			return [classes]bool{high: true}, nil
		}
		return expectedClasses(cfg.Events, cfg.Priority)
	}
	return want, nil
}

// group returns the type that client i wants, and nothing if that is everything.
func (cfg Config) group(i int32) string {
	if cfg.Groups == 0 {
		return ""
	}
	return groupTypes[int(i)%cfg.Groups].name
}

// publishes says that events are published at all, loads that some are after
// everybody has connected.
func (cfg Config) publishes() bool { return cfg.loads() || cfg.StormRate > 0 }
func (cfg Config) loads() bool     { return cfg.Rate > 0 || cfg.Burst > 0 }

// clock gives Unix nanoseconds that advance with the monotonic clock, so that a
// wall clock that is set in the middle of a run changes no latency.
type clock struct{ start time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() int64 { return c.start.UnixNano() + int64(time.Since(c.start)) }
