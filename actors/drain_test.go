package actors

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Connections are closed evenly over the time given, each after all that was
// accepted.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		var clients []*client
		for range 9 {
			clients = append(clients, r.connect(everything, FromNow()))
		}
		sse := r.connectSSE(unlimited, everything, FromNow())
		sse.expect("head", "retry 2000")
		// Not waited for: it is on its way when draining begins.
		if err := r.Publish(r.events("20 Alarm", "20 Trace")); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- r.Drain(t.Context(), 10*time.Second) }()
		for second := range 10 {
			pass(900 * time.Millisecond)
			gone := 0
			for _, c := range append(clients, sse) {
				if c.halfClosed() {
					gone++
				}
			}
			if gone != second+1 {
				t.Errorf("%d of 10 clients were told after %d s", gone, second)
			}
			for _, c := range clients {
				if c.halfClosed() && !c.ended() {
					c.leave()
				}
			}
			pass(100 * time.Millisecond)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := append(runs("Alarm", 1, 20), runs("Trace", 21, 40)...)
		if got := sse.pull(); len(got) != len(want)+1 || !slices.Equal(short(got[:len(want)]), want) || got[len(want)].kind != "retry" {
			t.Errorf("the event stream got %v, want all events and a retry", short(got))
		}
		for i, c := range clients {
			if got := short(c.pull()); !slices.Equal(got, append(want, "close 1001")) {
				t.Errorf("client %d got %v", i, got)
			}
			if !c.ended() || c.gone != 1 {
				t.Errorf("client %d: closed %v, OnClose called %d times", i, c.ended(), c.gone)
			}
		}
	})
}

// Whoever is slow gets all there is before the close frame, as long as there is
// time.
func TestDrainWaitsForSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		c.resize(10)
		r.publish("5 Alarm")
		done := make(chan error, 1)
		go func() { done <- r.Drain(t.Context(), time.Second) }()
		var got []wireMessage
		for range 12 {
			pass(time.Second)
			got = append(got, c.drain(50)...)
		}
		if want := append(runs("Alarm", 1, 5), "close 1001"); !slices.Equal(short(got), want) {
			t.Errorf("got %v, want %v", short(got), want)
		}
		c.leave()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Clients that stall keep nobody else from a good-bye.
func TestDrainBesideStalledClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		stalled := r.connect(everything, FromNow())
		c := r.connect(everything, FromNow())
		stalled.resize(0)
		r.publish("Alarm")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.Drain(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want %v", err, context.DeadlineExceeded)
		}
		c.expect("Alarm 1", "close 1001")
	})
}

func TestDrainGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		c.resize(0)
		r.publish("5 Alarm")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.Drain(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want %v", err, context.DeadlineExceeded)
		}
		if c.ended() {
			t.Error("a client that stalls is cut off by Drain: that is for Close")
		}
	})
}

// A connection that is handed over just before draining begins is told as well.
func TestDrainTellsWhoJustCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for range 50 {
			c := newClient(t, unlimited, &sseDecoder{})
			if err := r.ServeSSE(SSE{Client: c.options(everything, FromNow()), Head: []byte(sseHead)}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Drain(ctx, 0); err != nil {
			t.Errorf("%v: %d connections are left", err, r.Status().Connections)
		}
	})
}

func TestDrainWithoutConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		select {
		case <-r.Draining():
			t.Error("draining from the beginning")
		default:
		}
		if err := r.Drain(t.Context(), time.Hour); err != nil {
			t.Error(err)
		}
		<-r.Draining()
		if !r.Status().Draining {
			t.Error("the status does not say so")
		}
	})
}

// HangUp ends all connections at once and without a word, whatever they are at.
// That Close leaves nothing behind, TestMain and the bubbles see to.
func TestHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var clients []*client
		for range 5 {
			clients = append(clients, r.connect(everything, FromNow()))
		}
		clients[1].resize(0)
		clients[2].sendFrame(0x82, nil) // lingers
		clients[2].expect("close 1003")
		r.publish("50 Alarm")
		r.HangUp()
		synctest.Wait()
		for i, c := range clients {
			if slices.ContainsFunc(c.pull(), func(m wireMessage) bool { return m.kind == "close" }) {
				t.Errorf("client %d is told", i)
			}
			if !c.ended() || c.gone != 1 {
				t.Errorf("client %d: closed %v, OnClose called %d times", i, c.ended(), c.gone)
			}
		}
		if s := r.Status(); s.Connections != 0 || s.Lagging != 0 {
			t.Errorf("%d connections, %d lag", s.Connections, s.Lagging)
		}
	})
}
