package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/actors"
)

// keyLifetime is how long an idempotency key is known, as in a router of its own.
const keyLifetime = 5 * time.Minute

// claim takes a key for its body, in the whole cluster. It reports whether the key
// was taken for the same body before.
func (c *Cluster) claim(ctx context.Context, key *actors.IdempotencyKey) (before bool, err error) {
	if before, err = c.claimed(ctx, key); err != nil && !errors.Is(err, actors.ErrKeyReused) {
		c.metrics.failures.Inc()
		err = fmt.Errorf("%w: %w", actors.ErrNotStored, away(err))
	}
	return before, err
}

func (c *Cluster) claimed(ctx context.Context, key *actors.IdempotencyKey) (before bool, err error) {
	body := key.Body()
	for {
		var held jetstream.KeyValueEntry
		keys := *c.keys.Load()
		_, err := keys.Create(ctx, key.ID(), body[:])
		if errors.Is(err, jetstream.ErrKeyExists) {
			if held, err = keys.Get(ctx, key.ID()); err == nil {
				if !bytes.Equal(held.Value(), body[:]) {
					return false, actors.ErrKeyReused
				}
				return true, nil
			}
			// It may have expired just now, or have come to the leader only.
		}
		if err == nil || !c.conn.IsConnected() || !passing(err) && !errors.Is(err, jetstream.ErrKeyNotFound) || !sleep(ctx, retryWait) {
			return false, err
		}
	}
}
