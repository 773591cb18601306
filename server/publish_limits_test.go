package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

func TestPublishLimits(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) {
		c.Stream.MaxEventSize = 1 << 10
		c.Stream.MaxBodySize = 8 << 10
		c.Events.PendingEvents = 20
	})
	padded := func(size int) string { // an event of exactly so many bytes
		return strings.Replace(flatAdded, "ab12", strings.Repeat("x", size-len(flatAdded)+len("ab12")), 1)
	}
	tests := []struct {
		name, body string
		status     int
		parts      []string
		reason     string
	}{
		{"an event of the largest size", padded(1 << 10), 202, nil, ""},
		{"an event over the largest size", padded(1<<10 + 1), 413, []string{"event 0", "1024"}, "event_too_large"},
		{"one of several events", flatAdded + "\n" + padded(1<<10+1), 413, []string{"event 1", "1024"}, "event_too_large"},
		{"a body of the largest size", padded(1<<10) + strings.Repeat("\n", 7<<10), 202, nil, ""},
		{"a body over the largest size", padded(1<<10) + strings.Repeat("\n", 7<<10+1), 413, []string{"8192", "max_body_size"}, "body_too_large"},
		{"as many events as may wait", strings.Repeat(flatAdded+"\n", 20), 202, nil, ""},
		{"more events than may wait", strings.Repeat(flatAdded+"\n", 21), 413, []string{"21 events", "at most 20"}, "event_too_large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eventually(t, "nothing waits", func() bool { return f.router.Status().PendingFull == 0 })
			before := f.rejections(t, tt.reason)
			res, body := f.request(t, "POST", "/v1/events", tt.body, bearer)
			if tt.status == http.StatusAccepted {
				if res.StatusCode != tt.status {
					t.Errorf("status = %d %s, want 202", res.StatusCode, body)
				}
				return
			}
			wantError(t, res, body, tt.status, tt.parts...)
			if got := f.rejections(t, tt.reason); got != before+1 {
				t.Errorf("%s went from %d to %d, want one more", tt.reason, before, got)
			}
		})
	}
}

// rejections is the number of rejections for a reason.
func (f *front) rejections(t *testing.T, reason string) int {
	t.Helper()
	if reason == "" {
		return 0
	}
	n, err := strconv.Atoi(f.metric(t, fmt.Sprintf("adic_rejections_total{reason=%q}", reason)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A client that sends far too much gets its answer, not a connection reset
// under it.
func TestBodyOverTheLimitIsAnswered(t *testing.T) {
	f := startFront(t, overTCP)
	const size = 20 << 20
	body := bytes.Repeat([]byte(" "), size)
	tests := []struct {
		name    string
		body    func() io.Reader
		length  int64
		headers http.Header
	}{
		{"with a length", func() io.Reader { return bytes.NewReader(body) }, size, nil},
		{"in chunks", func() io.Reader { return bytes.NewReader(body) }, -1, nil},
		{"asking first", func() io.Reader { return unread{t} }, size, http.Header{"Expect": {"100-continue"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 5 {
				r, err := http.NewRequest("POST", "http://"+f.addr+"/v1/events", tt.body())
				if err != nil {
					t.Fatal(err)
				}
				r.ContentLength = tt.length
				maps.Copy(r.Header, tt.headers)
				transport := &http.Transport{ExpectContinueTimeout: patience}
				res, err := transport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				wantError(t, res, string(answer), http.StatusRequestEntityTooLarge, "max_body_size")
				transport.CloseIdleConnections()
			}
		})
	}
	t.Run("asking first, and within the limit", func(t *testing.T) {
		c := f.dial(t)
		c.send("POST /v1/events HTTP/1.1\r\nHost: router\r\n" + bearer + "\r\nExpect: 100-continue\r\n" +
			"Content-Length: " + strconv.Itoa(len(flatAdded)) + "\r\n\r\n")
		if res, _ := c.response(); res.StatusCode != http.StatusContinue {
			t.Fatalf("status = %d, want 100", res.StatusCode)
		}
		c.send(flatAdded)
		if res, body := c.response(); res.StatusCode != http.StatusAccepted {
			t.Errorf("status = %d %s, want 202", res.StatusCode, body)
		}
	})
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was sent")
	return 0, io.ErrUnexpectedEOF
}

// When the router cannot keep up, publishers are told to come back, and nothing
// that was acknowledged is lost.
func TestOverload(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP, func(c *config.Config) {
		c.Events.HighPriorityBuffer = 2
		c.Events.PendingEvents = 5
		c.Stream.SendBuffer = 4 << 10
	})
	c := f.dial(t) // and it reads nothing
	c.send("GET /v1/sse/events HTTP/1.1\r\nHost: router\r\n\r\n")
	eventually(t, "the client is there", func() bool { return f.metric(t, "adic_sse_connections") == "1" })
	large := strings.Replace(flatAdded, "ab12", strings.Repeat("x", 100<<10), 1)
	accepted := 0
	for {
		res, body := f.request(t, "POST", "/v1/events", large, bearer)
		if res.StatusCode == http.StatusAccepted {
			if accepted++; accepted == 2000 {
				t.Fatal("2000 events are accepted, though a client reads nothing and only 5 may wait")
			}
			continue
		}
		wantError(t, res, body, http.StatusServiceUnavailable, "again")
		wantHeaders(t, res, "Retry-After: 1")
		break
	}
	if f.rejections(t, "overloaded") == 0 || f.metric(t, `adic_events_refused_total{priority="high"}`) == "0" {
		t.Error("the refusal was not counted")
	}
	eventually(t, "publishing goes on without the client that does not read", func() bool {
		res, _ := f.request(t, "POST", "/v1/events", flatAdded, bearer)
		return res.StatusCode == http.StatusAccepted
	})
	if emitted := f.metric(t, "adic_events_emitted_total"); emitted != strconv.Itoa(accepted+1) {
		t.Errorf("%s events were emitted, %d acknowledged", emitted, accepted+1)
	}
	newest := f.poll(t, "since=earliest").Events
	if !slices.ContainsFunc(newest, func(e json.RawMessage) bool { return string(e) == flatAdded }) {
		t.Error("the last event that was acknowledged is not there")
	}
}
