package actors

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// newFollower is a rig that follows others.
func newFollower(t testing.TB, change ...func(*Settings)) *rig {
	t.Helper()
	settings := testSettings()
	for _, f := range change {
		f(&settings)
	}
	return newRigOf(t, Options{Settings: settings, Follow: true})
}

// at is a position of the stream that the tests follow.
func at(epoch event.Epoch, high, medium, low uint64) event.Cursor {
	return event.Cursor{Epoch: epoch, Pos: [event.NumPriorities]uint64{high, medium, low}}
}

// placedAt is events of a type at positions, their number being the position.
func placedAt(t testing.TB, name string, positions ...uint64) (batch []event.Placed) {
	t.Helper()
	for _, n := range positions {
		batch = append(batch, event.Placed{Position: n, Event: newEvent(t, name, int(n))})
	}
	return batch
}

// replicate shows events, and waits until nothing moves.
func (r *rig) replicate(at event.Cursor, batches ...[]event.Placed) {
	r.t.Helper()
	if err := r.Replicate(at, slices.Concat(batches...)); err != nil {
		r.t.Fatalf("replicate behind %v: %v", at, err)
	}
	synctest.Wait()
}

func TestFollow(t *testing.T) {
	t.Run("there is a stream from the first word on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newFollower(t)
			if r.Begun() {
				t.Fatal("begun before anything is known")
			}
			r.replicate(at(7, 5, 0, 0))
			if !r.Begun() || r.stream().now() != at(7, 5, 0, 0) {
				t.Errorf("begun: %v, at %v", r.Begun(), r.stream().now())
			}
			if err := r.Publish(r.events("Alarm")); !errors.Is(err, ErrFollows) {
				t.Errorf("publishing to a follower: %v", err)
			}
		})
	})
	t.Run("events keep their places", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newFollower(t)
			r.replicate(at(7, 5, 0, 1))
			c := newClient(t, unlimited, &wsDecoder{})
			r.serveWS(c, WebSocket{Client: c.options(everything, FromNow()), IDs: true})
			c.expect("Subscribed all")
			r.replicate(at(7, 5, 0, 1), placedAt(t, "Alarm", 6, 7), placedAt(t, "Trace", 2))
			got := r.collected(c.pull())
			if want := []string{"Alarm 6", "Alarm 7", "Trace 2"}; !slices.Equal(got.events, want) || got.cursor != at(7, 7, 0, 2) {
				t.Errorf("got %v up to %v", got.events, got.cursor)
			}
		})
	})
	t.Run("repeats are passed over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newFollower(t)
			r.replicate(at(7, 0, 0, 0))
			c := r.connect(everything, FromNow())
			r.replicate(at(7, 0, 0, 0), placedAt(t, "Alarm", 1, 2))
			r.replicate(at(7, 0, 0, 0), placedAt(t, "Alarm", 1, 2, 3))
			r.replicate(at(7, 1, 0, 0), placedAt(t, "Alarm", 2))
			c.expect("Alarm 1", "Alarm 2", "Alarm 3")
			if r.pending.total() != 0 || r.pending.bytes.Load() != 0 {
				t.Errorf("%d events are pending", r.pending.total())
			}
		})
	})
	// What never came is lost for all who might have wanted it, and told once there
	// is something to tell it with. Who came after it has lost nothing.
	t.Run("what is left out is lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newFollower(t)
			r.replicate(at(7, 0, 0, 0), placedAt(t, "Alarm", 1))
			all, other, low := r.connect(everything, FromNow()), r.connect(only(t, "Breach"), FromNow()), r.connect(only(t, "Trace"), FromNow())
			slow := r.connectWindow(time.Second, only(t, "Breach"))
			r.replicate(at(7, 4, 0, 0))
			late := r.connect(everything, FromNow())
			resumed := r.connect(everything, FromCursor(at(7, 4, 0, 0)))
			r.replicate(at(7, 4, 0, 0), placedAt(t, "Alarm", 5, 7))
			pass(2 * time.Second)
			r.replicate(at(7, 7, 0, 0), placedAt(t, "Breach", 8), placedAt(t, "Trace", 1))
			pass(2 * time.Second)
			all.expect("Lagged null 0 0", "Alarm 5", "Lagged null 0 0", "Alarm 7", "Breach 8", "Trace 1")
			other.expect("Lagged null 0 0", "Breach 8")
			slow.expect("Lagged null 0 0", "Breach 8")
			low.expect("Trace 1")
			for _, c := range []*client{late, resumed} {
				c.expect("Alarm 5", "Lagged null 0 0", "Alarm 7", "Breach 8", "Trace 1")
			}
		})
	})
	// A client that comes from a router that is further on waits for this one to
	// get there, and gets nothing twice.
	t.Run("a cursor from further on", func(t *testing.T) {
		for _, over := range transports[:3] {
			synctest.Test(t, func(t *testing.T) {
				r := newFollower(t)
				r.replicate(at(7, 3, 0, 0))
				c := newClient(t, unlimited, &wsDecoder{})
				r.serveWS(c, WebSocket{Client: c.options(everything, FromCursor(at(7, 5, 1, 0))), IDs: true})
				c.expect("Subscribed all")
				r.replicate(at(7, 3, 0, 0), placedAt(t, "Alarm", 4, 5), placedAt(t, "Tally", 1), placedAt(t, "Trace", 1))
				r.replicate(at(7, 5, 1, 1), placedAt(t, "Alarm", 6))
				c.expect("Trace 1", "Alarm 6")
				if got := over.read(r, everything, FromCursor(at(7, 9, 9, 9))); len(got.events) > 0 {
					t.Errorf("%s: %v came from before the cursor", over.name, got.events)
				}
			})
		}
	})
	t.Run("another epoch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newFollower(t, quiet)
			r.replicate(at(7, 0, 0, 0))
			ws, sse := r.connect(everything, FromNow()), r.connectSSE(unlimited, everything, FromNow())
			sse.expect("head", "retry 2000")
			stuck := r.connectSized(0, everything, FromNow()) // the low ring has room for three
			r.replicate(at(7, 0, 0, 0), placedAt(t, "Alarm", 1), placedAt(t, "Trace", 1, 2, 3, 4, 5, 6, 7, 8))
			polled := make(chan collected, 1)
			go func() {
				polled <- r.poll(Poll{Subscription: everything, Start: FromCursor(at(7, 1, 0, 8)), Limit: 10, Wait: time.Hour})
			}()
			synctest.Wait()
			r.replicate(at(8, 20, 0, 0), placedAt(t, "Alarm", 21))
			ws.expect("Alarm 1", "Trace 1", "Trace 2", "Trace 3", "close 1012")
			sse.expect("Alarm 1", "Trace 1", "Trace 2", "Trace 3")
			if !sse.ended() {
				t.Error("the event stream goes on")
			}
			if got := <-polled; len(got.events) != 0 || got.cursor.Epoch != 7 {
				t.Errorf("the poll got %v, %v", got.events, got.cursor)
			}
			if s := r.Status(); s.Pending != [3]int64{} || s.PendingBytes != 0 {
				t.Errorf("pending: %v, %d bytes", s.Pending, s.PendingBytes)
			}
			for _, over := range transports {
				got := over.read(r, everything, FromCursor(at(7, 1, 0, 3)))
				if want := []string{"Lagged null null null", "Alarm 21"}; !slices.Equal(got.events, want) || got.cursor != at(8, 21, 0, 0) {
					t.Errorf("%s: got %v up to %v", over.name, got.events, got.cursor)
				}
			}
			stuck.resize(unlimited)
			stuck.expect("Subscribed all", "Alarm 1", "Trace 1", "Trace 2", "Trace 3", "close 1012")
			stuck.leave()
			ws.leave()
			pass(2 * time.Second)
			if ws.gone+sse.gone+stuck.gone != 3 {
				t.Errorf("%d, %d and %d times ended", ws.gone, sse.gone, stuck.gone)
			}
		})
	})
	t.Run("too much at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newFollower(t, func(s *Settings) { s.PendingEvents = 4 })
			r.replicate(at(7, 0, 0, 0))
			if err := r.Replicate(at(7, 0, 0, 0), placedAt(t, "Alarm", 1, 2, 3, 4, 5)); !errors.Is(err, ErrBatchTooLarge) {
				t.Errorf("a batch beyond the bound: %v", err)
			}
			if now := r.stream().now(); now != at(7, 0, 0, 0) {
				t.Errorf("at %v after a batch that was refused", now)
			}
		})
	})
}

// Two routers follow one stream, each in batches of its own, with repeats, and now
// and then without some events. A client moves between them with its cursor, and is
// stuck for a while, so that rings overtake it. It gets every event at most once, in
// the order of its class, and each that it does not get was told as lost before the
// next one of its class.
func TestFollowersAreOneStream(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			const length = 60
			var routers [2]*rig
			var had [2]uint64
			for i := range routers {
				routers[i] = newFollower(t)
				routers[i].replicate(at(7, 0, 0, 0))
			}
			cursor, last := at(7, 0, 0, 0), uint64(0)
			for range rapid.IntRange(1, 25).Draw(rt, "steps") {
				i := rapid.IntRange(0, 1).Draw(rt, "router")
				r := routers[i]
				c := newClient(t, unlimited, &wsDecoder{})
				r.serveWS(c, WebSocket{Client: c.options(only(t, "Tally"), FromCursor(cursor)), IDs: true})
				c.pull()
				if rapid.Bool().Draw(rt, "stuck") {
					c.resize(0)
				}
				for range rapid.IntRange(0, 3).Draw(rt, "batches") {
					from := had[i] - min(had[i], rapid.Uint64Range(0, 3).Draw(rt, "repeats"))
					skip := rapid.SampledFrom([]uint64{0, 0, 0, 2}).Draw(rt, "missing")
					to := min(length, from+rapid.Uint64Range(0, 8).Draw(rt, "events"))
					var positions []uint64
					for n := from + 1 + skip; n <= to; n++ {
						positions = append(positions, n)
					}
					r.replicate(at(7, 0, from, 0), placedAt(t, "Tally", positions...))
					had[i] = max(had[i], to)
				}
				pass(time.Minute) // in which rounds stop waiting for who is stuck
				c.resize(unlimited)
				lost := false
				for _, m := range c.pull() {
					switch m.kind {
					case "Lagged":
						lost = true
					case "Event":
						if m.n <= int(last) || m.n > int(last)+1 && !lost {
							rt.Fatalf("%d came after %d, lost: %v", m.n, last, lost)
						}
						last, cursor, lost = uint64(m.n), m.cursor, false
					}
				}
				c.leave()
			}
		})
	})
}
