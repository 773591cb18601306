package bench

import "slices"

// verdict is what a sequence number says about the event that carries it.
type verdict uint8

const (
	inOrder   verdict = iota // the next one, or a later one after a gap
	reordered                // one that was missing, after later ones
	duplicate                // one that was there already
)

// sequence follows the sequence numbers that one connection receives. The zero
// value has seen nothing. Connections that lose nothing cost 24 bytes.
type sequence struct {
	last [classes]uint32 // the highest seen
	loss *loss           // nil until something is missing or was told
}

// loss is what one connection missed and what it was told about it.
type loss struct {
	gaps [classes][]gap // missing below last, in order
	lost [classes]uint64
	told [classes]uint64
	// unknown is set for a class whose count was told as null.
	unknown [classes]bool
	// toldLate is set when a gap was seen before it was told.
	toldLate bool
}

// gap is a range of missing sequence numbers, both ends included.
type gap struct{ first, last uint32 }

// see takes note of the event seq of class c, which is at least 1.
func (s *sequence) see(c class, seq uint32) verdict {
	last := s.last[c]
	if seq == last+1 {
		s.last[c] = seq
		return inOrder
	}
	if seq <= last {
		if s.loss != nil && s.loss.fill(c, seq) {
			return reordered
		}
		return duplicate
	}
	s.last[c] = seq
	l := s.losses()
	l.gaps[c] = append(l.gaps[c], gap{last + 1, seq - 1})
	l.lost[c] += uint64(seq - last - 1)
	if l.lost[c] > l.told[c] && !l.unknown[c] {
		l.toldLate = true
	}
	return inOrder
}

// tell takes note of the count of a Lagged message for class c, nil for null.
func (s *sequence) tell(c class, dropped *uint64) {
	switch {
	case dropped == nil:
		s.losses().unknown[c] = true
	case *dropped > 0:
		s.losses().told[c] += *dropped
	}
}

// finish takes note that the events up to last of class c were published and
// that none of them will come any more.
func (s *sequence) finish(c class, last uint32) {
	if s.last[c] < last {
		s.losses().lost[c] += uint64(last - s.last[c])
		s.last[c] = last
	}
}

func (s *sequence) losses() *loss {
	if s.loss == nil {
		s.loss = new(loss)
	}
	return s.loss
}

// fill takes seq out of the gaps and says whether it was in one.
func (l *loss) fill(c class, seq uint32) bool {
	gaps := l.gaps[c]
	i, ok := slices.BinarySearchFunc(gaps, seq, func(g gap, seq uint32) int {
		switch {
		case g.last < seq:
			return -1
		case g.first > seq:
			return 1
		}
		return 0
	})
	if !ok {
		return false
	}
	g := gaps[i]
	var parts []gap
	if g.first < seq {
		parts = append(parts, gap{g.first, seq - 1})
	}
	if seq < g.last {
		parts = append(parts, gap{seq + 1, g.last})
	}
	l.gaps[c] = slices.Replace(gaps, i, i+1, parts...)
	l.lost[c]--
	return true
}
