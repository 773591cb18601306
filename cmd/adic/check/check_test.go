package check

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSkew(t *testing.T) {
	from := time.Date(2026, 1, 2, 3, 4, 5, 800e6, time.UTC)
	to := from.Add(400 * time.Millisecond) // 06.2
	for _, test := range []struct {
		date string
		want time.Duration
	}{
		{"03:04:05", 0},
		{"03:04:06", 0},
		{"03:04:07", 800 * time.Millisecond},
		{"03:04:04", -800 * time.Millisecond},
		{"03:05:06", time.Minute - 200*time.Millisecond},
	} {
		date, err := time.Parse(time.DateTime, "2026-01-02 "+test.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := skew(date, from, to); got != test.want {
			t.Errorf("%s: %v, want %v", test.date, got, test.want)
		}
	}
}

// Who asks for some checks gets those, and the one that they build on.
func TestOnly(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range Run(t.Context(), Options{Router: u, Patience: time.Second, Only: []string{"ready", "health"}}, nil) {
		names = append(names, r.Check)
	}
	if want := []string{"reachable", "ready", "health"}; !slices.Equal(names, want) {
		t.Errorf("checked %q, want %q", names, want)
	}
}

// A server that is nothing of a router: each check fails or is skipped, none hangs, and
// each failure says what to do.
func TestServersThatAreNoRouters(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"answers everything with a page":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"answers everything with an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"never answers":                    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"begins to answer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"redirects in a circle": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"has no end":            func(w http.ResponseWriter, r *http.Request) { endless(w, r) },
		"says what a terminal would obey": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"\u001b[31m`+strings.Repeat("x", 1000)+`"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			router, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Router: router, Hold: 20 * time.Millisecond, Connections: 2, Patience: 100 * time.Millisecond}
			told := 0
			found := Run(t.Context(), o, func(Result) { told++ })
			if told != len(found) || len(found) != len(checks) {
				t.Errorf("%d results, %d told, of %d checks", len(found), told, len(checks))
			}
			bad := 0
			for _, r := range found {
				if len(r.Found) > 1000 {
					t.Errorf("%s: %d bytes long", r.Check, len(r.Found))
				}
				if r.Status == Failed {
					if bad++; r.Remedy == "" {
						t.Errorf("no remedy: %+v", r)
					}
				}
			}
			if bad == 0 {
				t.Errorf("nothing failed: %+v", found)
			}
		})
	}
}

// An explorer is recognised, and whether events reach it.
func TestExplorers(t *testing.T) {
	for _, test := range []struct {
		page   string
		status Status
		says   string
	}{
		{`{"error":"no such path"}`, Skipped, "no explorer"},
		{`{"enabled":true,"reasons":[],"connection":{"mode":"websocket","status":"connected"}}`, OK, "websocket"},
		{`{"enabled":false,"reasons":[],"connection":{"mode":"polling","status":"connected"}}`, Warning, "ENABLE_EVENT_STREAMING"},
		{`{"enabled":true,"reasons":["the disk is full"],"connection":{"mode":"sse","status":"connected"}}`, Warning, "the disk is full"},
		{`{"enabled":true,"reasons":["connection refused"],"connection":{"mode":"sse","status":"disconnected"}}`, Failed, "ADIC_NODE_URL"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, test.page) }))
		router, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		for _, found := range Run(t.Context(), Options{Router: router, Patience: time.Second}, nil) {
			if found.Check == "explorer" {
				r = found
			}
		}
		server.Close()
		if r.Status != test.status || !strings.Contains(r.Found+r.Remedy, test.says) {
			t.Errorf("%s: %+v, want %s and %q", test.page, r, test.status, test.says)
		}
	}
}

// endless writes until the client has gone.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 32<<10)); err != nil {
			return
		}
	}
}

func TestInterruptedChecksAreSkipped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range Run(ctx, Options{Router: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, Patience: time.Second}, nil) {
		if r.Status != Skipped {
			t.Errorf("%+v", r)
		}
	}
}

func TestKernelSettings(t *testing.T) {
	root := t.TempDir()
	write := func(file, text string) {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := readKernel(root); r.Status != Skipped {
		t.Errorf("of a system that says nothing: %+v", r)
	}
	write("net/core/somaxconn", "4096\n")
	if r := readKernel(root); r.Status != OK {
		t.Errorf("%+v", r)
	}
	write("net/core/somaxconn", "128\n")
	if r := readKernel(root); r.Status != Warning || !strings.Contains(r.Found, "net.core.somaxconn is 128") || r.Remedy == "" {
		t.Errorf("%+v", r)
	}
}
