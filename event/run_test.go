package event

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// runOf returns a run of n events of one class that begins at a position.
func runOf(t testing.TB, n int, from uint64) (*Run, []*Event) {
	t.Helper()
	texts := []string{
		`{"type":"MessageAdded","message_id":"%d","depth":42}`,
		`{"type":"MessageFinalized","message_id":"%d","finality_type":"KCore"}`,
	}
	events := make([]*Event, n)
	for i := range events {
		events[i] = placed(t, fmt.Sprintf(texts[i%2], i*i), Cursor{Epoch: 1, Pos: [NumPriorities]uint64{High: from + uint64(i)}})
	}
	return NewRun(slices.Clone(events)), events
}

// What a run returns is the frames of its events, cut between two of them.
func TestRun(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		run, events := runOf(t, rapid.IntRange(1, 20).Draw(rt, "events"), rapid.Uint64Range(1, 1000).Draw(rt, "from"))
		enc := rapid.SampledFrom([]Encoding{WSFlat, WSTagged, WSFlatDeflate}).Draw(rt, "encoding")
		i := rapid.IntRange(0, len(events)-1).Draw(rt, "first")
		size := rapid.IntRange(0, 4000).Draw(rt, "size")

		frames, last := run.From(events[i], enc, size)
		k := slices.Index(events, last)
		if k < i {
			rt.Fatalf("from event %d to event %d", i, k)
		}
		var want []byte
		for _, e := range events[i : k+1] {
			want = append(want, e.Frame(enc)...)
		}
		if !bytes.Equal(frames, want) {
			rt.Fatalf("%q, want %q", frames, want)
		}
		if k > i && len(frames) > size {
			rt.Errorf("%d bytes for several events, want %d at most", len(frames), size)
		}
		if k+1 < len(events) && len(frames)+len(events[k+1].Frame(enc)) <= size {
			rt.Errorf("%d of %d bytes, and the next frame would fit", len(frames), size)
		}
		if cap(frames) != len(frames) {
			rt.Error("appending to the frames would write over those that follow")
		}

		n := rapid.IntRange(1, len(frames)).Draw(rt, "taken")
		cut, end := run.Cut(events[i], enc, n)
		length := len(cut.Frame(enc))
		if end < n || end-length >= n {
			rt.Errorf("%d bytes end in the frame from %d to %d", n, end-length, end)
		}
		if got := frames[end-length : end]; !bytes.Equal(got, cut.Frame(enc)) {
			rt.Errorf("the frame that is cut is %q, want %q", got, cut.Frame(enc))
		}
	})
}

func TestRunOfEvent(t *testing.T) {
	run, events := runOf(t, 2, 5)
	for i, e := range events {
		if e.Run() != run || !run.Types().Has(e.Type) {
			t.Errorf("event %d does not know its run, or is not known to it", i)
		}
	}
	if alone := placed(t, `{"type":"MessageAdded","message_id":"1","depth":42}`, Cursor{Epoch: 1}); alone.Run() != nil {
		t.Error("an event alone has a run")
	}
}

func TestRunAllocatesOnce(t *testing.T) {
	run, events := runOf(t, 20, 1)
	run.From(events[0], WSFlat, 1000)
	if n := testing.AllocsPerRun(100, func() {
		frames, _ := run.From(events[3], WSFlat, 1000)
		run.Cut(events[3], WSFlat, len(frames)/2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
