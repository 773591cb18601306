package actors

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

func TestLaneOf(t *testing.T) {
	for _, test := range []struct{ asked, want time.Duration }{
		{0, 0}, {-time.Second, 0}, {999 * time.Microsecond, 0}, {time.Millisecond, time.Millisecond},
		{4 * time.Millisecond, 2 * time.Millisecond}, {20 * time.Millisecond, 20 * time.Millisecond},
		{999 * time.Millisecond, 500 * time.Millisecond}, {time.Second, time.Second}, {time.Hour, time.Second},
	} {
		if got := windows[laneOf(test.asked)]; got != test.want {
			t.Errorf("a window of %v becomes %v, want %v", test.asked, got, test.want)
		}
	}
}

// connectWindow connects a client whose events are held back.
func (r *rig) connectWindow(window time.Duration, s Subscription) *client {
	c := newClient(r.t, unlimited, &wsDecoder{})
	o := c.options(s, FromNow())
	o.Window = window
	r.serveWS(c, WebSocket{Client: o})
	c.pull() // Subscribed
	return c
}

// A window begins with its first event and ends with one write of all that came.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		at := r.connectWindow(0, everything)
		short := r.connectWindow(5*time.Millisecond, everything)
		long := r.connectWindow(20*time.Millisecond, everything)
		r.publish("Alarm")
		at.expect("Alarm 1")
		short.expect()
		pass(4 * time.Millisecond)
		r.publish("Trace", "Tally")
		at.expect("Tally 3", "Trace 2")
		short.expect()
		pass(time.Millisecond)
		short.expect("Alarm 1", "Tally 3", "Trace 2")
		long.expect()
		pass(14 * time.Millisecond)
		r.publish("Alarm") // in the last moment of the one window, and the first of another
		pass(time.Millisecond)
		long.expect("Alarm 1", "Alarm 4", "Tally 3", "Trace 2")
		short.expect()
		pass(4 * time.Millisecond)
		short.expect("Alarm 4")
		pass(time.Second)
		long.expect()
	})
}

// A burst that is larger than the rings does not wait for windows, and loses
// nothing to them.
func TestWindowIsCutShortInABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connectWindow(time.Second, everything)
		began := time.Now()
		r.publish("30 Alarm")
		if c.expect(runs("Alarm", 1, 20)...); time.Now() != began {
			t.Errorf("it took %v", time.Since(began))
		}
		pass(time.Second) // what filled no ring has waited
		c.expect(runs("Alarm", 21, 30)...)
		if n := r.dropped(event.High); n != 0 {
			t.Errorf("%v events were dropped", n)
		}
	})
}

// A client that wants nothing of what comes holds up nobody, however long its
// window is.
func TestWindowOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c, idle := r.connectWindow(0, everything), r.connectWindow(time.Second, only(t, "Trace"))
		r.publish("30 Alarm")
		c.expect(runs("Alarm", 1, 30)...)
		r.publish("Trace")
		idle.expect()
		pass(time.Second)
		idle.expect("Trace 31")
	})
}

// A fault of the queue in the middle of a window sends what was held back.
func TestWindowOutlivesFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connectWindow(time.Second, everything)
		r.publish("Alarm")
		r.sendQueue(&enqueue{batch: []*event.Event{nil}})
		synctest.Wait()
		c.expect("Alarm 1")
		r.publish("Alarm")
		pass(time.Second)
		c.expect("Alarm 2")
	})
}

// What is lost before the end of a window, because the rings were made smaller, is
// told, even if the client does not want such events any more.
func TestWindowAndSmallerRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connectWindow(time.Second, everything)
		r.publish("3 Trace")
		settings := *r.settings()
		settings.Retain[event.Low] = 1
		r.Reload(settings)
		synctest.Wait()
		c.say(`{"type":"Subscribe","events":["Alarm"]}`)
		synctest.Wait()
		r.publish("Alarm")
		pass(time.Second)
		c.expect("Subscribed Alarm", "Lagged 0 0 2", "Alarm 4")
		if n := r.dropped(event.Low); n != 2 {
			t.Errorf("%v low events were dropped, want 2", n)
		}
	})
}
