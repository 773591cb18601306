package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A survivor is a client that resumes from its last cursor whenever it loses the
// router, wherever that is by then. It asks for everything from the beginning.
type survivor struct {
	transport string
	at        *address
	cancel    context.CancelFunc
	done      chan struct{}

	mu     sync.Mutex
	cursor string
	seqs   map[string][]int // by class, as they came
	seen   map[int]bool
	wrong  []string
}

func survive(t *testing.T, transport string, at *address) *survivor {
	ctx, cancel := context.WithCancel(t.Context())
	f := &survivor{transport: transport, at: at, cancel: cancel, done: make(chan struct{}), cursor: "earliest",
		seqs: make(map[string][]int), seen: make(map[int]bool)}
	once := map[string]func(context.Context) error{"WebSocket": f.webSocket, "SSE": f.sse, "polling": f.poll}[transport]
	go func() {
		defer close(f.done)
		for ctx.Err() == nil {
			// The router is killed all the time: what is wrong is in f.wrong.
			_ = once(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond): // as a client would
			}
		}
	}()
	t.Cleanup(f.stop)
	return f
}

func (f *survivor) stop() {
	f.cancel()
	<-f.done
}

func (f *survivor) url(scheme, path string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%s://%s%s&since=%s", scheme, f.at.get(), path, url.QueryEscape(f.cursor))
}

// take takes an event in.
func (f *survivor) take(cursor string, event []byte) {
	var e sample
	if err := json.Unmarshal(event, &e); err != nil {
		f.fail("not an event: %v: %s", err, event)
		return
	}
	f.mu.Lock()
	again := f.seen[e.Seq]
	f.cursor, f.seen[e.Seq] = cursor, true
	class := classOf(e.Type)
	f.seqs[class] = append(f.seqs[class], e.Seq)
	f.mu.Unlock()
	if again {
		f.fail("event %d came twice", e.Seq)
	}
}

func (f *survivor) fail(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// check fails the test for what went wrong so far.
func (f *survivor) check(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrong) > 0 {
		t.Fatalf("%s: %s", f.transport, strings.Join(f.wrong[:min(len(f.wrong), 10)], "\n"))
	}
}

func (f *survivor) has(seqs []int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !slices.ContainsFunc(seqs, func(seq int) bool { return !f.seen[seq] })
}

// received returns what has come, by class and in order.
func (f *survivor) received() (seqs [3][]int, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, class := range []string{"high", "medium", "low"} {
		seqs[i] = slices.Clone(f.seqs[class])
		total += len(seqs[i])
	}
	return seqs, total
}

func (f *survivor) webSocket(ctx context.Context) error {
	conn, _, err := dialer.DialContext(ctx, f.url("ws", "/v1/ws/events?ids=true"), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		var m struct {
			Type, ID string
			Event    json.RawMessage
		}
		if err := json.Unmarshal(text, &m); err != nil {
			f.fail("not a message: %v: %s", err, text)
		}
		switch m.Type {
		case "Event":
			f.take(m.ID, m.Event)
		case "Subscribed":
		default:
			f.fail("got %s", text)
		}
	}
}

func (f *survivor) sse(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url("http", "/v1/sse/events?heartbeat=true"), nil)
	if err != nil {
		return err
	}
	res, err := streams.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	id, name := "", ""
	lines := bufio.NewScanner(res.Body)
	var data string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = value
		case "":
			// An event counts when the empty line behind it has come.
			if name == "Lagged" {
				f.fail("got %s", data)
			} else if data != "" {
				f.take(id, []byte(data))
			}
			id, name, data = "", "", ""
		}
	}
	return lines.Err()
}

// resumable is a page of polling as far as a survivor reads it.
type resumable struct {
	Events []struct {
		ID    string
		Event json.RawMessage
	}
	Cursor  string
	Dropped json.RawMessage
}

func (f *survivor) poll(ctx context.Context) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url("http", "/v1/events?ids=true&limit=200&wait=1"), nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		var page resumable
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d, %w", res.StatusCode, err)
		}
		if string(page.Dropped) != "null" {
			f.fail("dropped: %s", page.Dropped)
		}
		for _, e := range page.Events {
			f.take(e.ID, e.Event)
		}
		f.mu.Lock()
		f.cursor = page.Cursor
		f.mu.Unlock()
	}
}
