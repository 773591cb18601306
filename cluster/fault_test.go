package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// startCluster starts three servers that are one cluster.
func startCluster(t *testing.T) (servers []*process, urls string) {
	t.Helper()
	var routes, addresses []string
	for range 3 {
		addr := freeAddress(t)
		addresses = append(addresses, addr)
		routes = append(routes, fmt.Sprintf("%q", "nats://"+addr))
	}
	for i, addr := range addresses {
		p := startNATS(t, fmt.Sprintf("server_name: n%d\ncluster { name: test, listen: %q, routes: [%s] }", i, addr, strings.Join(routes, ", ")))
		servers = append(servers, p)
		urls += "," + p.url()
	}
	return servers, urls[1:]
}

// replicated are the options of a router whose streams are on all three.
func replicated(t *testing.T, urls string) Options {
	o := options(t, urls)
	o.Config.Replicas = 3
	return o
}

// Three servers, of which the leader of a stream is killed under load: publishers
// that try again with the same key lose nothing and repeat nothing.
func TestLeaderKilled(t *testing.T) {
	servers, urls := startCluster(t)
	a, ra := joined(t, replicated(t, urls))
	b, rb := joined(t, replicated(t, urls))

	stream, err := a.js.Stream(t.Context(), a.streams[event.High])
	if err != nil {
		t.Fatal(err)
	}
	leader := stream.CachedInfo().Cluster.Leader
	const batches = 40
	var batch [batches][]*event.Event
	for i := range batch {
		batch[i] = made(t, 100*i, 20, all...)
	}
	published := make(chan error, 1)
	go func() {
		published <- func() error {
			for i := range batch {
				key := actors.NewIdempotencyKey("me", fmt.Sprint(i), nil)
				deadline := time.Now().Add(patience)
				for {
					_, err := a.PublishOnce(batch[i], key)
					if err == nil {
						break
					}
					if !errors.Is(err, actors.ErrNotStored) || time.Now().After(deadline) {
						return err
					}
					time.Sleep(50 * time.Millisecond) // a publisher waits before it comes again
				}
			}
			return nil
		}()
	}()
	ra.awaitEvents(300)
	var killed *process
	for i, p := range servers {
		if leader == fmt.Sprintf("n%d", i) {
			killed = p
		}
	}
	killed.kill()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	ra.awaitEvents(batches * 60)
	rb.awaitEvents(batches * 60)
	killed.start()
	publish(t, b, made(t, 9999, 1, all...))
	ra.awaitEvents(batches*60 + 3)
	rb.awaitEvents(batches*60 + 3)
	sameStreams(t, ra, rb)
	if n := ra.count(); n != batches*60+3 || len(ra.epochs) != 1 || len(rb.epochs) != 1 {
		t.Errorf("%d events have come in %d epochs, want %d in one", n, len(ra.epochs), batches*60+3)
	}
}

// The same batch comes to two routers at the same time: it is stored once.
func TestSameBatchTwice(t *testing.T) {
	_, urls := startCluster(t)
	a, r := joined(t, replicated(t, urls))
	b := open(t, replicated(t, urls))
	const batches = 20
	for i := range batches {
		key := actors.NewIdempotencyKey("me", fmt.Sprint(i), nil)
		batch := made(t, 100*i, 50, all...)
		done := make(chan error, 2)
		for _, c := range []*Cluster{a, b} {
			go func() {
				_, err := c.PublishOnce(batch, key)
				done <- err
			}()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, a, made(t, 9999, 1, event.Low))
	r.awaitEvents(batches*150 + 1)
	if n := r.count(); n != batches*150+1 {
		t.Errorf("%d events have come, want %d", n, batches*150+1)
	}
}

// A stream that somebody has deleted is made anew, in a new epoch that all routers
// are in.
func TestStreamDeleted(t *testing.T) {
	nats := startNATS(t, "")
	a, ra := joined(t, options(t, nats.url()))
	b, rb := joined(t, options(t, nats.url()))
	publish(t, a, made(t, 0, 10, all...))
	ra.awaitEvents(30)
	rb.awaitEvents(30)
	old := ra.epoch()
	if err := a.js.DeleteStream(t.Context(), a.streams[event.Medium]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all routers are in a new epoch", func() bool { return ra.epoch() != old && ra.epoch() == rb.epoch() })
	eventually(t, "both have the rest", func() bool { return ra.count() == 20 && rb.count() == 20 })
	publish(t, b, made(t, 10, 10, all...))
	ra.awaitEvents(50)
	rb.awaitEvents(50)
	sameStreams(t, ra, rb)
}

// A server that comes back with an older disk has lost events that clients were
// shown: their positions are given out again, in another epoch.
func TestStreamLosesItsEnd(t *testing.T) {
	for _, test := range []struct {
		name  string
		after int // events published before the router is back
	}{{"and ends before what was handed over", 0}, {"and has grown again", 40}} {
		t.Run(test.name, func(t *testing.T) {
			nats := startNATS(t, "")
			c := open(t, options(t, nats.url()))
			publish(t, c, made(t, 0, 10, all...))
			r := follow(t, c)
			r.awaitEvents(30)
			store := filepath.Join(filepath.Dir(nats.log), "store")
			saved := t.TempDir()
			nats.kill()
			if err := os.CopyFS(saved, os.DirFS(store)); err != nil {
				t.Fatal(err)
			}
			nats.start()
			eventually(t, "the streams are followed again", func() bool { return len(c.Reasons()) == 0 })
			publish(t, c, made(t, 10, 10, all...))
			r.awaitEvents(60)
			old := r.epoch()

			nats.kill()
			if err := errors.Join(os.RemoveAll(store), os.CopyFS(store, os.DirFS(saved))); err != nil {
				t.Fatal(err)
			}
			nats.start()
			if test.after > 0 {
				other := open(t, options(t, nats.url()))
				publish(t, other, made(t, 100, test.after, all...))
			}
			eventually(t, "a new epoch has begun", func() bool { return r.epoch() != old && len(c.Reasons()) == 0 })
			eventually(t, "the follower has what is there", func() bool { return r.count() >= 30+3*test.after })
			if test.after > 0 && r.count() != 30+3*test.after {
				t.Errorf("%d events, want %d", r.count(), 30+3*test.after)
			}
		})
	}
}

// Whatever is written into a stream, the router goes on: its position is left out.
func TestUnusableEvents(t *testing.T) {
	nats := startNATS(t, "")
	c, r := joined(t, options(t, nats.url()))
	publish(t, c, made(t, 0, 1, event.High))
	for _, garbage := range []string{"", "x", `{"type":"lowEvent","n":1}`, `{"type":"Unknown"}`, strings.Repeat("[", 100_000)} {
		if _, err := c.js.Publish(t.Context(), c.subjects[event.High], []byte(garbage)); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, c, made(t, 1, 1, event.High))
	r.awaitEvents(2)
	if got := r.events[event.High]; got[0].Position != 1 || got[1].Position != 7 {
		t.Errorf("got positions %d and %d, want 1 and 7", got[0].Position, got[1].Position)
	}
	if n := c.metrics.unusable[event.High].Get(); n != 5 {
		t.Errorf("%d events were counted as unusable, want 5", n)
	}
	// A router that comes when garbage is the last that is stored has caught up.
	if _, err := c.js.Publish(t.Context(), c.subjects[event.High], nil); err != nil {
		t.Fatal(err)
	}
	follow(t, open(t, options(t, nats.url())))
}

// Events that were deleted are left out.
func TestPurge(t *testing.T) {
	nats := startNATS(t, "")
	c, r := joined(t, options(t, nats.url()))
	publish(t, c, made(t, 0, 10, event.High))
	r.awaitEvents(10)
	stream, err := c.js.Stream(t.Context(), c.streams[event.High])
	if err == nil {
		err = stream.Purge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	late := follow(t, open(t, options(t, nats.url())))
	publish(t, c, made(t, 10, 1, event.High))
	r.awaitEvents(11)
	late.awaitEvents(1)
	sameStreams(t, r, late)
}

// Too much at once is refused, and not left to wait.
func TestOverload(t *testing.T) {
	nats := startNATS(t, "")
	o := options(t, nats.url())
	o.PendingEvents = 100
	c := open(t, o)
	if err := c.Publish(made(t, 0, 101, event.High)); !errors.Is(err, actors.ErrBatchTooLarge) {
		t.Errorf("a batch that never fits: %v, want ErrBatchTooLarge", err)
	}
	if err := c.storing.admit(60, 100); err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(made(t, 0, 60, event.High)); !errors.Is(err, actors.ErrOverloaded) {
		t.Errorf("beside another batch: %v, want ErrOverloaded", err)
	}
	c.storing.done(60, 100)
	publish(t, c, made(t, 0, 100, event.High))
}

// A router that joined empty streams and has to join again, before any event came to
// it, has missed nothing.
func TestRejoinBeforeTheFirstEvent(t *testing.T) {
	nats := startNATS(t, "")
	a := open(t, options(t, nats.url()))
	f := &follower{Follower: &router{t: t}}
	ctx, leave := context.WithCancel(t.Context())
	joined := make(chan error, 1)
	go func() { joined <- a.member(ctx, f) }()
	<-a.CaughtUp()
	leave()
	<-joined
	publish(t, open(t, options(t, nats.url())), made(t, 0, 300, event.Low)) // more than is retained
	ctx, leave = context.WithCancel(t.Context())
	go func() { joined <- a.member(ctx, f) }()
	defer func() { leave(); <-joined }()
	f.Follower.(*router).awaitEvents(300)
}
