package actors

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// TestModel plays random lives of a router and compares what its clients get with
// what the protocol says (ledger in modelcheck_test.go): order, at most once,
// exact counts of what was lost, the priority promise, exact cursors on resume
// over every pair of transports, and no loss for a client that reads.
func TestModel(t *testing.T) {
	for _, test := range []struct {
		name   string
		retain [2]int
	}{{"tiny rings", [2]int{1, 2}}, {"small rings", [2]int{1, 6}}, {"rings larger than a batch", [2]int{15, 40}}} {
		t.Run(test.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				retain := retainGen(test.retain).Draw(rt, "retain")
				steps := rapid.SliceOfN(stepGen(test.retain), 30, 80).Draw(rt, "steps")
				least := rapid.SampledFrom([]int{1, 300, leastRun}).Draw(rt, "least run")
				var err error
				synctest.Test(t, func(t *testing.T) { err = playModel(t, retain, least, steps, nil) })
				if err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// world is the router and its clients beside the model of them.
type world struct {
	*Router
	t       *testing.T
	emitted [event.NumPriorities]uint64
	clients [modelClients]*modelClient
	least   int           // the least run of the router
	journal *modelJournal // nil without one

	mu  sync.Mutex // what follows is read by the transports
	log []logged
	err error // the first thing that is wrong
}

// logged is an event that was published.
type logged struct {
	number int // from 1
	typ    event.TypeID
	class  event.Priority
	seq    uint64 // in its class
}

// modelClient is a client through all of its connections.
type modelClient struct {
	cursor event.Cursor // after what it has read
	read   bool         // it has read an event
	now    *ledger      // nil while it is not connected
}

func playModel(t *testing.T, retain [event.NumPriorities]int, least int, steps []step, j *modelJournal) error {
	settings := testSettings()
	quiet(&settings)
	settings.Retain = retain
	settings.ClientMessageRate = 0
	w := &world{t: t, least: least, journal: j}
	if err := w.begin(settings); err != nil {
		return err
	}
	defer func() {
		w.Close()
		time.Sleep(2 * time.Second) // see newRig
		w.endJournal()
	}()
	for i := range w.clients {
		w.clients[i] = &modelClient{}
	}
	for i := range w.clients {
		w.play(step{kind: "connect", client: i, talk: "WebSocket", from: "now", all: true, prios: event.AllPriorities, size: []int{unlimited, 150, 400, 0}[i]})
	}
	for i, s := range steps {
		w.play(s)
		if err := w.failed(); err != nil {
			return fmt.Errorf("step %d, %v: %w", i, s, err)
		}
	}
	w.finish()
	return w.failed()
}

// begin starts a router.
func (w *world) begin(settings Settings) error {
	o := Options{Settings: settings, Catalogue: catalogue(), Metrics: metrics.NewSet(), Log: slog.New(slog.DiscardHandler)}
	if err := w.openJournal(&o); err != nil {
		return err
	}
	r, err := NewRouter(o)
	if err != nil {
		return err
	}
	r.leastRun, w.Router = w.least, r
	return nil
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *world) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *world) oldest() [event.NumPriorities]uint64 { return w.stream().earliest().Pos }

// play does s, and then lets every client that can read do so and checks it.
func (w *world) play(s step) {
	for _, c := range w.clients {
		if c.now != nil {
			c.now.look(w)
		}
	}
	c := w.clients[s.client]
	switch s.kind {
	case "publish":
		w.publish(s.types)
	case "flood": // and whoever does not read is given up
		w.publish(s.types)
		pass(patienceIsOver)
	case "connect":
		w.connect(c, s)
	case "poll":
		w.pollOnce(c, s)
	case "wait":
		pass(time.Second)
	case "moment":
		pass(3 * time.Millisecond)
	case "reload":
		settings := *w.settings()
		settings.Retain = s.retain
		w.Reload(settings)
	case "restart":
		w.restart()
	case "queue fault":
		w.sendQueue(&enqueue{batch: []*event.Event{nil}})
	case "emitter fault":
		if err := w.Publish([]*event.Event{nil}); err == nil {
			w.fail("a batch of nothing is accepted")
		}
	}
	if c.now != nil {
		switch s.kind {
		case "drain":
			w.drain(c, s.n)
		case "size":
			c.now.resize(s.n)
		case "spurious":
			c.now.spurious()
		case "subscribe", "unsubscribe":
			c.now.change(w, s)
		}
	}
	synctest.Wait()
	if w.clients[0].now != nil {
		w.drain(w.clients[0], math.MaxInt)
	}
}

func (w *world) publish(types []event.TypeID) {
	batch := make([]*event.Event, len(types))
	for i, typ := range types {
		p := w.priorityOf(typ)
		w.emitted[p]++
		w.mu.Lock()
		w.log = append(w.log, logged{len(w.log) + 1, typ, p, w.emitted[p]})
		w.mu.Unlock()
		batch[i] = newEvent(w.t, w.catalogue.Type(typ).Name, len(w.log))
	}
	for _, c := range w.clients {
		if c.now != nil {
			c.now.enter(w)
		}
	}
	if err := w.Publish(batch); err != nil {
		w.fail("publish: %w", err)
	}
}

// subscription is what s asks for.
func (w *world) subscription(s step) Subscription {
	return Subscription{Types: setOf(s.types...), All: s.all, Priorities: s.prios}
}

// start is where s asks c to begin, and the position of it.
func (w *world) start(c *modelClient, s step) (Start, [event.NumPriorities]uint64) {
	switch {
	case s.from == "cursor" && c.read:
		return FromCursor(c.cursor), c.cursor.Pos
	case s.from == "earliest":
		return FromEarliest(), w.oldest()
	}
	return FromNow(), w.emitted
}

// connect ends the connection that c has, and makes another.
func (w *world) connect(c *modelClient, s step) {
	if c.now != nil {
		c.now.end([]error{io.EOF, errReset}[s.n&1])
		synctest.Wait()
		if !c.now.ended() {
			w.fail("a connection stays although its client is gone")
		}
		c.now = nil
	}
	start, pos := w.start(c, s)
	n := newLedger(w, s.talk, w.subscription(s), pos)
	n.size = s.size
	client := n.options(n.asked, start)
	client.Window = s.window
	var err error
	if s.talk != "SSE" {
		err = w.ServeWebSocket(WebSocket{Client: client, IDs: !n.cursorless})
	} else {
		err = w.ServeSSE(SSE{Client: client, Head: []byte(sseHead), Heartbeat: true})
	}
	if err != nil {
		w.fail("connect: %w", err)
		return
	}
	synctest.Wait()
	c.now = n
}

// pollOnce is a poll of a client that may be connected as well.
func (w *world) pollOnce(c *modelClient, s step) {
	start, pos := w.start(c, s)
	n := newLedger(w, "poll", w.subscription(s), pos)
	answer := w.Poll(context.Background(), Poll{Subscription: n.asked, Start: start, Limit: s.n})
	if len(answer.Events) > s.n {
		w.fail("%d events for a limit of %d", len(answer.Events), s.n)
	}
	if !answer.Lost.IsZero() {
		n.check(w, wireMessage{kind: "Lagged", dropped: answer.Lost})
	}
	for _, e := range answer.Events {
		m := wireMessage{kind: "Event", cursor: e.At}
		if err := m.decodeEvent(e.JSON(event.Flat)); err != nil {
			w.fail("%w", err)
		}
		n.check(w, m)
	}
	n.checkCursor(w, answer.Cursor)
	if c.now == nil {
		c.cursor, c.read = answer.Cursor, true
	}
}

// drain has c receive n bytes, and checks what they say.
func (w *world) drain(c *modelClient, n int) {
	synctest.Wait()
	for n > 0 {
		before := c.now.total
		messages, err := c.now.take(n)
		if err != nil {
			w.fail("%w", err)
			return
		}
		for _, m := range messages {
			c.now.check(w, m)
			if m.kind == "Event" && !c.now.cursorless {
				c.cursor, c.read = m.cursor, true
			}
			if m.kind == "Lagged" && c == w.clients[0] {
				w.fail("a client that always reads is told of %v", m)
			}
		}
		synctest.Wait()
		if c.now.total == before {
			return
		}
		n -= c.now.total - before
	}
}

// finish has everybody read everything, and one more event of every type, so that
// all losses are told. Then the accounts have to be even.
func (w *world) finish() {
	connected := func(do func(c *modelClient)) {
		for _, c := range w.clients {
			if c.now != nil && w.failed() == nil {
				do(c)
			}
		}
	}
	readAll := func() {
		for range 100 {
			pass(windows[len(windows)-1])
			connected(func(c *modelClient) { c.now.look(w); c.now.resize(unlimited); w.drain(c, math.MaxInt) })
			if w.pending.total() == 0 {
				return
			}
			pass(time.Second)
		}
		w.fail("%d events are pending although everybody reads", w.pending.total())
	}
	readAll()
	w.publish([]event.TypeID{0, 1, 2, 3, 4, 5})
	synctest.Wait()
	readAll()
	connected(func(c *modelClient) { c.now.checkEnd(w) })
	if n := w.gate.behind.Load(); n != 0 {
		w.fail("%d connections count as behind, and everybody has read everything", n)
	}
	if s := w.Status(); s.Lagging != 0 || s.PendingBytes != 0 {
		w.fail("%d connections lag, %d bytes are pending", s.Lagging, s.PendingBytes)
	}
}
