package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/event"
)

// Read returns up to max events of a class from a position on, in order, of those
// that are stored now: none where there are none. Positions that are left out are
// lost, or hold what cannot be used.
func (c *Cluster) Read(ctx context.Context, class event.Priority, from uint64, max int) ([]event.Placed, error) {
	fail := func(err error) error { return fmt.Errorf("cannot read the stream %s: %w", c.streams[class], away(err)) }
	consumer, err := c.consume(ctx, class, from)
	if err != nil {
		return nil, fail(err)
	}
	info := consumer.CachedInfo()
	defer func() { // it would go by itself, later
		if err := c.js.DeleteConsumer(context.WithoutCancel(ctx), c.streams[class], info.Name); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			c.log.Debug("cluster: cannot delete a consumer", "error", err)
		}
	}()
	max = min(max, int(min(info.NumPending, uint64(max))))
	events := make([]event.Placed, 0, max)
	for read := 0; read < max; {
		messages, err := consumer.Fetch(min(max-read, ahead), jetstream.FetchContext(ctx))
		if err != nil {
			return nil, fail(err)
		}
		n := 0
		for msg := range messages.Messages() {
			n++
			meta, err := msg.Metadata()
			if err != nil {
				return nil, fail(err)
			}
			if e, err := c.decode(class, msg.Data()); err == nil {
				events = append(events, event.Placed{Position: meta.Sequence.Stream, Event: e})
			}
		}
		if err := messages.Error(); err != nil {
			return nil, fail(err)
		}
		if n == 0 { // the rest was deleted meanwhile
			break
		}
		read += n
	}
	return events, nil
}
