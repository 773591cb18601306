package e2e

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startOdd starts a router as startRouter does, through another program or none,
// and with flags for the port only. Its end and its log are up to the test.
func startOdd(t *testing.T, through []string, flags ...string) *router {
	t.Helper()
	command := slices.Concat(through, []string{adic(), "serve", "--api.host", "127.0.0.1", "--api.port", "0", "--log.format", "json"}, flags)
	r := &router{process: start(t, command[0], command[1:]...)}
	eventually(t, "the router serves", func() bool {
		r.mustRun(t)
		if line := r.find(t, "serving"); line != nil {
			r.addr = line.Address
		}
		return r.addr != ""
	})
	return r
}

// find returns the last line of the log with the message, or nil.
func (r *router) find(t *testing.T, message string) *logLine {
	t.Helper()
	for _, l := range slices.Backward(r.log(t)) {
		if l.Message == message {
			return &l
		}
	}
	return nil
}

// status returns the answer to a request, and what it said.
func (r *router) status(t *testing.T, method, path, body string, headers ...string) (status int, h http.Header, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.http()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK && res.Header.Get("Content-Type") == "text/event-stream" {
		return res.StatusCode, res.Header, "" // which has no end
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, text.String()
}

// After SIGTERM the router takes nothing new, and says so on a port that stays
// open; it delivers what it has accepted, closes its clients one after the other
// over drain_timeout, and ends well.
func TestTermination(t *testing.T) {
	t.Parallel()
	const drain = 3 * time.Second
	r := startRouter(t, "--stream.drain_timeout", drain.String())
	var sockets []*socket
	for range 20 {
		sockets = append(sockets, openSocket(t, r, "?"+filter))
	}
	curl := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", sseURL(r.addr))
	eventually(t, "the event stream is open", func() bool { return len(curl.stdout.lines()) > 0 })
	silent, err := net.Dial("tcp", r.addr) // asks for nothing, and is no reason to fail
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	f := newFeed(r)
	f.publish(t, 500)
	r.signal(syscall.SIGTERM)
	eventually(t, "the router drains", func() bool { return r.find(t, "draining") != nil })

	for path, want := range map[string]int{
		"/health/ready":        http.StatusServiceUnavailable,
		"/v1/health/streaming": http.StatusServiceUnavailable,
		"/v1/sse/events":       http.StatusServiceUnavailable,
		"/health/live":         http.StatusOK,
		"/metrics":             http.StatusOK,
		"/v1/events":           http.StatusOK, // what is retained can still be had
	} {
		if got, _, answer := r.status(t, "GET", path, ""); got != want {
			t.Errorf("GET %s was answered with %d %s, want %d", path, got, answer, want)
		}
	}
	if _, _, answer := r.status(t, "GET", "/v1/health/streaming", ""); !strings.Contains(answer, `"status":"draining"`) {
		t.Errorf("streaming health is %s", answer)
	}
	status, headers, answer := r.status(t, "POST", "/v1/events", `{"type":"TipsUpdated"}`, "Authorization: Bearer "+publishToken)
	if status != http.StatusServiceUnavailable || headers.Get("Retry-After") == "" {
		t.Errorf("publishing was answered with %d %s, Retry-After %q", status, answer, headers.Get("Retry-After"))
	}
	if res := refused(t, r); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a new WebSocket was answered with %s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	if r.ended() {
		t.Fatal("the router ended before its clients were closed")
	}

	first, last := time.Time{}, time.Time{}
	for _, s := range sockets {
		s.await(t)
		if s.code != 1001 {
			t.Errorf("a client was closed with %d, want 1001", s.code)
		}
		f.awaitIn(t, func() []record { return s.records(t) })
		if first.IsZero() || s.ended.Before(first) {
			first = s.ended
		}
		if s.ended.After(last) {
			last = s.ended
		}
	}
	early := 0
	for _, s := range sockets {
		if s.ended.Sub(first) < drain/3 {
			early++
		}
	}
	t.Logf("%d of %d clients were closed in the first third of %v, the last after %v", early, len(sockets), drain, last.Sub(first))
	if early > len(sockets)/2 || last.Sub(first) < drain/2 {
		t.Error("the clients were not closed evenly")
	}
	f.awaitIn(t, func() []record { return parseSSE(t, curl.stdout.lines()) })

	<-r.done
	if r.err != nil {
		t.Errorf("the router ended with %v", r.err)
	}
}

// A second signal ends a drain at once, whoever is still there.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			t.Parallel()
			r := startOdd(t, nil, "--stream.drain_timeout", "1h")
			sockets := []*socket{openSocket(t, r, ""), openSocket(t, r, "")}
			silent, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			r.signal(syscall.SIGTERM)
			eventually(t, "the router drains", func() bool { return r.find(t, "draining") != nil })
			r.mustRun(t)
			r.signal(second)
			select {
			case <-r.done:
			case <-time.After(4 * time.Second): // less than what a shutdown waits for requests to end
				t.Fatal("the router goes on draining")
			}
			var exit *exec.ExitError
			if !errors.As(r.err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("the router ended with %v, want exit status 1", r.err)
			}
			lines := r.stderr.lines()
			if last := lines[len(lines)-1]; last != "adic: stopped at once by a second signal" {
				t.Errorf("its last words are %q", last)
			}
			for _, s := range sockets {
				s.await(t)
			}
		})
	}
}
