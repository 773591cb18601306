package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/cenkalti/backoff/v5"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
)

// A Follower takes events that have their places. *actors.Router is one.
type Follower interface {
	// Replicate appends events of the stream of at, behind at, whose positions ascend
	// in each class. What it has already it passes over, what is left out is lost. It
	// owns the events, whatever it returns; after an error others of the same may
	// follow.
	Replicate(at event.Cursor, batch []event.Placed) error
}

// Options are what a Relay needs.
type Options struct {
	URLs      []string       // of upstreams, the one to prefer first; at least one
	Client    client.Options // Token and HTTP
	Catalogue *event.Catalogue
	MaxEvent  int // bytes of an event; 0 is no limit
	Batch     int // events that the Follower takes together; at least 1
	Follower  Follower
	Instance  string // of this process, to find itself above an upstream
	Metrics   *metrics.Set
	Log       *slog.Logger
}

// Relay follows one upstream at a time. Its methods are safe for concurrent use, but
// for Run.
type Relay struct {
	o       Options
	parser  event.Parser
	place   client.Place
	retry   *backoff.ExponentialBackOff
	state   atomic.Pointer[state]
	metrics *counters
}

// state is how the relay stands with its upstreams.
type state struct {
	path    []string // the routers above, by instance
	trouble error    // why no upstream is followed; nil if one is
}

const (
	// firstWait and lastWait are the pauses after no upstream could be followed.
	firstWait, lastWait = time.Second, time.Minute
	// connectTimeout bounds an attempt with one of them.
	connectTimeout = 20 * time.Second
	// settleTime is how long the first event of a stream is waited for, which says
	// exactly where that is.
	settleTime = 2 * time.Second
	// fullWait is the pause after the follower took nothing.
	fullWait = 2 * time.Millisecond
)

// New makes a relay.
func New(o Options) *Relay {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = firstWait, lastWait, 2
	r := &Relay{o: o, parser: event.Parser{Catalogue: o.Catalogue, MaxEventSize: o.MaxEvent, PassUnknown: true}, retry: b}
	r.state.Store(&state{trouble: errors.New("connecting")})
	r.metrics = newCounters(r)
	return r
}

// Up reports whether an upstream is followed.
func (r *Relay) Up() bool { return r.state.Load().trouble == nil }

// Path returns the instances of the routers above this one, the nearest first.
func (r *Relay) Path() []string { return r.state.Load().path }

// Reasons returns why the health of the router is not what it could be, nil if it is.
func (r *Relay) Reasons() []string {
	s := r.state.Load()
	if s.trouble == nil {
		return nil
	}
	return []string{fmt.Sprintf("no upstream is followed: %s; clients get no new events until one is (source.relay)",
		strings.ReplaceAll(s.trouble.Error(), "\n", "; "))}
}

// Run follows the upstreams until ctx is done. It is called once.
func (r *Relay) Run(ctx context.Context) {
	for ctx.Err() == nil {
		var troubles []error
		for _, url := range r.o.URLs {
			err := r.follow(ctx, url)
			if ctx.Err() != nil {
				return
			}
			r.metrics.errors.Inc()
			r.o.Log.Warn("event error: the upstream is not followed", "source", "relay", "upstream", url, "error", err)
			troubles = append(troubles, fmt.Errorf("%s: %w", url, err))
			r.state.Store(&state{trouble: errors.Join(troubles...)})
			if errors.Is(err, errLost) {
				break // which may have been long ago: the first is to be preferred
			}
		}
		sleep(ctx, r.retry.NextBackOff())
	}
}

// errLost says that an upstream that was followed has gone.
var errLost = errors.New("the connection was lost")

// follow follows one upstream until that cannot be followed any more.
func (r *Relay) follow(ctx context.Context, url string) error {
	beginning, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	path, err := r.pathOf(beginning, url)
	if err != nil {
		return err
	}
	since, end, err := r.start(beginning, url)
	if err != nil {
		return err
	}
	following, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	o := r.o.Client
	o.Since, o.Buffer = since, 4*r.o.Batch
	o.OnState = func(s client.State) {
		if s.Status == client.Disconnected { // perhaps another one is there
			stop(fmt.Errorf("%w: %w", errLost, s.Err))
		}
	}
	c, err := client.Dial(beginning, url, o)
	if err != nil {
		return err
	}
	defer c.Close()
	if (end == event.Cursor{}) && r.place.Begun { // what came since the last connection is lost
		r.metrics.gaps.Inc()
		r.place.Skip()
	}
	r.retry.Reset()
	r.metrics.connections.Inc()
	r.state.Store(&state{path: path})
	r.o.Log.Info("relay: following an upstream", "upstream", url, "transport", string(c.State().Transport), "since", since)
	in := make(chan arrival, r.o.Batch)
	go func() {
		defer close(in)
		receive(following, c, in)
	}()
	err = r.pass(following, in, end)
	stop(err)
	for range in { // until its end, which is near
	}
	return err
}

// pathOf returns the routers above this one if url is the nearest, and refuses one that
// has its events from here.
func (r *Relay) pathOf(ctx context.Context, url string) ([]string, error) {
	about, err := client.About(ctx, url, r.o.Client)
	if err != nil || about.Instance == "" {
		return nil, nil // a node does not tell, or is away, which the next step finds out
	}
	path := append([]string{about.Instance}, about.Upstream...)
	if slices.Contains(path, r.o.Instance) {
		return nil, errors.New("this is the router itself, or one that has its events from here: a loop; set source.relay.url to the router above")
	}
	return path, nil
}

// start returns where to go on, and the end of the upstream's stream at this moment. A
// relay that begins takes all that is retained: it goes on at the very beginning, and
// what is not retained any more is reported as lost.
func (r *Relay) start(ctx context.Context, url string) (since string, end event.Cursor, err error) {
	text, err := client.Present(ctx, url, r.o.Client)
	if err != nil || text == "" { // or a node without cursors
		return "", end, err
	}
	if end, err = event.ParseCursor(text); err != nil {
		return "", end, fmt.Errorf("the upstream gives a cursor that is none: %w", err)
	}
	from := r.place.At
	if !r.place.Begun || r.place.Own {
		from = event.Cursor{Epoch: end.Epoch}
	}
	return string(from.AppendText(nil)), end, nil
}

// arrival is what came from an upstream.
type arrival struct {
	event client.Event
	err   error // a gap, or the end
}

// receive passes on what comes, until that ends.
func receive(ctx context.Context, c *client.Client, in chan<- arrival) {
	for e, err := range c.Events(ctx) {
		select {
		case in <- arrival{e, err}:
		case <-ctx.Done():
			return
		}
	}
}

// pass hands on what comes in, until that ends.
func (r *Relay) pass(ctx context.Context, in <-chan arrival, end event.Cursor) error {
	wait := settleTime
	if end.Pos == [event.NumPriorities]uint64{} { // there is nothing to come
		wait = 0
	}
	settled := time.NewTimer(wait)
	defer settled.Stop()
	for {
		select {
		case <-settled.C:
			if r.place.Settle(end) {
				if err := r.replicate(ctx, nil); err != nil {
					return err
				}
			}
		case a, ok := <-in:
			if !ok {
				return context.Cause(ctx)
			}
			batch, gap, err := r.gather(a, in)
			if e := r.hand(ctx, batch); e != nil {
				return e
			}
			if gap {
				r.metrics.gaps.Inc()
				r.place.Skip()
			}
			if err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// gather takes what is there, up to a gap or the end.
func (r *Relay) gather(a arrival, in <-chan arrival) (batch []client.Event, gap bool, err error) {
	for {
		var lost *client.Gap
		switch {
		case errors.As(a.err, &lost):
			return batch, true, nil
		case a.err != nil:
			return batch, false, a.err
		}
		if batch = append(batch, a.event); len(batch) >= r.o.Batch {
			return batch, false, nil
		}
		select {
		case next, ok := <-in:
			if !ok {
				return batch, false, nil
			}
			a = next
		default:
			return batch, false, nil
		}
	}
}

// hand gives events to the follower, those of one stream together.
func (r *Relay) hand(ctx context.Context, batch []client.Event) error {
	for len(batch) > 0 {
		n := 1
		for n < len(batch) && client.EpochOf(batch[n].ID) == client.EpochOf(batch[0].ID) {
			n++
		}
		r.place.GoOn(&batch[0], r.o.Catalogue)
		if err := r.replicate(ctx, batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// replicate has the follower take events, as soon as it has room.
func (r *Relay) replicate(ctx context.Context, batch []client.Event) error {
	from, logged := r.place, false
	for {
		r.place = from
		events := r.events(batch)
		err := r.o.Follower.Replicate(from.At, events)
		if err == nil {
			r.metrics.events.Add(len(events))
			r.metrics.unusable.Add(len(batch) - len(events))
			return nil
		}
		if !logged {
			logged = true
			r.o.Log.Debug("relay: the router takes no events at the moment", "error", err)
		}
		if !sleep(ctx, fullWait) {
			return context.Cause(ctx)
		}
	}
}

// events makes events with their places of what came, and moves the relay's place over
// them. What cannot be used is left out, and so lost for clients.
func (r *Relay) events(batch []client.Event) []event.Placed {
	placed := make([]event.Placed, 0, len(batch))
	for i := range batch {
		e, err := r.parser.ParseEvent(batch[i].Data)
		if err == nil && r.o.Catalogue.IsUnknown(e) {
			r.metrics.unknown.Inc()
			r.place.Rank(batch[i].ID, e)
		}
		position, err := r.place.Move(batch[i].ID, e, err)
		if err != nil {
			r.o.Log.Warn("event error: cannot use an event of the upstream, which clients are told is lost",
				"source", "relay", "type", batch[i].Type, "error", err)
			continue
		}
		placed = append(placed, event.Placed{Position: position, Event: e})
		r.metrics.lag.Store(int64(max(time.Since(time.Unix(e.Unix(), 0)), 0)))
	}
	return placed
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
