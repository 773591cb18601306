package actors

import "sync"

// dispatcher runs the mailboxes that have something to do on a few long-lived
// workers. A goroutine a wake would have to grow its stack each time; workers
// keep theirs. The run queue is a list through the mailboxes themselves, so that
// scheduling allocates nothing. It implements actor.Dispatcher for protoactor's
// sake, which never calls Schedule because our mailbox schedules itself.
type dispatcher struct {
	mu      sync.Mutex
	work    sync.Cond
	first   *mailbox
	last    *mailbox
	idle    int
	closed  bool
	workers sync.WaitGroup
	metrics *Metrics
}

// chunk is how many mailboxes a worker takes at a time: enough that the lock
// does not count, few enough that the workers share a fan-out evenly.
const chunk = 32

func newDispatcher(workers int, m *Metrics) *dispatcher {
	d := &dispatcher{metrics: m}
	d.work.L = &d.mu
	for range workers {
		d.workers.Go(d.run)
	}
	return d
}

// close ends the workers once the run queue is empty and waits for them.
func (d *dispatcher) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.work.Broadcast()
	d.workers.Wait()
}

// push schedules m.
func (d *dispatcher) push(m *mailbox) {
	d.pushList(m, m)
}

// pushList schedules the mailboxes linked from first to last.
func (d *dispatcher) pushList(first, last *mailbox) {
	last.nextRun = nil
	d.mu.Lock()
	if d.last == nil {
		d.first = first
	} else {
		d.last.nextRun = first
	}
	d.last = last
	idle := d.idle
	d.mu.Unlock()
	switch {
	case idle == 0:
	case first == last:
		d.work.Signal()
	default:
		d.work.Broadcast()
	}
}

func (d *dispatcher) run() {
	s := newScratch()
	for {
		m := d.take()
		if m == nil {
			return
		}
		for m != nil {
			next := m.nextRun // m may be scheduled again as soon as it has run
			m.nextRun = nil
			m.run(s)
			m = next
		}
		d.metrics.add(&s.traffic)
	}
}

// take waits for work and returns up to chunk linked mailboxes, or nil when the
// dispatcher is closed and nothing is left.
func (d *dispatcher) take() *mailbox {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.first == nil {
		if d.closed {
			return nil
		}
		d.idle++
		d.work.Wait()
		d.idle--
	}
	first := d.first
	last := first
	for n := 1; n < chunk && last.nextRun != nil; n++ {
		last = last.nextRun
	}
	if d.first = last.nextRun; d.first == nil {
		d.last = nil
	}
	last.nextRun = nil
	return first
}

// Schedule implements actor.Dispatcher.
func (d *dispatcher) Schedule(fn func()) { fn() }

// Throughput implements actor.Dispatcher.
func (d *dispatcher) Throughput() int { return chunk }
