package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// What is published to any router, all of them have, in the same places.
func TestRoutersHaveTheSameStreams(t *testing.T) {
	nats := startNATS(t, "")
	a, ra := joined(t, options(t, nats.url()))
	b, rb := joined(t, options(t, nats.url()))
	done := make(chan error, 2)
	for i, c := range []*Cluster{a, b} {
		batches := [][]*event.Event{}
		for n := range 50 {
			batches = append(batches, made(t, 1000*i+10*n, 10, all...))
		}
		go func() {
			var err error
			for _, batch := range batches {
				err = errors.Join(err, c.Publish(batch))
			}
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	ra.awaitEvents(3000)
	rb.awaitEvents(3000)
	sameStreams(t, ra, rb)
	for _, p := range all {
		for i, e := range rb.events[p] {
			if e.Position != uint64(i+1) {
				t.Fatalf("%v has position %d at %d", p, e.Position, i+1)
			}
		}
	}
	if got := b.metrics.stored.Get(); got != 1500 {
		t.Errorf("%d events were counted as stored, want 1500", got)
	}

	// One that comes later has the tails, as far as it retains them.
	late := follow(t, open(t, options(t, nats.url())))
	sameStreams(t, ra, late)
	for p, retain := range []int{1000, 500, 100} {
		if n := len(late.seen(event.Priority(p))); n != retain {
			t.Errorf("%v: a late router has %d events, want the last %d", event.Priority(p), n, retain)
		}
	}
}

// A follower that has no room gets everything once it has.
func TestFollowerWithoutRoom(t *testing.T) {
	nats := startNATS(t, "")
	c, r := joined(t, options(t, nats.url()))
	r.mu.Lock()
	r.full = 20
	r.mu.Unlock()
	publish(t, c, made(t, 0, 2000, event.High))
	r.awaitEvents(2000)
	if n := r.count(); n != 2000 {
		t.Errorf("%d events have come, want 2000", n)
	}
}

// While NATS is away publishing fails at once; then everything goes on where it was.
func TestServerKilledAndBack(t *testing.T) {
	nats := startNATS(t, "")
	c, r := joined(t, options(t, nats.url()))
	publish(t, c, made(t, 0, 100, all...))
	r.awaitEvents(300)
	epoch := r.epoch()

	nats.kill()
	eventually(t, "the health says that NATS is away", func() bool { return len(c.Reasons()) > 0 })
	if err := c.Publish(made(t, 100, 1, event.High)); !errors.Is(err, actors.ErrNotStored) {
		t.Errorf("publishing without NATS: %v, want ErrNotStored", err)
	}
	nats.start()
	eventually(t, "the streams are followed again", func() bool { return len(c.Reasons()) == 0 })
	publish(t, c, made(t, 100, 100, all...))
	r.awaitEvents(600)
	if n := r.count(); n != 600 {
		t.Errorf("%d events have come, want 600", n)
	}
	if r.epoch() != epoch || len(r.epochs) != 1 {
		t.Errorf("a restart of the server has begun a new epoch")
	}
	sameStreams(t, r, follow(t, open(t, options(t, nats.url()))))
}

// A batch that is on its way when the server goes is told the truth, and its retry
// with the same key completes it without repeating anything.
func TestRetryCompletes(t *testing.T) {
	nats := startNATS(t, "")
	a, b := open(t, options(t, nats.url())), open(t, options(t, nats.url()))
	r := follow(t, a)
	follow(t, b)
	body := []byte("body")
	key := actors.NewIdempotencyKey("me", "1", body)
	batch := made(t, 0, 3000, all...)
	failed := make(chan error, 1)
	go func() {
		_, err := a.PublishOnce(batch, key)
		failed <- err
	}()
	r.awaitEvents(1000)
	nats.kill()
	if err := <-failed; !errors.Is(err, actors.ErrNotStored) {
		t.Fatalf("storing half a batch: %v, want ErrNotStored", err)
	}
	nats.start()
	eventually(t, "the streams are followed again", func() bool { return len(a.Reasons())+len(b.Reasons()) == 0 })
	eventually(t, "a retry is taken", func() bool {
		before, err := b.PublishOnce(batch, key)
		if before || err != nil && !errors.Is(err, actors.ErrNotStored) {
			t.Fatalf("the retry: %v, %v", before, err)
		}
		return err == nil
	})
	r.awaitEvents(9000)
	for range 2 {
		if before, err := a.PublishOnce(batch, key); err != nil || !before {
			t.Errorf("another retry: before is %v, %v; want true", before, err)
		}
	}
	if _, err := b.PublishOnce(batch, actors.NewIdempotencyKey("me", "1", []byte("another"))); !errors.Is(err, actors.ErrKeyReused) {
		t.Errorf("another body: %v, want ErrKeyReused", err)
	}
	publish(t, a, made(t, 9999, 1, event.High))
	r.awaitEvents(9001)
	if n := r.count(); n != 9001 {
		t.Errorf("%d events have come, want 9001", n)
	}
}

// A router that was away takes up the tails, under the same epoch.
func TestRouterRestarts(t *testing.T) {
	nats := startNATS(t, "")
	stays := open(t, options(t, nats.url()))
	r := follow(t, stays)
	first := open(t, options(t, nats.url()))
	gone := follow(t, first)
	publish(t, stays, made(t, 0, 20, all...))
	gone.awaitEvents(60)
	gone.stop()
	first.Close()
	publish(t, stays, made(t, 20, 20, all...))
	again := follow(t, open(t, options(t, nats.url())))
	again.awaitEvents(120)
	r.awaitEvents(120)
	sameStreams(t, r, again)
}

// Events are read from any position on.
func TestRead(t *testing.T) {
	nats := startNATS(t, "")
	c, r := joined(t, options(t, nats.url()))
	publish(t, c, made(t, 0, 10_000, event.Medium))
	r.awaitEvents(10_000)
	for _, test := range []struct {
		name            string
		from            uint64
		max, want       int
		class           event.Priority
		first, lastSeen uint64
	}{
		{"from the beginning", 1, 10, 10, event.Medium, 1, 10},
		{"before the beginning", 0, 1, 1, event.Medium, 1, 1},
		{"more than one request", 501, 9000, 9000, event.Medium, 501, 9500},
		{"the end", 9991, 100, 10, event.Medium, 9991, 10_000},
		{"beyond the end", 10_001, 100, 0, event.Medium, 0, 0},
		{"nothing", 1, 0, 0, event.Medium, 0, 0},
		{"an empty class", 1, 10, 0, event.High, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			began := time.Now()
			events, err := c.Read(ctx, test.class, test.from, test.max)
			if err != nil || len(events) != test.want {
				t.Fatalf("got %d events, want %d; %v", len(events), test.want, err)
			}
			if test.want > 0 && (events[0].Position != test.first || events[test.want-1].Position != test.lastSeen) {
				t.Errorf("got %d to %d, want %d to %d", events[0].Position, events[test.want-1].Position, test.first, test.lastSeen)
			}
			if test.want == 10 && test.from == 1 && !strings.HasPrefix(written(events)[9], `10 {"type":"mediumEvent","n":9,`) {
				t.Errorf("got %s", written(events)[9])
			}
			t.Log(time.Since(began))
		})
	}
}
