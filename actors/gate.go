package actors

import (
	"sync/atomic"
	"time"
)

// gate decides when the next round may begin. A round appends at most what the
// rings hold, so a connection that has seen the whole of the last one cannot be
// overtaken by it. The gate therefore counts the connections that were woken
// and have not caught up: the next round begins when there are none.
//
// A connection whose transport is full is behind as well, because a client that
// reads as fast as the router writes must lose nothing, and sockets are smaller
// than rounds. But a client that does not read must not hold up the others. It
// is given as long as the router itself took to write the round to everyone
// (that is what "as fast as the router" means), within the bounds below, and is
// then released: no round waits for it until it has caught up.
type gate struct {
	behind  atomic.Int64
	waiting atomic.Bool // the queue wants to hear when behind gets to 0
	notify  func()
}

const (
	// patienceStep is how often a waiting queue looks for whom to release.
	patienceStep = 20 * time.Millisecond
	// A client that takes no byte for patienceFactor times the router's own time
	// for the round, within these bounds, is released.
	patienceFactor = 4
	leastPatience  = 500 * time.Millisecond // a busy machine keeps a process waiting that long
	mostPatience   = 5 * time.Second
	// A client that does take bytes, but slowly, is released after this many
	// times as long.
	slowFactor = 4
	// sweepInterval is how often stalled clients are looked for while no round
	// waits.
	sweepInterval = time.Second
)

// done says that one connection less is behind.
func (g *gate) done() {
	if g.behind.Add(-1) == 0 && g.waiting.CompareAndSwap(true, false) {
		g.notify()
	}
}

// round is the PriorityQueue's account of the round in progress.
type round struct {
	began time.Time
	busy  time.Duration // how long the router itself had something to write
	stuck time.Time     // since when only full transports were behind; zero before
}

// observe notes at now whether a connection that could be written to is behind.
func (r *round) observe(now time.Time, writing bool) {
	if writing {
		r.busy = now.Sub(r.began)
		r.stuck = time.Time{}
	} else if r.stuck.IsZero() {
		r.stuck = now
	}
}

// patience is how long a full transport may take nothing in this round. It is
// short when publishers are about to be refused.
func (r *round) patience(pressed bool) time.Duration {
	factor := time.Duration(patienceFactor)
	if pressed {
		factor = 1
	}
	return min(max(factor*r.busy, leastPatience), mostPatience)
}

// lost reports whether a connection stuck for the given time is not worth
// waiting for.
func (r *round) lost(now time.Time, stuckFor time.Duration, pressed bool) bool {
	p := r.patience(pressed)
	return stuckFor > p || !r.stuck.IsZero() && now.Sub(r.stuck) > slowFactor*p
}
