package api

import (
	"net/http"
	"strings"
	"testing"
)

func TestAcceptsGzip(t *testing.T) {
	for _, tt := range []struct {
		values string // of several headers, separated by |
		want   bool
	}{
		{"", false},
		{"gzip", true},
		{"GZip", true},
		{"x-gzip", true},
		{"br, gzip", true},
		{"br|deflate, gzip", true},
		{"gzip;q=0", false},
		{"gzip; q=0.000", false},
		{"gzip;q=0.001", true},
		{"gzip ; Q=0.5 , br", true},
		{"gzip;q=0.5, identity;q=1", false},
		{"gzip;q=1, identity;q=0.5", true},
		{"*", true},
		{"*;q=0", false},
		{"*;q=0, gzip", true},
		{"gzip;q=0, *", false},
		{"identity", false},
		{"br", false},
		{"gzipped", false},
		{"gzip;q=two", false},
		{"gzip;q=2", false},
		{"gzip;q=-1", false},
		{"gzip;q=NaN", false},
		{";;,,;q", false},
	} {
		if got := acceptsGzip(strings.Split(tt.values, "|")); got != tt.want {
			t.Errorf("%q: %t, want %t", tt.values, got, tt.want)
		}
	}
}

// What is large is compressed for who takes that, and is the same.
func TestGzip(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	plain := f.get(t, "/api/v1/events")
	wantHeaders(t, plain, "Content-Encoding: ", "Vary: Origin, Accept-Encoding", "Content-Type: application/json")
	packed := f.get(t, "/api/v1/events", "Accept-Encoding: br, gzip;q=0.8")
	wantHeaders(t, packed, "Content-Encoding: gzip", "Vary: Origin, Accept-Encoding", "Content-Type: application/json")
	if got := string(unpack(t, []byte(packed.body))); got != plain.body {
		t.Errorf("compressed it is %s", got)
	}
	if len(packed.body) > len(plain.body)/2 {
		t.Errorf("%d bytes became %d", len(plain.body), len(packed.body))
	}
	// A weak validator is of both forms.
	wantHeaders(t, packed, "ETag: "+plain.Header.Get("ETag"))
	wantHeaders(t, f.get(t, "/api/v1/events/1", "Accept-Encoding: gzip"), "Content-Encoding: ", "Vary: Origin, Accept-Encoding")
}

// Who has an answer is not sent it again, until it changes.
func TestNotModified(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	const target = "/api/v1/messages?limit=2"
	tag := f.get(t, target).Header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("the validator is %q", tag)
	}
	for _, have := range []string{tag, strings.TrimPrefix(tag, "W/"), `"other", ` + tag, "*", `"other"|` + tag} {
		var headers []string
		for value := range strings.SplitSeq(have, "|") {
			headers = append(headers, "If-None-Match: "+value)
		}
		a := f.get(t, target, headers...)
		if a.StatusCode != http.StatusNotModified || a.body != "" {
			t.Errorf("If-None-Match: %s = %d %q, want 304", have, a.StatusCode, a.body)
		}
		wantHeaders(t, a, "ETag: "+tag, "Cache-Control: no-cache", "Vary: Origin, Accept-Encoding", "Content-Type: ")
	}
	for _, have := range []string{`"other"`, "", `W/"`, tag[:len(tag)-2] + `"`} {
		if a := f.get(t, target, "If-None-Match: "+have); a.StatusCode != http.StatusOK {
			t.Errorf("If-None-Match: %s = %d, want 200", have, a.StatusCode)
		}
	}
	f.add(t, message("m9"))
	if a := f.get(t, target, "If-None-Match: "+tag); a.StatusCode != http.StatusOK || a.Header.Get("ETag") == tag {
		t.Errorf("after a change: %d with the validator %s", a.StatusCode, a.Header.Get("ETag"))
	}
	// An error has no validator.
	wantHeaders(t, f.get(t, "/api/v1/messages/m0", "If-None-Match: *"), "ETag: ", "Cache-Control: no-store")
}
