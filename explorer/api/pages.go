package api

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/adic-network/router/web"
)

const (
	// Index is the name of the shell of all pages among the files of the frontend.
	Index = "index.html"
	// assetPath is where the files are that it loads.
	assetPath = "/assets/"
)

// pageAssets returns the files of a frontend.
func pageAssets(files fs.FS) (map[string]web.Asset, error) {
	assets, err := web.Assets(files)
	if err != nil {
		return nil, err
	}
	if _, ok := assets[Index]; !ok {
		return nil, fmt.Errorf("the pages lack %s", Index)
	}
	return assets, nil
}

// asset returns the file at a path.
func (h *Handler) asset(path string) (web.Asset, bool) {
	name, ok := strings.CutPrefix(path, assetPath)
	if !ok || name == Index {
		return web.Asset{}, false
	}
	asset, ok := h.assets[name]
	return asset, ok
}

// page sends the shell, whose script shows what the path stands for.
func (h *Handler) page(a *answer, path string, status int) {
	head := a.w.Header()
	head.Set("Content-Security-Policy", web.Policy)
	head.Set("X-Frame-Options", "DENY") // frame-ancestors for older browsers
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-cache")
	shell := h.assets[Index]
	a.send(status, shell.Type, relocate(shell.Body, path))
}

// relocate makes what a page loads from assets/ right for a page at path. It stays
// relative, so that a proxy may have all of the explorer below a path of its own.
func relocate(shell []byte, path string) []byte {
	up := strings.Repeat("../", max(0, strings.Count(path, "/")-1))
	return []byte(strings.ReplaceAll(string(shell), `="assets/`, `="`+up+`assets/`))
}
