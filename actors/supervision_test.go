package actors

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

// restarts returns how often actors of each kind have failed.
func (r *rig) restarts() (counts [3]float64) {
	r.t.Helper()
	for i, name := range supervised {
		counts[i] = r.metric(fmt.Sprintf("adic_actor_restarts_total{actor=%q}", name))
	}
	return counts
}

var failed = map[string][3]float64{
	"nothing": {}, "emitter": {1, 0, 0}, "queue": {0, 1, 0}, "connection": {0, 0, 1},
}

// A connection that panics is closed, with 1011 where that can be written, and
// nothing else is disturbed.
func TestConnectionPanics(t *testing.T) {
	for _, test := range []struct {
		name   string
		inject func(r *rig, c *client)
		want   []string
	}{
		{"in Write, once", func(r *rig, c *client) {
			var once atomic.Bool
			c.onWrite = func([]byte) error {
				if once.CompareAndSwap(false, true) {
					panic("injected")
				}
				return nil
			}
			r.publish("Alarm")
		}, []string{"close 1011"}},
		{"in Write, always", func(r *rig, c *client) {
			c.onWrite = func([]byte) error { panic("injected") }
			r.publish("Alarm")
		}, nil},
		{"in Read", func(r *rig, c *client) {
			c.onRead = func() error { panic("injected") }
			c.say(`{"type":"Ping"}`)
			r.publish("Alarm")
		}, []string{"close 1011"}},
		{"in the middle of an event", func(r *rig, c *client) {
			c.resize(20)
			r.publish("Alarm")
			c.onWrite = func([]byte) error { c.onWrite = nil; panic("injected") }
			c.resize(unlimited)
		}, []string{"Alarm 1", "close 1011"}},
		{"with letters unread", func(r *rig, c *client) {
			c.onWrite = func([]byte) error { c.onWrite = nil; panic("injected") }
			boxes, err := r.roster()
			if err != nil {
				r.t.Fatal(err)
			}
			for range 5 {
				boxes[0].PostUserMessage(shutDown())
			}
			r.publish("Alarm")
		}, nil}, // told or not: the good-bye of the letters may come first
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := r.connect(everything, FromNow())
				others := []*client{r.connect(everything, FromNow()), r.connect(everything, FromNow())}
				test.inject(r, c)
				synctest.Wait()
				if !c.ended() || c.gone != 1 {
					t.Errorf("closed %v, OnClose called %d times", c.ended(), c.gone)
				}
				if got := short(c.pull()); test.want != nil && !slices.Equal(got, test.want) {
					t.Errorf("got %v, want %v", got, test.want)
				}
				if got := r.restarts(); got != failed["connection"] {
					t.Errorf("restarts of %v are counted %v", supervised, got)
				}
				r.publish("50 Alarm") // several rounds: none waits for what is gone
				for _, other := range others {
					other.expect(runs("Alarm", 1, 51)...)
				}
				if s := r.Status(); s.Connections != 2 || s.Lagging != 0 || !s.LastRestart.IsZero() {
					t.Errorf("status %+v", s)
				}
			})
		})
	}
}

// panicking is a session that panics where it is told to.
type panicking struct {
	session
	in string
}

func (p *panicking) at(method string) {
	if p.in == method {
		panic("injected")
	}
}

func (p *panicking) open(c *Connection) {
	p.at("open")
	p.session.open(c)
}

func (p *panicking) receive(c *Connection, data []byte) error {
	if len(data) > 0 {
		p.at("receive")
	}
	return p.session.receive(c, data)
}

func (p *panicking) lagged(c *Connection, lost event.Dropped) {
	p.at("lagged")
	p.session.lagged(c, lost)
}

func (p *panicking) tick(c *Connection, now time.Time) (time.Time, error) {
	if now.Sub(c.hub.started) > 10*time.Second {
		p.at("tick")
	}
	return p.session.tick(c, now)
}

func (p *panicking) goAway(c *Connection, code uint16, reason string) bool {
	p.at("goAway")
	return p.session.goAway(c, code, reason)
}

func (p *panicking) sent(m *traffic, messages, bytes int) {
	p.at("sent")
	p.session.sent(m, messages, bytes)
}

func TestSessionPanics(t *testing.T) {
	for _, method := range []string{"open", "receive", "lagged", "tick", "goAway", "sent"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				other := r.connectSSE(unlimited, everything, FromNow())
				c := newClient(t, unlimited, &wsDecoder{})
				talk := &panicking{&wsSession{}, method}
				if err := r.serve(c.options(everything, FromNow()), &Connection{enc: event.WSFlat, talk: talk}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				c.resize(0)
				r.publishSlowly("4 Trace")
				c.resize(unlimited)
				synctest.Wait()
				c.sendFrame(0x82, nil) // binary: calls for a good-bye
				pass(time.Minute)
				if !c.ended() || c.gone != 1 {
					t.Errorf("closed %v, OnClose called %d times", c.ended(), c.gone)
				}
				if method != "sent" { // whose panics hit the good-bye as well
					if got := r.restarts(); got != failed["connection"] {
						t.Errorf("restarts of %v are counted %v", supervised, got)
					}
				}
				r.publish("50 Alarm")
				got := other.pull()
				if got = slices.DeleteFunc(got, func(m wireMessage) bool { return m.kind != "Event" }); len(got) != 54 {
					t.Errorf("a client beside it got %d of 54 events", len(got))
				}
				if s := r.Status(); s.Connections != 1 || s.Lagging != 0 {
					t.Errorf("%d connections, %d lag", s.Connections, s.Lagging)
				}
			})
		})
	}
}

// An emitter that panics is restarted, and no position is given out twice or left
// without an event.
func TestEmitterPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := newClient(t, unlimited, &wsDecoder{})
		r.serveWS(c, WebSocket{Client: c.options(everything, FromNow()), IDs: true})
		c.expect("Subscribed all")
		r.publish("2 Alarm", "Trace")
		c.expect("Alarm 1", "Alarm 2", "Trace 3")
		for n := range 3 {
			batch := append(r.events("Alarm"), nil, r.events("Trace")[0])
			r.n -= 2
			if err := r.Publish(batch); !errors.Is(err, ErrInterrupted) {
				t.Fatalf("%v, want %v", err, ErrInterrupted)
			}
			synctest.Wait()
			if got, want := r.restarts(), [3]float64{float64(n + 1), 0, 0}; got != want {
				t.Errorf("restarts of %v are counted %v, want %v", supervised, got, want)
			}
		}
		c.expect()
		r.publish("Alarm", "Trace")
		got := c.expect("Alarm 4", "Trace 5")
		if want := [3]uint64{3, 0, 2}; got[1].cursor.Pos != want {
			t.Errorf("the cursor is at %v, want %v", got[1].cursor.Pos, want)
		}
		if since := time.Since(r.Status().LastRestart); since != 0 {
			t.Errorf("the last restart was %v ago, says the status", since)
		}
		if s := r.Status(); s.PendingBytes != 0 || s.Pending != [3]int64{} {
			t.Errorf("pending: %v events, %d bytes", s.Pending, s.PendingBytes)
		}
	})
}

// poison makes the queue panic whenever it takes it in.
func (r *rig) poison(batch ...*event.Event) {
	r.sendQueue(&enqueue{batch: append(batch, nil)})
}

// A queue that panics is restarted with the rings, what is pending and the
// connections.
func TestQueuePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(everything, FromNow())
		stalled := r.connect(everything, FromNow())
		r.publish("4 Alarm")
		c.expect(runs("Alarm", 1, 4)...)
		stalled.expect(runs("Alarm", 1, 4)...)
		stalled.resize(0)
		r.publish("20 Alarm", "Trace") // more than the round has room for
		if r.pending.total() == 0 {
			t.Fatal("nothing is pending")
		}
		r.poison()
		synctest.Wait()
		if got := r.restarts(); got[0] != 0 || got[1] == 0 || got[2] != 0 {
			t.Errorf("restarts of %v are counted %v", supervised, got)
		}
		pass(patienceIsOver)
		pass(patienceIsOver)
		r.publish("Tally")
		c.expect(append(runs("Alarm", 5, 24), "Trace 25", "Tally 26")...)
		if got := r.poll(Poll{Subscription: everything, Start: FromEarliest(), Limit: 100}); len(got.events) != 12 {
			t.Errorf("the rings hold %v", got.events)
		}
		if s := r.Status(); s.PendingBytes != 0 || s.Pending != [3]int64{} {
			t.Errorf("pending: %v events, %d bytes", s.Pending, s.PendingBytes)
		}
		stalled.resize(unlimited)
		stalled.expect(append(append([]string{"Lagged 10 0 0"}, runs("Alarm", 15, 24)...), "Tally 26", "Trace 25")...)
		late := r.connect(everything, FromNow())
		r.publish("30 Alarm")
		for _, c := range []*client{c, stalled, late} {
			c.expect(runs("Alarm", 27, 56)...)
		}
		if n := r.gate.behind.Load(); n != 0 {
			t.Errorf("%d connections count as behind, and none is", n)
		}
	})
}

// What of a batch was taken in before the panic is delivered once; what was not
// is off the accounts, and the class goes on.
func TestQueuePanicsWithinABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		all := r.connect(everything, FromNow())
		alarms := r.connect(only(t, "Alarm"), FromNow())
		place := func(e *event.Event, high, low uint64) *event.Event {
			e.Place(event.Cursor{Epoch: r.stream().epoch, Pos: [3]uint64{high, 0, low}}, high+low)
			r.account(e)
			return e
		}
		batch := r.events("Alarm", "Trace", "Breach", "Trace")
		r.sendQueue(&enqueue{batch: []*event.Event{
			place(batch[0], 1, 0), place(batch[1], 1, 1), nil, place(batch[2], 2, 1), place(batch[3], 2, 2)}})
		synctest.Wait()
		all.expect("Alarm 1", "Trace 2")
		if s := r.Status(); s.PendingBytes != 0 || s.Pending != [3]int64{} {
			t.Errorf("pending: %v events, %d bytes", s.Pending, s.PendingBytes)
		}
		next := r.events("Alarm")[0]
		r.sendQueue(&enqueue{batch: []*event.Event{place(next, 3, 2)}})
		synctest.Wait()
		all.expect("Lagged 1 0 0", "Alarm 5")
		alarms.expect("Alarm 1", "Alarm 5")
	})
}

// A connection that was woken and has not run yet when the queue is restarted
// gets what it was woken for.
func TestQueuePanicsBetweenWakeAndTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		// The worker that takes this one and the next has no turn for the next.
		hold := make(chan struct{})
		busy := r.connect(only(t, "Quota"), FromNow())
		busy.onWrite = func([]byte) error { <-hold; return nil }
		c := r.connect(everything, FromNow())
		go func() {
			time.Sleep(time.Second)
			close(hold)
		}()
		r.publish("Quota", "Alarm")
		r.poison()
		r.publish("Breach")
		pass(2 * time.Second)
		c.expect("Alarm 2", "Breach 3", "Quota 1")
		if n := r.gate.behind.Load(); n != 0 {
			t.Errorf("%d connections count as behind, and none is", n)
		}
	})
}
