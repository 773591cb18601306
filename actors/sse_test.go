package actors

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

// The bytes of the protocol page.
func TestSSEBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connectSSE(unlimited, only(t, "Alarm", "Trace"), FromNow())
		if got, want := string(c.receive(1<<20)), sseHead+sseRetry; got != want {
			t.Errorf("first %q, want the head of the response and retry: %q", got, want)
		}
		r.publish("Alarm", "Trace")
		at := r.stream().now()
		want := ""
		for _, e := range []struct {
			pos  [event.NumPriorities]uint64
			json string
		}{
			{[...]uint64{1, 0, 0}, `{"type":"Alarm","n":1,"timestamp":"2024-01-15T10:30:00Z"}`},
			{[...]uint64{1, 0, 1}, `{"type":"Trace","n":2,"timestamp":"2024-01-15T10:30:00Z"}`},
		} {
			name := e.json[9:14]
			want += fmt.Sprintf("id: %v\nevent: %s\ndata: %s\n\n", event.Cursor{Epoch: at.Epoch, Pos: e.pos}, name, e.json)
		}
		if got := string(c.receive(1 << 20)); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if got := r.SSEMessages(); got != 2 {
			t.Errorf("%d messages are counted, want 2: comments and the head are none", got)
		}
	})
}

func TestSSETagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := newClient(t, unlimited, &sseDecoder{})
		options := c.options(everything, FromNow())
		options.Format = event.Tagged
		if err := r.ServeSSE(SSE{Client: options, Head: []byte(sseHead)}); err != nil {
			t.Fatal(err)
		}
		r.publish("Quota")
		raw := c.receive(1 << 20)
		for _, want := range []string{"event: stat.quota\n", `data: {"type":"Quota","data":{"n":1,"timestamp":1705314600}}`} {
			if !bytes.Contains(raw, []byte(want)) {
				t.Errorf("no %q in %q", want, raw)
			}
		}
	})
}

func TestSSEHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connectSSE(unlimited, everything, FromNow())
		c.expect("head", "retry 2000")
		quiet := newClient(t, unlimited, &sseDecoder{})
		if err := r.ServeSSE(SSE{Client: quiet.options(everything, FromNow()), Head: []byte(sseHead)}); err != nil {
			t.Fatal(err)
		}
		quiet.expect("head", "retry 2000")
		beats := 0
		for second := range 10 * 60 {
			pass(time.Second)
			for _, m := range c.pull() {
				if m.String() != "comment heartbeat" {
					t.Fatalf("got %v", m)
				}
				beats++
			}
			if second == 15 && beats == 0 {
				t.Error("no heartbeat in the first interval")
			}
		}
		if beats < 39 || beats > 41 {
			t.Errorf("%d heartbeats in ten minutes, want one every 15 s", beats)
		}
		quiet.expect()
	})
}

func TestSSEWithoutHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := newClient(t, unlimited, &sseDecoder{})
		if err := r.ServeSSE(SSE{Client: c.options(everything, FromNow()), Head: []byte(sseHead)}); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		r.publish("Alarm")
		c.expect("head", "retry 2000", "Alarm 1")
	})
}

// A heartbeat is never written into the middle of an event, and does not pile up
// for a client that reads nothing.
func TestSSEHeartbeatsBetweenEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connectSSE(unlimited, everything, FromNow())
		c.expect("head", "retry 2000")
		c.resize(40)
		r.publish("2 Alarm")
		pass(10 * time.Minute)
		c.resize(unlimited)
		c.expect("Alarm 1", "Alarm 2")
	})
}

func TestSSELagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connectSSE(unlimited, only(t, "Alarm", "Trace"), FromNow())
		c.expect("head", "retry 2000")
		c.resize(0)
		r.publishSlowly("12 Alarm", "7 Trace", "9 Sample")
		c.resize(unlimited)
		want := []string{"Lagged 2 0 7"} // low retains the last 3 of 16, all Sample
		for n := 3; n <= 12; n++ {
			want = append(want, fmt.Sprintf("Alarm %d", n))
		}
		c.expect(want...)
	})
}

func TestSSEClientGoes(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
	}{{"in peace", nil}, {"with a reset", errReset}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := r.connectSSE(unlimited, everything, FromNow())
				c.send([]byte("what a client sends means nothing"))
				synctest.Wait()
				if c.ended() {
					t.Fatal("closed because the client sent something")
				}
				if test.err == nil {
					c.leave()
				} else {
					c.end(test.err)
					synctest.Wait()
				}
				if !c.ended() || c.gone != 1 || r.Status().Connections != 0 {
					t.Errorf("closed %v, OnClose called %d times, %d connections: want at once, not at the next write",
						c.ended(), c.gone, r.Status().Connections)
				}
			})
		})
	}
}

// A transport that breaks ends its connection and no other.
func TestTransportFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		breaks func(c *client)
	}{
		{"when written", func(c *client) { c.onWrite = func([]byte) error { return errReset } }},
		{"when read", func(c *client) { c.onRead = func() error { return errReset }; c.send([]byte("x")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := r.connect(everything, FromNow())
				other := r.connectSSE(unlimited, everything, FromNow())
				test.breaks(c)
				r.publish("Alarm")
				if !c.ended() || c.gone != 1 {
					t.Errorf("closed %v, OnClose called %d times", c.ended(), c.gone)
				}
				other.expect("head", "retry 2000", "Alarm 1")
				if got := r.metric(`adic_actor_restarts_total{actor="connection"}`); got != 0 {
					t.Errorf("%v crashes are counted for a client that went away", got)
				}
			})
		})
	}
}

func TestTransportFailsToAttach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := newClient(t, unlimited, &sseDecoder{})
		c.attachErr = errors.New("too many open files")
		if err := r.ServeSSE(SSE{Client: c.options(everything, FromNow()), Head: []byte(sseHead)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !c.ended() || c.gone != 1 || r.Status().Connections != 0 {
			t.Errorf("closed %v, OnClose called %d times, %d connections", c.ended(), c.gone, r.Status().Connections)
		}
		r.publish("Alarm")
	})
}

// A small send buffer cuts events anywhere. What arrives is whole.
func TestEventsThroughSmallBuffers(t *testing.T) {
	for _, size := range []int{1, 2, 7, 64, 150, 1000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				ws := r.connectSized(size, everything, FromNow())
				sse := r.connectSSE(size, everything, FromNow())
				ws.expect("Subscribed all")
				sse.expect("head", "retry 2000")
				want := []string{"Alarm 1", "Alarm 2", "Tally 4", "Quota 5", "Trace 3"}
				r.publish("2 Alarm", "Trace", "Tally", "Quota")
				for _, c := range []*client{ws, sse} {
					if got := short(c.pull()); !slices.Equal(got, want) {
						t.Errorf("got %v, want %v", got, want)
					}
				}
			})
		})
	}
}

// A client whose end acknowledges nothing has gone: its stream ends when what it was
// sent last, heartbeats at least, has been under way for stall_timeout.
func TestSSEVanished(t *testing.T) {
	const heartbeat, timeout = 2 * time.Second, 5 * time.Second
	connect := func(t *testing.T, r *rig) *client {
		c := newClient(t, unlimited, &sseDecoder{})
		if err := r.ServeSSE(SSE{Client: c.options(everything, FromNow()), Head: []byte(sseHead), Heartbeat: true}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		return c
	}
	settings := func(s *Settings) { s.HeartbeatInterval, s.StallTimeout = heartbeat, timeout }
	t.Run("gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, settings)
			c := connect(t, r)
			pass(time.Hour)
			if c.ended() {
				t.Fatal("ended although all was acknowledged")
			}
			c.mu.Lock()
			c.vanished = true
			c.mu.Unlock()
			pass(timeout - wheelStep)
			if c.ended() {
				t.Fatal("ended before its time")
			}
			pass(2*heartbeat + 2*wheelStep)
			if !c.ended() {
				t.Error("not ended")
			}
			if got := r.metric("adic_clients_stalled_total"); got != 1 {
				t.Errorf("%v clients are counted as stalled, want 1", got)
			}
		})
	})
	t.Run("slow", func(t *testing.T) { // and acknowledges something between two looks
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, settings)
			c := connect(t, r)
			for range 100 {
				c.mu.Lock()
				c.acked, c.vanished = c.taken-1, true
				c.mu.Unlock()
				pass(timeout - heartbeat)
				if c.ended() {
					t.Fatal("ended although it takes what it is sent")
				}
			}
		})
	})
}
