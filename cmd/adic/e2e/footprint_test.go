//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

// A footprint is what connections take of a router, and have to give back.
type footprint struct {
	webSockets, sse int
	descriptors     int
	goroutines      int
	memory          int64 // resident, in bytes
}

// footprint reads it. It is one of a moment: what it says is to be polled for.
func (r *router) footprint(t *testing.T) footprint {
	t.Helper()
	m := r.metrics(t)
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return footprint{
		webSockets:  int(m["adic_websocket_connections"]),
		sse:         int(m["adic_sse_connections"]),
		descriptors: len(open),
		goroutines:  int(m["go_goroutines"]),
		memory:      residentMemory(t, r.cmd.Process.Pid),
	}
}

// What a footprint may be larger than the one before: requests that are just being
// answered, workers that have not ended yet. The test's own clients are in both.
const (
	spareDescriptors = 8
	spareGoroutines  = 12
)

// wantBack waits until the router is back to what it was before, but for so many
// bytes of memory, which Go gives back late and not to the last page.
func (r *router) wantBack(t *testing.T, before footprint, spareMemory int64) {
	t.Helper()
	var now footprint
	defer func() {
		t.Logf("before: %+v", before)
		t.Logf("after:  %+v", now)
	}()
	eventually(t, "the router has given back what its clients took", func() bool {
		now = r.footprint(t)
		return now.webSockets == before.webSockets && now.sse == before.sse &&
			now.descriptors <= before.descriptors+spareDescriptors &&
			now.goroutines <= before.goroutines+spareGoroutines &&
			now.memory <= before.memory+spareMemory
	})
}

// wantUndisturbed fails the test unless every follower has had one stream all the
// time. wantAll says what it received.
func (c *crowd) wantUndisturbed(t *testing.T) {
	t.Helper()
	for i, f := range c.followers {
		f.mu.Lock()
		if f.opened != 1 || len(f.ends) != 0 || f.lost != 0 {
			t.Errorf("client %d opened %d streams, which ended like %+v", i, f.opened, f.ends)
		}
		f.mu.Unlock()
	}
	for _, what := range c.refused {
		t.Errorf("refused: %s", what)
	}
}
