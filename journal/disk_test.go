package journal

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/adic-network/router/event"
)

// A sync that failed ends the journal until the next start: what is lost by it is
// not known. What had to be committed by it is taken back.
func TestSyncFails(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, ahead)
	w.past()
	w.append(event.High)
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.append(event.High, event.Low)
	gone, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	w.retired = append(w.retired, gone) // cannot be synced
	if err := w.Commit(); err == nil {
		t.Fatal("what cannot be synced is committed")
	}
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), "restart adic") {
		t.Errorf("the reason is %v", err)
	}
	if _, err := w.Append(w.batch(event.Low)); err == nil || err.Error() != w.Err().Error() {
		t.Errorf("appending: %v", err)
	}
	killed := clone(t, dir) // and not closed
	if err := w.Close(); err == nil {
		t.Error("it counts as closed well")
	}
	if h, _, err := readHeader(dir); err != nil || h.closed {
		t.Errorf("the header says %+v, %v", h, err)
	}
	for _, dir := range []string{dir, killed} {
		next := open(t, dir, ahead)
		if got, want := next.past(), [3][]string{{"Alarm 1"}, nil, nil}; !slices.EqualFunc(got[:], want[:], slices.Equal) {
			t.Errorf("after it: %v", got)
		}
	}
}

// A disk that is full leaves no trace, even where what was written could not be
// taken back at once. /dev/full is such a disk, which cannot be truncated either.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	w.past()
	w.append(event.High, event.Low)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	c := &w.classes[event.Low]
	f := c.f
	c.f = full
	if _, err := w.Append(w.batch(event.High, event.Low)); !errors.Is(err, syscall.ENOSPC) || err.Error() != "no space left on device" {
		t.Fatalf("a full disk gives %v", err)
	}
	if err := w.Err(); !errors.Is(err, syscall.ENOSPC) || err.Error() != "no space left on device" {
		t.Errorf("the reason is %v", err)
	}
	c.f = f
	if _, err := f.WriteAt(make([]byte, 500), c.size); err != nil { // as a write does that fails half-way
		t.Fatal(err)
	}
	w.append(event.Low)
	if w.Err() != nil {
		t.Errorf("it goes on failing: %v", w.Err())
	}
	if n := strings.Count(w.log.String(), "cannot be written"); n != 1 {
		t.Errorf("that is told %d times: %s", n, w.log)
	}
	w.kill()
	next := open(t, dir)
	for p, got := range next.past() {
		if want := w.of(event.Priority(p)); !slices.Equal(got, want) {
			t.Errorf("class %d: got %v, want %v", p, got, want)
		}
	}
	if next.log.Len() > 0 {
		t.Errorf("the next start tells: %s", next.log)
	}
}

// What a probe for room writes is cut off like a record whose end is missing.
func TestUnfinished(t *testing.T) {
	for _, size := range []int{1, 32, 200, 1 << 20} {
		b := unfinished(size)
		for _, n := range []int{1, recordHead - 1, recordHead, len(b) - 1, len(b)} {
			if _, _, err := readRecord(b[:n]); !errors.Is(err, errTorn) || len(b) < size {
				t.Errorf("%d of %d bytes are read as %v", n, len(b), err)
			}
		}
	}
}
