package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

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
			io.WriteString(w, `{"events":[],"cursor":"c0","dropped":null}`)
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

// sseText is the events with these numbers as a router sends them.
func sseText(numbers ...int) string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, "id: c%d\nevent: X\ndata: {\"n\":%d}\n\n", n, n)
	}
	return b.String()
}

// followed is what a follower leaves behind.
type followed struct {
	err    error
	out    string
	errors string
	waits  []time.Duration
}

// follow runs a follower without waiting between its connections.
func (s *streamingRouter) follow(t *testing.T, since string, count uint64) followed {
	t.Helper()
	var out, problems bytes.Buffer
	var result followed
	f := &follower{
		client: s.Client(), router: parseURL(t, s.URL), query: url.Values{"events": {"all"}}, since: since,
		printer: &jsonPrinter{&out, &problems},
		notice:  func(format string, args ...any) { fmt.Fprintf(&problems, format+"\n", args...) },
		sleep: func(_ context.Context, d time.Duration) error {
			result.waits = append(result.waits, d)
			if len(result.waits) > 20 {
				return errors.New("it does not end")
			}
			return nil
		},
	}
	result.err = f.follow(t.Context(), count)
	result.out, result.errors = out.String(), problems.String()
	return result
}

func numbers(events ...int) string {
	var b strings.Builder
	for _, n := range events {
		fmt.Fprintf(&b, "{\"n\":%d}\n", n)
	}
	return b.String()
}

// The promise of the command: a connection that breaks in the middle of an
// event costs nothing and repeats nothing.
func TestTailResumes(t *testing.T) {
	router := newStreamingRouter(t,
		stream("retry: 2000\n\n"+sseText(1, 2)+"id: c3\nevent: X\ndata: {\"n\"", true),
		answer(503, "7", `{"error":"draining"}`),
		stream(": heartbeat\n\n", true),
		stream(sseText(3, 4), false),
		stream(sseText(5), false),
	)
	got := router.follow(t, "", 5)
	if got.err != nil || got.out != numbers(1, 2, 3, 4, 5) {
		t.Errorf("got %v and\n%s", got.err, got.out)
	}
	want := []string{
		"/v1/events?events=all",
		"/v1/sse/events?events=all c0", // from where it stood when it began
		"/v1/sse/events?events=all c2",
		"/v1/sse/events?events=all c2",
		"/v1/sse/events?events=all c2",
		"/v1/sse/events?events=all c4",
	}
	if !slices.Equal(router.requests, want) {
		t.Errorf("requests\n%s\nwant\n%s", strings.Join(router.requests, "\n"), strings.Join(want, "\n"))
	}
	for i, bounds := range [][2]time.Duration{
		{2 * time.Second, 2 * time.Second}, // retry: 2000
		{7 * time.Second, 7 * time.Second}, // Retry-After
		{4 * time.Second, 8 * time.Second}, // the third failure in a row
		{time.Second, 2 * time.Second},     // an event has come, and it starts again
	} {
		if i >= len(got.waits) || got.waits[i] < bounds[0] || got.waits[i] > bounds[1] {
			t.Errorf("waited for %v, want the %dth between %v and %v", got.waits, i, bounds[0], bounds[1])
		}
	}
	for _, want := range []string{"lost the connection: unexpected EOF; trying again in 2s", "503 Service Unavailable: draining; trying again in 7s", "the router closed the connection"} {
		if !strings.Contains(got.errors, want) {
			t.Errorf("reported\n%swant %q among it", got.errors, want)
		}
	}
}

func TestTailSince(t *testing.T) {
	router := newStreamingRouter(t, stream("", true), stream(sseText(8), true), stream(sseText(9), true))
	if got := router.follow(t, "c7", 2); got.err != nil || got.out != numbers(8, 9) {
		t.Errorf("got %v and\n%s", got.err, got.out)
	}
	want := []string{
		"/v1/sse/events?events=all&since=c7",
		"/v1/sse/events?events=all&since=c7", // there was no event to go on from
		"/v1/sse/events?events=all c8",
	}
	if !slices.Equal(router.requests, want) {
		t.Errorf("requests\n%s\nwant\n%s", strings.Join(router.requests, "\n"), strings.Join(want, "\n"))
	}
}

func TestTailReportsLosses(t *testing.T) {
	const lagged = `{"type":"Lagged","dropped":{"high":0,"medium":3,"low":120}}`
	router := newStreamingRouter(t, stream(sseText(1)+"event: Lagged\ndata: "+lagged+"\n\n"+sseText(2), true))
	got := router.follow(t, "", 2)
	if got.err != nil || got.out != numbers(1, 2) || got.errors != lagged+"\n" {
		t.Errorf("got %v, events\n%sand reports\n%s", got.err, got.out, got.errors)
	}
}

func TestTailFinalAnswers(t *testing.T) {
	page := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") }
	for _, test := range []struct {
		name   string
		script http.HandlerFunc
		want   string
	}{
		{"unknown type", answer(400, "", `{"error":"unknown event type \"Nope\u001b\""}`), `400 Bad Request: unknown event type "Nope\x1b"`},
		{"wrong token", answer(401, "", `{"error":"wrong token"}`), "401 Unauthorized: wrong token"},
		{"another server", answer(404, "", "404 page not found\n"), "404 Not Found: 404 page not found"},
		{"told to stop", answer(204, "", ""), "204 No Content"},
		{"no stream", page, "does not answer with an event stream: is it a router?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := newStreamingRouter(t, test.script).follow(t, "earliest", 0)
			if got.err == nil || !strings.Contains(got.err.Error(), test.want) || len(got.waits) > 0 {
				t.Errorf("got %v after waiting %v, want %q at once", got.err, got.waits, test.want)
			}
		})
	}
}

func TestTailGoesOnAfterPassingTroubles(t *testing.T) {
	router := newStreamingRouter(t,
		answer(429, "90", `{"error":"slow down"}`), answer(502, "", "<html>"), answer(500, "", ""), stream(sseText(1), false))
	got := router.follow(t, "earliest", 1)
	if got.err != nil || got.out != numbers(1) || len(got.waits) != 3 || got.waits[0] != 90*time.Second {
		t.Errorf("got %v and %q after waiting %v", got.err, got.out, got.waits)
	}
}

func TestBackoff(t *testing.T) {
	for failures, longest := range map[int]time.Duration{
		0: 2 * time.Second, 1: 4 * time.Second, 4: 32 * time.Second, 5: time.Minute, 6: time.Minute, 1000: time.Minute,
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			wait := backoff(failures)
			if wait < longest/2 || wait > longest {
				t.Fatalf("waits %v after %d failures, want between half of %v and the whole", wait, failures, longest)
			}
			seen[wait] = true
		}
		if len(seen) < 50 {
			t.Errorf("only %d different times in 100, want jitter", len(seen))
		}
	}
}

func TestTailCommand(t *testing.T) {
	const text = "id: c1\nevent: MessageAdded\ndata: {\"type\":\"MessageAdded\",\"message_id\":\"ab12\",\"depth\":42,\"timestamp\":\"2024-01-15T10:30:00Z\"}\n\n"
	router := newStreamingRouter(t, func(w http.ResponseWriter, r *http.Request) {
		if accepts := r.Header.Get("Accept-Encoding"); accepts != "" {
			t.Errorf("accepts %s, which may hold events back until there are enough to compress", accepts)
		}
		stream(text, false)(w, r)
	})
	r := adic(t, nil, "tail", router.URL, "--count", "1", "--events", "MessageAdded,vrf.*", "--priority", "high", "--token", "hush-hush")
	r.check(t, 0)
	if !strings.Contains(r.stdout, "high   MessageAdded             message_id=ab12 depth=42\n") || strings.Contains(r.stdout, "\x1b") || r.stderr != "" {
		t.Errorf("printed %q and %q", r.stdout, r.stderr)
	}
	want := []string{
		"/v1/events?events=MessageAdded%2Cvrf.%2A&priority=high  Bearer hush-hush",
		"/v1/sse/events?events=MessageAdded%2Cvrf.%2A&priority=high c0 Bearer hush-hush",
		"/v1/events/types  Bearer hush-hush",
	}
	if !slices.Equal(router.requests, want) {
		t.Errorf("requests\n%s\nwant\n%s", strings.Join(router.requests, "\n"), strings.Join(want, "\n"))
	}

	router.requests = nil
	r = adic(t, nil, "tail", router.URL+"/v1/sse/events", "--count=1", "--json", "--format=tagged", "--since=earliest")
	r.check(t, 0)
	if want := strings.TrimSuffix(strings.SplitAfterN(text, "data: ", 2)[1], "\n"); r.stdout != want {
		t.Errorf("printed %q, want %q", r.stdout, want)
	}
	if want := []string{"/v1/sse/events?format=tagged&since=earliest"}; !slices.Equal(router.requests, want) {
		t.Errorf("requests %q, want %q", router.requests, want)
	}
}

func TestTailCommandFails(t *testing.T) {
	router := newStreamingRouter(t, answer(400, "", `{"error":"unknown event type \"Nope\""}`))
	r := adic(t, nil, "tail", router.URL, "--events", "Nope")
	r.check(t, statusFailure, "adic: the router answered 400 Bad Request: unknown event type \"Nope\"\n")
	if strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("printed %q, want the error once", r.stderr)
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
	if status := run(ctx, []string{"tail", router.URL, "--json"}, nil, &stdout, &stderr); status != statusInterrupted || stderr.Len() > 0 {
		t.Errorf("exit status %d, printed %q", status, stderr.String())
	}
}

func TestUseColor(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	if useColor(&bytes.Buffer{}, tailOptions{}) {
		t.Error("colours where there is no terminal")
	}
}
