package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/event"
)

// stored is an event as its stream has it.
type stored struct {
	seq   uint64
	at    time.Time
	event *event.Event // nil if it cannot be used
}

// reader reads the stream of a class, in order and without a gap of its own making.
// Whatever goes wrong ends the membership.
type reader struct {
	c     *Cluster
	class event.Priority
	last  place // where to go on; zero for the stream's tail
	out   chan<- stored
	ctx   context.Context // of the membership
	fail  context.CancelCauseFunc

	stream    jetstream.Stream
	consumer  jetstream.Consumer
	consuming jetstream.ConsumeContext
	delivered uint64 // by the consumer
	next      uint64 // the sequence that is to come
	broken    bool   // one has come that was not passed on
}

// start begins to read. It returns the sequence that the follower has to reach to
// be up to date with this moment, 0 if it is.
func (r *reader) start(stream jetstream.Stream, retain int) (target uint64, err error) {
	if !r.last.known {
		// To join again before the first event came must not be to begin anew.
		state := stream.CachedInfo().State
		from := max(state.FirstSeq, state.LastSeq-min(uint64(retain), state.LastSeq)+1, 1)
		r.last = place{seq: from - 1, known: true}
	}
	from := r.last.seq // once more, to see that it is the same
	if r.last.at.IsZero() {
		from++
	}
	r.stream, r.next = stream, max(from, 1)
	r.consumer, err = r.c.consume(r.ctx, r.class, from)
	if err != nil {
		return 0, err
	}
	r.consuming, err = r.consumer.Consume(r.take, jetstream.PullMaxMessages(ahead),
		jetstream.PullExpiry(pullFor), jetstream.PullHeartbeat(heartbeat), jetstream.ConsumeErrHandler(r.warned))
	if err != nil {
		return 0, fmt.Errorf("cannot consume: %w", err)
	}
	if r.consumer.CachedInfo().NumPending == 0 {
		return 0, nil
	}
	newest, err := stream.GetLastMsgForSubject(r.ctx, r.c.subjects[r.class])
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("cannot find the last event: %w", err)
	}
	return newest.Sequence, nil
}

// consume makes a consumer of a class that begins at a sequence, which ends by
// itself when nobody asks it for events.
func (c *Cluster) consume(ctx context.Context, p event.Priority, from uint64) (jetstream.Consumer, error) {
	consumer, err := c.js.CreateConsumer(ctx, c.streams[p], jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(from, 1),
		AckPolicy:         jetstream.AckNonePolicy,
		MaxDeliver:        1,
		Replicas:          1,
		MemoryStorage:     true,
		InactiveThreshold: forgotten,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make a consumer: %w", err)
	}
	return consumer, nil
}

func (r *reader) stop() {
	if r.consuming != nil {
		r.consuming.Stop()
	}
}

// warned ends the membership where the library would go on alone.
func (r *reader) warned(_ jetstream.ConsumeContext, err error) {
	r.fail(fmt.Errorf("stream %s: %w", r.c.streams[r.class], err))
}

// take passes a message on, as soon as there is room for it. After one that it could not
// pass on there is no other: it would hide the one before it.
func (r *reader) take(msg jetstream.Msg) {
	if r.broken {
		return
	}
	s, err := r.read(msg)
	if err != nil {
		r.broken = true
		r.fail(fmt.Errorf("stream %s: %w", r.c.streams[r.class], err))
		return
	}
	if s.seq == r.last.seq {
		return
	}
	select {
	case r.out <- s:
	case <-r.ctx.Done():
		r.broken = true
	}
}

// read checks that a message is the next one, and makes its event.
func (r *reader) read(msg jetstream.Msg) (stored, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return stored{}, err
	}
	if r.delivered++; meta.Sequence.Consumer != r.delivered {
		return stored{}, errors.New("a message was lost on the way")
	}
	s := stored{seq: meta.Sequence.Stream, at: meta.Timestamp}
	if s.seq > r.next {
		if err := missing(r.ctx, r.stream, r.next); err != nil {
			return stored{}, err
		}
	}
	r.next = s.seq + 1
	if s.seq == r.last.seq && !r.last.at.IsZero() && !s.at.Equal(r.last.at) {
		return stored{}, fmt.Errorf("%w: %d was stored %v, and now %v", errReplaced, s.seq, r.last.at, s.at)
	}
	r.c.metrics.lag[r.class].Store(int64(meta.NumPending))
	s.event, err = r.c.decode(r.class, msg.Data())
	if err != nil {
		r.c.metrics.unusable[r.class].Inc()
		r.c.log.Warn("event error: cannot use an event of the cluster, which clients are told is lost",
			"stream", r.c.streams[r.class], "sequence", s.seq, "error", err)
	}
	return s, nil
}

// errBehind says that a NATS server that was read from does not have all of a stream yet:
// it has been away, and what it lacks it does not know of.
var errBehind = errors.New("the NATS server has not caught up with the others")

// missing makes sure that a sequence is not there any more, and returns errBehind if it
// is. The leader of the stream is asked, which has all of it.
func missing(ctx context.Context, stream jetstream.Stream, seq uint64) error {
	_, err := stream.GetMsg(ctx, seq)
	switch {
	case err == nil:
		return fmt.Errorf("%w: it lacks %d", errBehind, seq)
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil
	default:
		return fmt.Errorf("cannot find out why %d did not come: %w", seq, err)
	}
}

// decode makes an event of what is stored. Whoever may write to the subjects may
// have stored it, so it is checked like any other.
func (c *Cluster) decode(p event.Priority, data []byte) (*event.Event, error) {
	e, err := c.parser.ParseEvent(data)
	if err != nil {
		return nil, err
	}
	if c.o.Catalogue.IsUnknown(e) {
		e.Priority = p // where it is
		c.metrics.unknown.Inc()
	}
	if e.Priority != p {
		return nil, fmt.Errorf("%s is of %s priority in this router's catalogue", e.Name(), e.Priority)
	}
	return e, nil
}
