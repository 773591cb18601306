package server

import (
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// tidyInterval is how often it is looked whether a rush of clients, in or out, is
	// over.
	tidyInterval = time.Second
	// A rush is so many moves since memory was last given back, and it is over when
	// not one in rushShare of them came in the last interval.
	rush      = 500
	rushShare = 20
)

// tidy gives memory back to the system after many streams have begun or ended at once.
// Handshakes leave garbage behind, about as much as the connections themselves take,
// and so do the connections when they end. Go would keep it: with nothing more to
// allocate, its collector rests for minutes.
type tidy struct {
	moves func() int64
	stop  chan struct{}
	ended chan struct{}
}

// newTidy starts it. moves is how often a stream has begun or ended so far.
func newTidy(moves func() int64) *tidy {
	t := &tidy{moves: moves, stop: make(chan struct{}), ended: make(chan struct{})}
	go t.run()
	return t
}

func (t *tidy) run() {
	defer close(t.ended)
	ticker := time.NewTicker(tidyInterval)
	defer ticker.Stop()
	var seen, given int64
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
		}
		now := t.moves()
		if now-given >= rush && (now-seen)*rushShare < now-given {
			runtime.GC() // what pools hold is garbage at the second collection
			debug.FreeOSMemory()
			given = now
		}
		seen = now
	}
}

// close ends the goroutine.
func (t *tidy) close() {
	close(t.stop)
	<-t.ended
}
