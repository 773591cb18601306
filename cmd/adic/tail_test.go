package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/adic-network/router/event"
)

// A streamingRouter answers each connection to its SSE endpoint with the next
// of its scripts, and the last one for ever.
type streamingRouter struct {
	*httptest.Server
	scripts  []http.HandlerFunc
	requests []string // "PATH?QUERY Last-Event-ID Authorization" of each
}

func newStreamingRouter(t *testing.T, scripts ...http.HandlerFunc) *streamingRouter {
	s := &streamingRouter{scripts: scripts}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests = append(s.requests, strings.TrimSpace(fmt.Sprint(r.URL, " ", r.Header.Get("Last-Event-ID"), " ", r.Header.Get("Authorization"))))
		switch r.URL.Path {
		case "/v1/events":
			io.WriteString(w, `{"events":[],"cursor":"`+cursor(0)+`","dropped":null}`)
		case "/v1/events/types":
			w.Write(event.Default().JSON())
		case "/v1/sse/events":
			script := s.scripts[0]
			if len(s.scripts) > 1 {
				s.scripts = s.scripts[1:]
			}
			script(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// stream answers with a piece of a stream, and then ends it: cleanly, or by
// cutting the connection.
func stream(text string, cut bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, text)
		if cut {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
}

func answer(status int, retryAfter, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// cursor is a position of the stream that the scripts give.
func cursor(n int) string { return fmt.Sprintf("00000000abcd-%x-0-0", n) }

// sseText is the events with these numbers as a router sends them.
func sseText(numbers ...int) string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, "id: %s\nevent: X\ndata: {\"type\":\"X\",\"n\":%d}\n\n", cursor(n), n)
	}
	return b.String()
}

func numbers(events ...int) string {
	var b strings.Builder
	for _, n := range events {
		fmt.Fprintf(&b, "{\"type\":\"X\",\"n\":%d}\n", n)
	}
	return b.String()
}

// A connection that breaks in the middle of an event costs nothing and repeats
// nothing; what goes on is said.
func TestTailResumes(t *testing.T) {
	router := newStreamingRouter(t,
		stream(sseText(1, 2)+"id: "+cursor(3)+"\nevent: X\ndata: {\"n\"", true),
		answer(503, "1", `{"error":"draining\u001b"}`),
		stream(sseText(3)+"event: Lagged\ndata: "+lagged+"\n\n"+sseText(4), false),
	)
	r := adic(t, nil, "tail", router.URL, "--json", "--count", "4", "--transport", "sse")
	r.check(t, 0)
	if want := numbers(1, 2, 3, 4); r.stdout != want {
		t.Errorf("printed %q, want %q", r.stdout, want)
	}
	want := []string{
		"/v1/events?limit=1",
		"/v1/sse/events?since=" + cursor(0), // from where it stood when it began
		"/v1/sse/events?since=" + cursor(2),
		"/v1/sse/events?since=" + cursor(2),
	}
	if !slices.Equal(router.requests, want) {
		t.Errorf("requests\n%s\nwant\n%s", strings.Join(router.requests, "\n"), strings.Join(want, "\n"))
	}
	for _, want := range []string{"adic: unexpected EOF; trying again\n", `adic: sse: the router answered 503 Service Unavailable: draining\x1b; trying again`, "adic: connected over sse\n", lagged + "\n"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("reported\n%swant %q among it", r.stderr, want)
		}
	}
}

const lagged = `{"type":"Lagged","dropped":{"high":0,"medium":3,"low":120}}`

func TestTailCommand(t *testing.T) {
	text := "id: " + cursor(1) + "\nevent: MessageAdded\ndata: {\"type\":\"MessageAdded\",\"message_id\":\"ab12\",\"depth\":42,\"timestamp\":\"2024-01-15T10:30:00Z\"}\n\n"
	router := newStreamingRouter(t, func(w http.ResponseWriter, r *http.Request) {
		if accepts := r.Header.Get("Accept-Encoding"); accepts != "identity" {
			t.Errorf("accepts %s, which may hold events back until there are enough to compress", accepts)
		}
		stream(text, false)(w, r)
	})
	r := adic(t, nil, "tail", router.URL, "--count", "1", "--events", "MessageAdded,vrf.*", "--priority", "high", "--token", "hush-hush")
	r.check(t, 0)
	if !strings.Contains(r.stdout, "high   MessageAdded             message_id=ab12 depth=42\n") || strings.Contains(r.stdout, "\x1b") || !strings.HasPrefix(r.stderr, "adic: connected over sse\n") {
		t.Errorf("printed %q and %q", r.stdout, r.stderr)
	}
	const filter = "events=MessageAdded%2Cvrf.%2A&"
	want := []string{
		"/v1/events?" + filter + "limit=1&priority=high  Bearer hush-hush",
		"/v1/ws/events?" + filter + "ids=true&priority=high&since=" + cursor(0) + "  Bearer hush-hush",
		"/v1/sse/events?" + filter + "priority=high&since=" + cursor(0) + "  Bearer hush-hush",
		"/v1/events/types  Bearer hush-hush",
	}
	if !slices.Equal(router.requests, want) {
		t.Errorf("requests\n%s\nwant\n%s", strings.Join(router.requests, "\n"), strings.Join(want, "\n"))
	}

	router.requests = nil
	r = adic(t, nil, "tail", router.URL+"/v1/sse/events", "--count=1", "--json", "--format=tagged", "--since=earliest", "--transport=sse")
	r.check(t, 0)
	if want := strings.TrimSuffix(strings.SplitAfterN(text, "data: ", 2)[1], "\n"); r.stdout != want {
		t.Errorf("printed %q, want %q", r.stdout, want)
	}
	if want := []string{"/v1/sse/events?format=tagged&since=earliest"}; !slices.Equal(router.requests, want) {
		t.Errorf("requests %q, want %q", router.requests, want)
	}
}

func TestTailCommandFails(t *testing.T) {
	router := newStreamingRouter(t, answer(400, "", `{"error":"unknown event type \"Nope\u001b\""}`))
	for _, test := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"unknown type", []string{"--events", "Nope", "--since", "earliest"}, statusFailure, "adic: the router answered 400 Bad Request: unknown event type \"Nope\\x1b\"\n"},
		{"no form", []string{"--format", "xml"}, statusUsage, "adic: --format xml: there are flat and tagged"},
		{"no transport", []string{"--transport", "pigeon"}, statusUsage, `adic: there is no transport "pigeon"; there are websocket, sse and polling`},
		{"no cursor", []string{"--since", "yesterday"}, statusUsage, "adic: cannot go on from there: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := adic(t, nil, append([]string{"tail", router.URL}, test.args...)...)
			r.check(t, test.status)
			if !strings.HasPrefix(r.stderr, test.want) {
				t.Errorf("printed %q, want %q", r.stderr, test.want)
			}
		})
	}
}

func TestTailInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	router := newStreamingRouter(t, func(w http.ResponseWriter, r *http.Request) {
		stream(sseText(1), false)(w, r)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	var stdout, stderr strings.Builder
	if status := run(ctx, []string{"tail", router.URL, "--json", "--transport=sse"}, nil, &stdout, &stderr); status != statusInterrupted || stderr.Len() > 0 {
		t.Errorf("exit status %d, printed %q", status, stderr.String())
	}
}

func TestUseColor(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	if useColor(&bytes.Buffer{}, tailOptions{}) {
		t.Error("colours where there is no terminal")
	}
}
