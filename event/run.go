package event

import (
	"sort"
	"sync/atomic"
)

// Run is events of one class that follow each other in the stream. Their frames
// can be had behind one another, so that who wants all of them is sent many with
// one write and without a copy. Any number of goroutines may read it.
type Run struct {
	events []*Event
	types  TypeSet
	joined [NumEncodings]atomic.Pointer[joined] // each made on first use
}

// joined is the frames of a run in one encoding, and where each of them ends.
type joined struct {
	frames []byte
	ends   []int
}

// NewRun makes a run of events, at least one, which have their places: of one
// class, each at the position after the one before. It is called before they are
// shared, keeps the slice, and is what [Event.Run] returns for each of them.
func NewRun(events []*Event) *Run {
	r := &Run{events: events}
	for _, e := range events {
		r.types = r.types.With(e.Type)
		e.run = r
	}
	return r
}

// Run returns the run that e is part of, nil if there is none.
func (e *Event) Run() *Run { return e.run }

// Types returns the types of the events.
func (r *Run) Types() TypeSet { return r.types }

// From returns the frames of first, which is part of r, and of as many events
// after it as fit into size bytes, but at least its own, and the last of these
// events. The encoding has no cursor. The bytes are shared by all connections and
// must not be modified.
func (r *Run) From(first *Event, enc Encoding, size int) (frames []byte, last *Event) {
	j := r.join(enc)
	i := r.index(first)
	start := j.start(i)
	n := sort.SearchInts(j.ends[i:], start+size+1) // those that end within size bytes
	n = max(n, 1)
	end := j.ends[i+n-1]
	return j.frames[start:end:end], r.events[i+n-1]
}

// Cut returns the event that n bytes, more than none, of what From returned for
// first end in, and where its frame ends in them.
func (r *Run) Cut(first *Event, enc Encoding, n int) (last *Event, end int) {
	j := r.join(enc)
	i := r.index(first)
	start := j.start(i)
	k := i + sort.SearchInts(j.ends[i:], start+n)
	return r.events[k], j.ends[k] - start
}

func (r *Run) index(e *Event) int { return int(e.Seq - r.events[0].Seq) }

func (j *joined) start(i int) int {
	if i == 0 {
		return 0
	}
	return j.ends[i-1]
}

func (r *Run) join(enc Encoding) *joined {
	if j := r.joined[enc].Load(); j != nil {
		return j
	}
	size := 0
	for _, e := range r.events {
		size += len(e.Frame(enc))
	}
	j := &joined{frames: make([]byte, 0, size), ends: make([]int, len(r.events))}
	for i, e := range r.events {
		j.frames = append(j.frames, e.Frame(enc)...)
		j.ends[i] = len(j.frames)
	}
	if !r.joined[enc].CompareAndSwap(nil, j) {
		return r.joined[enc].Load() // somebody else was faster
	}
	return j
}
