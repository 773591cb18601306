package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// A crowd publishes to, follows and visits one address without a pause, whatever
// becomes of the router behind it, and checks what it sees.
type crowd struct {
	addr string
	work sync.WaitGroup
	stop context.CancelFunc
	ctx  context.Context

	loud    atomic.Bool // publishers and visitors go on
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

// A follower is a client that resumes by cursor each time its stream ends.
type follower struct {
	crowd  *crowd
	cursor string

	mu     sync.Mutex
	seen   map[int]int // how often each event came
	opened int
	lost   int // Lagged messages that say that the stream is another one
	wrong  []string
	ends   []end
	retry  time.Duration // of SSE, the last one told
}

// An end is how a stream ended.
type end struct {
	at    time.Time
	code  int           // of a WebSocket
	retry time.Duration // of SSE
}

func newCrowd(t *testing.T, addr string) *crowd {
	c := &crowd{addr: addr, accepted: make(map[int]bool), unknown: make(map[int]bool)}
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

// webSocket follows until the stream ends.
func (f *follower) webSocket() {
	url := "ws://" + f.crowd.addr + "/v1/ws/events?events=MessageAdded&ids=true&since=" + f.cursor
	conn, res, err := dialer.DialContext(f.crowd.ctx, url, nil)
	status := 0
	if res != nil {
		status, err = res.StatusCode, nil
	}
	if conn != nil {
		defer conn.Close()
	}
	if !f.crowd.note("WebSocket", status, err) {
		pause(f.crowd.ctx)
		return
	}
	defer context.AfterFunc(f.crowd.ctx, func() { conn.Close() })()
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			code := websocket.CloseAbnormalClosure
			if closed := new(websocket.CloseError); errors.As(err, &closed) {
				code = closed.Code
			}
			f.ended(end{code: code})
			return
		}
		var message struct {
			Type, ID string
			Event    sample
			Dropped  map[string]*int
		}
		if err := json.Unmarshal(text, &message); err != nil {
			f.complain("received %s", text)
			continue
		}
		f.received(message.Type, message.ID, message.Event.Seq, message.Dropped)
	}
}

// sse follows until the stream ends, and then waits as long as it was told.
func (f *follower) sse() {
	req, err := http.NewRequestWithContext(f.crowd.ctx, http.MethodGet, "http://"+f.crowd.addr+"/v1/sse/events?events=MessageAdded", nil)
	if err != nil {
		f.complain("%v", err)
		return
	}
	if f.cursor != "" {
		req.Header.Set("Last-Event-ID", f.cursor)
	}
	res, err := streams.Do(req)
	status := 0
	if res != nil {
		defer res.Body.Close()
		status = res.StatusCode
	}
	if !f.crowd.note("SSE", status, err) {
		pause(f.crowd.ctx)
		return
	}
	f.received("Subscribed", "", 0, nil)
	var id, name string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "retry":
			ms, err := strconv.Atoi(value)
			if err != nil {
				f.complain("retry is %q", value)
			}
			f.retry = time.Duration(ms) * time.Millisecond
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			var data struct {
				Seq     int
				Dropped map[string]*int
			}
			if err := json.Unmarshal([]byte(value), &data); err != nil {
				f.complain("received %s", value)
			}
			if name == "Lagged" {
				f.received(name, "", 0, data.Dropped)
			} else {
				f.received("Event", id, data.Seq, nil)
			}
		}
	}
	f.ended(end{retry: f.retry})
	select {
	case <-time.After(f.retry):
	case <-f.crowd.ctx.Done():
	}
}

// streams makes the requests of SSE, which take as long as they take.
var streams = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func pause(ctx context.Context) {
	select {
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
	}
}

func (f *follower) received(kind, id string, seq int, dropped map[string]*int) {
	switch kind {
	case "Subscribed":
		f.mu.Lock()
		f.opened++
		f.mu.Unlock()
	case "Event":
		f.mu.Lock()
		f.seen[seq]++
		f.mu.Unlock()
		f.cursor = id
	case "Lagged":
		if dropped["high"] != nil || dropped["medium"] != nil || dropped["low"] != nil {
			f.complain("lost events: %v", dropped)
			return
		}
		f.mu.Lock()
		f.lost++
		f.mu.Unlock()
	default:
		f.complain("received a message of type %s", kind)
	}
}

func (f *follower) ended(e end) {
	if f.crowd.ctx.Err() != nil {
		return
	}
	e.at = time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends = append(f.ends, e)
}

func (f *follower) complain(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
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
				breathe(c.ctx)
			}
		})
	}
}

// breathe keeps a busy client from taking the machine for itself.
func breathe(ctx context.Context) {
	select {
	case <-time.After(5 * time.Millisecond):
	case <-ctx.Done():
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
				breathe(c.ctx)
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
