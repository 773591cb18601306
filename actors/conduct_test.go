package actors

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets time pass and waits until nothing moves.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestMessageRate(t *testing.T) {
	for _, test := range []struct {
		name string
		send func(c *client)
		want string // the last message
	}{
		{"twice the rate at once", func(c *client) {
			c.send(slices.Repeat(maskedFrame(0x81, []byte(`{"type":"Ping"}`)), 200))
		}, "Pong"},
		{"one more", func(c *client) {
			c.send(slices.Repeat(maskedFrame(0x81, []byte(`{"type":"Ping"}`)), 201))
		}, "close 1008"},
		{"nonsense counts", func(c *client) {
			c.send(slices.Repeat(maskedFrame(0x81, []byte(`nonsense`)), 201))
		}, "close 1008"},
		{"control frames do not count", func(c *client) {
			for range 1000 {
				c.sendFrame(0x89, []byte("x"))
			}
		}, "pong x"},
		{"fragments do not count", func(c *client) {
			c.sendFrame(0x01, []byte(`{"type":`))
			for range 1000 {
				c.sendFrame(0x00, []byte(" "))
			}
			c.sendFrame(0x80, []byte(`"Ping"}`))
		}, "Pong"},
		{"the rate for a minute", func(c *client) {
			for range 6000 {
				c.say(`{"type":"Ping"}`)
				c.pull()
				time.Sleep(10 * time.Millisecond)
			}
			c.say(`{"type":"Ping"}`)
		}, "Pong"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := r.connect(everything, FromNow())
				test.send(c)
				got := c.pull()
				if last := got[len(got)-1].String(); last != test.want {
					t.Errorf("%d messages, the last is %q, want %q", len(got), last, test.want)
				}
			})
		})
	}
}

func TestMessageRateUnlimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.ClientMessageRate = 0 })
		c := r.connect(everything, FromNow())
		c.send(slices.Repeat(maskedFrame(0x81, []byte(`{"type":"Ping"}`)), 1000))
		if got := c.pull(); len(got) != 1000 {
			t.Errorf("%d of 1000 messages are answered", len(got))
		}
	})
}

func TestPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		pings := 0
		for range 60 * 60 { // an hour
			pass(time.Second)
			for _, m := range c.pull() {
				if m.kind != "ping" {
					t.Fatalf("got %v", m)
				}
				pings++
				c.sendFrame(0x8a, []byte(m.text))
			}
		}
		if pings < 115 || pings > 121 {
			t.Errorf("%d pings in an hour, want one every 30 s", pings)
		}
	})
}

// Any frame is a sign of life, not only a pong.
func TestPingsAnsweredByMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		for range 10 {
			pass(50 * time.Second)
			c.say(`{"type":"Ping"}`)
		}
		if got := c.pull(); slices.Contains(short(got), "close 4408") || c.ended() {
			t.Errorf("a client that speaks is closed: %v", short(got))
		}
	})
}

func TestNoAnswerToPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		pass(60 * time.Second)
		for _, m := range c.pull() {
			if m.kind != "ping" {
				t.Fatalf("got %v before two intervals were over", m)
			}
		}
		pass(31*time.Second + 3*wheelStep) // the first ping comes within an interval
		got := c.pull()
		if last := got[len(got)-1]; last.code != CloseStalled {
			t.Fatalf("got %v, want a close frame", short(got))
		}
		pass(lingerTime + 2*wheelStep)
		if !c.ended() || c.gone != 1 {
			t.Errorf("closed %v, OnClose called %d times", c.ended(), c.gone)
		}
	})
}

// A client that is slow but reads, and answers, is not taken for a dead one,
// though there is always something waiting for it.
func TestPingsReachSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		c.resize(64)
		for range 5 * 60 {
			r.publish("3 Alarm", "2 Trace")
			for _, m := range c.drain(100) {
				switch m.kind {
				case "ping":
					c.sendFrame(0x8a, []byte(m.text))
				case "close":
					t.Fatalf("closed: %v %s", m, m.text)
				}
			}
			pass(time.Second)
		}
	})
}

// A client that never reads fills its own buffers, not the router's memory.
func TestRepliesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.ClientMessageRate = 0 })
		c := r.connect(everything, FromNow())
		c.resize(0)
		ping := maskedFrame(0x81, []byte(`{"type":"Ping"}`))
		const pings = 100_000
		c.send(slices.Repeat(ping, pings))
		synctest.Wait()
		c.mu.Lock()
		read := pings*len(ping) - len(c.in)
		c.mu.Unlock()
		if read > 64<<10 {
			t.Errorf("%d bytes are read from a client that takes no answer", read)
		}
		c.resize(unlimited)
		pongs := 0
		for _, m := range c.pull() {
			if m.kind != "Pong" {
				t.Fatalf("got %v", m)
			}
			pongs++
		}
		if pongs != pings {
			t.Errorf("%d of %d messages are answered once it reads", pongs, pings)
		}
	})
}

// What a load generator does that sends without waiting and then closes without
// a code: the replies are longer than what may wait in a connection, and neither
// they nor the close frame behind may be forgotten.
func TestManyMessagesAndGone(t *testing.T) {
	for _, test := range []struct {
		name string
		last []byte
		want []string
	}{
		{"with a close frame", maskedFrame(0x88, nil), []string{"close"}},
		{"with the end of the stream", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := r.connect(everything, FromNow())
				c.send(slices.Concat(slices.Repeat(maskedFrame(0x81, []byte("hello from Artillery!")), 60), test.last))
				c.leave()
				errors := 0
				got := c.pull()
				for len(got) > 0 && got[0].kind == "Error" {
					got = got[1:]
					errors++
				}
				if errors != 60 || !slices.Equal(short(got), test.want) {
					t.Errorf("%d errors, then %v; want 60, then %v", errors, short(got), test.want)
				}
				if !c.ended() {
					t.Error("the connection is still open")
				}
			})
		})
	}
}

func TestClientCloses(t *testing.T) {
	for _, test := range []struct {
		name    string
		payload []byte
		want    string
	}{
		{"without a code", nil, "close"},
		{"normally", closePayload(1000, "bye"), "close 1000"},
		{"with a code of its own", closePayload(4321, ""), "close 4321"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := r.connect(everything, FromNow())
				c.sendFrame(0x88, test.payload)
				r.publish("Alarm")
				c.expect(test.want)
				if !c.ended() || c.gone != 1 {
					t.Errorf("closed %v, OnClose called %d times: the server closes first (RFC 6455 §7.1.1)", c.ended(), c.gone)
				}
			})
		})
	}
}

// What the client had to wait for goes out before the answer to its close frame.
func TestClientClosesWhileFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		c.resize(10)
		r.publish("2 Alarm")
		c.say(`{"type":"Ping"}`)
		c.sendFrame(0x88, closePayload(1000, ""))
		c.resize(unlimited)
		c.expect("Alarm 1", "Pong", "close 1000")
		if !c.ended() {
			t.Error("not closed")
		}
	})
}

// The router closes: it ends its side after the close frame, and gives the client
// a moment to answer.
func TestRouterCloses(t *testing.T) {
	violate := maskedFrame(0x82, []byte("binary"))
	for _, test := range []struct {
		name   string
		answer func(c *client)
		at     time.Duration // when the transport is closed
	}{
		{"the client answers and ends", func(c *client) {
			c.sendFrame(0x88, closePayload(1003, ""))
			c.leave()
		}, 0},
		{"the client just ends", (*client).leave, 0},
		{"the client is gone", func(c *client) { c.end(errReset); synctest.Wait() }, 0},
		{"the client does nothing", func(*client) {}, lingerTime},
		{"the client talks on", func(c *client) { c.say(strings.Repeat(`{"type":"Ping"}`, 100)) }, lingerTime},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := r.connect(everything, FromNow())
				pass(350 * time.Millisecond)
				c.send(violate)
				c.expect("close 1003")
				if !c.halfClosed() || c.ended() {
					t.Fatalf("half closed %v, closed %v; want half closed", c.halfClosed(), c.ended())
				}
				test.answer(c)
				if test.at > 0 {
					pass(test.at - wheelStep)
					if c.ended() {
						t.Error("closed before the client had its time to answer")
					}
					pass(3 * wheelStep)
				}
				if !c.ended() {
					t.Error("not closed")
				}
				c.expect()
			})
		})
	}
}

// A client that was told to go and does not must not hold up the rest.
func TestLingeringClientHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		rude := r.connect(everything, FromNow())
		c := r.connect(everything, FromNow())
		rude.sendFrame(0x82, []byte("binary"))
		const rings = 5
		var want []string
		for range rings * r.settings().Retain[2] {
			want = append(want, fmt.Sprintf("Trace %d", len(want)+1))
		}
		r.publish(fmt.Sprintf("%d Trace", len(want))) // several rounds
		c.expect(want...)                             // in no time
		rude.expect("close 1003")
	})
}
