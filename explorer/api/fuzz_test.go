package api

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
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
	f.Fuzz(func(t *testing.T, path, query, accept string) { front.survives(t, path, query, accept) })
}

// The same with requests that are nearly right, which is where mistakes are.
func TestNearlyRightRequests(t *testing.T) {
	front := newFront(t)
	front.add(t, network)
	var paths []string
	for _, r := range routes {
		paths = append(paths, r.path)
	}
	pieces := rapid.SampledFrom([]string{"m1", "v1", "p%2F1", "/", "..", "%", "%00", "%ff", "%2f", "1", "-1", "a", "ü", " ", "+", "'", "\"", "<", "{", ";"})
	texts := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(pieces, 0, 4).Draw(t, "pieces"), "") })
	names := rapid.SampledFrom([]string{"limit", "cursor", "order", "from", "to", "types", "state", "deposit", "status", "kind", "metric", "step", "q", "x"})
	values := rapid.OneOf(texts, rapid.SampledFrom([]string{
		"", "1", "1000", "0", "newest", "oldest", "all", "MessageAdded", "vrf.*", "added", "escrowed", "message", "tips", "tips,events", "10s", "8784h", "60",
		"0000-01-01T00:00:00Z", "2026-01-31T12:00:00Z", "9999-12-31T23:59:59Z", "2026-01-31T12:00:00%2B01:00", "AQ", "%2541",
	}), rapid.String())
	rapid.Check(t, func(rt *rapid.T) {
		path := rapid.SampledFrom(paths).Draw(rt, "path")
		if before, _, named := strings.Cut(path, "{"); named || rapid.Bool().Draw(rt, "more") {
			path = before + texts.Draw(rt, "identifier")
		}
		var query []string
		for range rapid.IntRange(0, 4).Draw(rt, "parameters") {
			query = append(query, names.Draw(rt, "name")+"="+values.Draw(rt, "value"))
		}
		front.survives(t, path, strings.Join(query, "&"), rapid.SampledFrom([]string{"", "gzip", "text/html", "*"}).Draw(rt, "accept"))
	})
}

// survives asks for anything.
func (f *front) survives(t *testing.T, path, query, accept string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	u, err := url.ParseRequestURI(path)
	if err != nil {
		u = &url.URL{Path: path} // no server passes it on, and it must not matter
	}
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, query
	for _, name := range []string{"Accept", "Accept-Encoding", "If-None-Match", "Origin"} {
		r.Header.Set(name, accept)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	a := answered{w.Result(), w.Body.String()}
	f.conforms(t, r, a)
	if a.StatusCode >= 500 || a.StatusCode < 200 {
		t.Fatalf("%q with %q is answered with %d %s\n%s", path, query, a.StatusCode, a.body, f.log)
	}
	plain := []byte(a.body)
	if a.Header.Get("Content-Encoding") == "gzip" {
		plain = unpack(t, plain)
	}
	if strings.HasPrefix(r.URL.EscapedPath(), "/api/") && len(plain) > 0 && !json.Valid(plain) {
		t.Errorf("%q with %q is answered with %q", path, query, plain)
	}
}
