package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

const (
	// storeTimeout is how long storing a batch may take, with all attempts.
	storeTimeout = 5 * time.Second
	// chunk is how many events of a batch are on their way at once.
	chunk = 512
)

// storing bounds what is being stored.
type storing struct {
	mostEvents, mostBytes int64
	events, bytes         atomic.Int64
}

// Publish stores the events, in the order of the batch within each class, and
// returns when all of them are. It fails with actors.ErrNotStored, with
// actors.ErrOverloaded when too much is being stored already, or with
// actors.ErrBatchTooLarge.
func (c *Cluster) Publish(batch []*event.Event) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	_, err := c.publish(ctx, batch, nuid.Next())
	return err
}

// PublishOnce is Publish for a batch that may come more than once, through any
// router of the cluster. A batch that was stored under its key less than five
// minutes ago is not stored again: then before is true. One that was stored in part
// is completed. Besides the errors of Publish there is actors.ErrKeyReused.
func (c *Cluster) PublishOnce(batch []*event.Event, key actors.IdempotencyKey) (before bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	known, err := c.claim(ctx, &key)
	if err != nil {
		return false, err
	}
	again, err := c.publish(ctx, batch, key.ID())
	return known && again == len(batch), err
}

// PublishedOnce returns false: whether all of a batch is stored is found out by
// storing it.
func (c *Cluster) PublishedOnce(actors.IdempotencyKey) (before bool, err error) { return false, nil }

// publish stores a batch under message ids that begin with id, and returns how many
// of its events JetStream had before.
func (c *Cluster) publish(ctx context.Context, batch []*event.Event, id string) (again int, err error) {
	if !c.conn.IsConnected() { // who is on the way already waits for it to come back
		c.metrics.failures.Inc()
		return 0, fmt.Errorf("%w: %w", actors.ErrNotStored, away(nats.ErrDisconnected))
	}
	size, most := int64(0), c.conn.MaxPayload()
	for _, e := range batch {
		size += int64(e.Size())
		if n := int64(len(e.JSON(event.Flat))) + headroom; n > most {
			return 0, fmt.Errorf("%w: an event of %d bytes; the NATS servers take at most %d (their max_payload)", actors.ErrBatchTooLarge, n-headroom, most-headroom)
		}
	}
	if err := c.storing.admit(len(batch), size); err != nil {
		return 0, err
	}
	defer c.storing.done(len(batch), size)
	began := time.Now()
	for first := 0; first < len(batch) && err == nil; first += chunk {
		var n int
		n, err = c.store(ctx, batch[first:min(first+chunk, len(batch))], id, first)
		again += n
	}
	if err != nil {
		c.metrics.failures.Inc()
		return again, fmt.Errorf("%w: %w; some of them may be stored", actors.ErrNotStored, err)
	}
	c.metrics.stored.Add(len(batch) - again)
	c.metrics.seconds.UpdateDuration(began)
	return again, nil
}

// headroom is what the headers of a message may take of the largest payload.
const headroom = 512

// store stores the events, the first of which has that index in its batch. What was
// not acknowledged it sends again, until ctx is done.
func (c *Cluster) store(ctx context.Context, events []*event.Event, id string, first int) (again int, err error) {
	stored := make([]bool, len(events))
	for {
		again, err = c.attempt(ctx, events, stored, id, first, again)
		if err == nil || !passing(err) {
			return again, err
		}
		if !sleep(ctx, retryWait) {
			return again, away(err)
		}
	}
}

// away says what an error of the library means here.
func away(err error) error {
	switch {
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrDisconnected), errors.Is(err, nats.ErrConnectionClosed):
		return errors.New("there is no connection to NATS")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, jetstream.ErrAsyncPublishTimeout):
		return fmt.Errorf("JetStream has not answered within %v", storeTimeout)
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return errors.New("JetStream has no leader for the stream")
	}
	return err
}

// attempt sends what is not stored, and returns the first error.
func (c *Cluster) attempt(ctx context.Context, events []*event.Event, stored []bool, id string, first, again int) (int, error) {
	acks := make([]jetstream.PubAckFuture, len(events))
	var failed error
	for i, e := range events {
		if stored[i] {
			continue
		}
		msg := nats.NewMsg(c.subjects[e.Priority])
		msg.Data = e.JSON(event.Flat)
		msg.Header.Set(jetstream.MsgIDHeader, id+"-"+strconv.Itoa(first+i))
		msg.Header.Set(jetstream.ExpectedStreamHeader, c.streams[e.Priority])
		ack, err := c.js.PublishMsgAsync(msg, jetstream.WithRetryAttempts(0)) // which would change the order
		if err != nil {
			failed = err
			break
		}
		acks[i] = ack
	}
	for i, ack := range acks {
		if ack == nil {
			continue
		}
		select {
		case a := <-ack.Ok():
			stored[i] = true
			if a.Duplicate {
				again++
			}
		case err := <-ack.Err():
			if failed == nil {
				failed = err
			}
		case <-ctx.Done():
			return again, ctx.Err()
		}
	}
	return again, failed
}

// admit lets a batch in, unless too much is being stored.
func (s *storing) admit(events int, size int64) error {
	if int64(events) > s.mostEvents || size > s.mostBytes {
		return fmt.Errorf("%w: %d events of %d bytes together; publish at most %d events and %d bytes at a time",
			actors.ErrBatchTooLarge, events, size, s.mostEvents, s.mostBytes)
	}
	count, bytes := s.events.Add(int64(events)), s.bytes.Add(size)
	if count > s.mostEvents || bytes > s.mostBytes {
		s.done(events, size)
		return actors.ErrOverloaded
	}
	return nil
}

func (s *storing) done(events int, size int64) {
	s.events.Add(int64(-events))
	s.bytes.Add(-size)
}
