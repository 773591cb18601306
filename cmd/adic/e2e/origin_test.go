package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// A page of another origin gets nothing from the router unless cors_origins has
// that origin, and then everything.
func TestChromiumCrossOrigin(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<!doctype html><title>Another site</title><link rel=icon href=data:,>"))
	}))
	t.Cleanup(site.Close)
	for name, test := range map[string]struct {
		flags   []string
		allowed bool
		want    []string
	}{
		"refused": {
			flags: nil,
			want:  []string{"EventSource: refused", "WebSocket: closed 1006", "polling: refused", "publishing: refused"},
		},
		"another one allowed": {
			flags: []string{"--api.cors_origins", "https://example.org"},
			want:  []string{"EventSource: refused", "WebSocket: closed 1006", "polling: refused", "publishing: refused"},
		},
		"allowed": {
			flags:   []string{"--api.cors_origins", "https://example.org," + site.URL},
			allowed: true,
			want:    []string{"EventSource: answered", "WebSocket: answered", "polling: 200 true", `publishing: 202 {"accepted":0}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, test.flags...)
			p := browser(t, site.URL, "crossorigin.js", map[string]any{"http": r.http(), "ws": r.ws(), "token": publishToken})
			var got []string
			eventually(t, "all was tried", func() bool {
				got = nil
				for _, r := range p.records(t) {
					if r.Type == "Tried" {
						got = append(got, r.Text)
					}
				}
				return len(got) >= len(test.want)
			})
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if n := count(p.records(t), "ConsoleError"); test.allowed && n > 0 {
				t.Errorf("%d errors on the console", n)
			}
		})
	}
}
