package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/asynkron/protoactor-go/actor"

	"github.com/adic-network/router/event"
)

// Settings are what may change while the router runs. All durations and numbers
// are above 0, but for ClientMessageRate and MaxSubscription.
type Settings struct {
	Retain [event.NumPriorities]int // events a ring holds, by class

	PendingEvents int // bound on accepted events that are not in the rings yet
	PendingBytes  int // the same in bytes

	HeartbeatInterval time.Duration // between SSE comments
	PingInterval      time.Duration // between WebSocket pings
	StallTimeout      time.Duration // how long a client may take no byte

	MaxMessageSize    int // bytes of a client's message
	ClientMessageRate int // messages a second; 0 is no limit
	MaxSubscription   int // names in a Subscribe or Unsubscribe; 0 is no limit
}

// Options make a Router.
type Options struct {
	Settings  Settings
	Catalogue *event.Catalogue
	Metrics   *metrics.Set // a set of its own, for one router
	Log       *slog.Logger
	Journal   Journal // nil: events are kept in memory only, in a stream of its own
	// Follow makes a router that takes the places of its events from Replicate. It
	// has no stream before the first one, and needs no Journal.
	Follow bool
	// Archive, if not nil, has what the rings no longer hold, for clients that resume
	// further back: up to ReplayLimit events of each class.
	Archive     Archive
	ReplayLimit int
}

// Router is the actors and what they share. All methods are safe for concurrent
// use.
type Router struct {
	catalogue *event.Catalogue
	log       *slog.Logger
	metrics   *Metrics
	started   time.Time

	set      atomic.Pointer[Settings]
	current  atomic.Pointer[stream]
	journal  Journal
	pending  backlog
	gate     gate
	dispatch *dispatcher
	wheel    *wheel

	system      *actor.ActorSystem
	emitter     *actor.PID
	queue       *actor.PID
	connections *actor.RootContext // spawns under the supervisor of connections
	nursery     *nursery
	recalls     *recalls // nil without an archive
	leastRun    int      // see leastRun; tests have less

	named    atomic.Uint64 // the last connection's ID
	live     atomic.Int64
	begun    atomic.Bool // there is a stream to read
	draining atomic.Bool
	drained  chan struct{} // closed when draining begins
	gone     atomic.Int64  // when draining is to be over, Unix nanoseconds
}

// answerTimeout bounds the wait for an answer of the Emitter, which never waits
// for anything itself. It is reached only when the machine is in trouble.
const answerTimeout = 30 * time.Second

// closeTimeout bounds the wait of HangUp for connections to end.
const closeTimeout = 30 * time.Second

// NewRouter starts a router that goes on with the stream of its journal or, without
// one, with an empty stream of its own. Close ends it, but not the journal.
func NewRouter(o Options) (*Router, error) {
	if o.Journal == nil {
		o.Journal = noJournal{}
	}
	at, past := o.Journal.Past()
	m := newMetrics(o.Metrics, o.Catalogue)
	r := &Router{
		metrics:   m,
		dispatch:  newDispatcher(runtime.GOMAXPROCS(0), m),
		catalogue: o.Catalogue,
		log:       o.Log,
		started:   time.Now(),
		journal:   o.Journal,
		wheel:     newWheel(),
		drained:   make(chan struct{}),
		leastRun:  leastRun,
	}
	s := newStream(at.Epoch, o.Settings.Retain, o.Catalogue)
	s.followed = o.Follow
	s.restore(at, past)
	r.current.Store(s)
	if !o.Follow {
		r.begun.Store(true)
	}
	r.set.Store(&o.Settings)
	if o.Archive != nil && o.ReplayLimit > 0 {
		r.recalls = newRecalls(o.Archive, o.ReplayLimit)
	}
	r.system = newSystem(r)
	r.gate.notify = func() { r.sendQueue(roundDone{}) }
	r.connections = r.system.Root.Copy().WithGuardian(stopping(r, "connection"))
	r.nursery = newNursery(r.dispatch)
	r.connections.Self() // protoactor makes the guardian on first use, unguarded

	var err error
	waiting := &fanout{stream: s, waiters: make(map[*waiter]struct{}), last: at.Pos}
	if r.queue, err = r.spawn("queue", func() actor.Actor { return &PriorityQueue{waiting, r} }); err == nil {
		emission := &emission{at: at, global: at.Pos[event.High] + at.Pos[event.Medium] + at.Pos[event.Low]}
		r.emitter, err = r.spawn("emitter", func() actor.Actor { return &Emitter{emission, r} })
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Router) spawn(name string, produce actor.Producer) (*actor.PID, error) {
	root := r.system.Root.Copy().WithGuardian(restarting(r, name))
	pid, err := root.SpawnNamed(actor.PropsFromProducer(produce), name)
	if err != nil {
		return nil, fmt.Errorf("cannot start actor %s: %w", name, err)
	}
	return pid, nil
}

// HangUp closes all connections without a word. Drain comes before, where
// clients matter.
func (r *Router) HangUp() {
	r.beginDrain()
	for began := time.Now(); r.live.Load() > 0 && time.Since(began) < closeTimeout; time.Sleep(time.Millisecond) {
		boxes, err := r.roster()
		if err != nil {
			r.log.Error("cannot close connections", "error", err)
		}
		for _, m := range boxes {
			m.PostUserMessage(&hangUp{})
		}
	}
}

// Close hangs up and ends the router. It may be called once.
func (r *Router) Close() {
	if r.recalls != nil {
		r.recalls.stop()
	}
	r.HangUp()
	for _, pid := range []*actor.PID{r.emitter, r.queue} {
		if pid != nil {
			if err := r.system.Root.StopFuture(pid).Wait(); err != nil {
				r.log.Error("cannot stop actor", "actor", pid.GetId(), "error", err)
			}
		}
	}
	r.wheel.close()
	r.dispatch.close()
	r.system.Shutdown()
}

// Publish gives the events a place in the stream, all of them or none, and
// returns before any of them is delivered. The router owns the events from then
// on. It fails with ErrOverloaded, ErrBatchTooLarge, ErrDraining, ErrJournal or
// ErrInterrupted.
func (r *Router) Publish(batch []*event.Event) error {
	if len(batch) == 0 && !r.draining.Load() {
		return nil
	}
	stamp(batch)
	_, err := r.ask(&publish{batch: batch})
	return err
}

// PublishOnce is Publish for a batch that may come more than once, one after the
// other or at the same time. A batch that was accepted under its key less than
// five minutes ago is accepted and not published again: then before is true. A
// batch that failed has not used its key; with ErrInterrupted that is for the next
// attempt to find out. Besides the errors of Publish there is ErrKeyReused.
func (r *Router) PublishOnce(batch []*event.Event, key IdempotencyKey) (before bool, err error) {
	stamp(batch)
	answer, err := r.ask(&publish{batch: batch, once: &key})
	_, before = answer.(*replayed)
	return before, err
}

// PublishedOnce reports whether PublishOnce would find that the batch of this key
// was accepted before. It publishes nothing.
func (r *Router) PublishedOnce(key IdempotencyKey) (before bool, err error) {
	answer, err := r.ask(&recall{&key})
	_, before = answer.(*replayed)
	return before, err
}

// stamp notes when a batch was accepted, if it will be.
func stamp(batch []*event.Event) {
	now := time.Now().UnixNano()
	for _, e := range batch {
		if e != nil {
			e.Accepted = now
		}
	}
}

// ask has the emitter handle a message, and returns its answer unless it refuses.
func (r *Router) ask(msg any) (answer any, err error) {
	if r.draining.Load() {
		return nil, ErrDraining
	}
	answer, err = r.system.Root.RequestFuture(r.emitter, msg, answerTimeout).Result()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	if no, ok := answer.(*refused); ok {
		return nil, no.err
	}
	return answer, nil
}

// Reload puts new settings in force, for clients that are connected as well.
func (r *Router) Reload(s Settings) {
	r.set.Store(&s)
	r.sendQueue(&resize{retain: s.Retain})
}

// Drain ends the router's service gracefully: nothing new is taken; what was
// accepted is delivered to every client that reads; then connections are closed
// with 1001, evenly over spread, so that clients do not all come back at once.
// It returns when all are closed, or when ctx is done: Close cuts off the rest.
func (r *Router) Drain(ctx context.Context, spread time.Duration) error {
	r.beginDrain()
	r.gone.Store(time.Now().Add(spread).UnixNano())
	if err := r.deliverAll(ctx); err != nil {
		return err
	}
	boxes, err := r.roster()
	if err != nil {
		return err
	}
	began := time.Now()
	for i, m := range boxes {
		due := began.Add(spread * time.Duration(i) / time.Duration(len(boxes)))
		if err := sleepUntil(ctx, due); err != nil {
			return err
		}
		m.PostUserMessage(shutDown())
	}
	return poll(ctx, func() bool { return r.live.Load() == 0 })
}

func (r *Router) beginDrain() {
	if r.draining.CompareAndSwap(false, true) {
		close(r.drained)
	}
}

// restartTime is what a restart is thought to take.
const restartTime = time.Second

// backIn is when a client that is sent away should come back: after the drain,
// and not with all the others.
func (r *Router) backIn() time.Duration {
	rest := max(time.Until(time.Unix(0, r.gone.Load())), 0)
	return rest + restartTime + rand.N(2*restartTime)
}

// deliverAll waits until everything accepted is in the rings. Each connection
// sends what it has not read of them before it closes: waiting for that here
// would let one that stalls keep all others from a good-bye.
func (r *Router) deliverAll(ctx context.Context) error {
	return poll(ctx, func() bool { return r.pending.total() == 0 })
}

func (r *Router) roster() ([]*mailbox, error) {
	answer, err := r.system.Root.RequestFuture(r.queue, roster{}, answerTimeout).Result()
	if err != nil {
		return nil, fmt.Errorf("cannot list connections: %w", err)
	}
	boxes, ok := answer.([]*mailbox)
	if !ok {
		return nil, errors.New("cannot list connections: unexpected answer")
	}
	return boxes, nil
}

// Draining is closed when the router begins to shut down.
func (r *Router) Draining() <-chan struct{} { return r.drained }

func (r *Router) settings() *Settings { return r.set.Load() }

func (r *Router) stream() *stream { return r.current.Load() }

func (r *Router) sendQueue(msg any) { r.system.Root.Send(r.queue, msg) }

func (r *Router) priorityOf(t event.TypeID) event.Priority { return r.catalogue.Type(t).Priority }

func poll(ctx context.Context, done func() bool) error {
	for !done() {
		if err := sleepUntil(ctx, time.Now().Add(2*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

func sleepUntil(ctx context.Context, t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
