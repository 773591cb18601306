package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// life is what a journal should hold over several runs: the batches of the present
// stream, in order.
type life struct {
	t       *rapid.T
	dir     string
	boot    int
	epoch   event.Epoch
	batches [][]string // what each holds: "Alarm 1"
	n       int
}

// Runs follow each other, each with batches of random shape and small segments,
// and ends in some way at some write. What comes back is the first so many batches
// of the stream, of which old ones may be gone, whole in every class; everything
// acknowledged is among them, and under the same epoch, unless the machine went
// down.
func TestLives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		l := &life{t: rt, dir: dir}
		for range rapid.IntRange(2, 5).Draw(rt, "runs") {
			l.run(t)
		}
	})
}

func (l *life) run(t *testing.T) {
	inAdvance := rapid.Bool().Draw(l.t, "synced ahead")
	w := open(t, l.dir, func(o *Options) {
		o.boot = fmt.Sprint("boot-", l.boot)
		o.segment = 600
		o.Retain = [3]int{8, 4, 2}
		if inAdvance {
			o.Sync = 0
		}
	})
	w.n = l.n
	past := w.past()
	if len(l.batches) > 0 && w.cursor.Epoch != l.epoch {
		l.t.Fatalf("the epoch has changed: %s", w.log)
	}
	l.epoch = w.cursor.Epoch
	l.check(past, len(l.batches))

	committed := len(l.batches)
	safe := w.files()
	for range rapid.IntRange(0, 12).Draw(l.t, "batches") {
		w.acked = nil
		w.append(rapid.SliceOfN(rapid.SampledFrom([]event.Priority{0, 1, 2}), 1, 6).Draw(l.t, "batch")...)
		l.batches = append(l.batches, w.acked)
		if !inAdvance {
			committed, safe = len(l.batches), w.files()
		} else if rapid.Bool().Draw(l.t, "commit") {
			if err := w.Commit(); err != nil {
				l.t.Fatal(err)
			}
			committed, safe = len(l.batches), w.files()
		}
	}
	l.n = w.n

	switch rapid.SampledFrom([]string{"close", "kill", "kill in a write", "power failure"}).Draw(l.t, "end") {
	case "close":
		if err := w.Close(); err != nil {
			l.t.Fatal(err)
		}
		l.batches = l.batches[:committed]
	case "kill":
		w.kill()
	case "kill in a write":
		before := w.files()
		w.append(rapid.SliceOfN(rapid.SampledFrom([]event.Priority{0, 1, 2}), 1, 6).Draw(l.t, "last batch")...)
		l.n = w.n
		after := w.files()
		w.kill()
		l.cutWrites(before, after)
	case "power failure":
		size := w.files()
		w.kill()
		l.boot++
		if inAdvance {
			// Of what was not committed anything may be lost, in each file.
			l.cutEach(safe, size)
			l.batches = l.batches[:l.recovered(t, committed, sameEpoch)]
		} else {
			l.cutEach(nil, size)
			l.recovered(t, 0, newEpoch)
			l.batches, l.n = nil, 0 // a new stream, which the next run begins
			if err := os.RemoveAll(l.dir); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// files returns the newest file of each class, and its size.
func (w *owner) files() map[string]int64 {
	sizes := make(map[string]int64)
	for p := range w.classes {
		sizes[filepath.Join(w.dir, w.classes[p].name())] = w.classes[p].size
	}
	return sizes
}

// cutWrites leaves so much of the writes between before and after as a process did
// before it was killed.
func (l *life) cutWrites(before, after map[string]int64) {
	paths := []string{}
	total := int64(0)
	start := func(path string) int64 { return max(before[path], segmentHead) }
	for path := range after {
		paths = append(paths, path)
		total += after[path] - start(path)
	}
	class := func(path string) event.Priority {
		s, _ := parseSegmentName(filepath.Base(path))
		return s.class
	}
	slices.SortFunc(paths, func(a, b string) int { return int(class(a)) - int(class(b)) })
	done := rapid.Int64Range(0, total-1).Draw(l.t, "bytes written")
	for _, path := range paths {
		n := min(done, after[path]-start(path))
		done -= n
		if err := os.Truncate(path, start(path)+n); err != nil {
			l.t.Fatal(err)
		}
	}
}

// cutEach leaves some of what each file has beyond what it has for certain.
func (l *life) cutEach(least, size map[string]int64) {
	for _, path := range slices.Sorted(func(yield func(string) bool) {
		for path := range size {
			if !yield(path) {
				return
			}
		}
	}) {
		from := int64(0)
		if least != nil {
			from = max(least[path], segmentHead)
		}
		if err := os.Truncate(path, rapid.Int64Range(from, size[path]).Draw(l.t, "size left")); err != nil {
			l.t.Fatal(err)
		}
	}
}

type epochAfter string

const sameEpoch, newEpoch epochAfter = "same", "new"

// recovered opens what a power failure left, and returns how many batches are
// there. Under a new epoch, which it has where positions were lost, each class has
// a run of its events.
func (l *life) recovered(t *testing.T, committed int, epoch epochAfter) (batches int) {
	w := open(t, l.dir, func(o *Options) {
		o.boot = fmt.Sprint("boot-", l.boot)
		o.Sync = 0
		o.Retain = [3]int{8, 4, 2}
	})
	defer w.kill()
	past := w.past()
	if epoch == newEpoch {
		if w.cursor.Epoch == l.epoch {
			l.t.Fatalf("the epoch is the same after a power failure")
		}
		for p, got := range past {
			if all := l.of(event.Priority(p), len(l.batches)); !isRun(got, all) {
				l.t.Fatalf("class %d: %v is no part of %v", p, got, all)
			}
		}
		return 0
	}
	if w.cursor.Epoch != l.epoch {
		l.t.Fatalf("the epoch has changed: %s", w.log)
	}
	for n, events := 0, uint64(0); ; n++ {
		if events == sum(w.cursor.Pos) {
			if n < committed {
				l.t.Fatalf("%d batches are there and %d were committed\n%s", n, committed, w.log)
			}
			l.check(past, n)
			return n
		}
		if n == len(l.batches) {
			l.t.Fatalf("the stream is at %v, which is no end of a batch", w.cursor)
		}
		events += uint64(len(l.batches[n]))
	}
}

// of returns the events of a class in the first n batches.
func (l *life) of(p event.Priority, n int) (events []string) {
	w := owner{}
	for _, b := range l.batches[:n] {
		w.acked = append(w.acked, b...)
	}
	return w.of(p)
}

// check holds what a journal has against the first n batches.
func (l *life) check(past [event.NumPriorities][]string, n int) {
	for p, got := range past {
		all := l.of(event.Priority(p), n)
		if least := min(len(all), []int{8, 4, 2}[p]); len(got) < least || !slices.Equal(got, all[len(all)-len(got):]) {
			l.t.Fatalf("class %d: got %v, want the newest of %v, at least %d", p, got, all, least)
		}
	}
}

// isRun reports whether got is in all, without a gap.
func isRun(got, all []string) bool {
	for i := 0; i+len(got) <= len(all); i++ {
		if slices.Equal(got, all[i:i+len(got)]) {
			return true
		}
	}
	return false
}
