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
	"time"

	"github.com/fasthttp/websocket"
)

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
