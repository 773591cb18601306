package actors

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

func setOf(types ...event.TypeID) (set event.TypeSet) {
	for _, t := range types {
		set = set.With(t)
	}
	return set
}

// typeGen draws types from every word of a set.
var typeGen = rapid.SampledFrom([]event.TypeID{0, 1, 2, 63, 64, 127, 128, 200, 255})

func TestTypeLogAgainstList(t *testing.T) {
	log := newTypeLog()
	rapid.Check(t, func(t *rapid.T) {
		// The log goes round at multiples of its length.
		base := rapid.SampledFrom([]uint64{0, typeLogLen - 20, 5*typeLogLen - 7, 1 << 40}).Draw(t, "base")
		types := rapid.SliceOfN(typeGen, 1, 60).Draw(t, "types") // of the positions base+1, base+2, ...
		for i, typ := range types {
			log.set(base+1+uint64(i), typ)
		}
		set := setOf(rapid.SliceOfN(typeGen, 0, 4).Draw(t, "set")...)
		from := rapid.IntRange(0, len(types)).Draw(t, "from")
		to := rapid.IntRange(from, len(types)).Draw(t, "to")

		wantNext, wantCount := base+uint64(to)+1, uint64(0)
		for i := to - 1; i >= from; i-- {
			if set.Has(types[i]) {
				wantNext = base + 1 + uint64(i)
				wantCount++
			}
		}
		pos, end := base+uint64(from), base+uint64(to)
		if got := log.next(pos, end, &set); got != wantNext {
			t.Errorf("next(%d, %d) = %d, want %d", pos, end, got, wantNext)
		}
		if got := log.count(pos, end, &set); got != wantCount {
			t.Errorf("count(%d, %d) = %d, want %d", pos, end, got, wantCount)
		}
	})
}

func TestTypeLogCovers(t *testing.T) {
	const length = typeLogLen - typesPerLog // what is safe from the writer
	log := newTypeLog()
	for _, test := range []struct {
		name      string
		pos, head uint64
		want      bool
	}{
		{"empty", 0, 0, true},
		{"never full", 0, length - 1, true},
		{"just full", 0, length, true},
		{"first position overwritten", 0, length + 1, false},
		{"oldest safe position", 1000, length + 1000, true},
		{"one before it", 999, length + 1000, false},
		{"at the head", 5 << 30, 5 << 30, true},
	} {
		if got := log.covers(test.pos, test.head); got != test.want {
			t.Errorf("%s: covers(%d, %d) = %v", test.name, test.pos, test.head, got)
		}
	}
}

// The writer may be one word into its next round while a reader counts from the
// oldest position that covers allows.
func TestTypeLogWriterStaysOffWhatIsCovered(t *testing.T) {
	log := newTypeLog()
	for seq := range uint64(typeLogLen) {
		log.set(seq, 7)
	}
	head := uint64(typeLogLen - 1)
	var oldest uint64
	for !log.covers(oldest, head) {
		oldest++
	}
	log.set(head+1, 8) // on its way, not published
	set := setOf(7)
	if got, want := log.count(oldest, head, &set), head-oldest; got != want {
		t.Errorf("count = %d, want %d: the event on its way shows", got, want)
	}
}
