// Package web makes assets of the files of a web frontend: plain HTML, CSS and ES
// modules, embedded as they are. There is no build step and nothing is loaded from
// elsewhere. The package holds what all frontends share (palette and type scale in
// parts.css, badge, line chart, what modules do with the document) and knows nothing
// of HTTP but what an [Asset] says; who serves it decides the rest.
//
// Modules treat all that comes from a router as untrusted: it gets into a page as
// text only, which [Policy] holds browsers to.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
)

//go:embed *.css *.js *.svg
var shared embed.FS

// Policy is the Content-Security-Policy (CSP Level 3) of a page: its own files and
// its own server, and no way to make markup or script of a string.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// An Asset is one file. It is not to be changed.
type Asset struct {
	Type string // of its content, as a header says it
	Body []byte
	Gzip []byte // the same compressed (RFC 1952)
	// ETag and GzipETag are strong validators (RFC 9110 §8.8.3), with their quotes.
	// Two forms of one file are not the same bytes and have one each.
	ETag, GzipETag string
}

// types of the files that there are. The list of the system may lack some, or be
// wrong.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Assets returns the files at the root of a frontend and those that all share, by
// name, compressed anew at each call. A name that is there twice and a file of a
// type that browsers are not served are errors.
func Assets(frontend fs.FS) (map[string]Asset, error) {
	assets := make(map[string]Asset)
	for _, files := range []fs.FS{shared, frontend} {
		entries, err := fs.ReadDir(files, ".")
		if err != nil {
			return nil, fmt.Errorf("cannot list the files of the page: %w", err)
		}
		for _, entry := range entries {
			name := entry.Name()
			if _, twice := assets[name]; twice {
				return nil, fmt.Errorf("%s is among the shared files too: give the page's own another name", name)
			}
			body, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, fmt.Errorf("cannot read %s of the page: %w", name, err)
			}
			if assets[name], err = newAsset(name, body); err != nil {
				return nil, err
			}
		}
	}
	return assets, nil
}

func newAsset(name string, body []byte) (Asset, error) {
	contentType, ok := types[path.Ext(name)]
	if !ok {
		return Asset{}, fmt.Errorf("%s of the page is of a type that has no Content-Type here", name)
	}
	small, err := compress(body)
	if err != nil {
		return Asset{}, fmt.Errorf("cannot compress %s of the page: %w", name, err)
	}
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:8])
	return Asset{
		Type: contentType, Body: body, Gzip: small,
		ETag: `"` + tag + `"`, GzipETag: `"` + tag + `-gzip"`,
	}, nil
}

func compress(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
