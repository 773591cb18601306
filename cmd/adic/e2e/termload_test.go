package e2e

import (
	"syscall"
	"testing"
	"time"
)

// SIGTERM under load: readers get all that was answered with 202, each close is
// told, they are spread over drain_timeout, and the status is 0.
func TestTerminationUnderLoad(t *testing.T) {
	const drain = 3 * time.Second
	r := startRouter(t, "--stream.drain_timeout", drain.String(), "--events.high_priority_buffer", "60000")
	c := newCrowd(t, r.addr)
	c.follow(t, 60)
	c.visit(4)
	c.publish(4)
	eventually(t, "events are published", func() bool { return c.count() >= 2000 })
	r.signal(syscall.SIGTERM)
	eventually(t, "the router has ended", r.ended)
	if r.err != nil {
		t.Errorf("the router ended with %v", r.err)
	}
	eventually(t, "all streams have ended", func() bool {
		for _, f := range c.followers {
			f.mu.Lock()
			n := len(f.ends)
			f.mu.Unlock()
			if n == 0 {
				return false
			}
		}
		return true
	})
	c.leave()
	c.wantAll(t)
	t.Logf("%d events were accepted", len(c.accepted))
	for i, f := range c.followers {
		switch e := f.ends[0]; {
		case i%2 == 0 && e.code != 1001:
			t.Errorf("client %d was closed with %d", i, e.code)
		case i%2 == 1 && e.retry == 2*time.Second: // which was said at the start
			t.Errorf("client %d was not told when to come back", i)
		}
	}
	wantSpread(t, c, 0, drain)
}
