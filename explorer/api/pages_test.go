package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/web"
)

// Every address of a page has the shell, and what the shell loads is there: relative to
// the address, also below a path of a proxy.
func TestPages(t *testing.T) {
	f := newFront(t)
	for _, target := range []string{"/", "/messages", "/messages/m1", "/messages/a%2Fb", "/addresses", "/addresses/v1", "/validators", "/proposals",
		"/proposals/p%2F1", "/timeline/x", "/events", "/events/7", "/search?q=a&anything=goes"} {
		a := f.get(t, target)
		if a.StatusCode != http.StatusOK {
			t.Fatalf("GET %s = %d, want 200", target, a.StatusCode)
		}
		wantShell(t, f, a, target)
	}
}

func wantShell(t *testing.T, f *front, a answered, target string) {
	t.Helper()
	wantHeaders(t, a, "Content-Type: text/html; charset=utf-8", "Content-Security-Policy: "+web.Policy, "X-Frame-Options: DENY",
		"Referrer-Policy: no-referrer", "Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Resource-Policy: same-origin", "Cache-Control: no-cache")
	loads := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(a.body, -1)
	if len(loads) != 2 {
		t.Fatalf("the shell is %s", a.body)
	}
	const prefix = "/below/a/proxy"
	for _, load := range loads {
		base, err := url.Parse(prefix + target)
		if err != nil {
			t.Fatal(err)
		}
		at, err := base.Parse(load[1])
		if err != nil {
			t.Fatal(err)
		}
		path, ok := strings.CutPrefix(at.Path, prefix)
		if file := f.get(t, path); !ok || file.StatusCode != http.StatusOK {
			t.Errorf("%s loads %s, which is not there", target, at)
		}
	}
}

// A browser is shown a page for what is not there, and programs are told in JSON.
func TestUnknownPages(t *testing.T) {
	f := newFront(t)
	const browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	for _, target := range []string{"/nothing", "/messages/", "/messages/a/b", "/a/b/c/d", "/Messages", "/health/x"} {
		a := f.get(t, target, browser)
		if a.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", target, a.StatusCode)
		}
		wantShell(t, f, a, target)
		wantHeaders(t, a, "Vary: Origin, Accept, Accept-Encoding", "ETag: ")
		a = f.get(t, target, "Accept: */*")
		wantError(t, a, http.StatusNotFound)
		wantHeaders(t, a, "Vary: Origin, Accept")
		wantError(t, f.ask(t, "POST", target, browser), http.StatusNotFound)
	}
	// Where there are no pages, nobody is shown one.
	for _, target := range []string{"/api/v1/nothing", "/api", "/assets/nothing.js"} {
		wantError(t, f.get(t, target, browser), http.StatusNotFound)
	}
	bare := newFront(t, func(o *Options) { o.Pages = nil })
	for _, target := range []string{"/", "/messages", "/nothing", "/assets/parts.css"} {
		wantError(t, bare.get(t, target, browser), http.StatusNotFound, "no such path")
	}
}

// Files are served as they are, plain and compressed, and not again to who has them.
func TestAssets(t *testing.T) {
	f := newFront(t)
	for name, asset := range f.assets {
		if name == Index {
			continue
		}
		target := "/assets/" + name
		plain := f.get(t, target)
		if plain.StatusCode != http.StatusOK || plain.body != string(asset.Body) {
			t.Errorf("GET %s = %d with %d bytes", target, plain.StatusCode, len(plain.body))
		}
		wantHeaders(t, plain, "Content-Type: "+asset.Type, "Cache-Control: no-cache", "Content-Encoding: ", "ETag: "+asset.ETag,
			"Cross-Origin-Resource-Policy: same-origin", "Vary: Origin, Accept-Encoding")
		packed := f.get(t, target, "Accept-Encoding: gzip")
		wantHeaders(t, packed, "Content-Encoding: gzip", "ETag: "+asset.GzipETag)
		if got := string(unpack(t, []byte(packed.body))); got != plain.body {
			t.Errorf("%s: unpacked %d bytes, want %d", target, len(got), len(plain.body))
		}
		for _, tag := range []string{asset.ETag, "W/" + asset.ETag} {
			if a := f.get(t, target, "If-None-Match: "+tag); a.StatusCode != http.StatusNotModified || a.body != "" {
				t.Errorf("%s with If-None-Match: %s = %d with %d bytes", target, tag, a.StatusCode, len(a.body))
			}
		}
		if a := f.get(t, target, "If-None-Match: "+asset.GzipETag); a.StatusCode != http.StatusOK {
			t.Errorf("%s for who has it compressed = %d, want 200", target, a.StatusCode)
		}
	}
}

func TestPagesThatCannotBeServed(t *testing.T) {
	for name, tt := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"without a shell":   {fstest.MapFS{"main.js": {}}, "lack index.html"},
		"of an odd type":    {fstest.MapFS{"index.html": {}, "a.exe": {}}, "a.exe"},
		"with a taken name": {fstest.MapFS{"index.html": {}, "parts.css": {}}, "parts.css"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Metrics: metrics.NewSet(), Pages: tt.files})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
}
