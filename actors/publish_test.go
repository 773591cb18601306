package actors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

// full makes a rig that may hold 100 pending events, with a client that stalls
// and a round that waits for it, so that what is published stays pending.
func full(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, quiet, func(s *Settings) { s.PendingEvents = 100; s.Retain = [3]int{1, 1, 1} })
	c := r.connect(everything, FromNow())
	c.resize(0)
	r.publish("Alarm", "Tally", "Trace") // take the places that the round has
	return r
}

func TestPublishRefusesLowFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := full(t)
		accepted := map[string]int{}
		for _, name := range []string{"Trace", "Sample", "Tally", "Quota", "Alarm", "Breach"} {
			for {
				err := r.Publish(r.events(name))
				if err != nil {
					if !errors.Is(err, ErrOverloaded) {
						t.Fatal(err)
					}
					break
				}
				accepted[name]++
			}
		}
		want := map[string]int{"Trace": 80, "Tally": 10, "Alarm": 10}
		if fmt.Sprint(accepted) != fmt.Sprint(want) {
			t.Errorf("accepted %v, want %v: low up to 80 %%, medium up to 90 %%, high up to the bound", accepted, want)
		}
		if got := r.Status().PendingFull; got != 1 {
			t.Errorf("pending is %v full", got)
		}
		for _, p := range event.Priorities() {
			if got := r.metric(fmt.Sprintf("adic_events_refused_total{priority=%q}", p)); got != 2 {
				t.Errorf("%v %v events are counted as refused, want 2", got, p)
			}
		}
	})
}

// A batch counts as its least important event, and is taken whole or not at all.
func TestPublishBatchesWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := full(t)
		before := r.stream().now()
		for _, test := range []struct {
			names []string
			want  error
		}{
			{[]string{"79 Alarm", "2 Trace"}, ErrBatchTooLarge},
			{[]string{"90 Alarm", "Tally"}, ErrBatchTooLarge},
			{[]string{"101 Alarm"}, ErrBatchTooLarge},
			{[]string{"60 Alarm"}, nil},
			{[]string{"20 Alarm", "Trace"}, ErrOverloaded},
			{[]string{"41 Alarm"}, ErrOverloaded},
			{[]string{"19 Alarm", "Trace"}, nil},
			{[]string{"20 Alarm"}, nil},
			{nil, nil},
		} {
			if err := r.Publish(r.events(test.names...)); !errors.Is(err, test.want) {
				t.Errorf("publish %v: %v, want %v", test.names, err, test.want)
			}
		}
		at := r.stream().now()
		if high, low := at.Pos[0]-before.Pos[0], at.Pos[2]-before.Pos[2]; high != 99 || low != 1 {
			t.Errorf("%d high and %d low events have a position, want 99 and 1", high, low)
		}
		if got := r.Emitted(); got != 103 {
			t.Errorf("%d events are counted as emitted, want 103", got)
		}
	})
}

func TestPublishBoundsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		size := newEvent(t, "Trace", 10).Size()
		r := newRig(t, quiet, func(s *Settings) { s.PendingBytes = 10 * size; s.Retain = [3]int{1, 1, 1} })
		r.connect(everything, FromNow()).resize(0)
		r.n = 9 // all of one length
		r.publish("Trace", "Alarm")
		if err := r.Publish(r.events("9 Trace")); !errors.Is(err, ErrBatchTooLarge) {
			t.Errorf("%v, want %v", err, ErrBatchTooLarge)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("at most 8000 events and %d bytes", 8*size)) {
			t.Errorf("the error does not say what would do: %v", err)
		}
		r.publish("8 Trace")
		if err := r.Publish(r.events("Trace")); !errors.Is(err, ErrOverloaded) {
			t.Errorf("%v, want %v", err, ErrOverloaded)
		}
		r.publish("2 Alarm")
		if err := r.Publish(r.events("Alarm")); !errors.Is(err, ErrOverloaded) {
			t.Errorf("%v, want %v", err, ErrOverloaded)
		}
	})
}

// Once there is room again, there is: nothing is left on the account.
func TestPublishAfterOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := full(t)
		healthy := r.connect(everything, FromNow())
		r.publish("80 Trace")
		if err := r.Publish(r.events("Trace")); !errors.Is(err, ErrOverloaded) {
			t.Fatal(err)
		}
		r.n--
		pass(patienceIsOver) // the client that stalls is given up
		if s := r.Status(); s.PendingBytes != 0 || s.Pending != [3]int64{} {
			t.Errorf("pending: %v events, %d bytes", s.Pending, s.PendingBytes)
		}
		r.publish("80 Trace")
		healthy.expect(runs("Trace", 4, 163)...)
	})
}

// Publishing never waits for a client, and neither do the clients that read once
// it is clear who does not.
func TestPublishDoesNotWaitForStalledClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		healthy := r.connect(everything, FromNow())
		for range 20 {
			r.connect(everything, FromNow()).resize(0)
		}
		r.publish("10 Alarm", "50 Trace")
		for range 20 {
			began := time.Now()
			r.publish("10 Alarm", "50 Trace")
			if took := time.Since(began); took > 0 {
				t.Fatalf("publishing took %v", took)
			}
			pass(patienceIsOver)
		}
		if got := healthy.pull(); len(got) != 21*60 {
			t.Errorf("a client that reads got %d of %d events", len(got), 21*60)
		}
		// All are given up by now: rounds wait for nobody.
		r.publish("100 Alarm", "500 Trace")
		if got := healthy.pull(); len(got) != 600 {
			t.Errorf("a client that reads got %d of 600 events at once", len(got))
		}
	})
}

// A burst of far more than the rings hold, of all classes, reaches every client
// that reads, whole and in order, however small its buffer.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		var clients []*client
		for _, size := range []int{64, 500, 5000, unlimited} {
			c := r.connectSized(size, everything, FromNow())
			c.expect("Subscribed all")
			s := r.connectSSE(size, everything, FromNow())
			s.expect("head", "retry 2000")
			clients = append(clients, c, s)
		}
		r.publish("300 Alarm", "300 Trace", "300 Tally", "100 Alarm")
		got := make([][]wireMessage, len(clients))
		for moved := true; moved; {
			moved = false
			for i, c := range clients {
				more, err := c.take(1 << 20)
				if err != nil {
					t.Fatal(err)
				}
				got[i] = append(got[i], more...)
			}
			synctest.Wait()
			for _, c := range clients {
				c.mu.Lock()
				moved = moved || len(c.out) > 0
				c.mu.Unlock()
			}
		}
		want := append(append(append(runs("Alarm", 1, 300), runs("Alarm", 901, 1000)...), runs("Tally", 601, 900)...), runs("Trace", 301, 600)...)
		for i := range clients {
			if fmt.Sprint(short(got[i])) != fmt.Sprint(want) {
				t.Errorf("client %d got %d messages: %v", i, len(got[i]), short(got[i]))
			}
		}
	})
}

func TestPublishWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.publish("Alarm")
		if err := r.Drain(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		if err := r.Publish(r.events("Alarm")); !errors.Is(err, ErrDraining) {
			t.Errorf("%v, want %v", err, ErrDraining)
		}
		if err := r.ServeWebSocket(WebSocket{}); !errors.Is(err, ErrDraining) {
			t.Errorf("WebSocket: %v, want %v", err, ErrDraining)
		}
		if err := r.ServeSSE(SSE{}); !errors.Is(err, ErrDraining) {
			t.Errorf("SSE: %v, want %v", err, ErrDraining)
		}
	})
}

// How long a round waits counts from when it is full. A round that stays open for
// long because somebody reads slowly is no reason to give up on who was quick.
func TestSlowClientCostsTheQuickNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		slow := r.connect(everything, FromNow())
		quick := r.connect(everything, FromNow())
		slow.resize(50)
		r.publish("5 Alarm")
		for range 2 * longestRound / time.Second { // a byte a second
			pass(time.Second)
			slow.drain(1)
		}
		quick.resize(200)
		if err := r.Publish(r.events("100 Alarm")); err != nil {
			t.Fatal(err)
		}
		var got []wireMessage
		for began := time.Now(); time.Since(began) < longestRound && len(got) < 105; pass(3 * patienceStep) {
			got = append(got, quick.drain(200)...)
		}
		if want := runs("Alarm", 1, 105); !slices.Equal(short(got), want) {
			t.Errorf("got %v", short(got))
		}
	})
}
