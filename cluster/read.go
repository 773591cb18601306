package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/event"
)

// Read returns up to most events of a class from a position on, in order, of those
// that are stored now: none where there are none. Positions that are left out are
// lost, or hold what cannot be used.
func (c *Cluster) Read(ctx context.Context, class event.Priority, from uint64, most int) ([]event.Placed, error) {
	from = max(from, 1)
	for {
		events, err := c.read(ctx, class, from, most)
		if err == nil {
			return events, nil
		}
		if !errors.Is(err, errBehind) || !sleep(ctx, retryWait) {
			return nil, fmt.Errorf("cannot read the stream %s: %w", c.streams[class], away(err))
		}
	}
}

func (c *Cluster) read(ctx context.Context, class event.Priority, from uint64, most int) ([]event.Placed, error) {
	stream, err := c.js.Stream(ctx, c.streams[class])
	if err != nil {
		return nil, err
	}
	consumer, err := c.consume(ctx, class, from)
	if err != nil {
		return nil, err
	}
	info := consumer.CachedInfo()
	defer func() { // it would go by itself, later
		if err := c.js.DeleteConsumer(context.WithoutCancel(ctx), c.streams[class], info.Name); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			c.log.Debug("cluster: cannot delete a consumer", "error", err)
		}
	}()
	most = min(most, int(min(info.NumPending, uint64(most))))
	events := make([]event.Placed, 0, most)
	next := from
	for read := 0; read < most; {
		messages, err := consumer.Fetch(min(most-read, ahead), jetstream.FetchContext(ctx))
		if err != nil {
			return nil, err
		}
		n := 0
		for msg := range messages.Messages() {
			n++
			meta, err := msg.Metadata()
			if err != nil {
				return nil, err
			}
			if seq := meta.Sequence.Stream; seq > next {
				if err := missing(ctx, stream, next); err != nil {
					return nil, err
				}
			}
			next = meta.Sequence.Stream + 1
			if e, err := c.decode(class, msg.Data()); err == nil {
				events = append(events, event.Placed{Position: meta.Sequence.Stream, Event: e})
			}
		}
		if err := messages.Error(); err != nil {
			return nil, err
		}
		if n == 0 { // the rest was deleted meanwhile
			break
		}
		read += n
	}
	return events, nil
}
