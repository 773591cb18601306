package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/adic-network/router/web"
)

// An answer is what becomes of one request. It is written once, and whole.
type answer struct {
	w      http.ResponseWriter
	r      *http.Request
	status int // 0 until it is written
}

const (
	jsonType = "application/json"
	// worthGzip is the least size in bytes of a body that is compressed.
	worthGzip = 1 << 10
)

// encodeJSON returns v as a line of JSON in which markup is as it is.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot encode the answer: %w", err)
	}
	return b.Bytes(), nil
}

// sendJSON sends v. An error is of its encoding, and nothing was sent.
func (a *answer) sendJSON(status int, v any) error {
	body, err := encodeJSON(v)
	if err != nil {
		return err
	}
	a.send(status, jsonType, body)
	return nil
}

// send sends a body that was made for this request, compressed if the client takes that
// and it is worth it. Its validator is a weak one (RFC 9110 §8.8.3), and so the same in
// either form.
func (a *answer) send(status int, contentType string, body []byte) {
	head := a.w.Header()
	head.Add("Vary", "Accept-Encoding")
	if status == http.StatusOK {
		sum := sha256.Sum256(body)
		if a.has(`W/"` + hex.EncodeToString(sum[:8]) + `"`) {
			return
		}
	}
	if len(body) >= worthGzip && acceptsGzip(a.r.Header.Values("Accept-Encoding")) {
		head.Set("Content-Encoding", "gzip")
		body = compress(body)
	}
	a.write(status, contentType, body)
}

// sendAsset sends a file in the form that the client takes. Each form has a validator.
func (a *answer) sendAsset(asset web.Asset) {
	head := a.w.Header()
	head.Add("Vary", "Accept-Encoding")
	// A file of another version may not meet this page: ask, and be told 304.
	head.Set("Cache-Control", "no-cache")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	body, tag := asset.Body, asset.ETag
	packed := acceptsGzip(a.r.Header.Values("Accept-Encoding"))
	if packed {
		body, tag = asset.Gzip, asset.GzipETag
	}
	if a.has(tag) {
		return
	}
	if packed {
		head.Set("Content-Encoding", "gzip")
	}
	a.write(http.StatusOK, asset.Type, body)
}

// has sets the validator, and answers a client that has what it stands for.
func (a *answer) has(tag string) bool {
	a.w.Header().Set("ETag", tag)
	if !noneMatch(a.r.Header.Values("If-None-Match"), tag) {
		a.status = http.StatusNotModified
		a.w.WriteHeader(a.status)
		return true
	}
	return false
}

// refuse sends an error.
func (a *answer) refuse(status int, text string) {
	if a.status != 0 {
		return // it went out before
	}
	body, err := encodeJSON(failure{text})
	if err != nil {
		panic(err) // a struct of a string: cannot happen
	}
	a.w.Header().Set("Cache-Control", "no-store")
	a.write(status, jsonType, body)
}

// failure is the body of every error.
type failure struct {
	Error string `json:"error"`
}

// unavailable sends an error that is likely to pass.
func (a *answer) unavailable(text string) {
	a.w.Header().Set("Retry-After", "5") // seconds
	a.refuse(http.StatusServiceUnavailable, text)
}

func (a *answer) write(status int, contentType string, body []byte) {
	head := a.w.Header()
	head.Set("Content-Type", contentType)
	head.Set("Content-Length", strconv.Itoa(len(body)))
	a.status = status
	a.w.WriteHeader(status)
	if a.r.Method != http.MethodHead {
		_, _ = a.w.Write(body) // the client may have left
	}
}

// gzips are compressors that are not in use.
var gzips = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := gzips.Get().(*gzip.Writer)
	defer gzips.Put(w)
	w.Reset(&b)
	// Writing to a buffer cannot fail.
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}
