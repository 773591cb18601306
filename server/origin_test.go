package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

func TestOrigins(t *testing.T) {
	listed := []string{"https://app.example.org", "https://*.example.net", "http://localhost:3000", "*.example.com", "*.example.com:8443"}
	tests := []struct {
		name    string
		origins []string // api.cors_origins
		host    string
		origin  string
		allowed bool
	}{
		{"no browser", nil, "router.example", "", true},
		{"same origin", nil, "router.example", "https://router.example", true},
		{"same origin without TLS", nil, "router.example", "http://router.example", true},
		{"same origin and port", nil, "router.example:9121", "http://router.example:9121", true},
		{"same origin, the host with the default port", nil, "router.example:443", "https://router.example", true},
		{"same origin, the origin with the default port", nil, "router.example", "http://router.example:80", true},
		{"same origin in another case", nil, "Router.Example", "https://router.example", true},
		{"same origin by address", nil, "[::1]:9121", "http://[::1]:9121", true},
		{"another port of the same host", nil, "router.example:9121", "http://router.example:3000", false},
		{"the default port of another scheme", nil, "router.example:443", "http://router.example", false},
		{"another scheme than the web's", nil, "router.example", "chrome-extension://router.example", false},
		{"foreign", nil, "router.example", "https://elsewhere.example", false},
		{"foreign with the same beginning", nil, "router.example", "https://router.example.elsewhere.example", false},
		{"null", nil, "router.example", "null", false},
		{"no origin at all", nil, "router.example", "garbage", false},

		{"listed", listed, "router.example", "https://app.example.org", true},
		{"listed with a port", listed, "router.example", "http://localhost:3000", true},
		{"same origin beside a list", listed, "router.example", "https://router.example", true},
		{"listed, but another scheme", listed, "router.example", "http://app.example.org", false},
		{"listed, but another port", listed, "router.example", "https://app.example.org:8443", false},
		{"below what is listed", listed, "router.example", "https://a.app.example.org", false},
		{"below a wildcard", listed, "router.example", "https://a.example.net", true},
		{"deep below a wildcard", listed, "router.example", "https://a.b.example.net", true},
		{"the domain of a wildcard itself", listed, "router.example", "https://example.net", false},
		{"a wildcard and another scheme", listed, "router.example", "http://a.example.net", false},
		{"a wildcard and another port", listed, "router.example", "https://a.example.net:8443", false},
		{"ends like a wildcard", listed, "router.example", "https://evilexample.net", false},
		{"begins like a wildcard", listed, "router.example", "https://a.example.net.elsewhere.example", false},
		{"below a wildcard without a scheme", listed, "router.example", "https://a.example.com", true},
		{"the same and a port", listed, "router.example", "https://a.example.com:8443", true},
		{"the same and another port", listed, "router.example", "https://a.example.com:9443", false},
		{"the same without encryption", listed, "router.example", "http://a.example.com", false},
		{"the domain of a wildcard without a scheme", listed, "router.example", "https://example.com", false},
		{"ends like a wildcard without a scheme", listed, "router.example", "https://evilexample.com", false},
		{"null beside a list", listed, "router.example", "null", false},

		{"any", []string{"*"}, "router.example", "https://elsewhere.example", true},
		{"any, with a port", []string{"*"}, "router.example", "http://localhost:5173", true},
		{"any, by address", []string{"*"}, "router.example", "http://[::1]:5173", true},
		{"any, of an extension", []string{"*"}, "router.example", "chrome-extension://abcdefgh", true},
		{"markup is no origin", []string{"*"}, "router.example", "https://<script>", false},
		{"a path is no host", listed, "router.example", "https://elsewhere.example/.example.net", false},
		{"far too long for an origin", []string{"*"}, "router.example", "https://" + strings.Repeat("a", 300), false},
		{"null is no origin", []string{"*"}, "router.example", "null", false},
	}
	f := startFront(t, overTCP)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.reload(t, func(c *config.Config) { c.API.CORSOrigins = tt.origins })
			headers := []string{"Host: " + tt.host}
			shared := "" // Access-Control-Allow-Origin
			if tt.origin != "" {
				headers = append(headers, "Origin: "+tt.origin)
				if tt.allowed && !strings.HasPrefix(tt.name, "same origin") {
					shared = tt.origin
				}
			}
			check := func(what string, res *http.Response, body string, status int) {
				t.Helper()
				if !tt.allowed && status != http.StatusOK {
					wantError(t, res, body, http.StatusForbidden, "api.cors_origins")
				} else if res.StatusCode != status {
					t.Errorf("%s = %d %s, want %d", what, res.StatusCode, body, status)
				}
				vary := "Origin"
				if what == "GET /" {
					vary = "Origin, Accept-Encoding"
				}
				wantHeaders(t, res, "Vary: "+vary, "Access-Control-Allow-Origin: "+shared)
			}
			// What streams and what publishes is for the origins that are allowed ...
			guarded := http.StatusBadRequest // of a request that is let in
			for _, path := range []string{"/v1/sse/events", "/v1/events"} {
				res, body := f.request(t, "GET", path+"?format=xml", "", headers...)
				check("GET "+path, res, body, guarded)
			}
			for _, path := range []string{"/v1/ws/events", "/"} {
				res, body := f.request(t, "GET", path+"?format=xml", "", append(upgradeHeaders, headers...)...)
				check("handshake on "+path, res, body, guarded)
			}
			res, body := f.request(t, "POST", "/v1/events", messageAdded("a"), append(headers, bearer)...)
			check("POST", res, body, http.StatusAccepted)
			// ... and the rest is for everyone.
			for _, path := range []string{"/", "/v1/events/types", "/v1/health/streaming", "/health/live", "/metrics"} {
				res, body := f.request(t, "GET", path, "", headers...)
				check("GET "+path, res, body, http.StatusOK)
			}
		})
	}
}

func TestStreamsTellTheBrowserThatTheyAreShared(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.API.CORSOrigins = []string{"https://app.example.org"} })
	c := f.dial(t)
	c.send("GET /v1/sse/events HTTP/1.1\r\nHost: router\r\nOrigin: https://app.example.org\r\n\r\n")
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status = %d, want 200", res.StatusCode)
	}
	wantHeaders(t, res, "Access-Control-Allow-Origin: https://app.example.org", "Vary: Origin")

	ws := f.dial(t)
	ws.send("GET /v1/ws/events HTTP/1.1\r\nHost: router\r\nOrigin: https://app.example.org\r\n" + strings.Join(upgradeHeaders, "\r\n") + "\r\n\r\n")
	if res, err = http.ReadResponse(ws.in, nil); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("status = %d, want 101", res.StatusCode)
	}
}

// A script must be able to read why its request failed.
func TestErrorsAreSharedAsWell(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) {
		c.API.CORSOrigins = []string{"https://app.example.org"}
		c.Stream.MaxBodySize = 1 << 10
	})
	tests := []struct {
		name, method, path, body string
		status                   int
	}{
		{"not found", "GET", "/nowhere", "", 404},
		{"method", "PUT", "/v1/events", "", 405},
		{"credentials", "POST", "/v1/events", messageAdded("a"), 401},
		{"body", "POST", "/v1/events", strings.Repeat(" ", 2<<10), 413},
		{"parameter", "GET", "/v1/sse/events?format=xml", "", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := f.request(t, tt.method, tt.path, tt.body, "Origin: https://app.example.org")
			wantError(t, res, body, tt.status)
			wantHeaders(t, res, "Access-Control-Allow-Origin: https://app.example.org", "Vary: Origin")
			if tt.status == http.StatusUnauthorized {
				wantHeaders(t, res, "WWW-Authenticate: Bearer realm=\"adic\"")
			}
		})
	}
	t.Run("panic", func(t *testing.T) {
		f.Server.parser = nil
		res, body := f.request(t, "POST", "/v1/events", messageAdded("a"), bearer, "Origin: https://app.example.org")
		wantError(t, res, body, 500)
		wantHeaders(t, res, "Access-Control-Allow-Origin: https://app.example.org", "Vary: Origin")
	})
}

func TestPreflight(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.API.CORSOrigins = []string{"https://app.example.org"} })
	preflight := func(path, origin string) (*http.Response, string) {
		return f.request(t, "OPTIONS", path, "", "Origin: "+origin,
			"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization, content-type")
	}
	for _, path := range []string{"/v1/events", "/v1/sse/events", "/v1/events/types"} {
		res, body := preflight(path, "https://app.example.org")
		if res.StatusCode != http.StatusNoContent || body != "" {
			t.Errorf("%s: %d %q, want 204", path, res.StatusCode, body)
		}
		wantHeaders(t, res, "Access-Control-Allow-Origin: https://app.example.org", "Vary: Origin", "Access-Control-Max-Age: 600")
		if methods := res.Header.Get("Access-Control-Allow-Methods"); strings.Contains(methods, "POST") != (path == "/v1/events") {
			t.Errorf("%s: methods are %s", path, methods)
		}
		for _, name := range []string{"Authorization", "Content-Type", "Last-Event-ID"} {
			if names := res.Header.Get("Access-Control-Allow-Headers"); !strings.Contains(names, name) {
				t.Errorf("%s: %s is not among the headers %s", path, name, names)
			}
		}
		res, body = preflight(path, "https://elsewhere.example")
		wantError(t, res, body, http.StatusForbidden, "api.cors_origins")
		wantHeaders(t, res, "Access-Control-Allow-Origin: ", "Access-Control-Allow-Methods: ", "Vary: Origin")
	}
	if got := f.metric(t, `adic_rejections_total{reason="foreign_origin"}`); got != "3" {
		t.Errorf("counted %s, want 3", got)
	}
}

// reload changes the configuration of a front that is running.
func (f *front) reload(t *testing.T, change func(*config.Config)) {
	t.Helper()
	cfg := *f.Server.config.Load()
	change(&cfg)
	if err := f.Reload(cfg); err != nil {
		t.Fatal(err)
	}
}

// The origins can change while the router runs.
func TestReloadOfOrigins(t *testing.T) {
	f := startFront(t, overTCP)
	const origin = "Origin: https://app.example.org"
	res, body := f.request(t, "GET", "/v1/events", "", origin)
	wantError(t, res, body, http.StatusForbidden)
	f.reload(t, func(c *config.Config) { c.API.CORSOrigins = []string{"https://app.example.org"} })
	if res, body := f.request(t, "GET", "/v1/events", "", origin); res.StatusCode != http.StatusOK {
		t.Errorf("after the reload: %d %s, want 200", res.StatusCode, body)
	}
}
