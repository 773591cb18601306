package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/journal"
)

// faulty is a real journal that fails, panics and waits where a test says so.
type faulty struct {
	*journal.Journal
	append, commit func() error // before the journal's own; nil: nothing
	torn           func() error // after its own Append
	commits        int
}

func call(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (f *faulty) Append(batch []*event.Event) (settled bool, err error) {
	if err := call(f.append); err != nil {
		return false, err
	}
	settled, err = f.Journal.Append(batch)
	if e := call(f.torn); e != nil {
		return false, e
	}
	return settled, err
}

func (f *faulty) Commit() error {
	f.commits++
	if err := call(f.commit); err != nil {
		return err
	}
	return f.Journal.Commit()
}

// openJournal opens the journal in dir, which settles at once unless ahead.
func openJournal(t *testing.T, dir string, ahead bool) *faulty {
	t.Helper()
	every := time.Hour
	if ahead {
		every = 0
	}
	j, err := journal.Open(journal.Options{Dir: dir, Sync: every, Retain: testSettings().Retain,
		Catalogue: catalogue(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return &faulty{Journal: j}
}

// journalModes are the ways in which a journal settles batches.
var journalModes = []struct {
	name  string
	ahead bool
}{{"settled at once", false}, {"settled by a commit", true}}

// withJournal runs test with a directory, for both ways.
func withJournal(t *testing.T, test func(t *testing.T, dir string, ahead bool)) {
	for _, mode := range journalModes {
		t.Run(mode.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { test(t, dir, mode.ahead) })
		})
	}
}

// A router goes on where the one before ended: with its rings, its positions and
// what it knows of events that the rings do not hold.
func TestGoesOnWithJournal(t *testing.T) {
	withJournal(t, func(t *testing.T, dir string, ahead bool) {
		j := openJournal(t, dir, ahead)
		before := newRigWith(t, j)
		before.publish("Alarm", "Trace", "Tally")
		middle := before.stream().now()
		before.publishSlowly("2 Alarm", "4 Trace", "11 Breach")
		end := before.stream().now()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}

		after := newRigWith(t, openJournal(t, dir, ahead))
		after.n = before.n
		if now := after.stream().now(); now != end {
			t.Fatalf("it goes on at %v, want %v", now, end)
		}
		held := append(append(runs("Breach", 11, 20), "Tally 3"), runs("Trace", 7, 9)...)
		for _, by := range transports {
			for _, test := range []struct {
				from Start
				want []string
			}{
				{FromCursor(end), []string{}},
				{FromEarliest(), held},
				{FromCursor(middle), append(append([]string{"Lagged 3 0 1"}, runs("Breach", 11, 20)...), runs("Trace", 7, 9)...)},
			} {
				if got := by.read(after, everything, test.from); !slices.Equal(got.events, test.want) {
					t.Errorf("%s: got  %v\nwant %v", by.name, got.events, test.want)
				}
			}
		}
		c := after.connect(everything, FromNow())
		after.publish("Alarm", "Trace")
		c.expect("Alarm 21", "Trace 22")
		if got := after.poll(Poll{Subscription: everything, Start: FromCursor(end), Limit: 100}); !slices.Equal(got.events, []string{"Alarm 21", "Trace 22"}) {
			t.Errorf("after the cursor of the run before: %v", got.events)
		}
	})
}

// What is older than all that was kept is a loss that nobody can count.
func TestRestoreWithoutOldEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := event.Cursor{Epoch: 77, Pos: [3]uint64{100, 0, 50}}
		var events [event.NumPriorities][]*event.Event
		for n := uint64(88); n <= 100; n++ { // three more than the ring holds
			e := newEvent(t, "Alarm", int(n))
			e.Place(event.Cursor{Epoch: 77, Pos: [3]uint64{n, 0, 50}}, n+50)
			events[event.High] = append(events[event.High], e)
		}
		r := newRigWith(t, &remembered{at, events})
		for _, test := range []struct {
			pos  [3]uint64
			want []string
		}{
			{[3]uint64{100, 0, 50}, []string{}},
			{[3]uint64{90, 0, 50}, runs("Alarm", 91, 100)},
			{[3]uint64{87, 0, 50}, append([]string{"Lagged 3 0 0"}, runs("Alarm", 91, 100)...)},
			{[3]uint64{86, 0, 50}, append([]string{"Lagged null 0 0"}, runs("Alarm", 91, 100)...)},
			{[3]uint64{100, 0, 49}, []string{"Lagged 0 0 null"}},
			{[3]uint64{101, 0, 50}, append([]string{"Lagged null null null"}, runs("Alarm", 91, 100)...)},
		} {
			got := r.poll(Poll{Subscription: everything, Start: FromCursor(event.Cursor{Epoch: 77, Pos: test.pos}), Limit: 100})
			if !slices.Equal(got.events, test.want) {
				t.Errorf("after %v: got %v, want %v", test.pos, got.events, test.want)
			}
		}
		c := r.connect(everything, FromNow())
		r.publish("Alarm", "Tally", "5 Trace")
		c.expect(append([]string{"Alarm 1", "Tally 2"}, runs("Trace", 3, 7)...)...)
		if now := r.stream().now(); now.Pos != [3]uint64{101, 1, 55} {
			t.Errorf("the stream is at %v", now)
		}
	})
}

// remembered is a past without a journal.
type remembered struct {
	at     event.Cursor
	events [event.NumPriorities][]*event.Event
}

func (r *remembered) Past() (event.Cursor, [event.NumPriorities][]*event.Event) {
	return r.at, r.events
}
func (*remembered) Append([]*event.Event) (bool, error) { return true, nil }
func (*remembered) Commit() error                       { return nil }
func (*remembered) Err() error                          { return nil }

// A batch that the journal does not take is refused with the reason, and leaves
// nothing behind, here or there.
func TestJournalRefuses(t *testing.T) {
	full := errors.New("no space left on device")
	withJournal(t, func(t *testing.T, dir string, ahead bool) {
		j := openJournal(t, dir, ahead)
		r := newRigWith(t, j)
		c := r.connect(everything, FromNow())
		r.publish("Alarm")
		at := r.stream().now()
		for _, fail := range []*func() error{&j.append, &j.commit} {
			if fail == &j.commit && !ahead {
				continue
			}
			*fail = func() error { return full }
			err := r.Publish(r.events("Alarm", "Trace"))
			if !errors.Is(err, ErrJournal) || err.Error() != "cannot write the journal: no space left on device" {
				t.Errorf("publishing: %v", err)
			}
			if s := r.Status(); s.PendingBytes != 0 || s.Pending != [3]int64{} || r.stream().now() != at {
				t.Errorf("pending: %v events, %d bytes; the stream is at %v, was at %v", s.Pending, s.PendingBytes, r.stream().now(), at)
			}
			*fail = nil
		}
		c.expect("Alarm 1")
		r.publish("Trace", "Alarm")
		r.checkJournal(t, c, dir, j, ahead, "Alarm 1")
	})
}

// checkJournal compares what the journal holds with what the client got, in
// earlier messages and by now.
func (r *rig) checkJournal(t *testing.T, c *client, dir string, j *faulty, ahead bool, earlier ...string) {
	t.Helper()
	got := append(earlier, short(c.pull())...)
	end := r.stream().now()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	after := newRigWith(t, openJournal(t, dir, ahead))
	if now := after.stream().now(); now != end {
		t.Errorf("the journal ends at %v, want %v", now, end)
	}
	kept := after.poll(Poll{Subscription: everything, Start: FromEarliest(), Limit: 1000}).events
	slices.Sort(kept)
	slices.Sort(got)
	if !slices.Equal(kept, got) {
		t.Errorf("the journal holds %v\nthe client got    %v", kept, got)
	}
}

// Until the journal has settled a batch nobody learns of it, its publisher
// included; and what is published meanwhile is settled together.
func TestNobodySeesWhatIsNotSettled(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, dir, true)
		r := newRigWith(t, j)
		c := r.connect(everything, FromNow())
		syncing := make(chan struct{})
		j.commit = func() error { <-syncing; return nil }
		at := r.stream().now()
		var publishers sync.WaitGroup
		answered := 0
		var mu sync.Mutex
		for range 5 {
			batch := r.events("Alarm", "Trace")
			publishers.Go(func() {
				if err := r.Publish(batch); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				answered++
			})
			synctest.Wait()
		}
		c.expect()
		if answered > 0 || r.stream().now() != at {
			t.Errorf("%d publishers are answered, the stream is at %v", answered, r.stream().now())
		}
		if n := r.pending.total(); n != 2 { // the others are in the mailbox
			t.Errorf("%d events are pending, want 2", n)
		}
		syncing <- struct{}{} // the first
		synctest.Wait()
		if got := c.pull(); len(got) != 2 || answered != 1 {
			t.Errorf("after one sync the client has %v, %d publishers are answered", short(got), answered)
		}
		close(syncing)
		publishers.Wait()
		synctest.Wait()
		if got := c.pull(); len(got) != 8 || j.commits != 2 {
			t.Errorf("at the end the client has %v, after %d commits", short(got), j.commits)
		}
	})
}

// A fault in the journal, wherever it comes, restarts the emitter, and neither
// loses nor repeats an event, nor uses a position twice.
func TestJournalPanics(t *testing.T) {
	for _, where := range []string{"before a write", "after a write", "in a commit", "in another batch while some are held"} {
		t.Run(where, func(t *testing.T) {
			withJournal(t, func(t *testing.T, dir string, ahead bool) {
				if !ahead && strings.Contains(where, "commit") || !ahead && strings.Contains(where, "held") {
					return // there is nothing of the kind
				}
				j := openJournal(t, dir, ahead)
				r := newRigWith(t, j)
				c := r.connect(everything, FromNow())
				r.publish("Alarm", "Trace")
				once := func(f *func() error) {
					*f = func() error { *f = nil; panic("injected") }
				}
				var err error
				switch where {
				case "before a write":
					once(&j.append)
				case "after a write":
					once(&j.torn)
				case "in a commit":
					once(&j.commit)
				case "in another batch while some are held":
					hold := make(chan struct{})
					j.append = func() error { <-hold; return nil }
					results := make(chan error, 3)
					for _, batch := range [][]*event.Event{r.events("Alarm", "Tally"), {nil}, r.events("Tally")} {
						go func() { results <- r.Publish(batch) }()
						synctest.Wait()
					}
					close(hold)
					failures := 0
					for range 3 {
						if e := <-results; e != nil {
							failures, err = failures+1, e
						}
					}
					if failures != 1 {
						t.Errorf("%d batches failed, want one", failures)
					}
				}
				if where != "in another batch while some are held" {
					err = r.Publish(r.events("Alarm", "Tally", "Trace"))
				}
				if !errors.Is(err, ErrInterrupted) {
					t.Errorf("publishing: %v", err)
				}
				synctest.Wait()
				if got := r.restarts(); got != failed["emitter"] {
					t.Errorf("restarts of %v are counted %v", supervised, got)
				}
				if s := r.Status(); s.PendingBytes != 0 || s.Pending != [3]int64{} {
					t.Errorf("pending: %v events, %d bytes", s.Pending, s.PendingBytes)
				}
				r.publish("Tally", "Alarm")
				r.publish("Trace")
				r.checkJournal(t, c, dir, j, ahead)
			})
		})
	}
}

// newRigWith is a rig whose router goes on with a journal.
func newRigWith(t testing.TB, j Journal) *rig {
	t.Helper()
	return newRigOf(t, Options{Settings: testSettings(), Journal: j})
}

func TestStatusOfJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &broken{errors.New("no space left on device")}
		r := newRigWith(t, j)
		if got := r.Status().Journal; fmt.Sprint(got) != "no space left on device" {
			t.Errorf("the status says %v", got)
		}
	})
}

// broken is a journal that cannot be written.
type broken struct{ why error }

func (*broken) Past() (at event.Cursor, events [event.NumPriorities][]*event.Event) {
	return event.Cursor{Epoch: 1}, events
}
func (b *broken) Append([]*event.Event) (bool, error) { return false, b.why }
func (b *broken) Commit() error                       { return b.why }
func (b *broken) Err() error                          { return b.why }

// A batch that comes again while it is held is settled first, and then known, or
// published for the first time where it was given up.
func TestKeyOfHeldBatch(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, dir, true)
		r := newRigWith(t, j)
		c := r.connect(everything, FromNow())
		key := NewIdempotencyKey("node1", "k", []byte("body"))
		for _, fails := range []bool{true, false} {
			j.append = func() error { j.append = nil; time.Sleep(time.Second); return nil } // both are in the mailbox
			j.commit = func() error {
				j.commit = nil
				if fails {
					return errors.New("input/output error")
				}
				return nil
			}
			var again [2]bool
			var errs [2]error
			var all sync.WaitGroup
			for i := range 2 {
				batch := r.events("Alarm")
				all.Go(func() { again[i], errs[i] = r.PublishOnce(batch, key) })
				synctest.Wait()
			}
			all.Wait()
			if fails && (!errors.Is(errs[0], ErrJournal) || errs[1] != nil || again[1]) {
				t.Errorf("the first is given up: %v, %v", again, errs)
			}
			if !fails && (errs != [2]error{} || again != [2]bool{true, true}) {
				t.Errorf("it was published before: %v, %v", again, errs)
			}
		}
		c.expect("Alarm 2")
	})
}
