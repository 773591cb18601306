package actors

import (
	"sync/atomic"

	"github.com/adic-network/router/event"
)

const (
	// typeLogLen is how far back, in events of a class, the types of events that
	// a ring no longer holds are known, and so how far back losses under a
	// filter are counted exactly. A power of two, so that a position finds its
	// place with a mask.
	typeLogLen  = 1 << 20
	typesPerLog = 8 // a word of the log holds the types of eight events
)

// typeLog remembers the types of the last typeLogLen events of a class, a byte
// each. The pages of a log that was never full cost no memory. One writer, any
// number of readers: a reader takes a word at a time, and makes sure with
// covers afterwards that the writer has not lapped it meanwhile.
type typeLog struct {
	words []atomic.Uint64
	floor atomic.Uint64 // nothing up to this position is known
}

func newTypeLog() typeLog {
	return typeLog{words: make([]atomic.Uint64, typeLogLen/typesPerLog)}
}

// set notes the type of the event at position seq. Only the writer calls it, and
// before it publishes seq as the head.
func (l *typeLog) set(seq uint64, t event.TypeID) {
	w := &l.words[seq/typesPerLog%(typeLogLen/typesPerLog)]
	shift := seq % typesPerLog * 8
	w.Store(w.Load()&^(0xff<<shift) | uint64(t)<<shift)
}

// covers reports whether the log still holds every position after pos, with the
// head at head. A word is rewritten as a whole, hence the margin.
func (l *typeLog) covers(pos, head uint64) bool {
	return pos >= l.floor.Load() && (head < typeLogLen-typesPerLog || pos >= head-(typeLogLen-typesPerLog))
}

// next returns the first position in (pos, end] whose type is in set, or end+1.
func (l *typeLog) next(pos, end uint64, set *event.TypeSet) uint64 {
	for seq := pos + 1; seq <= end; {
		types := l.words[seq/typesPerLog%(typeLogLen/typesPerLog)].Load() >> (seq % typesPerLog * 8)
		for left := min(typesPerLog-seq%typesPerLog, end-seq+1); left > 0; left-- {
			if t := types & 0xff; set[t>>6]>>(t&63)&1 != 0 {
				return seq
			}
			types >>= 8
			seq++
		}
	}
	return end + 1
}

// count returns how many events in (pos, end] have a type in set.
func (l *typeLog) count(pos, end uint64, set *event.TypeSet) uint64 {
	var n uint64
	for seq := pos + 1; seq <= end; {
		types := l.words[seq/typesPerLog%(typeLogLen/typesPerLog)].Load() >> (seq % typesPerLog * 8)
		for left := min(typesPerLog-seq%typesPerLog, end-seq+1); left > 0; left-- {
			t := types & 0xff
			n += set[t>>6] >> (t & 63) & 1
			types >>= 8
			seq++
		}
	}
	return n
}
