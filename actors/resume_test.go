package actors

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/adic-network/router/event"
)

// collected is what a client got over any of the transports, and the cursor from
// which it can go on.
type collected struct {
	events []string
	cursor event.Cursor
}

// transports read what there is for a subscription from a start on.
var transports = []struct {
	name string
	read func(r *rig, s Subscription, from Start) collected
}{
	{"WebSocket", func(r *rig, s Subscription, from Start) collected {
		c := newClient(r.t, unlimited, &wsDecoder{})
		r.serveWS(c, WebSocket{Client: c.options(s, from), IDs: true})
		defer c.leave()
		return r.collected(c.pull()[1:])
	}},
	{"WebSocket through a small buffer", func(r *rig, s Subscription, from Start) collected {
		c := newClient(r.t, 100, &wsDecoder{})
		r.serveWS(c, WebSocket{Client: c.options(s, from), IDs: true})
		defer c.leave()
		return r.collected(c.pull()[1:])
	}},
	{"SSE", func(r *rig, s Subscription, from Start) collected {
		c := r.connectSSE(unlimited, s, from)
		defer c.leave()
		return r.collected(c.pull()[2:])
	}},
	{"polling", func(r *rig, s Subscription, from Start) collected {
		return r.poll(Poll{Subscription: s, Start: from, Limit: 1000})
	}},
	{"polling one by one", func(r *rig, s Subscription, from Start) (all collected) {
		for {
			next := r.poll(Poll{Subscription: s, Start: from, Limit: 1})
			all = collected{append(all.events, next.events...), next.cursor}
			if len(next.events) == 0 {
				return all
			}
			from = FromCursor(next.cursor)
		}
	}},
}

func (r *rig) collected(messages []wireMessage) (c collected) {
	r.t.Helper()
	c.events = short(messages)
	for _, m := range messages {
		if m.kind == "Event" {
			c.cursor = m.cursor
		}
	}
	return c
}

func (r *rig) poll(p Poll) collected {
	r.t.Helper()
	return r.polled(r.Poll(context.Background(), p))
}

func (r *rig) polled(answer Polled) (c collected) {
	r.t.Helper()
	var messages []wireMessage
	if !answer.Lost.IsZero() {
		messages = append(messages, wireMessage{kind: "Lagged", dropped: answer.Lost})
	}
	for _, e := range answer.Events {
		m := wireMessage{kind: "Event", cursor: e.At}
		if err := m.decodeEvent(e.JSON(event.Flat)); err != nil {
			r.t.Fatal(err)
		}
		messages = append(messages, m)
	}
	c = r.collected(messages)
	c.cursor = answer.Cursor
	return c
}

// A cursor from any transport goes on on any other: nothing twice, nothing left
// out, whatever the filter was and is.
func TestResumeAcrossTransports(t *testing.T) {
	for _, first := range transports {
		for _, second := range transports {
			t.Run(first.name+" to "+second.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.publish("Alarm", "Trace", "Tally", "Breach", "Quota")
					got := first.read(r, everything, FromEarliest())
					if want := []string{"Alarm 1", "Breach 4", "Tally 3", "Quota 5", "Trace 2"}; !slices.Equal(got.events, want) {
						t.Fatalf("first got %v, want %v", got.events, want)
					}
					r.publish("Quota", "Trace", "Alarm", "Breach")
					got = second.read(r, only(t, "Alarm", "Trace", "Quota"), FromCursor(got.cursor))
					if want := []string{"Alarm 8", "Quota 6", "Trace 7"}; !slices.Equal(got.events, want) {
						t.Fatalf("then got %v, want %v", got.events, want)
					}
					r.publish("Breach")
					// What the second did not ask for was passed over all the same.
					got = first.read(r, everything, FromCursor(got.cursor))
					if want := []string{"Breach 10"}; !slices.Equal(got.events, want) {
						t.Fatalf("at last got %v, want %v", got.events, want)
					}
				})
			})
		}
	}
}

// The cursor of each event is exact: whoever stopped there gets the rest.
func TestResumeAfterEveryEvent(t *testing.T) {
	for _, first := range transports[:3] {
		t.Run(first.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := newClient(t, unlimited, &wsDecoder{})
				r.serveWS(c, WebSocket{Client: c.options(everything, FromNow()), IDs: true})
				c.pull()
				c.resize(0)
				r.publish("3 Trace", "Tally", "Alarm", "3 Quota", "2 Breach")
				c.resize(unlimited)
				all := c.pull()
				for i, m := range all {
					got := first.read(r, everything, FromCursor(m.cursor))
					if want := short(all[i+1:]); !slices.Equal(got.events, want) {
						t.Errorf("after %v: got %v, want %v", m, got.events, want)
					}
				}
			})
		})
	}
}

func TestStarts(t *testing.T) {
	for _, second := range transports {
		t.Run(second.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				retained := append(append(runs("Alarm", 3, 12), "Tally 15"), runs("Trace", 16, 18)...)
				r.publishSlowly("12 Alarm", "2 Trace", "Tally", "3 Trace")
				after := func(high, medium, low uint64) Start {
					return FromCursor(event.Cursor{Epoch: r.stream().epoch, Pos: [3]uint64{high, medium, low}})
				}
				for _, test := range []struct {
					name string
					from Start
					want []string
				}{
					{"now", FromNow(), []string{}},
					{"earliest", FromEarliest(), retained}, // reports no loss
					{"a cursor at the end", after(12, 1, 5), []string{}},
					{"a cursor within what is retained", after(10, 1, 3), append(runs("Alarm", 11, 12), "Trace 17", "Trace 18")},
					{"a cursor before it", after(0, 0, 0), append([]string{"Lagged 2 0 2"}, retained...)},
					{"a cursor just before it", after(1, 0, 1), append([]string{"Lagged 1 0 1"}, retained...)},
					{"a cursor of another stream", FromCursor(event.Cursor{Epoch: r.stream().epoch + 1, Pos: [3]uint64{11, 1, 4}}),
						append([]string{"Lagged null null null"}, retained...)},
					{"a cursor beyond the end", after(13, 1, 5), append([]string{"Lagged null null null"}, retained...)},
					{"no cursor of ours", FromUnknown(), append([]string{"Lagged null null null"}, retained...)},
				} {
					got := second.read(r, everything, test.from)
					if !slices.Equal(got.events, test.want) {
						t.Errorf("%s: got  %v\nwant %v", test.name, got.events, test.want)
					}
				}
			})
		})
	}
}

// "From now on" holds for what is emitted after connecting, and not for what was
// accepted before and still waits for its round.
func TestFromNowWhileEventsArePending(t *testing.T) {
	for _, second := range transports[:3] {
		t.Run(second.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, quiet)
				slow := r.connect(everything, FromNow())
				slow.resize(0)
				r.publish("9 Trace") // the round has room for three
				if r.pending.total() != 6 {
					t.Fatalf("%d events are pending, want 6", r.pending.total())
				}
				c := newClient(t, unlimited, &wsDecoder{})
				r.serveWS(c, WebSocket{Client: c.options(everything, FromNow()), IDs: true})
				at := r.poll(Poll{Subscription: everything, Limit: 1})
				r.publish("Sample")
				pass(patienceIsOver)
				pass(patienceIsOver)
				pass(patienceIsOver)
				c.expect("Subscribed all", "Sample 10")
				got := second.read(r, everything, FromCursor(at.cursor))
				if want := []string{"Sample 10"}; !slices.Equal(got.events, want) {
					t.Errorf("from the cursor of then: got %v, want %v", got.events, want)
				}
			})
		})
	}
}

// A connection that has its first look before the queue knows it, because its
// transport can be written to at once, gets what comes in between.
func TestResumeBeforeJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		going := make(chan struct{})
		r := newRigOf(t, Options{Settings: testSettings(), Log: slog.New(hanging{slog.DiscardHandler, going})})
		r.poison() // the queue hangs in telling of its fault
		r.publish("Alarm", "Trace")
		r.publish("Alarm", "Trace")
		c := r.connectSized(unlimited, everything, FromEarliest()) // joins behind them
		c.spurious()
		c.expect("Subscribed all")
		close(going)
		c.expect("Alarm 1", "Alarm 3", "Trace 2", "Trace 4")
	})
}

// hanging is a handler that hangs in errors until going is closed.
type hanging struct {
	slog.Handler
	going chan struct{}
}

func (h hanging) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelError }

func (h hanging) Handle(context.Context, slog.Record) error {
	<-h.going
	return nil
}

// A cursor of a router's earlier life is one of another stream.
func TestResumeAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := newRig(t)
		before.publish("5 Alarm")
		cursor := before.stream().now()
		after := newRig(t)
		after.publish("7 Alarm")
		got := after.poll(Poll{Subscription: everything, Start: FromCursor(cursor), Limit: 100})
		if want := append([]string{"Lagged null null null"}, runs("Alarm", 1, 7)...); !slices.Equal(got.events, want) {
			t.Errorf("got %v, want %v", got.events, want)
		}
	})
}
