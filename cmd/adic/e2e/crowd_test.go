package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A crowd publishes to, follows and visits one address without a pause, whatever
// becomes of the router behind it, and checks what it sees.
type crowd struct {
	addr string
	work sync.WaitGroup
	stop context.CancelFunc
	ctx  context.Context

	pace    time.Duration // between two requests of a publisher or visitor
	loud    atomic.Bool   // they go on
	callers sync.WaitGroup

	mu        sync.Mutex
	accepted  map[int]bool // numbers of the events that were answered with 202
	unknown   map[int]bool // of those that may have been taken
	sent      int
	refused   []string // connections that were not made or not answered
	turned    int      // requests answered with 503
	visits    int
	followers []*follower
}

func newCrowd(t *testing.T, addr string) *crowd {
	c := &crowd{addr: addr, pace: 5 * time.Millisecond, accepted: make(map[int]bool), unknown: make(map[int]bool)}
	c.loud.Store(true)
	c.ctx, c.stop = context.WithCancel(t.Context())
	t.Cleanup(c.leave)
	return c
}

// leave ends everybody.
func (c *crowd) leave() {
	c.stop()
	c.work.Wait()
	c.callers.Wait()
}

// hush ends publishers and visitors once their last requests are answered.
func (c *crowd) hush(t *testing.T) {
	t.Helper()
	c.loud.Store(false)
	done := make(chan struct{})
	go func() { defer close(done); c.callers.Wait() }()
	eventually(t, "the last requests are answered", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

// follow adds n clients of each transport, and returns once their streams are
// open.
func (c *crowd) follow(t *testing.T, n int) {
	t.Helper()
	for i := range 2 * n {
		f := &follower{crowd: c, seen: make(map[int]int)}
		c.followers = append(c.followers, f)
		c.work.Go(func() {
			for c.ctx.Err() == nil {
				if i%2 == 0 {
					f.webSocket()
				} else {
					f.sse()
				}
			}
		})
	}
	c.awaitStreams(t, 1)
}

// awaitStreams waits until each follower has opened its n-th stream.
func (c *crowd) awaitStreams(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("all %d clients have opened stream %d", len(c.followers), n), func() bool {
		for _, f := range c.followers {
			f.mu.Lock()
			opened := f.opened
			f.mu.Unlock()
			if opened < n {
				return false
			}
		}
		return true
	})
}

// note notes the outcome of a request that should have been answered.
func (c *crowd) note(what string, status int, err error) (ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ctx.Err() != nil:
	case err != nil:
		c.refused = append(c.refused, fmt.Sprintf("%s: %v", what, err))
	case status == http.StatusServiceUnavailable:
		c.turned++
	case status >= 300:
		c.refused = append(c.refused, fmt.Sprintf("%s: %d", what, status))
	default:
		return true
	}
	return false
}

// visit adds n visitors, who connect, ask for something and leave.
func (c *crowd) visit(n int) {
	for range n {
		c.callers.Go(func() {
			for c.ctx.Err() == nil && c.loud.Load() {
				status, err := c.request(http.MethodGet, "/health/live", "")
				c.note("GET", status, err)
				c.mu.Lock()
				c.visits++
				c.mu.Unlock()
				c.breathe()
			}
		})
	}
}

// breathe keeps a busy client from taking the machine for itself.
func (c *crowd) breathe() {
	select {
	case <-time.After(c.pace):
	case <-c.ctx.Done():
	}
}

// publish adds n publishers, who connect for every batch, and publish a batch that
// was not taken again.
func (c *crowd) publish(n int) {
	const batch = 10
	for range n {
		c.callers.Go(func() {
			for c.ctx.Err() == nil && c.loud.Load() {
				c.mu.Lock()
				first := c.sent + 1
				c.sent += batch
				c.mu.Unlock()
				var body strings.Builder
				for seq := first; seq < first+batch; seq++ {
					fmt.Fprintf(&body, `{"type":"MessageAdded","message_id":"ab12","depth":42,"seq":%d}`+"\n", seq)
				}
				for c.ctx.Err() == nil {
					status, err := c.request(http.MethodPost, "/v1/events", body.String())
					if c.note("POST", status, err) {
						c.took(c.accepted, first, batch)
						break
					}
					if err != nil {
						c.took(c.unknown, first, batch)
						break
					}
					pause(c.ctx)
				}
				c.breathe()
			}
		})
	}
}

func (c *crowd) took(in map[int]bool, first, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq := first; seq < first+n; seq++ {
		in[seq] = true
	}
}

// request makes a request over a connection of its own.
func (c *crowd) request(method, path, body string) (status int, err error) {
	req, err := http.NewRequestWithContext(c.ctx, method, "http://"+c.addr+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+publishToken)
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// count returns how many events were accepted so far.
func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.accepted)
}

// wantAll waits until each follower has each event that was accepted, and fails the
// test if one came twice, one that was not accepted came, or anything else went
// wrong. Nobody may publish any more.
func (c *crowd) wantAll(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.followers {
		missing := -1
		eventually(t, fmt.Sprintf("client %d has all that was accepted", i), func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			for seq := range c.accepted {
				if f.seen[seq] == 0 {
					if missing < 0 || f.seen[missing] > 0 {
						missing = seq
					}
					return false
				}
			}
			return true
		})
		f.mu.Lock()
		for seq, n := range f.seen {
			if n != 1 || !c.accepted[seq] && !c.unknown[seq] {
				t.Errorf("client %d received event %d %d times, accepted: %v", i, seq, n, c.accepted[seq])
			}
		}
		for _, wrong := range f.wrong {
			t.Errorf("client %d %s", i, wrong)
		}
		f.mu.Unlock()
	}
}
