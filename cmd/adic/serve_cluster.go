package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/cluster"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// clusterWait is how long a start waits for NATS, and for the events that are
// stored there.
const clusterWait = time.Minute

// A membership is the part of this process in a cluster of routers.
type membership struct {
	*cluster.Cluster
	replica *replica
	leave   context.CancelFunc
	left    chan struct{}
}

// joinCluster joins the cluster that the configuration asks for, and returns when
// all is read that a client could ask for; without a cluster it returns nil.
func joinCluster(ctx context.Context, cfg *config.Config, catalogue *event.Catalogue, set *metrics.Set, log *slog.Logger) (*membership, error) {
	if cfg.Cluster.NATS == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, clusterWait)
	defer cancel()
	c, err := cluster.Open(ctx, cluster.Options{
		Config:        cfg.Cluster,
		Catalogue:     catalogue,
		Retain:        routerSettings(cfg).Retain,
		PendingEvents: cfg.Events.PendingEvents,
		PendingBytes:  cfg.Events.PendingBytes,
		Metrics:       set,
		Log:           log,
	})
	if err != nil {
		return nil, err
	}
	following, leave := context.WithCancel(context.Background())
	m := &membership{c, new(replica), leave, make(chan struct{})}
	go func() {
		defer close(m.left)
		c.Follow(following, m.replica)
	}()
	select {
	case <-c.CaughtUp():
		return m, nil
	case <-ctx.Done():
		m.end()
		return nil, fmt.Errorf("cannot read the streams of the cluster: %v", c.Reasons())
	}
}

// end leaves the cluster. What was stored through this router is there for the
// others.
func (m *membership) end() {
	m.leave()
	<-m.left
	m.Close()
}

// replica gives a router the events of its cluster. A router gives out positions
// by itself, one after the other: so it begins with what the streams hold, as with
// a journal, and takes the events in the order of the streams, which gives them the
// places that they have there. Where that cannot be, because positions are left out
// or a new epoch has begun, the process ends, and the next one begins behind.
type replica struct {
	mu     sync.Mutex
	at     event.Cursor
	past   [event.NumPriorities][]*event.Event // before the router is there
	sealed bool                                // past is handed over
	router *actors.Router
	failed chan<- error
}

// feed has the router take what comes from now on; why that cannot go on is sent to
// failed, once.
func (f *replica) feed(router *actors.Router, failed chan<- error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.router, f.failed = router, failed
}

// Replicate implements cluster.Follower.
func (f *replica) Replicate(epoch event.Epoch, batch []actors.Placed) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.sealed {
		f.collect(epoch, batch)
		return nil
	}
	if f.router == nil {
		return actors.ErrOverloaded // in a moment
	}
	next := f.at
	events := make([]*event.Event, len(batch))
	for i, p := range batch {
		class := p.Event.Priority
		if next.Pos[class]++; next.Pos[class] != p.Position {
			return f.giveUp(fmt.Errorf("%v event %d is followed by %d", class, next.Pos[class]-1, p.Position))
		}
		events[i] = p.Event
	}
	if epoch != f.at.Epoch {
		return f.giveUp(fmt.Errorf("the epoch %012x has begun", uint64(epoch)))
	}
	err := f.router.Publish(events)
	if err == nil {
		f.at = next
	}
	return err
}

// giveUp ends the process.
func (f *replica) giveUp(why error) error {
	err := fmt.Errorf("cannot go on with the streams of the cluster: %w; the next start does", why)
	select {
	case f.failed <- err:
	default: // it is ending
	}
	return err
}

// collect takes what is there before the router is: of each class, what is without
// a gap up to the end.
func (f *replica) collect(epoch event.Epoch, batch []actors.Placed) {
	if epoch != f.at.Epoch {
		f.at, f.past = event.Cursor{Epoch: epoch}, [event.NumPriorities][]*event.Event{}
	}
	for _, p := range batch {
		class := p.Event.Priority
		if p.Position != f.at.Pos[class]+1 {
			f.past[class] = nil
		}
		f.at.Pos[class] = p.Position
		f.past[class] = append(f.past[class], p.Event)
	}
}

// Past implements actors.Journal: what the streams held when the router joined.
func (f *replica) Past() (event.Cursor, [event.NumPriorities][]*event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sealed = true
	at := event.Cursor{Epoch: f.at.Epoch}
	global := uint64(0)
	for _, n := range f.at.Pos {
		global += n
	}
	for class, events := range f.past {
		at.Pos = f.at.Pos
		for i, e := range events {
			at.Pos[class] = f.at.Pos[class] - uint64(len(events)-1-i)
			e.Place(at, global)
		}
	}
	past := f.past
	f.past = [event.NumPriorities][]*event.Event{}
	return f.at, past
}

// Append implements actors.Journal: the cluster has stored it before.
func (f *replica) Append([]*event.Event) (settled bool, err error) { return true, nil }

// Commit implements actors.Journal.
func (f *replica) Commit() error { return nil }

// Err implements actors.Journal. What is wrong with the cluster it says itself.
func (f *replica) Err() error { return nil }
