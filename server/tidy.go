package server

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// tidyInterval is how often it is looked whether a rush of clients is over.
	tidyInterval = time.Second
	// A rush is so many handshakes since memory was last given back, and it is
	// over when not one in rushShare of them came in the last interval.
	rush      = 500
	rushShare = 20
)

// tidy gives memory back to the system after many handshakes at once. They leave
// garbage behind, about as much as the connections themselves take, which Go
// would keep: with nothing more to allocate, its collector rests for minutes.
type tidy struct {
	handshakes *atomic.Int64
	stop       chan struct{}
	ended      chan struct{}
}

func newTidy(handshakes *atomic.Int64) *tidy {
	t := &tidy{handshakes: handshakes, stop: make(chan struct{}), ended: make(chan struct{})}
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
		now := t.handshakes.Load()
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
