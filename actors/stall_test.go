package actors

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A client that takes no byte for stall_timeout is closed.
func TestStallTimeout(t *testing.T) {
	const timeout = 20 * time.Second
	for _, test := range []struct {
		name string
		room int // bytes that the transport could take in the end
		want []string
	}{
		{"told where it can be", 1000, []string{"Alarm 1", "close 4408"}},
		{"not told where it cannot", 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(s *Settings) { s.StallTimeout = timeout; s.PingInterval = time.Hour })
				c := r.connect(everything, FromNow())
				other := r.connect(everything, FromNow())
				pass(time.Second)
				c.resize(10) // in the middle of the first event
				r.publish("2 Alarm")
				if got := r.Status().Lagging; got != 1 {
					t.Errorf("%d connections lag, want 1", got)
				}
				pass(timeout - time.Second)
				if c.ended() {
					t.Fatal("closed before its time")
				}
				if test.room > 0 {
					c.mu.Lock()
					c.size = test.room // the transport did not say so yet
					c.mu.Unlock()
				}
				pass(time.Second + 2*wheelStep)
				if !c.ended() {
					t.Fatal("not closed")
				}
				if got := short(c.pull()); !slices.Equal(got, test.want) {
					t.Errorf("got %v, want %v", got, test.want)
				}
				if got := r.metric("adic_clients_stalled_total"); got != 1 {
					t.Errorf("%v clients are counted as stalled", got)
				}
				if got := r.Status(); got.Lagging != 0 || got.Connections != 1 {
					t.Errorf("%d connections, %d lag", got.Connections, got.Lagging)
				}
				other.expect("Alarm 1", "Alarm 2")
			})
		})
	}
}

// Events that keep coming do not make a client that takes none look alive, wherever
// its transport got full: also between two messages.
func TestStallTimeoutWhileEventsCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.StallTimeout = 20 * time.Second; s.PingInterval = time.Hour })
		c := r.connect(everything, FromNow())
		c.resize(0)
		attempts := 0
		c.onWrite = func([]byte) error { attempts++; return nil }
		for range 19 {
			r.publish("Alarm")
			pass(time.Second)
		}
		if c.ended() {
			t.Fatal("closed before its time")
		}
		if attempts != 1 {
			t.Errorf("%d writes to a transport that did not say it is ready", attempts)
		}
		r.publish("Alarm")
		pass(time.Second + 2*wheelStep)
		if !c.ended() {
			t.Error("not closed")
		}
	})
}

// A byte now and then is enough.
func TestStallTimeoutIsSinceTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.StallTimeout = 10 * time.Second; s.PingInterval = time.Hour })
		c := r.connect(everything, FromNow())
		c.resize(1)
		r.publish("Alarm")
		for range 30 {
			pass(9 * time.Second)
			if c.ended() {
				t.Fatal("closed although a byte was taken 9 s ago")
			}
			c.drain(1)
		}
		pass(10*time.Second + 2*wheelStep)
		if !c.ended() {
			t.Error("not closed after 10 s without a byte")
		}
	})
}

// A stalled client holds up a round that is full for a second, also while events of
// another class, for which it has room, keep everybody busy.
func TestStalledClientHoldsUpARoundForASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		reads, stalls := r.connect(everything, FromNow()), r.connect(everything, FromNow())
		r.connect(everything, FromNow())
		stalls.resize(0)
		r.publish("4 Trace") // the ring holds 3
		reads.expect("Trace 1", "Trace 2", "Trace 3")
		for n := 5; n < 14; n++ {
			pass(leastPatience / 10)
			r.publish("Alarm")
			reads.expect(fmt.Sprintf("Alarm %d", n))
		}
		pass(leastPatience/10 + 2*patienceStep)
		reads.expect("Trace 4")
	})
}

// What the router closes a connection for is in the log, by kind, once.
func TestClosedClientsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		settings := testSettings()
		settings.StallTimeout = 10 * time.Second
		r := newRigOf(t, Options{Settings: settings, Log: slog.New(slog.NewTextHandler(&text, nil))})
		c := r.connect(everything, FromNow())
		c.sendFrame(0x82, nil) // binary
		s := r.connectSSE(unlimited, everything, FromNow())
		s.resize(0)
		r.publish("Alarm")
		pass(time.Minute)
		for _, want := range []string{
			`msg="websocket error: client closed" connection=1 remote=pipe code=1003`,
			`msg="sse error: client closed" connection=2 remote=pipe code=4408`,
		} {
			if n := strings.Count(text.String(), want); n != 1 {
				t.Errorf("%d lines with %q:\n%s", n, want, &text)
			}
		}
	})
}
