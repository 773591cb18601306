package actors

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

func key(name string) IdempotencyKey { return NewIdempotencyKey("node1", name, []byte("body")) }

func TestPublishOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet)
		c := r.connect(everything, FromNow())
		other := NewIdempotencyKey("node1", "k", []byte("another body"))
		of2 := NewIdempotencyKey("node2", "k", []byte("body"))
		for i, test := range []struct {
			after  time.Duration
			key    IdempotencyKey
			before bool
			want   error
		}{
			{0, key("k"), false, nil},
			{0, key("k"), true, nil},
			{0, key("l"), false, nil},
			{0, of2, false, nil}, // each publisher has keys of its own
			{0, other, false, ErrKeyReused},
			{keyLifetime - time.Nanosecond, key("k"), true, nil},
			{0, other, false, ErrKeyReused},
			{time.Nanosecond, other, false, nil}, // five minutes after the first time, not after the last
			{0, key("k"), false, ErrKeyReused},
			{keyLifetime, key("k"), false, nil},
		} {
			pass(test.after)
			before, err := r.PublishOnce([]*event.Event{newEvent(t, "Alarm", i)}, test.key)
			if before != test.before || !errors.Is(err, test.want) {
				t.Errorf("step %d: before %t, %v, want %t, %v", i, before, err, test.before, test.want)
			}
		}
		synctest.Wait()
		c.expect("Alarm 0", "Alarm 2", "Alarm 3", "Alarm 7", "Alarm 9")
		if got := r.metric("adic_publish_replays_total"); got != 2 {
			t.Errorf("%v replays are counted, want 2", got)
		}
	})
}

// An empty batch uses its key like any other.
func TestPublishNothingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for i, want := range []bool{false, true} {
			if before, err := r.PublishOnce(nil, key("k")); before != want || err != nil {
				t.Errorf("time %d: before %t, %v", i+1, before, err)
			}
		}
	})
}

// A batch that was refused may come again under its key, and is answered anew.
func TestRefusedBatchKeepsItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := full(t)
		r.publish("80 Trace")
		for range 2 {
			if before, err := r.PublishOnce(r.events("Trace"), key("k")); before || !errors.Is(err, ErrOverloaded) {
				t.Errorf("before %t, %v, want %v", before, err, ErrOverloaded)
			}
			if before, err := r.PublishOnce(r.events("101 Alarm"), key("l")); before || !errors.Is(err, ErrBatchTooLarge) {
				t.Errorf("before %t, %v, want %v", before, err, ErrBatchTooLarge)
			}
		}
		pass(patienceIsOver) // there is room again
		for _, name := range []string{"k", "l"} {
			if before, err := r.PublishOnce(r.events("Trace"), key(name)); before || err != nil {
				t.Errorf("%s: before %t, %v", name, before, err)
			}
		}
	})
}

// While too much is pending, a batch that was accepted is still known.
func TestReplayDuringOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := full(t)
		batch := r.events("80 Trace")
		for i, want := range []bool{false, true} {
			if before, err := r.PublishOnce(batch, key("k")); before != want || err != nil {
				t.Errorf("time %d: before %t, %v", i+1, before, err)
			}
		}
	})
}

// A fault before the batch has its place leaves the key unused; one after that
// takes the answer, but not the memory of it. Both are told as the same error.
func TestEmitterPanicsWithAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		if _, err := r.PublishOnce(append(r.events("Alarm"), nil), key("early")); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("%v, want %v", err, ErrInterrupted)
		}
		r.n--
		emitted := r.metrics.emitted
		r.metrics.emitted = nil // which panics behind the point of no return
		if _, err := r.PublishOnce(r.events("Breach"), key("late")); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("%v, want %v", err, ErrInterrupted)
		}
		r.metrics.emitted = emitted
		synctest.Wait()
		if got := r.restarts(); got != [3]float64{2, 0, 0} {
			t.Fatalf("restarts of %v are counted %v", supervised, got)
		}
		for name, want := range map[string]bool{"early": false, "late": true} {
			if before, err := r.PublishOnce([]*event.Event{newEvent(t, "Alarm", 7)}, key(name)); before != want || err != nil {
				t.Errorf("%s: before %t, %v, want %t", name, before, err, want)
			}
		}
		synctest.Wait()
		c.expect("Breach 1", "Alarm 7")
	})
}

// Publishers that send each batch several times, one after the other and at the
// same time, with faults and overload between: every batch that was ever accepted
// is emitted exactly once, and every other never.
func TestEveryBatchOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type attempt struct {
			batch  int
			poison bool // it hits a fault
			late   bool // that takes only the answer
		}
		attempts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) attempt {
			poison := rapid.IntRange(0, 4).Draw(t, "poison") == 0
			return attempt{rapid.IntRange(0, 7).Draw(t, "batch"), poison, poison && rapid.Bool().Draw(t, "late")}
		}), 1, 40).Draw(rt, "attempts")
		lanes := rapid.IntRange(1, 4).Draw(rt, "lanes")

		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			c := r.connect(everything, FromNow())
			emitted := r.metrics.emitted
			var mu sync.Mutex
			taken := map[int]int{}  // by batch: accepted, and not said to be before
			unsure := map[int]int{} // interrupted, and perhaps taken
			send := func(a attempt) {
				batch := []*event.Event{newEvent(t, "Alarm", a.batch)}
				if a.poison && !a.late {
					batch = append(batch, nil)
				}
				before, err := r.PublishOnce(batch, key(fmt.Sprint(a.batch)))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, ErrInterrupted):
					unsure[a.batch]++
				case err != nil:
					t.Error(err)
				case !before:
					taken[a.batch]++
				}
			}
			for group := range slices.Chunk(attempts, lanes) {
				late := slices.ContainsFunc(group, func(a attempt) bool { return a.late })
				if late {
					r.metrics.emitted = nil
				}
				var all sync.WaitGroup
				for _, a := range group {
					all.Go(func() { send(a) })
				}
				all.Wait()
				synctest.Wait()
				r.metrics.emitted = emitted
			}
			got := map[string]int{}
			for _, m := range short(c.pull()) {
				got[m]++
			}
			for batch := range 8 {
				n := got[fmt.Sprint("Alarm ", batch)]
				if n > 1 || taken[batch] > 1 {
					t.Errorf("batch %d was emitted %d times and accepted %d times", batch, n, taken[batch])
				}
				if n == 1 && taken[batch] == 0 && unsure[batch] == 0 || n == 0 && taken[batch] > 0 {
					t.Errorf("batch %d was emitted %d times, accepted %d times, interrupted %d times", batch, n, taken[batch], unsure[batch])
				}
				before, err := r.PublishOnce([]*event.Event{newEvent(t, "Alarm", batch)}, key(fmt.Sprint(batch)))
				if err != nil || before != (n == 1) {
					t.Errorf("batch %d was emitted %d times, and is said to have been before: %t, %v", batch, n, before, err)
				}
			}
		})
	})
}

// The keys against a model that keeps everything.
func TestIdempotencyModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			body digest
			at   time.Duration
		}
		var k idempotency
		model := map[digest]entry{}
		now := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += time.Duration(rapid.SampledFrom([]int64{0, 1, int64(time.Second), int64(keyLifetime) / 3, int64(keyLifetime)}).Draw(t, "after"))
			id := digest{rapid.ByteRange(0, 20).Draw(t, "id")}
			want, known := model[id]
			known = known && now-want.at < keyLifetime
			body, found := k.find(id, now)
			if found != known || found && body != want.body {
				t.Fatalf("key %d: found %t, want %t", id[0], found, known)
			}
			if !found {
				body = digest{rapid.Byte().Draw(t, "body")}
				model[id] = entry{body, now}
				if k.add(id, body, now) {
					t.Fatal("a key had to go")
				}
			}
			if k.len() != len(k.bodies) || cap(k.order) > 100 {
				t.Fatalf("%d keys in order, %d to be found, room for %d", k.len(), len(k.bodies), cap(k.order))
			}
		}
	})
}

func number(n int) digest { return digest{byte(n), byte(n >> 8), byte(n >> 16)} }

// The oldest go first, and what is kept does not grow. With the last key nothing
// is kept.
func TestKeysAreBounded(t *testing.T) {
	var k idempotency
	const total = 10 * maxKeys
	evicted := 0
	for i := range total {
		if k.add(number(i), digest{}, time.Duration(i)) {
			evicted++
		}
	}
	if k.len() != maxKeys || len(k.bodies) != maxKeys || cap(k.order) > 4*maxKeys || evicted != total-maxKeys {
		t.Errorf("%d keys, %d to be found, room for %d, %d evicted", k.len(), len(k.bodies), cap(k.order), evicted)
	}
	for i, want := range map[int]bool{0: false, total - maxKeys - 1: false, total - maxKeys: true, total - 1: true} {
		if _, known := k.find(number(i), total); known != want {
			t.Errorf("key %d is known: %t", i, known)
		}
	}
	if k.find(number(0), total+keyLifetime); k.bodies != nil || k.order != nil {
		t.Error("memory is kept for keys that are forgotten")
	}
}

func BenchmarkPublishOnceKeys(b *testing.B) {
	var k idempotency
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, known := k.find(number(i), time.Duration(i)); !known {
			k.add(number(i), digest{}, time.Duration(i))
		}
		i++
	}
}

func TestPublishedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		want := func(before bool, failure error) {
			t.Helper()
			if got, err := r.PublishedOnce(key("k")); got != before || !errors.Is(err, failure) {
				t.Errorf("before %t, %v, want %t, %v", got, err, before, failure)
			}
		}
		want(false, nil)
		if before, err := r.PublishOnce(r.events("Alarm"), key("k")); before || err != nil {
			t.Errorf("to ask used the key: before %t, %v", before, err)
		}
		want(true, nil)
		if _, err := r.PublishedOnce(NewIdempotencyKey("node1", "k", nil)); !errors.Is(err, ErrKeyReused) {
			t.Errorf("%v, want %v", err, ErrKeyReused)
		}
		if err := r.Drain(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		want(false, ErrDraining)
	})
}
