package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// feed is what the readers have read.
type feed struct {
	classes [event.NumPriorities]chan stored
	target  [event.NumPriorities]uint64 // see reader.start
}

const (
	// feedEvents and feedBytes bound what is handed over at a time.
	feedEvents = 512
	feedBytes  = 1 << 20
	// fullWait is the pause after the follower had no room.
	fullWait = 2 * time.Millisecond
)

// feed hands over what comes in, until ctx is done, and returns why it is.
func (c *Cluster) feed(ctx context.Context, f *follower, in *feed) error {
	if err := c.hand(ctx, f, nil); err != nil { // where it begins, before any event
		return err
	}
	var first stored
	for {
		c.joined(f, in)
		var batch batch
		select {
		case first = <-in.classes[event.High]:
			batch.add(event.High, first)
		case first = <-in.classes[event.Medium]:
			batch.add(event.Medium, first)
		case first = <-in.classes[event.Low]:
			batch.add(event.Low, first)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		batch.fill(in, min(feedEvents, max(1, c.o.PendingEvents/4)), min(feedBytes, c.o.PendingBytes/4))
		if err := c.hand(ctx, f, batch.placed()); err != nil {
			return err
		}
		for p, last := range batch.last {
			if last.known {
				f.last[p] = last
			}
		}
	}
}

// joined notes when the follower has had what was stored when it joined.
func (c *Cluster) joined(f *follower, in *feed) {
	for p, target := range in.target {
		if f.last[p].seq < target {
			return
		}
	}
	s := *c.state.Load()
	if s.away == nil {
		return
	}
	s.away = nil
	c.state.Store(&s)
	c.log.Info("cluster: following the streams", "epoch", fmt.Sprintf("%012x", uint64(f.epoch.id)), "high", f.last[event.High].seq,
		"medium", f.last[event.Medium].seq, "low", f.last[event.Low].seq)
	select {
	case <-c.caughtUp:
	default:
		close(c.caughtUp)
	}
}

// hand hands a batch over as soon as there is room for it.
func (c *Cluster) hand(ctx context.Context, f *follower, batch []event.Placed) error {
	at := event.Cursor{Epoch: f.epoch.id}
	for p, last := range f.last {
		at.Pos[p] = last.seq
	}
	for {
		err := f.Replicate(at, batch)
		if !errors.Is(err, actors.ErrOverloaded) {
			return err
		}
		if !sleep(ctx, fullWait) {
			return context.Cause(ctx)
		}
	}
}

// batch is what is handed over together: the events of each class in order, those
// of a higher class first.
type batch struct {
	classes [event.NumPriorities][]event.Placed
	last    [event.NumPriorities]place
	events  int
	bytes   int
}

func (b *batch) add(p event.Priority, s stored) {
	b.last[p] = place{s.seq, s.at, true}
	b.events++
	if s.event != nil {
		b.classes[p] = append(b.classes[p], event.Placed{Position: s.seq, Event: s.event})
		b.bytes += s.event.Size()
	}
}

// fill adds what is there, high first.
func (b *batch) fill(in *feed, events, bytes int) {
	for _, p := range event.Priorities() {
		for b.events < events && b.bytes < bytes {
			select {
			case s := <-in.classes[p]:
				b.add(p, s)
				continue
			default:
			}
			break
		}
	}
}

func (b *batch) placed() []event.Placed {
	all := b.classes[event.High]
	return append(append(all, b.classes[event.Medium]...), b.classes[event.Low]...)
}
