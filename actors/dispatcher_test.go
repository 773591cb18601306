package actors

import (
	"sync"
	"testing"

	"github.com/VictoriaMetrics/metrics"
)

// Every mailbox that is signalled runs, and never on two workers at once, which
// its recorder checks.
func TestDispatcherRunsAll(t *testing.T) {
	const boxes, signals, senders = 100, 200, 4
	d := newDispatcher(4, newMetrics(metrics.NewSet(), catalogue()))
	all := make([]*mailbox, boxes)
	recorders := make([]*recorder, boxes)
	for i := range all {
		all[i], recorders[i] = newMailbox(t, d)
	}
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range signals {
				for _, m := range all {
					m.Readable()
				}
			}
		})
	}
	wg.Wait()
	d.close() // runs what is left
	for i, r := range recorders {
		if n := len(r.user); n == 0 || n > senders*signals {
			t.Errorf("mailbox %d ran %d times for %d signals", i, n, senders*signals)
		}
		if s := all[i].state.Load(); s != 0 {
			t.Errorf("mailbox %d is left in state %010b", i, s)
		}
	}
}

// take gives out a chunk at most, so that the workers share a long list, and in
// the order of the list.
func TestDispatcherChunks(t *testing.T) {
	d := newDispatcher(0, newMetrics(metrics.NewSet(), catalogue()))
	const n = 2*chunk + 3
	all := make([]*mailbox, n)
	for i := range all {
		all[i] = new(mailbox)
		if i > 0 {
			all[i-1].nextRun = all[i]
		}
	}
	d.pushList(all[0], all[n-1])
	extra := new(mailbox)
	d.push(extra)
	i := 0
	for _, want := range []int{chunk, chunk, 4} {
		got := 0
		for m := d.take(); m != nil; m = m.nextRun {
			if i < n && m != all[i] || i == n && m != extra {
				t.Fatalf("mailbox %d is out of order", i)
			}
			i++
			got++
		}
		if got != want {
			t.Errorf("took %d mailboxes, want %d", got, want)
		}
	}
	d.close()
	if d.take() != nil {
		t.Error("took a mailbox from an empty list")
	}
}
