package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// Options make a Cluster.
type Options struct {
	Config    config.Cluster // valid, and with NATS set
	Catalogue *event.Catalogue
	// Retain is how many events of each class the follower holds, which is how far
	// back Follow begins.
	Retain [event.NumPriorities]int
	// PendingEvents and PendingBytes bound the events that are being stored, and
	// PendingEvents also what is handed to the follower at a time.
	PendingEvents, PendingBytes int
	Metrics                     *metrics.Set // a set of its own, for one router
	Log                         *slog.Logger
}

// Cluster is a router's connection to the streams of its cluster.
type Cluster struct {
	o        Options
	log      *slog.Logger
	parser   event.Parser
	metrics  *counters
	embedded *embedded // nil if the servers are elsewhere
	conn     *nats.Conn
	js       jetstream.JetStream
	storing  storing
	streams  [event.NumPriorities]string
	subjects [event.NumPriorities]string

	keys     atomic.Pointer[jetstream.KeyValue] // the bucket of idempotency keys
	state    atomic.Pointer[state]
	caughtUp chan struct{} // closed when the follower has had what was stored before it began
}

// state is what the cluster is in at a moment.
type state struct {
	away    error    // why the streams are not followed; nil while they are
	differs []string // how streams differ from the configuration
}

// errNotFollowed is the state before Follow.
var errNotFollowed = errors.New("not followed yet")

// retryWait is the pause between attempts to connect or to join.
const retryWait = 250 * time.Millisecond

// Open starts the embedded server, if there is one, connects, and makes streams
// that are missing. What may change by itself, such as a server that cannot be
// reached or has no leader yet, it waits for until ctx is done; what cannot, such
// as refused credentials, fails at once. Close ends what it has started.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{
		o:        o,
		log:      o.Log,
		parser:   event.Parser{Catalogue: o.Catalogue, PassUnknown: true},
		storing:  storing{mostEvents: int64(o.PendingEvents), mostBytes: int64(o.PendingBytes)},
		caughtUp: make(chan struct{}),
	}
	for _, p := range event.Priorities() {
		c.streams[p] = o.Config.StreamPrefix + "_" + p.String()
		c.subjects[p] = o.Config.StreamPrefix + "." + p.String()
	}
	c.state.Store(&state{away: errNotFollowed})
	c.metrics = newCounters(c)
	err := c.open(ctx)
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) open(ctx context.Context) (err error) {
	if c.o.Config.NATS == config.EmbeddedNATS {
		if c.embedded, err = startEmbedded(&c.o.Config, c.log); err != nil {
			return err
		}
	}
	if c.conn, err = c.connect(ctx); err != nil {
		return err
	}
	if c.js, err = newJetStream(c.conn); err != nil {
		return fmt.Errorf("cannot use JetStream: %w", err)
	}
	for {
		_, err := c.survey(ctx)
		if err == nil || !passing(err) {
			return err
		}
		c.log.Warn("cluster: the streams cannot be used yet", "error", err)
		if !sleep(ctx, retryWait) {
			return err
		}
	}
}

// passing reports whether an error may go away by itself.
func passing(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	if ok {
		// Too busy, no leader, or the same message is just being stored.
		return api.Code == 503 || api.Code == 429 || api.Code == 409
	}
	return !errors.Is(err, errForeign)
}

// Close ends what Open has started. Follow must have returned.
func (c *Cluster) Close() {
	if c.conn != nil {
		c.conn.Close()
	}
	if c.embedded != nil {
		c.embedded.stop()
	}
}

// CaughtUp is closed when the follower has had all that was stored when Follow
// joined the streams for the first time.
func (c *Cluster) CaughtUp() <-chan struct{} { return c.caughtUp }

// Reasons returns why the health of the router is not what it could be, nil if it
// is.
func (c *Cluster) Reasons() []string {
	s := c.state.Load()
	reasons := s.differs
	if s.away != nil {
		reasons = append([]string{fmt.Sprintf("the streams of the cluster are not followed: %v; clients get no new events until they are (cluster.nats)", s.away)}, reasons...)
	}
	return reasons
}

// lost notes that the streams are not followed any more.
func (c *Cluster) lost(why error) {
	s := *c.state.Load()
	s.away = why
	c.state.Store(&s)
}

// sleep waits for d, or until ctx is done, which it reports.
func sleep(ctx context.Context, d time.Duration) (slept bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A Follower takes events that have their places. *actors.Router is one.
type Follower interface {
	// Replicate appends events of the stream of at, behind at, whose positions ascend
	// in each class. Positions that are left out are lost. With actors.ErrOverloaded
	// nothing was taken.
	Replicate(at event.Cursor, batch []event.Placed) error
}
