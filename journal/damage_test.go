package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

// lastBatch makes a journal that ends in a batch of all classes, and returns the
// sizes that its files had before that.
func lastBatch(t *testing.T) (w *owner, before [event.NumPriorities]int64) {
	t.Helper()
	w = open(t, t.TempDir())
	w.past()
	w.append(event.High, event.Low)
	w.append(event.Medium)
	for p := range before {
		before[p] = w.classes[p].size
	}
	w.append(event.Low, event.High, event.Medium, event.High)
	w.kill()
	return w, before
}

// A process that is killed leaves the last batch half-written, anywhere. Then the
// batch is not there, nothing else is lost, and the stream goes on.
func TestTornTail(t *testing.T) {
	w, before := lastBatch(t)
	whole := [event.NumPriorities]int64{w.classes[0].size, w.classes[1].size, w.classes[2].size}
	for p := range whole {
		for size := before[p]; size < whole[p]; size++ {
			// Classes are written in their order.
			sizes := before
			copy(sizes[:p], whole[:p])
			sizes[p] = size
			dir := clone(t, w.dir)
			for p, size := range sizes {
				if err := os.Truncate(files(t, dir, event.Priority(p))[0], size); err != nil {
					t.Fatal(err)
				}
			}
			checkTorn(t, w, dir, fmt.Sprintf("cut to %v of %v bytes", sizes, whole))
		}
	}
}

func checkTorn(t *testing.T, w *owner, dir, how string) {
	t.Helper()
	next := open(t, dir)
	want := [3][]string{{"Alarm 1"}, {"Tally 3"}, {"Trace 2"}}
	if got := next.past(); !slices.EqualFunc(got[:], want[:], slices.Equal) || next.cursor.Epoch != w.cursor.Epoch {
		t.Fatalf("%s: got %v, want %v; epoch %x, was %x\n%s", how, got, want, next.cursor.Epoch, w.cursor.Epoch, next.log)
	}
	next.n = 10
	next.append(event.Low, event.High)
	next.kill()
	last := open(t, dir)
	want = [3][]string{{"Alarm 1", "Alarm 12"}, {"Tally 3"}, {"Trace 2", "Trace 11"}}
	if got := last.past(); !slices.EqualFunc(got[:], want[:], slices.Equal) || last.cursor.Epoch != w.cursor.Epoch {
		t.Fatalf("%s, and then another batch: got %v, want %v\n%s", how, got, want, last.log)
	}
	last.kill()
}

// The line that tells of a cut has all that one needs to look into it.
func TestCutIsTold(t *testing.T) {
	w, before := lastBatch(t)
	path := files(t, w.dir, event.Low)[0]
	if err := os.Truncate(path, before[event.Low]+5); err != nil {
		t.Fatal(err)
	}
	next := open(t, w.dir)
	cut := int64(5)
	for p, size := range before[:event.Low] {
		cut += w.classes[p].size - size
	}
	if got := next.Restart().CutBytes; got != cut {
		t.Errorf("%d bytes count as cut, want %d", got, cut)
	}
	want := fmt.Sprintf(`msg="journal: the end of a file is cut off" file=%s offset=%d bytes=5 reason="the end of the last record is missing"`, path, before[event.Low])
	if !strings.Contains(next.log.String(), want) {
		t.Errorf("the log lacks\n%s\nit is\n%s", want, next.log)
	}
	if n := strings.Count(next.log.String(), "a part of the batch is missing in the file of another class"); n != 2 {
		t.Errorf("%d files are told to have an incomplete batch, want 2\n%s", n, next.log)
	}
}

// A killed process leaves one batch half-written. More that is missing was
// acknowledged, so the stream cannot go on; and the rest is not thrown away.
func TestMoreThanABatchMissing(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	w.past()
	w.append(event.Low)
	at := w.classes[event.Low].size
	w.append(event.Low, event.High)
	w.append(event.Low, event.High)
	w.kill()
	if err := os.Truncate(files(t, dir, event.Low)[0], at); err != nil {
		t.Fatal(err)
	}
	next := open(t, dir)
	want := [3][]string{{"Alarm 3", "Alarm 5"}, nil, {"Trace 1"}}
	if got := next.past(); !slices.EqualFunc(got[:], want[:], slices.Equal) || next.cursor.Epoch == w.cursor.Epoch {
		t.Errorf("got %v, want %v, and a new epoch\n%s", got, want, next.log)
	}
}

// A whole batch that is missing behind the place where the journal was closed was
// acknowledged.
func TestShorterThanClosed(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	w.past()
	w.append(event.High)
	at := w.classes[event.High].size
	w.append(event.High)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(files(t, dir, event.High)[0], at); err != nil {
		t.Fatal(err)
	}
	next := open(t, dir)
	if got := next.past(); !slices.Equal(got[event.High], []string{"Alarm 1"}) || next.cursor.Epoch == w.cursor.Epoch {
		t.Errorf("got %v, and a new epoch: %v", got, next.cursor.Epoch != w.cursor.Epoch)
	}
}

// A bit that flips anywhere, in any file, is found. What is served is what was
// written, and unless all of it is there the stream does not go on.
func TestFlippedBits(t *testing.T) {
	w, _ := lastBatch(t)
	all := [3][]string{w.of(0), w.of(1), w.of(2)}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(w.dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			flipped := slices.Clone(data)
			flipped[i] ^= 1 << (i % 8)
			dir := clone(t, w.dir)
			write(t, filepath.Join(dir, entry.Name()), string(flipped))
			o, log := options(dir)
			j, err := Open(o)
			if err != nil {
				if entry.Name() != headerFile || !strings.Contains(err.Error(), "newer version") {
					t.Fatalf("%s, byte %d: %v", entry.Name(), i, err)
				}
				continue
			}
			next := &owner{Journal: j, t: t, log: log}
			got := next.past()
			for p := range got {
				if !isPrefix(got[p], all[p]) {
					t.Fatalf("%s, byte %d: got %v of %v", entry.Name(), i, got[p], all[p])
				}
			}
			if next.cursor.Epoch == w.cursor.Epoch {
				t.Fatalf("%s, byte %d: the stream goes on with %v\n%s", entry.Name(), i, got, log)
			}
			// The other files are whole.
			for p := range got {
				if !strings.Contains(entry.Name(), event.Priority(p).String()) && len(got[p]) != len(all[p]) {
					t.Fatalf("%s, byte %d: class %d has %v of %v", entry.Name(), i, p, got[p], all[p])
				}
			}
			next.kill()
		}
	}
}

// Whatever becomes of whole files, what is left of each class is its newest events
// without a gap, and the loss is not kept quiet.
func TestDamagedFiles(t *testing.T) {
	small := func(o *Options) { o.segment = 700; o.Retain = [3]int{100, 100, 100} }
	made := open(t, t.TempDir(), small)
	made.past()
	for range 30 {
		made.append(event.High, event.Low)
	}
	made.append(event.Medium)
	made.kill()
	high := made.of(event.High)
	list := files(t, made.dir, event.High)
	if len(list) < 5 {
		t.Fatalf("there are %d segments", len(list))
	}
	firstOf := func(i int) int { // index in high of the first event in segment i
		s, _ := parseSegmentName(filepath.Base(list[i]))
		return int(s.first) - 1
	}
	n := len(list)
	for _, test := range []struct {
		name   string
		damage func(paths []string) error
		want   []string
		same   bool
	}{
		{"nothing", func([]string) error { return nil }, high, true},
		{"the oldest is missing", func(f []string) error { return os.Remove(f[0]) }, high[firstOf(1):], true},
		{"one in the middle is missing", func(f []string) error { return os.Remove(f[2]) }, high[firstOf(3):], false},
		{"the newest is missing", func(f []string) error { return os.Remove(f[n-1]) }, high[:firstOf(n-1)], false},
		{"all are missing", func(f []string) error {
			for _, path := range f {
				if err := os.Remove(path); err != nil {
					return err
				}
			}
			return nil
		}, nil, false},
		{"the oldest is empty", func(f []string) error { return os.Truncate(f[0], 0) }, high[firstOf(1):], false},
		{"one in the middle is empty", func(f []string) error { return os.Truncate(f[2], 0) }, high[firstOf(3):], false},
		{"one in the middle is cut within a record", func(f []string) error { return os.Truncate(f[2], 333) }, high[firstOf(3):], false},
		{"the newest is empty", func(f []string) error { return os.Truncate(f[n-1], 0) }, high[:firstOf(n-1)], false},
		{"the newest has its head only", func(f []string) error { return os.Truncate(f[n-1], segmentHead) }, high[:firstOf(n-1)], false},
		{"two have changed places", func(f []string) error { return swap(f[1], f[2]) }, high[firstOf(3):], false},
		{"the newest and another have changed places", func(f []string) error { return swap(f[n-1], f[2]) }, high[firstOf(3):firstOf(n-1)], false},
		{"one is that of another class", func(f []string) error { return swap(f[2], files(t, filepath.Dir(f[2]), event.Low)[2]) }, high[firstOf(3):], false},
		{"one is of zeros", func(f []string) error { return os.WriteFile(f[2], make([]byte, 800), 0o600) }, high[firstOf(3):], false},
		{"zeros follow the newest", func(f []string) error { return extend(f[n-1], make([]byte, 4096)) }, high, false},
		{"a record is there twice", func(f []string) error {
			data, err := os.ReadFile(f[n-1])
			if err != nil {
				return err
			}
			return extend(f[n-1], data[segmentHead:])
		}, high, false},
		{"the header is missing", func(f []string) error { return os.Remove(filepath.Join(filepath.Dir(f[0]), headerFile)) }, high, false},
		{"the header is empty", func(f []string) error { return os.Truncate(filepath.Join(filepath.Dir(f[0]), headerFile), 0) }, high, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := clone(t, made.dir)
			if err := test.damage(files(t, dir, event.High)); err != nil {
				t.Fatal(err)
			}
			next := open(t, dir, small)
			got := next.past()
			if !slices.Equal(got[event.High], test.want) {
				t.Errorf("got  %v\nwant %v", got[event.High], test.want)
			}
			if !strings.Contains(test.name, "another class") && !slices.Equal(got[event.Low], made.of(event.Low)) {
				t.Errorf("low: got %v", got[event.Low])
			}
			if same := next.cursor.Epoch == made.cursor.Epoch; same != test.same {
				t.Errorf("the epoch is the same: %v, want %v\n%s", same, test.same, next.log)
			}
			next.n = 1000
			next.mixed()
			next.kill()
			last := open(t, dir, small)
			for p, got := range last.past() {
				if want := next.of(event.Priority(p)); !slices.Equal(got[len(got)-len(want):], want) {
					t.Errorf("then: got %v, want %v at the end", got, want)
				}
			}
			if last.cursor.Epoch != next.cursor.Epoch {
				t.Errorf("the next run does not go on: %s", last.log)
			}
		})
	}
}

func swap(a, b string) error {
	for _, names := range [][2]string{{a, a + ".tmp"}, {b, a}, {a + ".tmp", b}} {
		if err := os.Rename(names[0], names[1]); err != nil {
			return err
		}
	}
	return nil
}

func extend(path string, with []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(with)
	return err
}

// A new stream that was being made when the process died is made again.
func TestKilledWhileRewriting(t *testing.T) {
	w, _ := lastBatch(t)
	other := clone(t, w.dir)
	next := open(t, other, otherBoot)
	next.past()
	next.kill()
	// The new segments, beside the old files and the old header.
	dir := clone(t, w.dir)
	header, err := os.ReadFile(filepath.Join(dir, headerFile))
	if err != nil {
		t.Fatal(err)
	}
	copyTo(t, other, dir)
	write(t, filepath.Join(dir, headerFile), string(header))
	last := open(t, dir, otherBoot)
	for p, got := range last.past() {
		if want := w.of(event.Priority(p)); !slices.Equal(got, want) {
			t.Errorf("class %d: got %v, want %v", p, got, want)
		}
	}
	if last.cursor.Epoch == w.cursor.Epoch || last.cursor.Epoch == next.cursor.Epoch {
		t.Error("the epoch is not a new one")
	}
	segments, err := listSegments(dir)
	if err != nil || len(segments) != 3 {
		t.Errorf("%d segments are left: %v", len(segments), err)
	}
}

// A header that is damaged does not say which of two streams counts: the new one
// may have been in the making.
func TestKilledWhileRewritingWithoutHeader(t *testing.T) {
	w, _ := lastBatch(t)
	w.kill()
	if err := os.Remove(filepath.Join(w.dir, headerFile)); err != nil {
		t.Fatal(err)
	}
	half := segment{epoch: 99, class: event.High, first: 1}
	f, err := half.create(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	later := time.Now().Add(time.Second) // clocks of files are coarse
	if err := os.Chtimes(filepath.Join(w.dir, half.name()), later, later); err != nil {
		t.Fatal(err)
	}
	next := open(t, w.dir)
	for p, got := range next.past() {
		if want := w.of(event.Priority(p)); !slices.Equal(got, want) {
			t.Errorf("class %d: got %v, want %v", p, got, want)
		}
	}
}
