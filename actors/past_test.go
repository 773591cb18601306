package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// archive has all that its rig has published.
type archive struct {
	t       testing.TB
	mu      sync.Mutex
	names   [event.NumPriorities][]string // "Alarm 7", by position
	missing map[string]bool               // of them
	err     error
	hang    chan struct{} // reads wait for it, if not nil
	reads   int
}

func (a *archive) Read(ctx context.Context, class event.Priority, from uint64, max int) (events []event.Placed, err error) {
	if a.hang != nil {
		select {
		case <-a.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reads++
	if a.err != nil {
		return nil, a.err
	}
	for n := from; n <= uint64(len(a.names[class])) && len(events) < max; n++ {
		text := a.names[class][n-1]
		if a.missing[text] {
			continue
		}
		var name string
		var number int
		if _, err := fmt.Sscan(text, &name, &number); err != nil {
			a.t.Error(err)
		}
		events = append(events, event.Placed{Position: n, Event: newEvent(a.t, name, number)})
	}
	return events, nil
}

// newArchivedRig is a rig whose events are kept for ever.
func newArchivedRig(t testing.TB, limit int, change ...func(*Settings)) (*rig, *archive) {
	t.Helper()
	settings := testSettings()
	for _, f := range append(change, quiet) {
		f(&settings)
	}
	a := &archive{t: t}
	return newRigOf(t, Options{Settings: settings, Archive: a, ReplayLimit: limit}), a
}

// archived publishes events one after the other, and keeps them.
func (r *rig) archived(a *archive, names ...string) {
	r.t.Helper()
	for _, e := range r.events(names...) {
		if err := r.Publish([]*event.Event{e}); err != nil {
			r.t.Fatal(err)
		}
		synctest.Wait()
		a.mu.Lock()
		a.names[e.Priority] = append(a.names[e.Priority], fmt.Sprint(e.Name(), " ", r.n-len(names)+1))
		a.mu.Unlock()
	}
}

// fill publishes 400 high, 30 medium and 20 low events, numbered from 1.
func (r *rig) fill(a *archive) {
	for name, count := range map[string]int{"Alarm": 400} {
		for range count {
			r.archived(a, name)
		}
	}
	for range 30 {
		r.archived(a, "Tally")
	}
	for range 20 {
		r.archived(a, "Trace")
	}
}

// A client that comes back from long ago gets everything, high before medium before
// low, over every transport.
func TestPast(t *testing.T) {
	everyOne := slices.Concat(runs("Alarm", 1, 400), runs("Tally", 401, 430), runs("Trace", 431, 450))
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, a := newArchivedRig(t, 1000)
				r.fill(a)
				from := func(high, medium, low uint64) Start { return FromCursor(at(r.stream().epoch, high, medium, low)) }
				got := over.read(r, everything, from(0, 0, 0))
				if !slices.Equal(got.events, everyOne) || got.cursor != r.stream().now() {
					t.Errorf("got %d events up to %v: %v", len(got.events), got.cursor, got.events)
				}
				got = over.read(r, only(t, "Tally"), from(0, 3, 0))
				if want := runs("Tally", 404, 430); !slices.Equal(got.events, want) {
					t.Errorf("of one type: got %v, want %v", got.events, want)
				}
				got = over.read(r, everything, from(399, 30, 17)) // what the rings have
				if want := append(runs("Alarm", 400, 400), runs("Trace", 448, 450)...); !slices.Equal(got.events, want) {
					t.Errorf("of late: got %v, want %v", got.events, want)
				}
				a.missing = map[string]bool{"Tally 402": true, "Tally 403": true}
				got = over.read(r, only(t, "Tally"), from(400, 0, 20))
				if over.name != "polling one by one" { // whose first answer has no loss
					if want := append([]string{"Tally 401", "Lagged 0 null 0"}, runs("Tally", 404, 430)...); over.name != "polling" && !slices.Equal(got.events, want) {
						t.Errorf("with a gap: got %v, want %v", got.events, want)
					}
				}
				a.missing, a.err = nil, errors.New("away")
				got = over.read(r, only(t, "Tally"), from(400, 0, 20))
				if want := append([]string{"Lagged 0 25 0"}, runs("Tally", 426, 430)...); !slices.Equal(got.events, want) {
					t.Errorf("without the archive: got %v, want %v", got.events, want)
				}
			})
		})
		t.Run(over.name+", limited", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, a := newArchivedRig(t, 7)
				r.fill(a)
				got := over.read(r, everything, FromCursor(at(r.stream().epoch, 0, 0, 0)))
				want := slices.Concat(runs("Alarm", 384, 400), runs("Tally", 419, 430), runs("Trace", 441, 450))
				if got.events = slices.DeleteFunc(got.events, func(e string) bool { return e[0] == 'L' }); !slices.Equal(got.events, want) {
					t.Errorf("got %v, want %v", got.events, want)
				}
			})
		})
	}
}

// Nobody waits for a client that is far behind, or for the archive.
func TestPastHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, a := newArchivedRig(t, 1000)
		r.fill(a)
		a.hang = make(chan struct{})
		live := r.connect(everything, FromNow())
		behind := r.connect(everything, FromCursor(at(r.stream().epoch, 380, 30, 20)))
		began := time.Now()
		r.publish("40 Alarm") // four rounds
		live.expect(runs("Alarm", 451, 490)...)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it took %v", waited)
		}
		for n := 451; n <= 490; n++ {
			a.names[event.High] = append(a.names[event.High], fmt.Sprintf("Alarm %d", n))
		}
		close(a.hang)
		synctest.Wait()
		behind.expect(append(runs("Alarm", 381, 400), runs("Alarm", 451, 490)...)...)
		r.publish("Alarm", "Trace")
		behind.expect("Alarm 491", "Trace 492")
	})
}

// A router that shuts down does not wait for the archive either.
func TestDrainDuringPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, a := newArchivedRig(t, 1000)
		r.fill(a)
		a.hang = make(chan struct{})
		c := r.connect(everything, FromCursor(at(r.stream().epoch, 0, 30, 20)))
		done := make(chan error, 1)
		go func() { done <- r.Drain(t.Context(), 0) }()
		pass(time.Second)
		c.expect(slices.Concat([]string{"Lagged 390 0 0"}, runs("Alarm", 391, 400), []string{"close 1001"})...)
		c.leave()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Whatever a client's buffer, how far it is behind and what is published meanwhile:
// each event once, in the order of its class.
func TestPastIsComplete(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			r, a := newArchivedRig(t, 10_000)
			for range rapid.IntRange(0, 60).Draw(rt, "before") {
				r.archived(a, rapid.SampledFrom([]string{"Alarm", "Tally", "Trace"}).Draw(rt, "type"))
			}
			var pos [event.NumPriorities]uint64
			for p := range pos {
				pos[p] = rapid.Uint64Range(0, uint64(len(a.names[p]))).Draw(rt, "cursor")
			}
			c := r.connectSized(rapid.SampledFrom([]int{0, 50, 300, unlimited}).Draw(rt, "buffer"), everything, FromCursor(at(r.stream().epoch, pos[0], pos[1], pos[2])))
			var got []string
			var more [event.NumPriorities]int
			for range rapid.IntRange(0, 20).Draw(rt, "meanwhile") {
				r.archived(a, rapid.SampledFrom([]string{"Alarm", "Tally", "Trace"}).Draw(rt, "type"))
				if rapid.Bool().Draw(rt, "reads") {
					got = append(got, short(c.drain(rapid.IntRange(1, 400).Draw(rt, "bytes")))...)
				}
			}
			c.resize(unlimited)
			synctest.Wait()
			got = append(got, short(c.pull())...)
			var lost [event.NumPriorities]int // a client that is slow after it has caught up may lose events
			seen := map[string][]string{}
			for _, text := range got {
				if n, _ := fmt.Sscanf(text, "Lagged %d %d %d", &more[0], &more[1], &more[2]); n == 3 {
					for p := range lost {
						lost[p] += more[p]
					}
				} else if text != "Subscribed all" {
					name, _, _ := strings.Cut(text, " ")
					seen[name] = append(seen[name], text)
				}
			}
			for p, name := range []string{"Alarm", "Tally", "Trace"} {
				want := a.names[p][pos[p]:]
				rest := slices.DeleteFunc(slices.Clone(want), func(text string) bool { return !slices.Contains(seen[name], text) })
				if !slices.Equal(seen[name], rest) || len(rest)+lost[p] != len(want) {
					rt.Fatalf("%s: got %v, want %v, of which %d are told to be lost", name, seen[name], want, lost[p])
				}
			}
			if len(seen) > 3 {
				rt.Fatalf("got %v", got)
			}
		})
	})
}
