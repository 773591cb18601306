package actors

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

func TestPollCursorWithoutSinceIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.publish("2 Alarm", "Trace")
		got := r.poll(Poll{Subscription: everything, Limit: 100})
		if len(got.events) > 0 || got.cursor != r.stream().now() {
			t.Errorf("got %v and the cursor %v, want the present end", got.events, got.cursor)
		}
	})
}

func TestPollLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.publish("3 Trace", "3 Alarm")
		from := FromEarliest()
		for _, want := range [][]string{
			{"Alarm 4", "Alarm 5"}, {"Alarm 6", "Trace 1"}, {"Trace 2", "Trace 3"}, {},
		} {
			got := r.poll(Poll{Subscription: everything, Start: from, Limit: 2})
			if !slices.Equal(got.events, want) {
				t.Errorf("got %v, want %v", got.events, want)
			}
			from = FromCursor(got.cursor)
		}
	})
}

func TestPollLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		first := r.poll(Poll{Subscription: everything, Limit: 100})
		r.publishSlowly("14 Alarm", "4 Trace", "Sample")
		got := r.poll(Poll{Subscription: only(t, "Alarm", "Trace"), Start: FromCursor(first.cursor), Limit: 1})
		if want := []string{"Lagged 4 0 2", "Alarm 5"}; !slices.Equal(got.events, want) {
			t.Errorf("got %v, want %v", got.events, want)
		}
		if high, low := r.dropped(event.High), r.dropped(event.Low); high != 4 || low != 2 {
			t.Errorf("%v high and %v low count as dropped, want 4 and 2", high, low)
		}
		got = r.poll(Poll{Subscription: only(t, "Alarm", "Trace"), Start: FromCursor(got.cursor), Limit: 100})
		if want := append(runs("Alarm", 6, 14), "Trace 17", "Trace 18"); !slices.Equal(got.events, want) {
			t.Errorf("then got %v, want %v", got.events, want)
		}
	})
}

func TestLongPoll(t *testing.T) {
	type answer struct {
		collected
		took time.Duration
	}
	for _, test := range []struct {
		name string
		do   func(r *rig, cancel func())
		want []string
		took time.Duration
	}{
		{"times out", func(*rig, func()) {}, []string{}, 10 * time.Second},
		{"wakes up", func(r *rig, _ func()) { pass(3 * time.Second); r.publish("Trace") }, []string{"Trace 1"}, 3 * time.Second},
		{"sleeps through what it does not want",
			func(r *rig, _ func()) {
				pass(time.Second)
				r.publish("Alarm", "Sample")
				pass(time.Second)
				r.publish("Alarm", "Trace")
			}, []string{"Trace 4"}, 2 * time.Second},
		{"the client goes", func(_ *rig, cancel func()) { pass(4 * time.Second); cancel() }, []string{}, 4 * time.Second},
		{"the router drains", func(r *rig, _ func()) { pass(5 * time.Second); r.beginDrain() }, []string{}, 5 * time.Second},
		{"the queue restarts", func(r *rig, _ func()) {
			pass(time.Second)
			r.sendQueue(&enqueue{batch: []*event.Event{nil}})
			synctest.Wait()
			r.publish("Trace")
		}, []string{"Trace 1"}, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answers := make(chan answer, 1)
				began := time.Now()
				go func() {
					p := Poll{Subscription: only(t, "Trace", "Tally"), Limit: 100, Wait: 10 * time.Second}
					got := r.polled(r.Poll(ctx, p))
					answers <- answer{got, time.Since(began)}
				}()
				synctest.Wait()
				test.do(r, cancel)
				got := <-answers
				if !slices.Equal(got.events, test.want) || got.took != test.took {
					t.Errorf("got %v after %v, want %v after %v", got.events, got.took, test.want, test.took)
				}
				if got.cursor != r.stream().now() {
					t.Errorf("the cursor is %v, want %v", got.cursor, r.stream().now())
				}
			})
		})
	}
}

func TestLongPollAnswersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.publish("Alarm")
		began := time.Now()
		got := r.poll(Poll{Subscription: everything, Start: FromEarliest(), Limit: 10, Wait: time.Minute})
		if fmt.Sprint(got.events) != "[Alarm 1]" || time.Since(began) != 0 {
			t.Errorf("got %v after %v", got.events, time.Since(began))
		}
	})
}

// The cursor of an answer is as far on as it can be: what was not wanted before
// its last event is passed over, although there was no place for more.
func TestPollPassesOverWhatIsNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.publish("Tally", "Trace", "Alarm", "Alarm")
		got := r.poll(Poll{Subscription: only(t, "Alarm"), Start: FromEarliest(), Limit: 1})
		got = r.poll(Poll{Subscription: everything, Start: FromCursor(got.cursor), Limit: 10})
		if want := []string{"Alarm 4"}; !slices.Equal(got.events, want) {
			t.Errorf("got %v, want %v", got.events, want)
		}
	})
}
