package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

// A site answers what is not the router's own; the streams go on as without one.
func TestSite(t *testing.T) {
	f := startFrontWith(t, overTCP, slog.New(slog.DiscardHandler), func(o *Options) {
		o.Site = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Site", "yes")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprintf(w, "%s %s %v", r.Method, r.URL.EscapedPath(), r.Context().Err())
		})
	})
	for _, test := range []struct {
		method, path string
		site         bool
		status       int
	}{
		{"GET", "/", true, http.StatusTeapot},
		{"GET", "/assets/main.js", true, http.StatusTeapot},
		{"POST", "/api/v1/messages", true, http.StatusTeapot},
		{"GET", "/api/v1/timeline/a%2Fb%20c", true, http.StatusTeapot},
		{"GET", "/health", true, http.StatusTeapot},
		{"GET", "/health/streaming", true, http.StatusTeapot},
		{"GET", "/health/live", false, http.StatusOK},
		{"GET", "/health/ready", false, http.StatusOK},
		{"GET", "/metrics", false, http.StatusOK},
		{"GET", "/v1/events", false, http.StatusOK},
		{"GET", "/v1/events/types", false, http.StatusOK},
		{"GET", "/v1/nothing", false, http.StatusNotFound},
		{"GET", "/v1/ws/events", false, http.StatusUpgradeRequired},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			res, body := f.request(t, test.method, test.path, "")
			if res.StatusCode != test.status || (res.Header.Get("X-Site") == "yes") != test.site {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			if want := test.method + " " + test.path + " <nil>"; test.site && body != want {
				t.Errorf("the site got %q, want %q", body, want)
			}
		})
	}
	f.publish(t, `{"type":"TipsUpdated","tips":[],"count":1}`)
	if _, body := f.get(t, "/v1/events?since=earliest"); !strings.Contains(body, `"count":1`) {
		t.Errorf("polling: %s", body)
	}
	// fasthttp takes this for a path.
	c := f.dial(t)
	c.send("GET /api/%zz HTTP/1.1\r\nHost: x\r\n\r\n")
	c.expectError(http.StatusBadRequest)
}

// What is below /api can be asked for as often as the limit says.
func TestSiteIsLimited(t *testing.T) {
	f := startFrontWith(t, overTCP, slog.New(slog.DiscardHandler), func(o *Options) {
		o.Site = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	}, func(c *config.Config) { c.Limits.RequestsPerSecond = 1 })
	for range 2 {
		if res, _ := f.get(t, "/api/v1/stats"); res.StatusCode != http.StatusNoContent {
			t.Fatalf("%d", res.StatusCode)
		}
	}
	eventually(t, "it is refused", func() bool {
		res, body := f.get(t, "/api/v1/stats")
		return res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "" && strings.Contains(body, "limits.requests_per_second")
	})
	if res, _ := f.get(t, "/messages"); res.StatusCode != http.StatusNoContent {
		t.Errorf("a page is answered with %d", res.StatusCode)
	}
}

// A site that panics closes no connection but its own, and the rest goes on.
func TestSitePanics(t *testing.T) {
	f := startFrontWith(t, overTCP, slog.New(slog.DiscardHandler), func(o *Options) {
		o.Site = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("for the test") })
	})
	c := f.dial(t)
	c.send("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if res, err := io.ReadAll(c.in); err == nil && !strings.Contains(string(res), " 500 ") {
		t.Errorf("%q, %v", res, err)
	}
	if res, _ := f.get(t, "/health/live"); res.StatusCode != http.StatusOK {
		t.Errorf("%d after a panic", res.StatusCode)
	}
}
