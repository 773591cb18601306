package bench

import (
	"testing"

	"pgregory.net/rapid"
)

// The model keeps every number that it has seen.
func TestSequenceAgreesWithASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arrivals := rapid.SliceOfN(rapid.Uint32Range(1, 30), 0, 60).Draw(t, "arrivals")
		published := rapid.Uint32Range(1, 40).Draw(t, "published")
		var s sequence
		seen, last := map[uint32]bool{}, uint32(0)
		for i, seq := range arrivals {
			want := inOrder
			switch {
			case seen[seq]:
				want = duplicate
			case seq < last:
				want = reordered
			}
			seen[seq], last = true, max(last, seq)
			if got := s.see(medium, seq); got != want {
				t.Fatalf("arrival %d of %d: verdict %d, want %d", i, seq, got, want)
			}
		}
		s.finish(medium, published)
		missing := uint64(0)
		for seq := uint32(1); seq <= max(last, published); seq++ {
			if !seen[seq] {
				missing++
			}
		}
		got := uint64(0)
		if s.loss != nil {
			got = s.loss.lost[medium]
		}
		if got != missing {
			t.Fatalf("%d lost, want %d", got, missing)
		}
		if s.last[high] != 0 || s.last[low] != 0 {
			t.Fatal("another class was touched")
		}
	})
}

func TestSequenceNoticesWhatIsToldLate(t *testing.T) {
	three, one := uint64(3), uint64(1)
	tests := []struct {
		name  string
		steps func(s *sequence)
		late  bool
	}{
		{"told before the gap", func(s *sequence) { s.tell(high, &three); s.see(high, 4) }, false},
		{"told after the gap", func(s *sequence) { s.see(high, 4); s.tell(high, &three) }, true},
		{"told less", func(s *sequence) { s.tell(high, &one); s.see(high, 4) }, true},
		{"told of another class", func(s *sequence) { s.tell(low, &three); s.see(high, 4) }, true},
		{"told without a count", func(s *sequence) { s.tell(high, nil); s.see(high, 4) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s sequence
			tt.steps(&s)
			if s.loss.toldLate != tt.late {
				t.Errorf("told late: %v, want %v", s.loss.toldLate, tt.late)
			}
		})
	}
}

func TestSequenceCostsNothingWithoutLoss(t *testing.T) {
	var s sequence
	seq, zero := uint32(0), uint64(0)
	if n := testing.AllocsPerRun(100, func() {
		seq++
		s.see(high, seq)
		s.see(high, seq) // a duplicate
		s.tell(high, &zero)
		s.finish(high, seq)
	}); n != 0 || s.loss != nil {
		t.Errorf("%g allocations for events in order", n)
	}
}
