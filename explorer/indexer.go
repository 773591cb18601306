package explorer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/cenkalti/backoff/v5"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
)

// A Store keeps what is indexed. *store.Store is one.
type Store interface {
	// Position returns how far the index has come.
	Position(context.Context) (store.Position, error)
	// Append stores entries that follow from, and the position behind them, or nothing.
	// It fails with store.ErrConflict if the index is not at from.
	Append(ctx context.Context, from store.Position, entries []store.Entry, to store.Position) error
	// Recent returns the newest events of each class, at most limit, the oldest first.
	Recent(ctx context.Context, limit [event.NumPriorities]int) ([]store.Entry, error)
	// Prune removes what is older than a time, zero being nothing, and what is never
	// kept for long.
	Prune(ctx context.Context, before time.Time) (events int64, err error)
}

// Live shows events to those who watch. *actors.Router is one.
type Live interface {
	// Replicate appends events of the stream of at, behind at, whose positions ascend
	// in each class. It owns the events, whatever it returns; after an error others of
	// the same may follow.
	Replicate(at event.Cursor, batch []event.Placed) error
}

// Options make an Indexer. All but Retention is needed.
type Options struct {
	Node string // its URL
	// Client says how to follow it: Transports, Token, HTTP.
	Client    client.Options
	Catalogue *event.Catalogue // with unknown types
	Store     Store
	Live      Live
	// Retained is how many events of each class Live holds.
	Retained [event.NumPriorities]int
	// Retention is how long events are kept; 0 is for good.
	Retention time.Duration
	Metrics   *metrics.Set
	Log       *slog.Logger
}

// Indexer follows one node. Status is safe for concurrent use; Run is called once.
type Indexer struct {
	o       Options
	parser  event.Parser
	metrics *counters

	stored store.Position // what the store has
	place  client.Place   // the same, for the events that come
	held   []arrival      // losses that no event has followed yet
	pause  time.Duration  // after the node refused
	retry  *backoff.ExponentialBackOff

	following atomic.Pointer[client.Client] // nil before the first one

	mu    sync.Mutex
	tally tally
}

const (
	// batchSize is how many events are stored together, at the most.
	batchSize = 2048
	// waiting is how many may wait for the store. The node drops what is beyond for
	// longer than it retains it.
	waiting = 1 << 16
	// firstWait and lastWait are the pauses after something failed.
	firstWait, lastWait = 100 * time.Millisecond, 10 * time.Second
	// pruneInterval is how often what is too old is removed.
	pruneInterval = time.Hour
	// beginInterval is how often a node is asked for its stream, while none has begun.
	beginInterval = time.Second
)

// New makes an indexer.
func New(o Options) *Indexer {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = firstWait, lastWait, 2
	x := &Indexer{o: o, parser: event.Parser{Catalogue: o.Catalogue, PassUnknown: true}, pause: lastWait, retry: b}
	x.tally.byType = make(map[string]uint64)
	x.metrics = newCounters(x)
	return x
}

// Run indexes until ctx is done, and then returns nil. It fails with store.ErrConflict
// if something else writes to the store.
func (x *Indexer) Run(ctx context.Context) error {
	pruning, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.prune(pruning)
	}()
	defer func() {
		stop()
		<-done
	}()

	if err := x.resume(ctx); err != nil {
		return ended(ctx, err)
	}
	for {
		err := x.follow(ctx)
		if ctx.Err() != nil || errors.Is(err, store.ErrConflict) {
			return ended(ctx, err)
		}
		// The node refuses for good, which may be put right there.
		x.o.Log.Error("event error: the node cannot be followed; trying again", "node", x.o.Node, "error", err)
		x.note(func(t *tally) { t.refused = err })
		if !sleep(ctx, x.pause) {
			return nil
		}
	}
}

// ended is err, unless it was wanted.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// resume reads where the index has come to, and shows its newest events to who watches.
func (x *Indexer) resume(ctx context.Context) error {
	var recent []store.Entry
	err := x.insist(ctx, "cannot read the index", func() (err error) {
		if x.stored, err = x.o.Store.Position(ctx); err != nil {
			return err
		}
		recent, err = x.o.Store.Recent(ctx, x.o.Retained)
		return err
	})
	if err != nil {
		return err
	}
	x.place = client.Place{At: x.stored.At, Begun: x.stored.At.Epoch != 0, Own: x.stored.Own}
	if !x.place.Begun {
		return nil
	}
	x.o.Log.Info("explorer: going on", "cursor", x.stored.Cursor, "own_numbering", x.stored.Own)
	return x.restore(ctx, recent)
}

// insist repeats what fails until it works, ctx is done, or another indexer is at work.
func (x *Indexer) insist(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		switch {
		case err == nil:
			x.note(func(t *tally) { t.storing = nil })
			x.retry.Reset()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, store.ErrConflict):
			return err
		}
		x.metrics.storeErrors.Inc()
		err = fmt.Errorf("%s: %w", what, err)
		x.note(func(t *tally) { t.storing = err })
		wait := x.retry.NextBackOff()
		x.o.Log.Error("event error: the index fails; trying again", "error", err, "wait", wait.Round(time.Millisecond).String())
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// prune removes what is too old, now and every hour.
func (x *Indexer) prune(ctx context.Context) {
	ticker := time.NewTicker(pruneInterval)
	defer ticker.Stop()
	for {
		var before time.Time
		if x.o.Retention > 0 {
			before = time.Now().Add(-x.o.Retention)
		}
		switch removed, err := x.o.Store.Prune(ctx, before); {
		case ctx.Err() != nil:
			return
		case err != nil:
			x.metrics.storeErrors.Inc()
			x.o.Log.Error("event error: cannot remove old events from the index; trying again in an hour", "error", err)
		case removed > 0:
			x.o.Log.Info("explorer: removed old events", "events", removed, "before", before.UTC().Format(time.RFC3339))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// sleep waits for d, or until ctx is done, which it reports.
func sleep(ctx context.Context, d time.Duration) (slept bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
