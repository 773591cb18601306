package server

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/server/page"
	"github.com/adic-network/router/web"
)

// Every file of the page is served as it is, plain and compressed, and not again to
// who has it.
func TestAssets(t *testing.T) {
	assets, err := web.Assets(page.Files)
	if err != nil {
		t.Fatal(err)
	}
	f := startFront(t, overTCP)
	for name, asset := range assets {
		path := assetPath + name
		res, body := f.request(t, "GET", path, "")
		if res.StatusCode != http.StatusOK || body != string(asset.Body) {
			t.Errorf("GET %s = %d with %d bytes, want 200 with %d", path, res.StatusCode, len(body), len(asset.Body))
		}
		wantHeaders(t, res, "Content-Type: "+asset.Type, "Cache-Control: no-cache", "Content-Encoding: ", "ETag: "+asset.ETag,
			"Cross-Origin-Resource-Policy: same-origin", "Vary: Origin, Accept-Encoding")

		res, body = f.request(t, "GET", path, "", "Accept-Encoding: br, gzip")
		wantHeaders(t, res, "Content-Encoding: gzip", "ETag: "+asset.GzipETag)
		unpacked, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(unpacked); err != nil || string(plain) != string(asset.Body) {
			t.Errorf("%s: unpacked %d bytes (%v), want %d", path, len(plain), err, len(asset.Body))
		}
		for _, tag := range []string{asset.ETag, "W/" + asset.ETag} {
			if res, body = f.request(t, "GET", path, "", "If-None-Match: "+tag); res.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("%s with If-None-Match: %s = %d with %d bytes, want 304 without any", path, tag, res.StatusCode, len(body))
			}
		}
		if res, _ = f.request(t, "GET", path, "", "If-None-Match: "+asset.GzipETag); res.StatusCode != http.StatusOK {
			t.Errorf("%s for who has it compressed = %d, want 200", path, res.StatusCode)
		}
	}
	for _, path := range []string{"/assets", "/assets/", "/assets/nothing.js", "/assets/../server.go", "/assets/%2e%2e/page.go", "/index.html"} {
		res, body := f.request(t, "GET", path, "")
		wantError(t, res, body, http.StatusNotFound, "no such path")
	}
}

// Switched off, the page is as if it had never been; a WebSocket on its path goes on.
func TestLivePageIsOff(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.API.LivePage = false })
	for _, path := range []string{"/", "/assets/main.js"} {
		res, body := f.request(t, "GET", path, "")
		wantError(t, res, body, http.StatusNotFound, "api.live_page")
	}
	res, body := f.request(t, "GET", "/?format=xml", "", upgradeHeaders...)
	wantError(t, res, body, http.StatusBadRequest, "format")

	f.reload(t, func(c *config.Config) { c.API.LivePage = true })
	if res, _ := f.request(t, "GET", "/", ""); res.StatusCode != http.StatusOK {
		t.Errorf("switched on again, the page is answered with %d", res.StatusCode)
	}
}
