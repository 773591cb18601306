package api

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequests: whatever is asked for, it is answered as described, and never as an
// internal error.
func FuzzRequests(f *testing.F) {
	front := newFront(f)
	front.add(f, network)
	for path, sample := range samples {
		target, query, _ := strings.Cut(sample, "?")
		f.Add(target, query, "gzip")
		f.Add(path, "limit=1&cursor=AQ", "text/html")
	}
	f.Add("/api/v1/messages/%ff", "%", "gzip;q=0")
	f.Add("*", "", "")
	f.Add("//", "a=1;b=2", ",;")
	f.Add("/api/v1/events", "types=vrf.*&from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z&order=oldest&limit=1000", "*")
	f.Add("/api/v1/stats/series", "metric=events,tips&step=8784h&from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", "")
	f.Add("/api/v1/search", "q=%00%25_*'\"", "")
	f.Fuzz(func(t *testing.T, path, query, accept string) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		u, err := url.ParseRequestURI(path)
		if err != nil {
			u = &url.URL{Path: path} // no server passes it on, and it must not matter
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, query
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set("If-None-Match", accept)
		r.Header.Set("Origin", accept)
		w := httptest.NewRecorder()
		front.ServeHTTP(w, r)
		a := answered{w.Result(), w.Body.String()}
		front.conforms(t, r, a)
		if a.StatusCode >= 500 || a.StatusCode < 200 {
			t.Errorf("%q with %q is answered with %d %s\n%s", path, query, a.StatusCode, a.body, front.log)
		}
		plain := a.body
		if a.Header.Get("Content-Encoding") == "gzip" {
			plain = string(unpack(t, []byte(plain)))
		}
		if strings.HasPrefix(r.URL.EscapedPath(), "/api/") && plain != "" && !json.Valid([]byte(plain)) {
			t.Errorf("%q with %q is answered with %q", path, query, plain)
		}
	})
}
