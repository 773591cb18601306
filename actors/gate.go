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
// than rounds. But a client that does not read must not hold up the others. How
// long is long enough is measured, not guessed: by the time it took until half of
// the connections of the round had caught up. While more than half are behind it
// is the router, the network or the machine that is slow, and no one is to blame;
// of the others, those that take nothing for several times as long are released:
// no round waits for them until they have caught up by themselves. Clients that
// stall while no round waits are released as well, so that the next round that
// must wait finds only those that have stalled just now.
type gate struct {
	behind  atomic.Int64
	waiting atomic.Bool // the queue wants to hear when behind gets to 0
	notify  func()
}

const (
	// patienceStep is how often a waiting queue looks for whom to release.
	patienceStep = 20 * time.Millisecond
	// A client that takes no byte for patienceFactor times what half of the others
	// needed, within the bounds below, is released.
	patienceFactor = 10
	leastPatience  = time.Second // a busy machine keeps a process waiting that long
	mostPatience   = 5 * time.Second
	// pressedPatience replaces mostPatience when publishers are about to be
	// refused.
	pressedPatience = 2 * time.Second
	// A client that does take bytes, but slowly, is released slowFactor times
	// that patience after half of the others were done.
	slowFactor = 4
	// longestRound is when whoever is still behind is released, if even half of
	// the connections do not catch up.
	longestRound = 30 * time.Second
	// sweepInterval is how often clients are looked for that have taken nothing
	// for sweepPatience, while no round waits.
	sweepInterval = time.Second
	sweepPatience = time.Second
)

// done says that one connection less is behind.
func (g *gate) done() {
	if g.behind.Add(-1) == 0 && g.waiting.CompareAndSwap(true, false) {
		g.notify()
	}
}

// round is the PriorityQueue's account of the round in progress. It begins when
// the round is full: one that has room for what comes may stay open for as long as
// somebody is slow, and costs nobody anything.
type round struct {
	full time.Time     // since when it is; zero before
	peak int           // the most connections that were behind at once
	half time.Duration // how long it took until half of them had caught up, so far
	most bool          // more than half are behind
	done bool          // half of them have, once: half is final
}

// observe notes at now how many connections are behind. A round that is full may have
// room for what comes in another class, which puts everybody behind for a moment, time
// and again. That says nothing of how long half of them need.
func (r *round) observe(now time.Time, behind int) {
	r.peak = max(r.peak, behind)
	r.most = behind*2 > r.peak
	r.done = r.done || !r.most
	if !r.done {
		r.half = now.Sub(r.full)
	}
}

// patience is how long a client may take nothing in this round.
func (r *round) patience(pressed bool) time.Duration {
	most := mostPatience
	if pressed {
		most = pressedPatience
	}
	return min(max(patienceFactor*r.half, leastPatience), most)
}

// lost reports whether a connection that is stuck for the given time is not worth
// waiting for.
func (r *round) lost(now time.Time, stuckFor time.Duration, pressed bool) bool {
	p := r.patience(pressed)
	took := now.Sub(r.full)
	return stuckFor > p || !r.most && took > r.half+slowFactor*p || took > longestRound
}
