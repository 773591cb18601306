package actors

import (
	"slices"
	"time"

	"github.com/adic-network/router/event"
)

// leastRun is how many bytes of events make it worth to write them as they are in
// their run (event.Run), without those of other classes: less is copied together.
const leastRun = 16 << 10

// joinFrames makes a run of events that are about to be published, if there are
// many. After a fault, some may have been published already: then they have had
// their run.
func (q *PriorityQueue) joinFrames(c *class, next []*event.Event) {
	if len(next) < 2 || next[0].Run() != nil || next[0].Seq <= c.head.Load() ||
		next[len(next)-1].Seq != next[0].Seq+uint64(len(next)-1) {
		return
	}
	size := 0
	for _, e := range next {
		size += len(e.JSON(event.Flat))
	}
	if size >= q.hub.leastRun {
		event.NewRun(slices.Clone(next))
	}
}

// takeRun returns the frames that wait in the run of the next event, if the
// client wants all of them and they are enough. In those with a cursor it is the
// client's own, so they are not to be had ready.
func (c *Connection) takeRun(ahead *reader, set *event.TypeSet) []byte {
	if c.enc.HasCursor() || ahead.fresh != nil {
		return nil
	}
	for p := event.High; p <= event.Low; p++ {
		e, overtaken := ahead.next(c.stream, p, set)
		switch {
		case e == nil && !overtaken:
			continue
		case e == nil || e.Run() == nil || !e.Run().Types().Minus(*set).IsEmpty():
			return nil
		}
		batch, last := e.Run().From(e, c.enc, batchSize)
		if len(batch) < c.hub.leastRun {
			return nil
		}
		ahead.pos[p] = last.Seq
		c.box.scratch.run = e
		return batch
	}
	return nil
}

// commitRun is commit for a batch that is part of a run.
func (c *Connection) commitRun(batch []byte, at [event.NumPriorities]uint64, n int) {
	if n == 0 {
		return
	}
	s := c.box.scratch
	first := s.run
	last, end := first.Run().Cut(first, c.enc, n)
	c.pos[first.Priority] = last.Seq
	if n == len(batch) {
		c.pos = at
	} else if end > n {
		c.tail = append([]byte(nil), batch[n:end]...) // a slice would keep the run
	}
	c.wrote(int(last.Seq-first.Seq)+1, n)
	s.traffic.delivered(time.Duration(time.Now().UnixNano() - first.Accepted))
}
