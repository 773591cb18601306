package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adic-network/router/explorer/store"
)

func TestMethods(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	for _, target := range []string{"/api/v1/events", "/api/v1/messages/m1", "/health", "/health/streaming", "/api/v1/openapi.json", "/", "/messages/m1", "/assets/main.js"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "X"} {
			a := f.ask(t, method, target)
			wantError(t, a, http.StatusMethodNotAllowed, "GET, HEAD, OPTIONS")
			wantHeaders(t, a, "Allow: GET, HEAD, OPTIONS", "Content-Type: application/json")
		}
		a := f.ask(t, "OPTIONS", target)
		if a.StatusCode != http.StatusNoContent || a.body != "" {
			t.Errorf("OPTIONS %s = %d %q, want 204", target, a.StatusCode, a.body)
		}
		wantHeaders(t, a, "Allow: GET, HEAD, OPTIONS")
		whole, head := f.get(t, target), f.ask(t, "HEAD", target)
		if head.StatusCode != whole.StatusCode || head.body != "" {
			t.Errorf("HEAD %s = %d %q", target, head.StatusCode, head.body)
		}
		for name := range whole.Header {
			wantHeaders(t, head, name+": "+strings.Join(whole.Header.Values(name), ", "))
		}
	}
	a := f.ask(t, "HEAD", "/api/v1/messages/m0")
	if a.StatusCode != http.StatusNotFound || a.body != "" {
		t.Errorf("HEAD of what is not there = %d %q", a.StatusCode, a.body)
	}
}

func TestOrigins(t *testing.T) {
	f := newFront(t, func(o *Options) {
		o.Origins = func() []string { return []string{"https://app.example.org", "https://*.example.net"} }
	})
	for _, tt := range []struct {
		origin string
		shared bool // by name; the explorer's own origin needs no header
		own    bool
	}{
		{"https://app.example.org", true, false},
		{"https://a.example.net", true, false},
		{"https://example.net", false, false},
		{"http://app.example.org", false, false},
		{"https://explorer.example", false, true},
		{"http://explorer.example", false, true},
		{"https://elsewhere.example", false, false},
		{"null", false, false},
		{"https://<script>.example.net", false, false},
	} {
		allowed := ""
		if tt.shared {
			allowed = tt.origin
		}
		headers := []string{"Host: explorer.example", "Origin: " + tt.origin}
		for _, target := range []string{"/api/v1/events", "/api/v1/events?limit=0", "/api/v1/events/7", "/api/v1/nothing", "/health", "/"} {
			wantHeaders(t, f.get(t, target, headers...), "Access-Control-Allow-Origin: "+allowed)
		}
		a := f.ask(t, "OPTIONS", "/api/v1/events", append(headers, "Access-Control-Request-Method: GET")...)
		wantHeaders(t, a, "Access-Control-Allow-Origin: "+allowed)
		if !tt.shared && !tt.own {
			wantError(t, a, http.StatusForbidden, "CORS_ORIGINS")
			continue
		}
		if a.StatusCode != http.StatusNoContent {
			t.Errorf("preflight of %s = %d, want 204", tt.origin, a.StatusCode)
		}
		wantHeaders(t, a, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS", "Access-Control-Allow-Headers: Accept, If-None-Match", "Access-Control-Max-Age: 600")
	}
}

func TestNothingThere(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	for _, target := range []string{"/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/messages", "/api/v1/messages/", "/api/v1/messages/m1/", "/api/v1/messages/m1/x",
		"/api/v1/events/1/2", "/api/v1/Messages", "/api/v1//messages", "/api/v1/messages/../tips", "/api/v1/stats/", "/health/", "/health/x", "/assets/", "/assets/nothing.js",
		"/assets/index.html", "/assets/../page.go", "/assets/%2e%2e/page.go", "/index.html", "//", "/metrics"} {
		a := f.get(t, target)
		wantError(t, a, http.StatusNotFound, "no such path", "/api/v1/openapi.json")
	}
	for target, id := range map[string]string{
		"messages/m0": `no message "m0"`, "addresses/nobody": `no address "nobody"`, "proposals/p": `no proposal "p"`,
		"proposals/p/1": "no such path", "events/4711": `no event "4711"`, "timeline/x%2Fy": `"x/y"`,
		"messages/" + strings.Repeat("a", 50): `"` + strings.Repeat("a", 40) + `"…`,
	} {
		wantError(t, f.get(t, "/api/v1/"+target), http.StatusNotFound, id)
	}
}

// failing is a store of which one method does not work.
type failing struct {
	Store
	err func(ctx context.Context) error
}

func (s failing) Tips(ctx context.Context) (store.Tips, error) { return store.Tips{}, s.err(ctx) }

func TestFailuresOfTheStore(t *testing.T) {
	const secret = "dial postgres://user:secret@10.0.0.1"
	for name, tt := range map[string]struct {
		err    error
		status int
		text   string
		logged string
	}{
		"locked":      {fmt.Errorf("cannot read tips: %w: %s", store.ErrUnavailable, secret), 503, "not available", "not available"},
		"damaged":     {errors.New(secret), 500, "internal error", "cannot answer a request"},
		"newer":       {store.ErrNewerSchema, 500, "internal error", "newer version"},
		"too slow":    {context.DeadlineExceeded, 503, "took longer than 10s", "took too long"},
		"client left": {context.Canceled, 503, "the client left", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			f.store = failing{f.store, func(context.Context) error { return tt.err }}
			a := f.get(t, "/api/v1/tips")
			wantError(t, a, tt.status, tt.text)
			if strings.Contains(a.body, "secret") {
				t.Errorf("the answer is %s", a.body)
			}
			retry := ""
			if tt.status == 503 {
				retry = "5"
			}
			wantHeaders(t, a, "Retry-After: "+retry, "Cache-Control: no-store")
			if log := f.log.String(); tt.logged == "" && log != "" || !strings.Contains(log, tt.logged) {
				t.Errorf("the log is %q, want %q in it", log, tt.logged)
			} else if tt.logged != "" && !strings.Contains(log, tt.err.Error()) {
				t.Errorf("the log is %q and lacks the cause", log)
			}
		})
	}
}

// A query ends when the client leaves, and when it takes too long.
func TestQueriesEnd(t *testing.T) {
	f := newFront(t)
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("interrupted (9)") // what a database makes of it
	}
	f.store = failing{f.store, wait}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/v1/tips", nil))
	if w.Code != http.StatusServiceUnavailable || f.log.String() != "" {
		t.Errorf("a client that left was answered with %d, and logged as %q", w.Code, f.log)
	}
	f.queries = 1
	wantError(t, f.get(t, "/api/v1/tips"), http.StatusServiceUnavailable, "took longer than 1ns")
}

func TestPanics(t *testing.T) {
	f := newFront(t)
	f.store = nil
	a := f.get(t, "/api/v1/tips?limit=", "Origin: http://example.com")
	wantError(t, a, http.StatusBadRequest)
	a = f.get(t, "/api/v1/tips")
	wantError(t, a, http.StatusInternalServerError, "internal error")
	if log := f.log.String(); !strings.Contains(log, "internal error in a request") || !strings.Contains(log, "lists.go") {
		t.Errorf("the log is %q", log)
	}
	if n := f.metrics.panics.Get(); n != 1 {
		t.Errorf("counted %d panics, want 1", n)
	}
	// The server's own way to give up a request stays that.
	f.store = failing{nil, func(context.Context) error { panic(http.ErrAbortHandler) }}
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v", got)
		}
	}()
	f.get(t, "/api/v1/tips")
}

// Requests are counted by route, and by nothing that a client chooses.
func TestMetrics(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	families := func() (lines int, text string) {
		var b strings.Builder
		f.set.WritePrometheus(&b)
		return strings.Count(b.String(), "\n"), b.String()
	}
	before, _ := families()
	for i := range 100 {
		f.get(t, fmt.Sprintf("/api/v1/messages/m%d?x%d", i, i))
		f.get(t, fmt.Sprintf("/nothing/%d", i))
		f.get(t, fmt.Sprintf("/messages/%d", i))
		f.ask(t, fmt.Sprint("M", i), "/api/v1/tips")
	}
	f.get(t, "/api/v1/messages/m1")
	f.get(t, "/api/v1/messages/m1", "If-None-Match: *")
	after, text := families()
	if after != before {
		t.Errorf("%d lines of metrics became %d", before, after)
	}
	for _, want := range []string{
		`adic_explorer_http_requests_total{route="/api/v1/messages/{id}",status="2xx"} 1`,
		`adic_explorer_http_requests_total{route="/api/v1/messages/{id}",status="3xx"} 1`,
		`adic_explorer_http_requests_total{route="/api/v1/messages/{id}",status="4xx"} 100`,
		`adic_explorer_http_requests_total{route="/messages/{id}",status="2xx"} 100`,
		`adic_explorer_http_requests_total{route="/api/v1/tips",status="4xx"} 100`,
		`adic_explorer_http_requests_total{route="other",status="4xx"} 100`,
		`adic_explorer_http_request_seconds_count{route="/api/v1/messages/{id}"} 102`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not among the metrics", want)
		}
	}
}
