package actors

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

// patienceIsOver is when every round has given up on every client that stalls.
const patienceIsOver = longestRound + time.Second

// publishSlowly publishes each argument on its own, however many rounds that
// takes and whoever stalls.
func (r *rig) publishSlowly(names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.publish(name)
		for r.pending.total() > 0 {
			pass(patienceIsOver)
		}
	}
}

// runs are the short forms of events of one type with the numbers from to to.
func runs(name string, from, to int) (want []string) {
	for n := from; n <= to; n++ {
		want = append(want, fmt.Sprintf("%s %d", name, n))
	}
	return want
}

// quiet settings have no pings, so that time may pass.
func quiet(s *Settings) {
	s.PingInterval = 1000 * time.Hour
	s.HeartbeatInterval = 1000 * time.Hour
	s.StallTimeout = 1000 * time.Hour
}

// The rings of a rig retain 10 high, 5 medium and 3 low events.
func TestLagged(t *testing.T) {
	for _, test := range []struct {
		name    string
		events  []string // subscribed
		publish []string
		want    []string
	}{
		{"nothing lost", []string{"all"}, []string{"10 Alarm", "5 Tally", "3 Trace"},
			append(append(runs("Alarm", 1, 10), runs("Tally", 11, 15)...), runs("Trace", 16, 18)...)},
		{"low first", []string{"all"}, []string{"2 Alarm", "2 Tally", "5 Trace"},
			[]string{"Lagged 0 0 2", "Alarm 1", "Alarm 2", "Tally 3", "Tally 4", "Trace 7", "Trace 8", "Trace 9"}},
		{"medium, and nothing else", []string{"all"}, []string{"Alarm", "25 Tally"},
			append([]string{"Lagged 0 20 0", "Alarm 1"}, runs("Tally", 22, 26)...)},
		{"all classes", []string{"all"}, []string{"30 Alarm", "30 Tally", "30 Trace"},
			append(append(append([]string{"Lagged 20 25 27"}, runs("Alarm", 21, 30)...), runs("Tally", 56, 60)...), runs("Trace", 88, 90)...)},
		{"only what was subscribed counts", []string{"Trace"}, []string{"30 Alarm", "4 Sample", "2 Trace", "4 Sample", "Trace"},
			[]string{"Lagged 0 0 2", "Trace 41"}},
		{"what was not subscribed is no loss", []string{"Trace"}, []string{"Trace", "30 Alarm", "30 Tally"}, []string{"Trace 1"}},
		{"nothing is left of what was lost", []string{"Trace", "Alarm"}, []string{"2 Trace", "9 Sample", "Alarm"},
			[]string{"Lagged 0 0 2", "Alarm 12"}},
		{"a flood of low ones takes nothing from high ones", []string{"all"}, []string{"Alarm", "1000 Trace"},
			append([]string{"Lagged 0 0 997", "Alarm 1"}, runs("Trace", 999, 1001)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, quiet)
				healthy := r.connect(everything, FromNow())
				c := r.connect(only(t, test.events...), FromNow())
				c.resize(0)
				r.publishSlowly(test.publish...)
				c.resize(unlimited)
				got := c.expect(test.want...)
				if lost := got[0].dropped; r.dropped(event.High) != float64(lost.Counts[0]) ||
					r.dropped(event.Medium) != float64(lost.Counts[1]) || r.dropped(event.Low) != float64(lost.Counts[2]) {
					t.Errorf("the client is told of %v, and the metrics count %v, %v, %v", lost.Counts,
						r.dropped(event.High), r.dropped(event.Medium), r.dropped(event.Low))
				}
				if got := healthy.pull(); len(got) != r.n || got[0].kind == "Lagged" {
					t.Errorf("a client that reads got %d of %d events", len(got), r.n)
				}
			})
		})
	}
}

// The loss is told before the next event and not earlier, once, and whatever the
// class of that event.
func TestLaggedComesBeforeTheNextEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(only(t, "Trace", "Alarm"), FromNow())
		c.resize(0)
		r.publishSlowly("2 Trace", "3 Sample") // all it wants is gone
		c.resize(unlimited)
		c.expect()
		c.say(`{"type":"Ping"}`)
		c.expect("Pong")
		if got := r.dropped(event.Low); got != 2 {
			t.Errorf("%v low events count as dropped before they are told, want 2", got)
		}
		r.publish("Alarm")
		c.expect("Lagged 0 0 2", "Alarm 6")
		r.publish("Trace")
		c.expect("Trace 7")
	})
}

// A client that lagged goes on receiving: every class, again and again.
func TestLaggedClientGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(everything, FromNow())
		for range 20 {
			c.resize(0)
			r.publishSlowly("15 Alarm", "15 Tally", "15 Trace")
			c.resize(unlimited)
			got := c.pull()
			if len(got) != 1+10+5+3 || got[0].String() != "Lagged 5 10 12" {
				t.Fatalf("got %v", short(got))
			}
			r.publish("Trace", "Tally", "Alarm")
			c.expect(fmt.Sprintf("Alarm %d", r.n), fmt.Sprintf("Tally %d", r.n-1), fmt.Sprintf("Trace %d", r.n-2))
		}
	})
}

// What was lost of a type before it was unsubscribed is lost all the same.
func TestLaggedBeforeUnsubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(everything, FromNow())
		c.resize(0)
		r.publishSlowly("5 Trace") // two of them are gone
		c.say(`{"type":"Unsubscribe","events":["Trace"]}`)
		r.publishSlowly("9 Sample")
		c.resize(unlimited)
		c.expect("Unsubscribed Alarm Tally Breach Quota Sample", "Lagged 0 0 8", "Sample 12", "Sample 13", "Sample 14")
	})
}

// Losses are counted while they happen, whether or not the client ever reads.
func TestLossesAreCountedOfClientsThatNeverRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.StallTimeout = time.Hour; s.PingInterval = time.Minute })
		c := r.connect(everything, FromNow())
		c.resize(0)
		r.publishSlowly("30 Trace")
		pass(time.Minute)
		if got := r.dropped(event.Low); got != 27 {
			t.Errorf("%v low events count as dropped, want 27", got)
		}
		r.publishSlowly("4 Trace")
		c.leave() // and at the latest when it goes
		if got := r.dropped(event.Low); got != 31 {
			t.Errorf("%v low events count as dropped, want 31", got)
		}
	})
}

func TestHighDropsShowInStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(everything, FromNow())
		c.resize(0)
		r.publishSlowly("30 Trace")
		c.resize(unlimited)
		c.pull()
		if at := r.Status().LastHighDrop; !at.IsZero() {
			t.Errorf("a high event was dropped at %v, says the status; none was", at)
		}
		c.resize(0)
		r.publishSlowly("11 Alarm")
		c.resize(unlimited)
		c.pull()
		if since := time.Since(r.Status().LastHighDrop); since > time.Second {
			t.Errorf("a high event was dropped %v ago, says the status; one was just now", since)
		}
	})
}

// While a high event waits, nothing lower goes out, however little the transport
// takes at a time: also when it comes last.
func TestHighGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(everything, FromNow())
		c.resize(0)
		r.publish("2 Trace", "2 Tally", "Alarm")
		c.resize(100) // takes Alarm 5, and Tally 3 in part
		r.publish("Breach")
		c.resize(unlimited)
		c.expect("Alarm 5", "Tally 3", "Breach 6", "Tally 4", "Trace 1", "Trace 2")
	})
}

// A class in which more than a million events have passed is told as null.
func TestLaggedUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(everything, FromNow())
		c.resize(0)
		r.publishSlowly("Alarm", "5 Trace")
		// The queue is made to believe that so many medium events have passed.
		skipped := newEvent(t, "Tally", 7)
		skipped.Place(event.Cursor{Epoch: r.stream().epoch, Pos: [3]uint64{1, typeLogLen + 10, 5}}, 7)
		r.account(skipped)
		r.sendQueue(&enqueue{batch: []*event.Event{skipped}})
		synctest.Wait()
		c.resize(unlimited)
		c.expect("Lagged 0 null 2", "Alarm 1", "Tally 7", "Trace 4", "Trace 5", "Trace 6")
	})
}

// account does what the Emitter does for an event that goes around it.
func (r *rig) account(e *event.Event) {
	r.pending.events[e.Priority].Add(1)
	r.pending.bytes.Add(int64(e.Size()))
	r.stream().classes[e.Priority].emitted.Store(e.Seq)
}

func TestReload(t *testing.T) {
	for _, test := range []struct {
		name   string
		retain [event.NumPriorities]int
		want   []string // of a client that stalled for "20 Alarm" before and 20 after
	}{
		{"smaller", [...]int{4, 5, 3}, append([]string{"Lagged 36 0 0"}, runs("Alarm", 37, 40)...)},
		{"larger", [...]int{25, 5, 3}, append([]string{"Lagged 15 0 0"}, runs("Alarm", 16, 40)...)},
		{"larger than what is left", [...]int{100, 5, 3}, append([]string{"Lagged 10 0 0"}, runs("Alarm", 11, 40)...)},
		{"the same", [...]int{10, 5, 3}, append([]string{"Lagged 30 0 0"}, runs("Alarm", 31, 40)...)},
		{"one event", [...]int{1, 1, 1}, append([]string{"Lagged 39 0 0"}, runs("Alarm", 40, 40)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, quiet)
				healthy := r.connect(everything, FromNow())
				c := r.connect(everything, FromNow())
				c.resize(0)
				r.publishSlowly("20 Alarm")
				settings := *r.settings()
				settings.Retain = test.retain
				r.Reload(settings)
				synctest.Wait()
				r.publishSlowly("20 Alarm")
				c.resize(unlimited)
				c.expect(test.want...)
				healthy.expect(runs("Alarm", 1, 40)...)
				r.publish("Alarm", "Tally")
				c.expect("Alarm 41", "Tally 42")
				retained := uint64(min(test.retain[0], 41))
				if test.retain[0] == 100 {
					retained = 31 // what was gone does not come back
				}
				if got := r.Status().Retained[0]; got != retained {
					t.Errorf("%d high events are retained, want %d", got, retained)
				}
			})
		})
	}
}
