package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/adic-network/router/event"
)

const (
	// heartbeat is how often JetStream says that there is nothing; without two of
	// them the router joins again.
	heartbeat = time.Second
	// pullFor is how long JetStream keeps a request for events; it bounds how long
	// it thinks of a router that is gone.
	pullFor = 10 * time.Second
	// forgotten is when JetStream drops a consumer that nobody asks for events.
	forgotten = 30 * time.Second
	// ahead is how many events of a class may wait here for the follower.
	ahead = 4096
	// behindFor is how many times a stream may be found to end before what was
	// handed over until that is believed: a new leader may not have caught up yet.
	behindFor = 8
)

// place is the last event of a class that the follower has had, or that was left
// out. at is when JetStream stored it, which tells it from another event in its
// place; zero for the one before where it began.
type place struct {
	seq   uint64
	at    time.Time
	known bool // it has begun
}

// follower is what outlives a membership.
type follower struct {
	Follower
	epoch  epoch
	last   [event.NumPriorities]place
	behind int // how many times in a row a stream was found to end before last
}

// errReplaced says that an event is not what it was: the end of its stream was
// lost, and has grown again.
var errReplaced = errors.New("the stream has other events than it had")

// Follow hands what is stored to f until ctx is done. It is called once.
func (c *Cluster) Follow(ctx context.Context, f Follower) {
	followed := &follower{Follower: f}
	for ctx.Err() == nil {
		err := c.member(ctx, followed)
		if ctx.Err() != nil {
			break
		}
		c.lost(away(err))
		c.metrics.rejoins.Inc()
		c.log.Warn("cluster: the streams are not followed; joining again", "reason", away(err))
		sleep(ctx, retryWait)
	}
	c.lost(errNotFollowed)
}

// member joins the streams, and follows them until something goes wrong, which it
// returns.
func (c *Cluster) member(ctx context.Context, f *follower) error {
	if !c.conn.IsConnected() {
		return nats.ErrDisconnected
	}
	streams, err := c.survey(ctx)
	if err != nil {
		return err
	}
	e, err := c.agree(ctx, streams)
	if err != nil {
		return err
	}
	if e.id != f.epoch.id {
		f.last = [event.NumPriorities]place{}
	}
	f.epoch = e
	if err = c.checkEnds(f, streams); err == nil {
		err = c.followEpoch(ctx, f, streams)
	}
	if errors.Is(err, errReplaced) {
		c.log.Error("cluster: a stream has lost its end, which begins a new epoch", "error", err)
		err = errors.Join(err, c.renew(ctx, e, streams))
	}
	return err
}

// checkEnds finds out whether a stream has lost what the follower has had.
func (c *Cluster) checkEnds(f *follower, streams streams) error {
	for p, last := range f.last {
		end := streams[p].CachedInfo().State.LastSeq
		if end >= last.seq {
			continue
		}
		if f.behind++; f.behind < behindFor {
			return fmt.Errorf("stream %s ends at %d, and %d was there before", c.streams[p], end, last.seq)
		}
		f.behind = 0
		return fmt.Errorf("stream %s: %w: it ends at %d, and %d was there before", c.streams[p], errReplaced, end, last.seq)
	}
	f.behind = 0
	return nil
}

// followEpoch reads the streams and feeds the follower, until something goes wrong
// or the epoch ends.
func (c *Cluster) followEpoch(ctx context.Context, f *follower, streams streams) (err error) {
	ctx, leave := context.WithCancelCause(ctx)
	defer func() {
		if cause := context.Cause(ctx); cause != nil { // which is what all else comes from
			err = cause
		}
		leave(nil)
	}()
	stopWatching, err := c.watchEpoch(ctx, f.epoch, leave)
	if err != nil {
		return err
	}
	defer stopWatching()
	stopStatus := c.watchConnection(leave)
	defer stopStatus()

	var in feed
	for _, p := range event.Priorities() {
		in.classes[p] = make(chan stored, ahead)
		r := &reader{c: c, class: p, last: f.last[p], out: in.classes[p], ctx: ctx, fail: leave}
		defer r.stop()
		if in.target[p], err = r.start(streams[p], c.o.Retain[p]); err != nil {
			return fmt.Errorf("stream %s: %w", c.streams[p], err)
		}
		f.last[p] = r.last
	}
	return c.feed(ctx, f, &in)
}

// watchEpoch leaves when another router begins a new epoch.
func (c *Cluster) watchEpoch(ctx context.Context, e epoch, leave context.CancelCauseFunc) (stop func(), err error) {
	bucket, err := c.bucket(ctx, "epoch", 0)
	if err != nil {
		return nil, err
	}
	watch, err := bucket.Watch(ctx, epochKey)
	if err != nil {
		return nil, fmt.Errorf("cannot watch the epoch: %w", err)
	}
	go func() {
		for update := range watch.Updates() {
			if update != nil && update.Revision() > e.revision {
				leave(errRevised)
			}
		}
	}()
	return func() { _ = watch.Stop() }, nil // it fails when it was stopped already
}

// watchConnection leaves when the connection breaks.
func (c *Cluster) watchConnection(leave context.CancelCauseFunc) (stop func()) {
	status := c.conn.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	done := make(chan struct{})
	go func() {
		select {
		case <-status:
			leave(nats.ErrDisconnected)
		case <-done:
		}
	}()
	return func() { close(done); c.conn.RemoveStatusListener(status) }
}
