package journal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

func otherBoot(o *Options) { o.boot = "another-boot" }
func noBoot(o *Options)    { o.boot = "unknown" }
func ahead(o *Options)     { o.Sync = 0 }

// How a run ends decides whether the stream goes on. Whatever the case, the
// events are there.
func TestEpochAfterRestart(t *testing.T) {
	closed := func(w *owner) {
		if err := w.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	killed := func(w *owner) { w.kill() }
	for _, test := range []struct {
		name   string
		before func(*Options)
		end    func(*owner)
		after  func(*Options)
		same   bool
	}{
		{"closed", nil, closed, nil, true},
		{"closed, then the machine was started again", nil, closed, otherBoot, true},
		{"killed", nil, killed, nil, true},
		{"killed with the machine", nil, killed, otherBoot, false},
		{"killed where boots have no id", noBoot, killed, noBoot, false},
		{"killed with the machine, synced ahead", ahead, killed, otherBoot, true},
		{"closed, synced ahead", ahead, closed, otherBoot, true},
		{"killed, and another sync from now on", ahead, killed, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			set := func(o *Options) {
				if test.before != nil {
					test.before(o)
				}
			}
			w := open(t, dir, set)
			if got := w.past(); len(got[0])+len(got[1])+len(got[2]) > 0 {
				t.Fatalf("a new journal holds %v", got)
			}
			w.mixed()
			if w.every == 0 {
				if err := w.Commit(); err != nil {
					t.Fatal(err)
				}
			}
			test.end(w)
			next := open(t, dir, func(o *Options) {
				if test.after != nil {
					test.after(o)
				}
			})
			for p, got := range next.past() {
				if want := w.of(event.Priority(p)); !slices.Equal(got, want) {
					t.Errorf("class %d\n got %v\nwant %v", p, got, want)
				}
			}
			if same := next.cursor.Epoch == w.cursor.Epoch; same != test.same {
				t.Errorf("the epoch is the same: %v, want %v\n%s", same, test.same, next.log)
			}
			if told := next.Restart().NewEpoch != ""; told == test.same {
				t.Errorf("told of a new epoch: %v", told)
			}
			if test.same && strings.Contains(next.log.String(), "level") {
				t.Errorf("something is told: %s", next.log)
			}
			if !test.same && !strings.Contains(next.log.String(), "a new stream begins") {
				t.Errorf("nothing is told: %s", next.log)
			}

			// And on from there.
			next.n = w.n
			next.mixed()
			next.kill()
			last := open(t, dir, func(o *Options) { o.Sync = next.every })
			for p, got := range last.past() {
				if want := slices.Concat(w.of(event.Priority(p)), next.of(event.Priority(p))); !slices.Equal(got, want) {
					t.Errorf("class %d in the third run\n got %v\nwant %v", p, got, want)
				}
			}
			if last.cursor.Epoch != next.cursor.Epoch && next.boot == "this-boot" {
				t.Errorf("the third run has another epoch: %s", last.log)
			}
		})
	}
}

// What was never committed may be given up; then its positions are given to what
// comes next, in every class.
func TestGivenUp(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, ahead)
	w.past()
	w.append(event.High, event.Low)
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	kept := w.cursorNow()
	w.append(event.Medium, event.Low)
	w.append(event.Medium)
	w.acked = w.acked[:2]
	parser := event.Parser{Catalogue: catalogue()}
	e, err := parser.ParseEvent([]byte(`{"type":"Alarm","n":99}`))
	if err != nil {
		t.Fatal(err)
	}
	kept.Pos[event.High]++
	e.Place(kept, sum(kept.Pos))
	if _, err := w.Append([]*event.Event{e}); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.kill()
	next := open(t, dir, ahead)
	if got, want := next.past(), [3][]string{{"Alarm 1", "Alarm 99"}, nil, {"Trace 2"}}; !slices.EqualFunc(got[:], want[:], slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
	if next.cursor != kept {
		t.Errorf("the stream is at %v, want %v", next.cursor, kept)
	}
}

func (w *owner) cursorNow() event.Cursor { return event.Cursor{Epoch: w.cursor.Epoch, Pos: w.last()} }

// A batch that does not follow what is there would make a hole.
func TestAppendRefusesAGap(t *testing.T) {
	w := open(t, t.TempDir())
	w.past()
	w.append(event.High)
	batch := w.batch(event.High, event.High)
	if _, err := w.Append(batch[1:]); err == nil || !strings.Contains(err.Error(), "begins after positions [2 0 0] and the journal ends at [1 0 0]") {
		t.Errorf("got %v", err)
	}
	if _, err := w.Append(batch); err != nil {
		t.Errorf("and then: %v", err)
	}
}

func TestOnePerDirectory(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	o, _ := options(dir)
	_, err := Open(o)
	if !errors.Is(err, errLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second gets %v", err)
	}
	w.kill()
	open(t, dir)
}

func TestOpenFails(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, dir string) string
		want    string
	}{
		{"a newer format", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, headerFile), "adic journal 2\nwhat nobody knows yet\n")
			return dir
		}, "a newer version of adic wrote it: its format is 2, and this one knows 1; use that version, or another directory"},
		{"a file", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "file"), "")
			return filepath.Join(dir, "file")
		}, "cannot make the directory of the journal: mkdir"},
		{"a directory in place of a segment", func(t *testing.T, dir string) string {
			open(t, dir).kill()
			path := files(t, dir, event.Low)[0]
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, _ := options(test.prepare(t, t.TempDir()))
			j, err := Open(o)
			if err == nil {
				j.Close()
				t.Fatal("it opens")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Events whose types the catalogue has no more are left out, those whose class has
// changed go over to it, and either way a new stream begins.
func TestAnotherCatalogue(t *testing.T) {
	for _, test := range []struct {
		name    string
		types   []string
		want    [3][]string
		skipped int
	}{
		{"another order", []string{"Alarm high", "New high", "Trace low", "Tally medium"}, [3][]string{{"Alarm 1", "Alarm 3"}, {"Tally 2"}, {"Trace 4"}}, 0},
		{"a type is gone", []string{"Tally medium", "Trace low"}, [3][]string{nil, {"Tally 2"}, {"Trace 4"}}, 2},
		{"a class has changed", []string{"Alarm low", "Tally medium", "Trace low"}, [3][]string{nil, {"Tally 2"}, {"Alarm 1", "Alarm 3", "Trace 4"}}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir)
			w.past()
			w.append(event.High, event.Medium, event.High, event.Low)
			w.kill()
			for run := range 2 { // the second finds a stream without flaw
				next := open(t, dir, func(o *Options) { o.Catalogue = catalogueOf(test.types...) })
				if got := next.past(); !slices.EqualFunc(got[:], test.want[:], slices.Equal) {
					t.Errorf("got %v, want %v", got, test.want)
				}
				if got := next.Restart().Skipped; run == 0 && got != test.skipped {
					t.Errorf("%d are counted as skipped, want %d", got, test.skipped)
				}
				if same, want := next.cursor.Epoch == w.cursor.Epoch, run == 1 || test.name == "another order"; same != want {
					t.Errorf("run %d: the epoch is the same: %v, want %v", run, same, want)
				}
				w.cursor = next.cursor
				next.kill()
			}
		})
	}
}

// Segments are added when they are full, and removed when the rest holds all that
// is to be retained.
func TestSegments(t *testing.T) {
	dir := t.TempDir()
	retain := [3]int{50, 20, 10}
	small := func(o *Options) { o.Retain, o.segment = retain, 2000 }
	w := open(t, dir, small)
	w.past()
	for range 400 {
		w.append(event.High, event.Medium, event.Low, event.Low)
	}
	var have [3]int
	for p := range have {
		list := files(t, dir, event.Priority(p))
		have[p] = len(list)
		if most := 3 + retain[p]*100/2000; len(list) < 2 || len(list) > most {
			t.Errorf("class %d has %d segments, want 2 to %d", p, len(list), most)
		}
	}
	w.Retain([3]int{500, 20, 1})
	for range 100 {
		w.append(event.High, event.Medium, event.Low, event.Low)
	}
	if n := len(files(t, dir, event.High)); n <= have[0] {
		t.Errorf("%d segments of high events, and there were %d when fewer were to be retained", n, have[0])
	}
	w.kill()
	next := open(t, dir, small)
	for p, got := range next.past() {
		all := w.of(event.Priority(p))
		if len(got) < retain[p] || !slices.Equal(got, all[len(all)-len(got):]) {
			t.Errorf("class %d: %d of the newest %d events are there", p, len(got), len(all))
		}
	}
	if next.cursor != w.cursorNow() {
		t.Errorf("the stream is at %v, want %v", next.cursor, w.cursorNow())
	}
	if err := next.flush(); err != nil || len(next.retired) != 0 {
		t.Errorf("%d full files are open: %v", len(next.retired), err)
	}
}

// What was appended is synced within the time given, without a further call.
func TestSyncsInTime(t *testing.T) {
	w := open(t, t.TempDir(), func(o *Options) { o.Sync = time.Millisecond })
	w.past()
	for range 3 {
		w.append(event.High, event.Low)
		eventually(t, "everything is synced", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return !w.armed && !w.classes[event.High].unsynced && !w.classes[event.Low].unsynced
		})
	}
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Append makes no garbage once its buffers have grown.
func TestAppendAllocatesNothing(t *testing.T) {
	w := open(t, t.TempDir())
	w.past()
	batch := w.batch(event.High, event.Medium, event.Low)
	next := func() {
		if _, err := w.Append(batch); err != nil {
			t.Fatal(err)
		}
		at := w.cursorNow()
		for _, e := range batch {
			at.Pos[e.Priority]++
			e.Place(at, sum(at.Pos))
		}
	}
	if n := testing.AllocsPerRun(1000, next); n > 0 {
		t.Errorf("%v allocations a batch", n)
	}
}
